//! One value of a record, typed from the database to the answer.

use chrono::NaiveDate;
use serde_json::{Map, Value};

use crate::{
    model::field::FieldType,
    values::{
        id::Id,
        money::Money,
        time::{Timestamp, parse_date},
    },
};

/// The value of one field of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// The field was not among those read, so nobody knows its value.
    Unread,
    Null,
    Boolean(bool),
    Integer(i64),
    Decimal(f64),
    /// Texts of every kind, and choices.
    Text(String),
    Id(Id),
    Time(Timestamp),
    Date(NaiveDate),
    Money(Money),
    /// References to several records.
    Ids(Vec<Id>),
    /// Lists, structures, and the object of custom fields.
    Json(Value),
}

impl Cell {
    /// A value in the form of the API as a field of this type holds it; none if it does not fit.
    #[must_use]
    pub fn from_json(kind: &FieldType, value: &Value) -> Option<Cell> {
        if value.is_null() {
            return Some(Cell::Null);
        }
        match kind {
            FieldType::Id | FieldType::Reference(_) => value.as_str()?.parse().ok().map(Cell::Id),
            FieldType::Text { .. }
            | FieldType::LongText { .. }
            | FieldType::Choice(_)
            | FieldType::Email
            | FieldType::Phone
            | FieldType::Url
            | FieldType::Country
            | FieldType::LanguageTag
            | FieldType::TimeZone
            | FieldType::SocialCreditCode => value.as_str().map(|text| Cell::Text(text.to_owned())),
            FieldType::Integer { .. } | FieldType::Count(_) => value.as_i64().map(Cell::Integer),
            FieldType::Decimal => value.as_f64().map(Cell::Decimal),
            FieldType::Money => serde_json::from_value(value.clone()).ok().map(Cell::Money),
            FieldType::Boolean => value.as_bool().map(Cell::Boolean),
            FieldType::Date => value.as_str().and_then(parse_date).map(Cell::Date),
            FieldType::DateTime => value.as_str().and_then(Timestamp::parse).map(Cell::Time),
            FieldType::References(_) => {
                let ids = value.as_array()?.iter().map(|id| id.as_str()?.parse().ok());
                ids.collect::<Option<_>>().map(Cell::Ids)
            }
            FieldType::MultiChoice(_) | FieldType::Texts { .. } | FieldType::Structure(_) | FieldType::Custom => {
                Some(Cell::Json(value.clone()))
            }
        }
    }

    /// The value in the form of the API: times as text, money as `{amount, currency}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Cell::Unread | Cell::Null => Value::Null,
            Cell::Boolean(value) => (*value).into(),
            Cell::Integer(value) => (*value).into(),
            Cell::Decimal(value) => whole(*value).map_or_else(|| (*value).into(), Value::from),
            Cell::Text(text) => text.as_str().into(),
            Cell::Id(id) => id.to_string().into(),
            Cell::Time(time) => time.to_string().into(),
            Cell::Date(date) => date.to_string().into(),
            Cell::Money(money) => Value::Object(Map::from_iter([
                ("amount".to_owned(), money.amount.into()),
                ("currency".to_owned(), money.currency.code().into()),
            ])),
            Cell::Ids(ids) => ids.iter().map(|id| Value::from(id.to_string())).collect(),
            Cell::Json(value) => value.clone(),
        }
    }

    /// Whether it is null. What was not read is not known to be.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Cell::Null)
    }

    /// Whether it is null, or a list or an object without content.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Cell::Unread | Cell::Null => true,
            Cell::Ids(ids) => ids.is_empty(),
            Cell::Json(Value::Array(items)) => items.is_empty(),
            Cell::Json(Value::Object(members)) => members.is_empty(),
            Cell::Json(value) => value.is_null(),
            Cell::Boolean(_)
            | Cell::Integer(_)
            | Cell::Decimal(_)
            | Cell::Text(_)
            | Cell::Id(_)
            | Cell::Time(_)
            | Cell::Date(_)
            | Cell::Money(_) => false,
        }
    }

    /// The id of a record.
    #[must_use]
    pub fn as_id(&self) -> Option<Id> {
        match self {
            Cell::Id(id) => Some(*id),
            _ => None,
        }
    }

    /// The value of a list or structure.
    #[must_use]
    pub fn as_json(&self) -> Option<&Value> {
        match self {
            Cell::Json(value) => Some(value),
            _ => None,
        }
    }
}

/// Whole numbers are written as such, as they came in.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "a whole number below 1e15")]
pub fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() < 1e15).then_some(value as i64)
}
