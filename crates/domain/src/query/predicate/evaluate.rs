//! Answers predicates in memory, as persistence answers them in SQL: for rules, webhooks and whatever has the record at
//! hand. Texts are equal and ordered by their code points as stored; `contains`, `starts` and `ends` compare them folded.

use std::{borrow::Cow, cmp::Ordering, sync::Arc};

use serde_json::Value;

use super::{CountTest, Predicate, Related, Test};
use crate::model::operand::Operand;
use crate::{
    model::{
        cell::Cell,
        field::{Field, FieldType, Op},
        object::{Object, Relation, Schema},
        record::Record,
    },
    query::indexing,
    values::text,
};

/// The records and custom fields around the record in question.
pub trait World {
    /// The live records that the relation leads to.
    fn related(&self, object: &'static Object, record: &Record, relation: &Relation) -> Vec<Arc<Record>>;
    /// The object with the tenant's custom fields.
    fn schema(&self, object: &'static Object) -> Schema;
}

/// Whether the predicate is true of the record.
#[must_use]
pub fn meets(predicate: &Predicate, object: &'static Object, record: &Record, world: &dyn World) -> bool {
    match predicate {
        Predicate::And(parts) => parts.iter().all(|part| meets(part, object, record, world)),
        Predicate::Or(parts) => parts.iter().any(|part| meets(part, object, record, world)),
        Predicate::Not(part) => !meets(part, object, record, world),
        Predicate::Test(test) => passes(test, record),
        Predicate::Related(Related { relation, target, none, predicate }) => {
            let related = world.related(object, record, relation);
            *none != related.iter().any(|record| meets(predicate, target, record, world))
        }
        Predicate::Count(CountTest { counted, op, operand }) => {
            let number = count(counted, object, record, world);
            compares(*op, &[Operand::Integer(number)], operand)
        }
        Predicate::Matches(query) => query.matches(&indexing::search_text(&world.schema(object), record)),
        Predicate::Archived(archived) => record.is_archived() == *archived,
        Predicate::Now(part) => meets(part, object, record, world),
    }
}

/// How many records are related to one.
#[must_use]
pub fn count(counted: &Related, object: &'static Object, record: &Record, world: &dyn World) -> i64 {
    let related = world.related(object, record, &counted.relation);
    let meeting = related.iter().filter(|record| meets(&counted.predicate, counted.target, record, world));
    i64::try_from(meeting.count()).unwrap_or(i64::MAX)
}

/// A stored value as it is compared and ordered; none for null and for what is no single value.
#[must_use]
pub fn stored(field: &Field, record: &Record) -> Option<Operand> {
    if field.money().is_some() {
        return match &*money_of(field, record) {
            Cell::Money(money) => Some(Operand::Text(money.currency.code().to_owned())),
            _ => None,
        };
    }
    match &*record.cell(field) {
        Cell::Boolean(value) => Some(Operand::Boolean(*value)),
        Cell::Integer(value) => Some(Operand::Integer(*value)),
        Cell::Decimal(value) => Some(Operand::Decimal(*value)),
        Cell::Text(text) => Some(Operand::Text(text.clone())),
        Cell::Id(id) => Some(Operand::Id(*id)),
        Cell::Time(time) => Some(Operand::Time(*time)),
        Cell::Date(date) => Some(Operand::Date(*date)),
        // The currency is a field of its own.
        Cell::Money(money) => Some(Operand::Integer(money.amount)),
        Cell::Unread | Cell::Null | Cell::Ids(_) | Cell::Json(_) => None,
    }
}

/// How two operands of one type are ordered; none for different types and for lists.
#[must_use]
pub fn compare(left: &Operand, right: &Operand) -> Option<Ordering> {
    match (left, right) {
        (Operand::Boolean(left), Operand::Boolean(right)) => Some(left.cmp(right)),
        (Operand::Integer(left), Operand::Integer(right)) => Some(left.cmp(right)),
        (Operand::Decimal(left), Operand::Decimal(right)) => left.partial_cmp(right),
        (Operand::Text(left), Operand::Text(right)) => Some(left.cmp(right)),
        (Operand::Id(left), Operand::Id(right)) => Some(left.cmp(right)),
        (Operand::Time(left), Operand::Time(right)) => Some(left.cmp(right)),
        (Operand::Date(left), Operand::Date(right)) => Some(left.cmp(right)),
        (
            Operand::Boolean(_)
            | Operand::Integer(_)
            | Operand::Decimal(_)
            | Operand::Text(_)
            | Operand::Id(_)
            | Operand::Time(_)
            | Operand::Date(_)
            | Operand::List(_),
            _,
        ) => None,
    }
}

/// The value of the field of money that a currency belongs to.
fn money_of<'a>(field: &Field, record: &'a Record) -> Cow<'a, Cell> {
    let name = field.money().unwrap_or_default();
    if field.is_custom() {
        let value = record.custom().get(name).unwrap_or(&Value::Null);
        return Cow::Owned(Cell::from_json(&FieldType::Money, value).unwrap_or(Cell::Null));
    }
    record.object().field(name).map_or(Cow::Borrowed(&Cell::Null), |money| record.cell(money))
}

