//! Which column of a file goes into which field, as a client says it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::forms::{DateFormat, Decimal};
use crate::{
    model::{
        field::{Field, FieldType},
        object::Schema,
        recurring,
        structures::external_ids::is_system,
    },
    values::money::Currency,
};

/// What a client says of the columns; those it does not name are guessed from their headers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    #[serde(default)]
    pub columns: Vec<ColumnMapping>,
    /// Whether a row whose key stands in an earlier row is passed over, and no fault.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub distinct: bool,
    /// The sheet of a workbook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The row of the sheet that is its header, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_row: Option<i64>,
}

crate::structures! { Mapping }

/// What becomes of a row with a cell that says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strictness {
    /// It is imported.
    #[default]
    Accept,
    /// It is imported, and the report says so.
    Warn,
    /// It is not imported.
    Refuse,
}

/// What a client says of one column, or of a text made of columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnMapping {
    /// The header of the column; empty where `value` stands in its place.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub column: String,
    /// A text made of columns, or a constant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Where it goes; none leaves it out.
    #[serde(default)]
    pub field: Option<String>,
    /// Cell values to replace, and their replacements.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
    /// What a number is multiplied by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multiplier: Option<i64>,
    /// The currency of amounts; by default the tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// How a reference names its record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup: Option<String>,
    /// The label of e-mail addresses and phone numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The sign before the decimals of numbers; told from all cells, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal: Option<Decimal>,
    /// The order of day, month and year in dates; told from all cells, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_format: Option<DateFormat>,
    /// The signs between several values of a cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// What becomes of a row where the cell is blank; by default it is imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_blank: Option<Strictness>,
    /// What becomes of a row where the cell names no record; by default it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_unknown: Option<Strictness>,
}

impl Mapping {
    /// Reads a mapping; the reason, if it is none.
    pub fn read(value: &Value) -> Result<Mapping, String> {
        Mapping::deserialize(value).map_err(|error| error.to_string())
    }
}

/// How a cell names the record that it refers to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Lookup {
    /// Told from the cell: an id, an e-mail address, else the name.
    Auto,
    Id,
    /// By a field of the record.
    Field(String),
    /// By its key in another system.
    External(String),
}

impl Lookup {
    /// Reads `id`, `name`, `ext:sap`; `email` also stands for a list of e-mail addresses.
    #[must_use]
    pub fn read(text: &str, schema: &Schema) -> Option<Lookup> {
        if text == "id" {
            return Some(Lookup::Id);
        }
        if let Some(system) = text.strip_prefix("ext:") {
            return (is_system(system) && schema.object.bears(recurring::EXTERNAL_IDS))
                .then(|| Lookup::External(system.to_owned()));
        }
        let plural = format!("{text}s");
        let path = [text, plural.as_str()]
            .into_iter()
            .find(|path| schema.field(path).is_some_and(|field| field.filterable && finds(field)))?;
        Some(Lookup::Field(path.to_owned()))
    }
}

/// Whether records can be found by a value of a field.
fn finds(field: &Field) -> bool {
    match &field.kind {
        FieldType::Text { .. }
        | FieldType::Integer { .. }
        | FieldType::Email
        | FieldType::Phone
        | FieldType::Url
        | FieldType::SocialCreditCode => true,
        FieldType::Structure(structure) => matches!(structure.name, "emails" | "phones"),
        FieldType::Id
        | FieldType::LongText { .. }
        | FieldType::Decimal
        | FieldType::Money
        | FieldType::Boolean
        | FieldType::Date
        | FieldType::DateTime
        | FieldType::Choice(_)
        | FieldType::MultiChoice(_)
        | FieldType::Reference(_)
        | FieldType::References(_)
        | FieldType::Country
        | FieldType::LanguageTag
        | FieldType::TimeZone
        | FieldType::Texts { .. }
        | FieldType::Custom
        | FieldType::Count(_) => false,
    }
}
