//! Opportunities with their line items: each went from stage to stage over the last 18 months, and some of them are over.

use farley_domain::{
    model::{entity::Entity, fault::Faults, record::Record},
    sales::{
        line_item::{self, LineItem},
        opportunity::Opportunity,
        progress::Course,
        stage::StageKind,
    },
    values::{id::Id, money::Money, time::Timestamp},
};
use serde_json::{Value, json};

use super::{
    base::{Base, Owner},
    build,
    customers::{Place, Thrown},
    dice::Dice,
    sales::{LOSS_REASONS, Sold, WIN_REASONS, Way},
};

const DAY: i64 = 86_400;
/// Sales began over so many days.
const SPREAD_DAYS: i64 = 548;
/// How many of those that are over were won, in per cent.
const WON: u32 = 58;

/// What sales are about, in Chinese and in English.
const OCCASIONS: [(&str, &str); 8] = [
    ("采购项目", "purchase"),
    ("扩容项目", "expansion"),
    ("升级改造", "upgrade"),
    ("年度框架", "framework agreement"),
    ("新厂区建设", "new site"),
    ("续约", "renewal"),
    ("数字化项目", "digitisation project"),
    ("试点项目", "pilot project"),
];

const NEXT_STEPS: [(&str, &str); 5] = [
    ("周五前发送报价", "Send the quote by Friday"),
    ("约技术负责人演示", "Demo for the technical lead"),
    ("等待客户内部审批", "Waiting for internal approval"),
    ("拜访总经理", "Visit the managing director"),
    ("确认交付时间", "Confirm the delivery date"),
];

const COMPETITORS: [&str; 6] = ["浪潮", "新华三", "中兴", "Dell", "HPE", "Cisco"];

/// An opportunity with its line items, made when it began.
#[derive(Debug)]
pub struct Deal {
    pub at: Timestamp,
    pub owner: Option<Owner>,
    pub opportunity: Record,
    pub lines: Vec<Record>,
}

/// The buyer.
pub struct Buyer<'a> {
    pub id: Id,
    /// When it became a customer.
    pub since: Timestamp,
    pub thrown: &'a Thrown,
    pub contacts: &'a [Record],
}

/// How a sale went.
struct History {
    opened: Timestamp,
    /// Each stage entered, with the time.
    steps: Vec<(Value, Timestamp)>,
    closed: Option<(bool, Timestamp)>,
}

/// Makes one opportunity of a buyer.
pub fn throw(dice: &mut Dice, base: &Base, buyer: &Buyer<'_>, now: Timestamp) -> Result<Deal, Faults> {
    let place = buyer.thrown.place;
    let way = &base.ways[usize::from(dice.chance(40)) % base.ways.len()];
    let went = course(dice, way, buyer.since, now);
    let standards = base.tenant.standards(now);
    let id = dice.id(went.opened);
    let (lines, amount, main) = lines(dice, base, id, place, went.opened)?;
    let schema = base.schema(Opportunity::object());
    let mut opportunity = build::record(&schema, &standards, id, &body(dice, buyer, way, &went, main))?;
    // The sum of the lines, and to stay so.
    opportunity.of_mut().set(Opportunity::amount, amount);
    Course { schema: &schema, pipeline: &way.pipeline, stages: &way.stages, now }.settle(None, opportunity.of_mut())?;
    Ok(Deal { at: went.opened, owner: buyer.thrown.owner, opportunity, lines })
}

fn body(dice: &mut Dice, buyer: &Buyer<'_>, way: &Way, went: &History, main: &Sold) -> Value {
    let place = buyer.thrown.place;
    let (zh, en) = *dice.pick(&OCCASIONS);
    let customer = buyer.thrown.body["name"].as_str().unwrap_or_default();
    let name = place.say(&format!("{customer}{}{zh}", main.zh), &format!("{customer}: {} {en}", main.en)).to_owned();
    let history: Vec<Value> =
        went.steps.iter().map(|(stage, at)| json!({"stage_id": stage, "entered_at": at.to_string()})).collect();
    let current = went.steps.last().map_or(Value::Null, |(stage, _)| stage.clone());
    let mut body = json!({
        "name": name.chars().take(200).collect::<String>(), "customer_id": buyer.id.to_string(), "pipeline_id": way.pipeline.id(),
        "stage_id": current, "opened_at": went.opened.to_string(), "stage_history": history, "source": buyer.thrown.body["source"],
    });
    if let Some(owner) = buyer.thrown.owner {
        body["owner_id"] = owner.user.to_string().into();
        body["team_id"] = owner.team.to_string().into();
    }
    let first = buyer.contacts.first().filter(|_| dice.chance(70));
    if let Some(contact) = first {
        body["contacts"] = json!([{"contact_id": contact.id(), "buying_role": "decision_maker"}]);
    }
    if dice.chance(30) {
        body["competitors"] = json!([dice.pick(&COMPETITORS)]);
    }
    match went.closed {
        Some((won, at)) => {
            body["stage_id"] = way.end(if won { StageKind::Won } else { StageKind::Lost });
            body["closed_at"] = at.to_string().into();
            body["close_reason"] = (*dice.weighted(if won { &WIN_REASONS } else { &LOSS_REASONS })).into();
            body["expected_close_on"] = day(at.plus_seconds(dice.between(-20, 20) * DAY)).into();
        }
        None => {
            let entered = went.steps.last().map_or(went.opened, |(_, at)| *at);
            body["expected_close_on"] = day(entered.plus_seconds(dice.between(20, 120) * DAY)).into();
            if dice.chance(50) {
                let (zh, en) = *dice.pick(&NEXT_STEPS);
                body["next_step"] = place.say(zh, en).into();
            }
        }
    }
    body
}