fn passes(test: &Test, record: &Record) -> bool {
    let Test { field, op, operand } = test;
    match op {
        Op::Eq | Op::Ne | Op::Gt | Op::Gte | Op::Lt | Op::Lte | Op::In | Op::Nin => {
            compares(*op, stored(field, record).as_slice(), operand)
        }
        Op::Contains => folded(field, record, operand, |text, part| text.contains(part)),
        Op::Ncontains => !folded(field, record, operand, |text, part| text.contains(part)),
        Op::Ends => folded(field, record, operand, |text, part| text.ends_with(part)),
        Op::Starts => folded(field, record, operand, |text, part| text.starts_with(part)),
        Op::Null => Operand::Boolean(is_empty(field, record)) == *operand,
        Op::Any => is_among(&items(field, record), operand),
        Op::None => !is_among(&items(field, record), operand),
    }
}

/// How a value, or none, compares with an operand.
fn compares(op: Op, value: &[Operand], operand: &Operand) -> bool {
    let is = |wanted: fn(Ordering) -> bool| value.iter().any(|value| compare(value, operand).is_some_and(wanted));
    match op {
        Op::Eq => is(Ordering::is_eq),
        Op::Ne => !is(Ordering::is_eq),
        Op::Gt => is(Ordering::is_gt),
        Op::Gte => is(Ordering::is_ge),
        Op::Lt => is(Ordering::is_lt),
        Op::Lte => is(Ordering::is_le),
        Op::In | Op::Any => is_among(value, operand),
        Op::Nin | Op::None => !is_among(value, operand),
        Op::Null | Op::Contains | Op::Ncontains | Op::Starts | Op::Ends => false,
    }
}

/// Whether one of the values is one of the list.
fn is_among(values: &[Operand], list: &Operand) -> bool {
    match list {
        Operand::List(list) => values.iter().any(|value| list.contains(value)),
        Operand::Boolean(_)
        | Operand::Integer(_)
        | Operand::Decimal(_)
        | Operand::Text(_)
        | Operand::Id(_)
        | Operand::Time(_)
        | Operand::Date(_) => false,
    }
}

fn folded(field: &Field, record: &Record, part: &Operand, fits: fn(&str, &str) -> bool) -> bool {
    let Some(Operand::Text(text)) = stored(field, record) else { return false };
    match part {
        Operand::Text(part) => fits(&text::fold(&text), part),
        // As it is, and with the umlauts spelt out.
        Operand::List(parts) => match parts.as_slice() {
            [Operand::Text(part), Operand::Text(spelt)] => {
                fits(&text::fold(&text), part) || fits(&text::fold_spelt(&text), spelt)
            }
            _ => false,
        },
        _ => false,
    }
}

/// The single values of a field that holds several.
fn items(field: &Field, record: &Record) -> Vec<Operand> {
    let cell = record.cell(field);
    let value = cell.as_json().unwrap_or(&Value::Null);
    let texts = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    match &field.kind {
        FieldType::References(_) => match &*cell {
            Cell::Ids(ids) => ids.iter().copied().map(Operand::Id).collect(),
            _ => Vec::new(),
        },
        FieldType::Structure(structure) if structure.link.is_some() => {
            (structure.lookups)(value).iter().filter_map(|id| id.parse().ok()).map(Operand::Id).collect()
        }
        FieldType::Text { .. } | FieldType::Texts { .. } if field.keyed.is_some() => {
            field.keys(&cell).into_iter().map(Operand::Text).collect()
        }
        FieldType::MultiChoice(_) | FieldType::Texts { .. } => texts.map(|text| Operand::Text(text.to_owned())).collect(),
        FieldType::Structure(structure) => (structure.lookups)(value).into_iter().map(Operand::Text).collect(),
        FieldType::Id
        | FieldType::Text { .. }
        | FieldType::LongText { .. }
        | FieldType::Integer { .. }
        | FieldType::Decimal
        | FieldType::Money
        | FieldType::Boolean
        | FieldType::Date
        | FieldType::DateTime
        | FieldType::Choice(_)
        | FieldType::Reference(_)
        | FieldType::Email
        | FieldType::Phone
        | FieldType::Url
        | FieldType::Country
        | FieldType::LanguageTag
        | FieldType::TimeZone
        | FieldType::SocialCreditCode
        | FieldType::Custom
        | FieldType::Count(_) => stored(field, record).into_iter().collect(),
    }
}

