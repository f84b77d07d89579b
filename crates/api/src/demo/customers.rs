//! Bodies of customers: firms and persons, in China and elsewhere.

use chrono::{Days, NaiveDate};
use farley_domain::values::{id::Id, time::Timestamp};
use serde_json::{Value, json};

use super::{
    base::{Base, Owner},
    dice::Dice,
    firms::{TRADES, Trade, chinese_firm, western_firm},
    numbers, persons,
    places::{CITIES, City, Country, TOWNS, Town},
};

const STATUS: [(u32, &str); 3] = [(86, "active"), (11, "inactive"), (3, "blocked")];

const STAGES: [(u32, &str); 6] =
    [(36, "prospect"), (24, "engaged"), (22, "customer"), (9, "repeat"), (6, "dormant"), (3, "lost")];

const SOURCES: [(u32, &str, &str); 8] = [
    (24, "官网", "Website"),
    (18, "展会", "Trade fair"),
    (16, "客户转介绍", "Referral"),
    (12, "电话营销", "Cold call"),
    (10, "渠道伙伴", "Partner"),
    (9, "招投标", "Tender"),
    (7, "社交媒体", "Social media"),
    (4, "市场活动", "Event"),
];

const NOTES: [(&str, &str); 8] = [
    ("每季度末集中下单，交期要求紧。", "Orders at the end of each quarter; short delivery times."),
    ("采购需三家比价，总经理最终审批。", "Buys after three quotes; the managing director signs off."),
    ("现有供应商合同年底到期，可提前接触。", "Contract with the current supplier ends this year."),
    ("对售后响应时间非常看重。", "Cares a great deal about response times of service."),
    ("计划明年扩建新厂区。", "Plans a new plant next year."),
    ("曾反馈价格偏高，注意报价策略。", "Found our prices high; mind the quote."),
    ("老板为校友，关系良好。", "The owner met our CEO at a trade fair."),
    ("需开具增值税专用发票。", "Wants invoices by e-mail only."),
];

const STREETS: [(&str, &str, &str); 12] = [
    ("中山路", "Main Street", "Hauptstraße"),
    ("人民路", "Oak Avenue", "Bahnhofstraße"),
    ("解放路", "Market Street", "Gartenstraße"),
    ("建设大道", "Park Avenue", "Industriestraße"),
    ("科技园路", "Station Road", "Schulstraße"),
    ("创新大道", "High Street", "Lindenstraße"),
    ("工业大道", "Mill Lane", "Goethestraße"),
    ("高新路", "Church Street", "Schillerstraße"),
    ("长江路", "Lake Drive", "Bergstraße"),
    ("黄河路", "River Road", "Marktplatz"),
    ("青年路", "King Street", "Ringstraße"),
    ("文化路", "Union Street", "Am Hafen"),
];

