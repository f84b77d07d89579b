//! Stored values, as they are kept and where the engine holds them.

use chrono::NaiveDate;
use farley_domain::{
    model::{
        cell as record_cell,
        cell::whole,
        field::{Choice, Field, FieldType},
        operand::Operand,
    },
    values::{
        id::Id,
        time::{Timestamp, parse_date},
    },
};
use serde_json::Value;

use crate::{error::StoreError, sql::statement::Bind};

/// One stored value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Boolean(bool),
    Integer(i64),
    Double(f64),
    Text(String),
    Id(Id),
    Time(Timestamp),
    Date(NaiveDate),
    /// JSON as it was written.
    Json(String),
}

impl Cell {
    #[must_use]
    pub fn as_id(&self) -> Option<Id> {
        match self {
            Cell::Id(id) => Some(*id),
            _ => None,
        }
    }

    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Cell::Integer(number) => Some(*number),
            _ => None,
        }
    }

    #[must_use]
    pub fn as_date(&self) -> Option<NaiveDate> {
        match self {
            Cell::Date(date) => Some(*date),
            _ => None,
        }
    }

    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Cell::Text(text) | Cell::Json(text) => Some(text),
            _ => None,
        }
    }
}

impl Cell {
    /// What is read back of a value that is stored.
    pub(crate) fn of(bind: Bind) -> Result<Cell, StoreError> {
        Ok(match bind {
            Bind::Null(_) => Cell::Null,
            Bind::Boolean(value) => Cell::Boolean(value),
            Bind::Integer(value) => Cell::Integer(value),
            Bind::Double(value) => Cell::Double(value),
            Bind::Text(value) => Cell::Text(value),
            Bind::Id(value) => Cell::Id(value.0),
            Bind::Time(value) => Cell::Time(value.0),
            Bind::Date(value) => Cell::Date(value.0),
            Bind::Json(value) => Cell::Json(value.0),
            Bind::Texts(_) => return Err(StoreError::Internal("no field is a list of texts".to_owned())),
        })
    }

    /// The value as JSON has it.
    pub fn to_value(&self) -> Result<Value, StoreError> {
        self.borrowed().to_value()
    }

    /// The value of a field as it is compared; none for null.
    pub(crate) fn to_operand(&self, field: &Field) -> Option<Operand> {
        match (self, &field.kind) {
            (Cell::Null | Cell::Json(_), _) => None,
            (Cell::Boolean(value), _) => Some(Operand::Boolean(*value)),
            (Cell::Integer(value), _) => Some(Operand::Integer(*value)),
            (Cell::Double(value), _) => Some(Operand::Decimal(*value)),
            (Cell::Id(id), _) => Some(Operand::Id(*id)),
            (Cell::Time(time), _) => Some(Operand::Time(*time)),
            (Cell::Date(date), _) => Some(Operand::Date(*date)),
            (Cell::Text(text), FieldType::Date) => parse_date(text).map(Operand::Date),
            (Cell::Text(text), FieldType::DateTime) => Timestamp::parse(text).map(Operand::Time),
            (Cell::Text(text), FieldType::Id | FieldType::Reference(_)) => text.parse().ok().map(Operand::Id),
            (Cell::Text(text), _) => Some(Operand::Text(text.clone())),
        }
    }

    #[must_use]
    pub(crate) fn borrowed(&self) -> CellRef<'_> {
        match self {
            Cell::Null => CellRef::Null,
            Cell::Boolean(value) => CellRef::Boolean(*value),
            Cell::Integer(value) => CellRef::Integer(*value),
            Cell::Double(value) => CellRef::Double(*value),
            Cell::Text(value) => CellRef::Text(value),
            Cell::Id(value) => CellRef::Id(*value),
            Cell::Time(value) => CellRef::Time(*value),
            Cell::Date(value) => CellRef::Date(*value),
            Cell::Json(value) => CellRef::Json(value),
        }
    }
}