/// A list or an object without content is no value.
fn is_empty(field: &Field, record: &Record) -> bool {
    let cell = if field.money().is_some() { money_of(field, record) } else { record.cell(field) };
    cell.is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::query::predicate::{
        parse,
        sample::{self, Everything},
    };

    fn is(record: &Record, filter: &Value) -> bool {
        let predicate = parse::from_json(sample::deal(), filter, &Everything).unwrap();
        meets(&predicate, sample::deal(), record, &Everything)
    }

    fn holds(field: &str, op: &str, value: impl Into<Value>) -> bool {
        is(&sample::record(1), &json!({"field": field, "op": op, "value": value.into()}))
    }

    #[test]
    fn values_are_compared_by_type() {
        assert!(holds("amount", "gte", 500) && !holds("amount", "gt", 500));
        assert!(holds("amount.currency", "eq", "CNY") && holds("custom.budget.currency", "ne", "CNY"));
        assert!(holds("probability", "lt", 0.75) && holds("closes_on", "gt", "2026-09-30"));
        assert!(holds("created_at", "eq", "2026-09-30T16:00:00+08:00"));
        assert!(holds("created_at", "gte", json!({"relative": "start_of_month"})));
        assert!(holds("custom.rank", "in", json!([1, 3])) && holds("custom.rank", "nin", json!([])));
        assert!(holds("firm_id", "eq", sample::id(7).to_string().to_uppercase()));
    }

    #[test]
    fn texts_are_equal_by_code_point_and_found_folded() {
        assert!(holds("name", "eq", "华为 Deal") && !holds("name", "eq", "华为 deal"));
        assert!(holds("name", "contains", "ＤＥＡＬ") && holds("name", "starts", "华为 d") && !holds("name", "starts", "deal"));
        assert!(holds("name", "ends", "ＤＥＡＬ") && holds("name", "ends", "") && !holds("name", "ends", "华为"));
        assert!(holds("name", "ncontains", "offer") && !holds("name", "ncontains", "DEAL"));
        assert!(holds("name", "gt", "Z"));
    }

    #[test]
    fn lists_are_asked_for_their_items() {
        assert!(holds("channels", "any", json!(["web", "fair"])) && !holds("channels", "any", json!(["fair"])));
        assert!(holds("words", "none", json!(["c"])) && holds("emails", "any", json!(["LI@example.cn"])));
        assert!(holds("words", "null", false) && holds("emails", "null", false));
    }

    #[test]
    fn no_value_is_a_hit_of_negations_only() {
        let mut record = sample::record(1);
        sample::put(&mut record, "name", Value::Null);
        sample::put(&mut record, "words", json!([]));
        for op in ["eq", "gt", "gte", "lt", "lte", "contains", "starts", "ends"] {
            assert!(!is(&record, &json!({"field": "name", "op": op, "value": "A"})), "{op}");
        }
        assert!(is(&record, &json!({"field": "name", "op": "ne", "value": "A"})));
        assert!(is(&record, &json!({"field": "name", "op": "ncontains", "value": "A"})));
        assert!(!is(&record, &json!({"field": "name", "op": "in", "value": ["A"]})));
        assert!(is(&record, &json!({"field": "name", "op": "nin", "value": ["A"]})));
        assert!(is(&record, &json!({"not": {"field": "name", "value": "A"}})));
        assert!(is(&record, &json!({"field": "name", "op": "null", "value": true})));
        assert!(is(&record, &json!({"field": "words", "op": "none", "value": ["a"]})));
        assert!(is(&record, &json!({"field": "words", "op": "null", "value": true})));
    }

    #[test]
    fn relations_lead_to_records() {
        assert!(holds("firm.region", "eq", "华东") && !holds("firm.region", "ne", "华东"));
        assert!(holds("firm", "any", json!([sample::id(7).to_string()])));
        assert!(holds("firm", "none", json!([sample::id(8).to_string()])));
        assert!(holds("firm.deals", "any", json!({"field": "won", "value": false})));
        assert!(holds("firm.deals", "null", false) && !holds("firm.deals", "none", json!({})));
    }

    #[test]
    fn full_text_finds_title_and_body() {
        assert!(is(&sample::record(1), &json!({"q": "华为 note"})));
        assert!(!is(&sample::record(1), &json!({"q": "华为 nothing"})));
    }

    proptest! {
        #[test]
        fn negating_twice_changes_nothing(predicate in sample::any_predicate(), record in sample::any_record()) {
            let meets = |predicate: &Predicate| meets(predicate, sample::deal(), &record, &Everything);
            let once = Predicate::Not(Box::new(predicate.clone()));
            let twice = Predicate::Not(Box::new(once.clone()));
            prop_assert_eq!(meets(&predicate), meets(&twice));
            prop_assert_ne!(meets(&predicate), meets(&once));
        }
    }
}