/// From stage to stage, sometimes one back, until it is won, lost or today.
fn course(dice: &mut Dice, way: &Way, since: Timestamp, now: Timestamp) -> History {
    let begin = since.milliseconds().max(now.plus_seconds(-SPREAD_DAYS * DAY).milliseconds());
    let open = way.open();
    // A fifth is under way, and began lately.
    let is_open = dice.chance(20);
    let length = i64::try_from(open.len()).unwrap_or(1) * way.days * DAY * 1_000;
    let earliest = if is_open { begin.max(now.milliseconds() - length) } else { begin };
    let opened = dice.between(earliest.min(now.milliseconds()), now.milliseconds());
    let opened = working(Timestamp::from_milliseconds(opened)).max(Timestamp::from_milliseconds(begin)).min(now);
    let won = dice.chance(WON);
    let last = open.len().saturating_sub(1);
    let reaches = match (is_open, won) {
        (false, true) => last,
        (false, false) | (true, _) => usize::try_from(dice.between(0, i64::try_from(last).unwrap_or(0))).unwrap_or(0),
    };
    let mut places = Vec::new();
    for place in 0..=reaches {
        places.push(place);
        if place > 0 && dice.chance(6) {
            places.extend([place - 1, place]);
        }
    }
    // What began too late to last its time was quick.
    let left = (now.milliseconds() - opened.milliseconds()).max(1) / 1_000;
    let steps = i64::try_from(places.len()).unwrap_or(1) + 1;
    let stay = (way.days * DAY).min(left / (steps + 1) * 2 / 3 + 1);
    let mut at = opened;
    let mut entered: Vec<(Value, Timestamp)> = Vec::new();
    for place in places {
        // What began only now is where it began.
        if at > now {
            break;
        }
        entered.push((Value::from(open[place].id().to_string()), at));
        at = working(at.plus_seconds(dice.between(stay / 4, stay * 5 / 4))).max(at.plus_seconds(60));
    }
    let at = at.min(now);
    History { opened, steps: entered, closed: (!is_open).then_some((won, at)) }
}

/// The same day, in the working hours of Shanghai (08:00–19:00).
fn working(at: Timestamp) -> Timestamp {
    let (day, of_day) = (at.milliseconds().div_euclid(DAY * 1_000), at.milliseconds().rem_euclid(DAY * 1_000));
    Timestamp::from_milliseconds(day * DAY * 1_000 + of_day / 24 * 11)
}

/// One to three lines, their sum, and the product it is mostly about.
fn lines<'b>(
    dice: &mut Dice,
    base: &'b Base,
    opportunity: Id,
    place: Place,
    at: Timestamp,
) -> Result<(Vec<Record>, Option<Money>, &'b Sold), Faults> {
    let schema = base.schema(LineItem::object());
    let standards = base.tenant.standards(at);
    let main = dice.pick(&base.products);
    let (mut lines, mut sum) = (Vec::new(), 0_i64);
    for order in 1..=*dice.weighted(&[(70, 1), (22, 2), (8, 3)]) {
        let product = if order == 1 { main } else { dice.pick(&base.products) };
        let (price, currency) = product.price(place.country());
        let quantity = *dice.weighted(&[(40, usual(price)), (35, 2), (20, 5), (5, 10)]);
        let discount = *dice.weighted(&[(60, 0), (20, 5), (15, 10), (5, 15)]);
        let body = json!({
            "product_id": product.id.to_string(), "name": place.say(product.zh, product.en), "quantity": quantity,
            "unit_price": {"amount": price, "currency": currency}, "discount": discount, "sort_order": order,
        });
        let id = dice.id(at);
        let mut line = build::record(&schema, &standards, id, &body)?;
        let made = line.of::<LineItem>();
        let factors = made.get(LineItem::quantity).zip(made.get(LineItem::discount));
        let amount = factors.and_then(|(quantity, discount)| line_item::amount(quantity, price, discount)).unwrap_or(0);
        let line_item = line.of_mut::<LineItem>();
        line_item.set(LineItem::amount, money(amount, currency));
        line_item.set(LineItem::opportunity_id, opportunity);
        sum = sum.saturating_add(amount);
        lines.push(line);
    }
    Ok((lines, money(sum, place.country().currency()), main))
}

fn money(amount: i64, currency: &str) -> Option<Money> {
    currency.parse().ok().map(|currency| Money::new(amount, currency))
}

/// Cheap things are bought by the hundred.
fn usual(price: i64) -> i64 {
    if price < 300_000 { 100 } else { 1 }
}

fn day(at: Timestamp) -> String {
    at.to_utc().date_naive().to_string()
}
