//! What a value of a field is compared with.

use chrono::NaiveDate;

use crate::values::{id::Id, time::Timestamp};

/// A value compared with, of the type that the field's type asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// Boolean fields, and the operator `null`.
    Boolean(bool),
    /// Integer fields; money in minor units.
    Integer(i64),
    Decimal(f64),
    /// Texts and choices; for `contains` and `starts` already folded.
    Text(String),
    Id(Id),
    Time(Timestamp),
    Date(NaiveDate),
    /// For `in`, `nin`, `any`, `none`; for `contains` and `starts`, where umlauts can be spelt out, both spellings of the text.
    List(Vec<Operand>),
}
