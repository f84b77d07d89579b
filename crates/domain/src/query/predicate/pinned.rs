//! Filters as they are given on: what means a time by the clock, the calendar or a time zone is replaced by the instants it means now, so
//! that the filter finds the same records later, and whoever asks.

use serde_json::{Value, json};

use super::{
    View,
    operand::{self, Given},
    path::{self, End},
};
use crate::model::{
    field::{Field, FieldType, Op},
    object::Schema,
    operand::Operand,
};

/// The filter with its times as instants, its relative dates as dates. What is at fault stays as it is.
#[must_use]
pub fn pinned(filter: &Value, schema: &Schema, view: &dyn View) -> Value {
    let Some(members) = filter.as_object() else { return filter.clone() };
    if let Some(name) = members.get("field").and_then(Value::as_str) {
        let op = members.get("op").map_or(Some(Op::Eq), |op| op.as_str().and_then(Op::from_name));
        let field = path::resolve(schema, name, view).ok().and_then(|path| match path.end {
            End::Field(field) => Some(field),
            End::Count(..) | End::Relation(_) => None,
        });
        return match (field, op, members.get("value")) {
            (Some(field), Some(op), Some(value)) => test((name, &field), op, value, view).unwrap_or_else(|| filter.clone()),
            _ => filter.clone(),
        };
    }
    let pin = |part: &Value| pinned(part, schema, view);
    Value::Object(
        members
            .iter()
            .map(|(name, part)| {
                let part = match (name.as_str(), part) {
                    ("and" | "or", Value::Array(parts)) => Value::Array(parts.iter().map(pin).collect()),
                    ("not", part) => pin(part),
                    (_, part) => part.clone(),
                };
                (name.clone(), part)
            })
            .collect(),
    )
}

/// A comparison with instants; none if it stays as it is.
fn test((name, field): (&str, &Field), op: Op, value: &Value, view: &dyn View) -> Option<Value> {
    if !matches!(field.kind, FieldType::DateTime | FieldType::Date) || matches!(op, Op::Null) {
        return None;
    }
    let read = |op: Op, value: &Value| match operand::operand(field, op, Given::Json(value), &view.standards()).ok()? {
        Operand::Time(time) => Some(json!(time)),
        Operand::Date(date) => Some(json!(date)),
        _ => None,
    };
    let compare = |op: Op, value: Value| json!({"field": name, "op": op.as_str(), "value": value});
    // A plain day is many instants, from its first to its last.
    let equal = |value: &Value| {
        let (from, to) = (read(Op::Gte, value)?, read(Op::Lte, value)?);
        Some(if from == to { compare(Op::Eq, from) } else { json!({"and": [compare(Op::Gte, from), compare(Op::Lte, to)]}) })
    };
    match op {
        Op::Gt | Op::Gte | Op::Lt | Op::Lte => Some(compare(op, read(op, value)?)),
        Op::Eq => equal(value),
        Op::Ne => Some(json!({"not": equal(value)?})),
        Op::In | Op::Nin => {
            let any = json!({"or": value.as_array()?.iter().map(equal).collect::<Option<Vec<_>>>()?});
            Some(if op == Op::In { any } else { json!({"not": any}) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::query::predicate::{evaluate::meets, parse, sample};

    fn operator() -> impl Strategy<Value = &'static str> {
        proptest::sample::select(vec!["eq", "ne", "gt", "gte", "lt", "lte"])
    }

    fn time() -> impl Strategy<Value = Value> {
        prop_oneof![
            (1_u32..28).prop_map(|day| json!(format!("2026-03-{day:02}"))),
            (1_u32..28, 0_u32..24).prop_map(|(day, hour)| json!(format!("2026-03-{day:02}T{hour:02}:00:00Z"))),
            proptest::sample::select(vec!["-3d", "start_of_month", "today", "end_of_week", "now"])
                .prop_map(|word| json!({"relative": word})),
        ]
    }

    proptest! {
        /// The pinned filter is true of the same records, and holds nothing that time changes.
        #[test]
        fn it_means_the_same(record in sample::any_record(), op in operator(), value in time(), listed in any::<bool>()) {
            let world = sample::Everything;
            let object = sample::deal();
            let schema = path::shape_of(object, &world);
            let test = if listed {
                json!({"field": "created_at", "op": if op == "ne" { "nin" } else { "in" }, "value": [value]})
            } else {
                json!({"field": "created_at", "op": op, "value": value})
            };
            let filter = json!({"not": {"or": [test, {"field": "name", "value": "x"}]}});
            let pinned = pinned(&filter, &schema, &world);
            prop_assert!(!pinned.to_string().contains("relative"));
            let [asked, instants] = [&filter, &pinned].map(|filter| parse::from_json(object, filter, &world).unwrap());
            prop_assert_eq!(meets(&asked, object, &record, &world), meets(&instants, object, &record, &world));
            prop_assert_eq!(super::pinned(&pinned, &schema, &world), pinned, "once is enough");
        }
    }
}