/// A stored value where the engine holds it, for as long as its row is there: most rows of a list are written into the answer
/// and forgotten.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CellRef<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    Double(f64),
    Text(&'a str),
    Id(Id),
    Time(Timestamp),
    Date(NaiveDate),
    Json(&'a str),
}

impl<'a> CellRef<'a> {
    pub(crate) fn to_cell(self) -> Cell {
        match self {
            CellRef::Null => Cell::Null,
            CellRef::Boolean(value) => Cell::Boolean(value),
            CellRef::Integer(value) => Cell::Integer(value),
            CellRef::Double(value) => Cell::Double(value),
            CellRef::Text(value) => Cell::Text(value.to_owned()),
            CellRef::Id(value) => Cell::Id(value),
            CellRef::Time(value) => Cell::Time(value),
            CellRef::Date(value) => Cell::Date(value),
            CellRef::Json(value) => Cell::Json(value.to_owned()),
        }
    }

    /// The value as the cell of a field.
    pub(super) fn of_field(self, field: &Field) -> Result<record_cell::Cell, StoreError> {
        Ok(match (self, &field.kind) {
            (CellRef::Null, _) => record_cell::Cell::Null,
            (CellRef::Boolean(value), FieldType::Boolean) => record_cell::Cell::Boolean(value),
            (CellRef::Integer(value), FieldType::Integer { .. } | FieldType::Count(_)) => record_cell::Cell::Integer(value),
            (CellRef::Double(value), FieldType::Decimal) => record_cell::Cell::Decimal(value),
            (CellRef::Text(text), FieldType::Choice(choices)) if !is_choice(choices, text) => return Err(misfit(field)),
            (CellRef::Text(text), _) => record_cell::Cell::Text(text.to_owned()),
            (CellRef::Id(id), _) => record_cell::Cell::Id(id),
            (CellRef::Time(time), _) => record_cell::Cell::Time(time),
            (CellRef::Date(date), _) => record_cell::Cell::Date(date),
            (CellRef::Json(json), kind) => {
                let value: Value = serde_json::from_str(json)?;
                match (kind, value.as_str()) {
                    (FieldType::Choice(choices), Some(text)) if !is_choice(choices, text) => return Err(misfit(field)),
                    _ => record_cell::Cell::from_json(kind, &value).ok_or_else(|| misfit(field))?,
                }
            }
            (CellRef::Boolean(_) | CellRef::Integer(_) | CellRef::Double(_), _) => return Err(misfit(field)),
        })
    }

    pub(super) fn json(self) -> Option<&'a str> {
        match self {
            CellRef::Json(json) => Some(json),
            _ => None,
        }
    }

    pub(crate) fn write_json(self, out: &mut Vec<u8>) -> Result<(), StoreError> {
        match self {
            CellRef::Null => out.extend_from_slice(b"null"),
            CellRef::Boolean(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
            CellRef::Integer(value) => serde_json::to_writer(out, &value)?,
            CellRef::Double(value) => match whole(value) {
                Some(whole) => serde_json::to_writer(out, &whole)?,
                None => serde_json::to_writer(out, &value)?,
            },
            CellRef::Text(text) => write_text(text, out)?,
            CellRef::Id(id) => {
                let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
                write_plain(id.0.hyphenated().encode_lower(&mut buffer), out);
            }
            CellRef::Time(time) => {
                let mut buffer = [0; farley_domain::values::time::WRITTEN];
                write_plain(time.write(&mut buffer), out);
            }
            CellRef::Date(date) => write_plain(&date.to_string(), out),
            CellRef::Json(json) => out.extend_from_slice(json.as_bytes()),
        }
        Ok(())
    }

    pub(super) fn to_value(self) -> Result<Value, StoreError> {
        Ok(match self {
            CellRef::Null => Value::Null,
            CellRef::Boolean(value) => value.into(),
            CellRef::Integer(value) => value.into(),
            CellRef::Double(value) => whole(value).map_or_else(|| value.into(), Value::from),
            CellRef::Text(text) => text.into(),
            CellRef::Id(id) => id.to_string().into(),
            CellRef::Time(time) => time.to_string().into(),
            CellRef::Date(date) => date.to_string().into(),
            CellRef::Json(json) => serde_json::from_str(json)?,
        })
    }
}

/// A text in quotes. Hardly any holds what JSON escapes, and seeing that all at once is quicker than copying piece by piece.
pub(super) fn write_text(text: &str, out: &mut Vec<u8>) -> Result<(), StoreError> {
    let is_escaped = |byte: &u8| (*byte < 0x20) | (*byte == b'"') | (*byte == b'\\');
    if text.as_bytes().iter().fold(false, |found, byte| found | is_escaped(byte)) {
        return Ok(serde_json::to_writer(out, text)?);
    }
    write_plain(text, out);
    Ok(())
}

/// A text without anything to escape, in quotes.
fn write_plain(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn is_choice(choices: &[Choice], text: &str) -> bool {
    choices.iter().any(|choice| choice.value == text)
}

/// What is stored fits its field: this is a fault of the database, never to be passed over.
pub(super) fn misfit(field: &Field) -> StoreError {
    StoreError::Internal(format!("a stored value does not fit the field {}", field.name))
}
