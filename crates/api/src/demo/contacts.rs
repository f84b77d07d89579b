//! Bodies of contacts: the people at the customers.

use farley_domain::values::id::Id;
use serde_json::{Value, json};

use super::{base::Base, customers, customers::Thrown, dice::Dice, persons};

/// Job titles, with department and the part played in buying.
#[rustfmt::skip]
const POSTS: [(u32, [&str; 2], [&str; 2], &str); 9] = [
    (18, ["采购经理", "Purchasing Manager"], ["采购部", "Purchasing"], "decision_maker"),
    (12, ["总经理", "Managing Director"], ["总经办", "Management"], "decision_maker"),
    (14, ["采购专员", "Buyer"], ["采购部", "Purchasing"], "user"),
    (12, ["技术总监", "Technical Director"], ["技术部", "Engineering"], "influencer"),
    (10, ["工程师", "Engineer"], ["技术部", "Engineering"], "user"),
    (10, ["财务经理", "Finance Manager"], ["财务部", "Finance"], "gatekeeper"),
    (8, ["生产主管", "Production Supervisor"], ["生产部", "Production"], "user"),
    (8, ["行政助理", "Office Assistant"], ["行政部", "Administration"], "gatekeeper"),
    (8, ["市场经理", "Marketing Manager"], ["市场部", "Marketing"], "influencer"),
];

const STATUS: [(u32, &str); 3] = [(91, "active"), (6, "left"), (3, "unreachable")];

/// How many contacts a firm has: 1.4 on average, so that it is 1.2 a customer.
pub fn count(dice: &mut Dice) -> usize {
    *dice.weighted(&[(19, 0), (42, 1), (25, 2), (10, 3), (4, 4)])
}

/// Makes a contact of a customer; `also` is another customer the person works for.
pub fn throw(dice: &mut Dice, base: &Base, customer: Id, thrown: &Thrown, also: Option<Id>) -> Value {
    let place = thrown.place;
    let name = persons::person(dice, place.country());
    let posts = POSTS.map(|(weight, title, department, part)| (weight, (title, department, part)));
    let ([zh_title, en_title], [zh_department, en_department], part) = *dice.weighted(&posts);
    let title = place.say(zh_title, en_title);
    let mut customers = vec![json!({
        "customer_id": customer.to_string(), "role": title, "buying_role": part, "primary": true,
    })];
    customers.extend(also.map(|also| json!({"customer_id": also.to_string(), "role": title, "buying_role": "other"})));
    let mut body = json!({
        "name": name.full, "family_name": name.family, "given_name": name.given, "status": dice.weighted(&STATUS),
        "department": place.say(zh_department, en_department), "customers": customers,
        "language": place.country().language(), "tag_ids": if dice.chance(15) { customers::tags(dice, base) } else { json!([]) },
        "phones": [{"value": place.mobile(dice), "label": "mobile"}],
    });
    if let Some(owner) = thrown.owner {
        body["owner_id"] = owner.user.to_string().into();
        body["team_id"] = owner.team.to_string().into();
    }
    if dice.chance(80) {
        let domain = thrown.domain.as_deref().unwrap_or(place.say("mail.example.cn", "mail.example.com"));
        body["emails"] = json!([{"value": format!("{}@{domain}", name.mailbox), "label": "work"}]);
    }
    if dice.chance(40) {
        body["source"] = place.say("名片", "Business card").into();
    }
    match place {
        customers::Place::China(_) if dice.chance(60) => {
            body["custom"] = json!({"wechat": format!("{}_{}", name.mailbox.replace('.', ""), dice.digits(3))});
            body["preferred_channel"] = "wechat".into();
        }
        customers::Place::China(_) | customers::Place::West(_) => body["preferred_channel"] = "email".into(),
    }
    body
}
