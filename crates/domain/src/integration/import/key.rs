//! The keys by which rows name records, in the form in which records have them: one phone number in three spellings is one key.

use serde_json::Value;

use super::mapping::Lookup;
use crate::{
    model::{
        field::{Field, FieldType},
        value::{self, Standards},
    },
    values::text::clean_line,
};

/// What a cell says, as the field that records are found by has it; none where the field can have no such value.
#[must_use]
pub fn standard(field: &Field, lookup: &Lookup, named: &str, standards: &Standards<'_>) -> Option<String> {
    match (lookup, &field.kind) {
        (Lookup::Id | Lookup::External(_) | Lookup::Auto, _) => Some(clean_line(named)),
        (Lookup::Field(_), FieldType::Structure(structure)) => (structure.lookup_form)(named, standards).ok(),
        (Lookup::Field(_), FieldType::Integer { .. }) => named.trim().parse::<i64>().ok().map(|number| number.to_string()),
        (Lookup::Field(_), _) => match value::accept(field, &named.into(), standards) {
            Ok(Value::String(text)) => Some(text),
            Ok(_) | Err(_) => None,
        },
    }
}
