//! Records indexed again as they are: after the folding has changed, or what of them is searchable.

use farley_domain::model::{cell::Cell, field::FieldType, object::Schema, record::Record};
use serde_json::Value;

use super::{Work, gather};
use crate::{error::StoreError, on, sql::rows::LookupValueRow};

impl Work<'_> {
    /// Writes the search text and the look-up values of a record anew. The record itself stays as it is, and there is no event.
    pub fn index_again(&mut self, schema: &Schema, record: &Record) -> Result<(), StoreError> {
        let (tenant_id, object, record_id) = (self.tenant().id, schema.object.name, record.id());
        let mut rows = Vec::new();
        for field in &schema.object.fields {
            let cell = record.cell(field);
            let values = match (&field.kind, &*cell) {
                (FieldType::Structure(structure), cell) if structure.link.is_none() => {
                    (structure.lookups)(cell.as_json().unwrap_or(&Value::Null))
                }
                (_, Cell::Unread) => continue,
                (_, cell) if field.keyed.is_some() => field.keys(cell),
                _ => continue,
            };
            on!(self.connection(), records::forget_lookup_values(tenant_id, record_id, field.name.as_ref()))?;
            let row = |value| LookupValueRow { tenant_id, object, field: field.name.to_string(), value, record_id };
            let mut these: Vec<LookupValueRow> = values.into_iter().map(row).collect();
            these.dedup_by(|one, other| one.value == other.value);
            rows.extend(these);
        }
        self.add_rows(gather::Rows::LookupValues(rows))?;
        if schema.object.is_searchable() { self.index_text(schema, record, false) } else { Ok(()) }
    }
}