/// Where a customer is.
#[derive(Clone, Copy)]
pub enum Place {
    China(&'static City),
    West(&'static Town),
}

impl Place {
    fn throw(dice: &mut Dice) -> Place {
        if dice.chance(60) { Place::China(dice.weighted(&CITIES)) } else { Place::West(dice.weighted(&TOWNS)) }
    }

    pub fn country(self) -> Country {
        match self {
            Place::China(_) => Country::China,
            Place::West(town) => town.country,
        }
    }

    /// The sales region.
    fn region(self) -> &'static str {
        match self {
            Place::China(city) => city.region,
            Place::West(town) => match town.country {
                Country::China | Country::UnitedStates => "North America",
                Country::UnitedKingdom | Country::Germany => "Europe",
            },
        }
    }

    /// What is said in the customer's language: Chinese there, English elsewhere.
    pub fn say<'t>(self, zh: &'t str, en: &'t str) -> &'t str {
        match self {
            Place::China(_) => zh,
            Place::West(_) => en,
        }
    }

    pub fn mobile(self, dice: &mut Dice) -> String {
        match self {
            Place::China(_) => numbers::chinese_mobile(dice),
            Place::West(town) => numbers::western(dice, town),
        }
    }

    fn landline(self, dice: &mut Dice) -> String {
        match self {
            Place::China(city) => numbers::chinese_landline(dice, city),
            Place::West(town) => numbers::western(dice, town),
        }
    }

    fn address(self, dice: &mut Dice, kind: &str) -> Value {
        let (zh, en, de) = *dice.pick(&STREETS);
        let number = dice.between(1, 300);
        match self {
            Place::China(city) => json!({
                "kind": kind, "country": "CN", "region": city.province, "city": city.name, "district": dice.pick(city.districts),
                "street": format!("{zh}{number}号"), "postal_code": city.postal_code,
            }),
            Place::West(town) => {
                let street = match town.country {
                    Country::Germany => format!("{de} {number}"),
                    Country::China | Country::UnitedStates | Country::UnitedKingdom => format!("{number} {en}"),
                };
                json!({
                    "kind": kind, "country": town.country.code(), "region": town.state, "city": town.name, "street": street,
                    "postal_code": town.postal_code,
                })
            }
        }
    }
}

/// A customer as a client would send it, and what its contacts take after.
pub struct Thrown {
    pub body: Value,
    pub place: Place,
    pub owner: Option<Owner>,
    /// The domain of a firm; none for a person.
    pub domain: Option<String>,
}

/// Makes the customer of a number.
pub fn throw(dice: &mut Dice, base: &Base, number: u64, at: Timestamp, parents: &[Id]) -> Thrown {
    let place = Place::throw(dice);
    let owner = base.owners.get(place.region()).map(|owners| *dice.pick(owners)).filter(|_| dice.chance(95));
    let stage = *dice.weighted(&STAGES);
    let sources = SOURCES.map(|(weight, zh, en)| (weight, place.say(zh, en)));
    let mut body = json!({
        "status": dice.weighted(&STATUS),
        "lifecycle_stage": stage,
        "source": dice.weighted(&sources),
        "region": place.region(),
        "language": place.country().language(),
        "time_zone": place.country().time_zone(),
        "tag_ids": tags(dice, base),
        "custom": custom(dice, stage, at),
    });
    if let Some(owner) = owner {
        body["owner_id"] = owner.user.to_string().into();
        body["team_id"] = owner.team.to_string().into();
    }
    if dice.chance(25) {
        let (zh, en) = *dice.pick(&NOTES);
        body["description"] = place.say(zh, en).into();
    }
    let domain = if dice.chance(14) {
        person(dice, place, at, &mut body);
        None
    } else {
        if !parents.is_empty() && dice.chance(5) {
            body["parent_id"] = dice.pick(parents).to_string().into();
        }
        Some(firm(dice, place, number, at, &mut body))
    };
    Thrown { body, place, owner, domain }
}

fn firm(dice: &mut Dice, place: Place, number: u64, at: Timestamp, body: &mut Value) -> String {
    let trade: &Trade = dice.weighted(&TRADES);
    let name = match place {
        Place::China(city) => {
            body["social_credit_code"] = numbers::social_credit_code(number, city).into();
            chinese_firm(dice, city.name, city.pinyin, trade)
        }
        Place::West(town) => western_firm(dice, town.country, town.name, trade),
    };
    // Few large ones, many small ones; some 200,000 to 1,200,000 a head and year.
    let employees = 10f64.powf(0.7 + 3.3 * dice.share() * dice.share().sqrt());
    let revenue = employees * (200_000.0 + 1_000_000.0 * dice.share());
    body["name"] = name.full.into();
    body["kind"] = "organization".into();
    body["industry"] = place.say(trade.zh_industry, trade.en_industry).into();
    body["founded_year"] = dice.between(1958, 2022).into();
    if dice.chance(30) {
        body["other_names"] = json!([name.short]);
    }
    if dice.chance(90) {
        body["employee_count"] = whole(employees).into();
    }
    if dice.chance(70) {
        // Nobody reports a revenue to the cent.
        body["annual_revenue"] = json!({"amount": whole(revenue / 1000.0) * 100_000, "currency": place.country().currency()});
    }
    if dice.chance(65) {
        body["website"] = format!("https://www.{}", name.domain).into();
    }
    if dice.chance(85) {
        let mailbox = *dice.pick(&["info", "sales", "contact", "office", "purchasing"]);
        body["emails"] = json!([{"value": format!("{mailbox}@{}", name.domain), "label": "work"}]);
    }
    let mut phones = vec![json!({"value": place.landline(dice), "label": "work"})];
    if dice.chance(25) {
        phones.push(json!({"value": place.mobile(dice), "label": "mobile"}));
    }
    distinct(&mut phones);
    body["phones"] = phones.into();
    let mut addresses = vec![place.address(dice, "office")];
    if dice.chance(20) {
        addresses.push(place.address(dice, "shipping"));
    }
    body["addresses"] = addresses.into();
    if dice.chance(40) {
        body["preferred_channel"] = place.say("wecom", "email").into();
    }
    if dice.chance(8) {
        body["birthday"] = (date(at) - Days::new(u64::try_from(dice.between(400, 20_000)).unwrap_or(400))).to_string().into();
    }
    name.domain
}

fn person(dice: &mut Dice, place: Place, at: Timestamp, body: &mut Value) {
    let name = persons::person(dice, place.country());
    body["kind"] = "person".into();
    body["name"] = name.full.into();
    body["phones"] = json!([{"value": place.mobile(dice), "label": "mobile"}]);
    if dice.chance(70) {
        let number = dice.between(1, 9999);
        let provider = place.say("mail.example.cn", "mail.example.com");
        body["emails"] = json!([{"value": format!("{}{number}@{provider}", name.mailbox), "label": "home"}]);
    }
    if dice.chance(80) {
        body["addresses"] = json!([place.address(dice, "home")]);
    }
    if dice.chance(50) {
        let age = Days::new(u64::try_from(dice.between(20 * 365, 75 * 365)).unwrap_or(0));
        body["birthday"] = (date(at) - age).to_string().into();
    }
    body["preferred_channel"] = place.say("wechat", "phone").into();
}

/// Two numbers drawn alike are one.
fn distinct(phones: &mut Vec<Value>) {
    phones.dedup_by(|second, first| second["value"] == first["value"]);
}

pub fn tags(dice: &mut Dice, base: &Base) -> Value {
    let mut tags: Vec<String> = Vec::new();
    for _ in 0..*dice.weighted(&[(62, 0), (26, 1), (12, 2)]) {
        let tag = dice.pick(&base.tags).to_string();
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags.into()
}

fn custom(dice: &mut Dice, stage: &str, at: Timestamp) -> Value {
    let buys = matches!(stage, "customer" | "repeat" | "dormant");
    let tiers = if buys {
        [(20, "bronze"), (40, "silver"), (30, "gold"), (10, "platinum")]
    } else {
        [(70, "bronze"), (22, "silver"), (7, "gold"), (1, "platinum")]
    };
    let mut custom = json!({"tier": dice.weighted(&tiers)});
    if dice.chance(60) {
        custom["credit_score"] = dice.between(300, 850).into();
    }
    if buys {
        let days = u64::try_from(dice.between(180, 1400)).unwrap_or(365);
        custom["contract_end"] = (date(at) + Days::new(days)).to_string().into();
        custom["payment_days"] = (*dice.pick(&[0, 14, 30, 30, 45, 60, 90])).into();
    }
    custom
}

fn date(at: Timestamp) -> NaiveDate {
    at.to_utc().date_naive()
}

#[allow(clippy::cast_possible_truncation, reason = "a revenue is far below what an i64 holds")]
fn whole(number: f64) -> i64 {
    number.round() as i64
}
