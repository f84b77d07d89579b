//! What is kept beside a record, so that it is found: its links, look-up values and external ids, and its search text.

use std::collections::HashMap;

use farley_domain::{
    model::{
        cell::Cell,
        field::{Field, FieldType, Link, Storage},
        object::{Object, Schema},
        record::Record,
        recurring,
    },
    query::{
        indexing,
        predicate::{Predicate, View},
    },
    values::id::Id,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Work, gather};
use crate::{
    engine::Connection,
    error::StoreError,
    on,
    reader::TenantKey,
    records::{search, statements},
    sql::{
        rows::{ExternalIdRow, LookupValueRow},
        statement::{Bind, Column, Statement, Target, write_sql},
    },
};

impl Work<'_> {
    /// Keeps the tables of links, look-up values and external ids in step with a record.
    pub(super) fn link(&mut self, object: &'static Object, before: Option<&Record>, record: &Record) -> Result<(), StoreError> {
        let archiving = before.is_some_and(|before| before.is_archived() != record.is_archived());
        let tenant = self.tenant().id;
        let mut lookups = Vec::new();
        for field in &object.fields {
            let changed = before.is_none_or(|before| before.cell(field) != record.cell(field));
            if field.name == recurring::EXTERNAL_IDS.name() && (changed || archiving) {
                self.link_external(object, before, record)?;
            }
            if !changed {
                continue;
            }
            let (link, values): (_, Vec<String>) = match (&field.kind, &*record.cell(field)) {
                (FieldType::References(link), Cell::Ids(ids)) => (Some(*link), ids.iter().map(Id::to_string).collect()),
                (FieldType::References(link), _) => (Some(*link), Vec::new()),
                (FieldType::Structure(structure), cell) if structure.link.is_some() => {
                    (structure.link, (structure.lookups)(cell.as_json().unwrap_or(&Value::Null)))
                }
                (_, cell) => match looked_up(field, cell) {
                    Some(values) => (None, values),
                    None => continue,
                },
            };
            match link {
                Some(link) => {
                    if before.is_some() {
                        let mut sql = Statement::new(self.dialect());
                        write_sql!(sql, "DELETE FROM ", link.table, " WHERE tenant_id = ", tenant);
                        write_sql!(sql, " AND ", link.from, " = ", record.id());
                        self.reader.connection.execute(&sql)?;
                    }
                    self.insert_links(object, link, record.id(), &values)?;
                }
                None => {
                    let earlier = before.and_then(|before| looked_up(field, &before.cell(field))).unwrap_or_default();
                    let (record_id, object, field) = (record.id(), object.name, field.name.as_ref());
                    for value in earlier.iter().filter(|value| !values.contains(value)) {
                        let conn = &mut self.reader.connection;
                        on!(conn, records::forget_lookup_value(tenant, (object, record_id), (field, value)))?;
                    }
                    let row = |value| LookupValueRow { tenant_id: tenant, object, field: field.to_owned(), value, record_id };
                    lookups.extend(values.into_iter().filter(|value| !earlier.contains(value)).map(row));
                }
            }
        }
        self.add_rows(gather::Rows::LookupValues(lookups))
    }

    fn insert_links(&mut self, object: &Object, link: &Link, record: Id, ids: &[String]) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            let id = id.parse().map_err(|_| StoreError::Reference)?;
            let mut row = vec![Bind::id(tenant), Bind::id(record), Bind::id(id)];
            if link.shared {
                row.push(Bind::Text(object.name.to_owned()));
            }
            rows.push(row);
        }
        let mut columns: Vec<Column> = vec!["tenant_id".into(), link.from.into(), link.to.into()];
        columns.extend(link.shared.then_some(Column::from("object")));
        self.insert_rows(&Target { table: link.table, columns }, rows)
    }

    fn link_external(&mut self, object: &Object, before: Option<&Record>, record: &Record) -> Result<(), StoreError> {
        let (tenant_id, record_id) = (self.tenant().id, record.id());
        if before.is_some() {
            on!(&mut self.reader.connection, records::forget_external_ids(tenant_id, (object.name, record_id)))?;
        }
        let keys = Some(record.get(recurring::EXTERNAL_IDS)).filter(|_| !record.is_archived());
        let row = |(system, key): (&String, &Value)| {
            let key = key.as_str().unwrap_or_default().to_owned();
            ExternalIdRow { tenant_id, object: object.name, system: system.clone(), key, record_id }
        };
        let rows = keys.into_iter().flatten().map(row).collect();
        self.add_rows(gather::Rows::ExternalIds(rows))
    }

    /// Brings the search index in step, if anything searchable changed.
    pub(super) fn index(&mut self, schema: &Schema, before: Option<&Record>, record: &Record) -> Result<(), StoreError> {
        if !schema.object.is_searchable() {
            return Ok(());
        }
        let searchable = |field: &&Field| field.searchable.is_some() && field.storage != Storage::Computed;
        let changed =
            before.is_none_or(|before| schema.fields().filter(searchable).any(|field| before.cell(field) != record.cell(field)));
        if !changed {
            return Ok(());
        }
        self.index_text(schema, record, before.is_none())
    }

    fn index_text(&mut self, schema: &Schema, record: &Record, is_new: bool) -> Result<(), StoreError> {
        let foreseen = self.foreseen.as_ref().filter(|_| is_new);
        let foreseen = foreseen.and_then(|foreseen| foreseen.complete(schema, record));
        let text = foreseen.unwrap_or_else(|| indexing::search_text(schema, record));
        let TenantKey { id, number } = self.tenant();
        let object = schema.object.name;
        match &mut self.reader.connection {
            Connection::Sqlite(conn) => search::index_sqlite(conn, (id, number), object, record.id(), &text, is_new),
            Connection::Postgres(_) => {
                let row = search::row((id, number), object, record.id(), &text);
                // A new record takes the place of none: not of one of another object whose id was chosen either.
                let tail = if is_new { "" } else { search::INSTEAD };
                self.add_rows(gather::Rows::Written { target: search::target(), tail, rows: vec![row] })
            }
        }
    }

    /// Writes the search text and the look-up values of a record anew. The record itself stays as it is, and there is no event.
    /// What it was looked up by before is left to [`Work::forget_stale_lookups`].
    pub fn index_again(&mut self, schema: &Schema, record: &Record) -> Result<(), StoreError> {
        let (tenant_id, object, record_id) = (self.tenant().id, schema.object.name, record.id());
        let mut rows = Vec::new();
        for field in &schema.object.fields {
            let values = looked_up(field, &record.cell(field)).unwrap_or_default();
            let row = |value| LookupValueRow { tenant_id, object, field: field.name.to_string(), value, record_id };
            rows.extend(values.into_iter().map(row));
        }
        self.add_rows(gather::Rows::LookupValues(rows))?;
        if schema.object.is_searchable() { self.index_text(schema, record, false) } else { Ok(()) }
    }

    /// Reads on in an object's look-up values and forgets those that their records no longer have; where to go on, if there are more.
    /// Once all records have been indexed again, none by which they were found before is left.
    pub fn forget_stale_lookups(
        &mut self,
        schema: &Schema,
        view: &dyn View,
        behind: &LookupPlace,
    ) -> Result<Option<LookupPlace>, StoreError> {
        /// How many are read at once.
        const AT_ONCE: usize = 500;
        let (tenant, object) = (self.tenant().id, schema.object);
        let mut fields = object.fields.iter().filter(|field| is_looked_up(field));
        let Some(field) = fields.find(|field| behind.field.is_empty() || field.name.as_ref() == behind.field) else {
            return Ok(None);
        };
        let (name, place, most) =
            (field.name.as_ref(), (behind.value.as_str(), behind.record), i64::try_from(AT_ONCE).unwrap_or(i64::MAX));
        let rows = on!(&mut self.reader.connection, records::lookup_values(tenant, (object.name, name), place, most))?;
        let mut ids: Vec<Id> = rows.iter().map(|(_, id)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        let layout = statements::writing_layout(schema);
        let mut now = HashMap::new();
        for row in self.reader.by_ids(&layout, view, &ids, &Predicate::all())? {
            let record = row.to_record()?;
            now.insert(record.id(), looked_up(field, &record.cell(field)).unwrap_or_default());
        }
        for (value, id) in &rows {
            if now.get(id).is_none_or(|values| !values.contains(value)) {
                let conn = &mut self.reader.connection;
                on!(conn, records::forget_lookup_value(tenant, (object.name, *id), (name, value)))?;
            }
        }
        let next = fields.next().map(|field| LookupPlace::before(field.name.as_ref()));
        Ok(match rows.into_iter().nth(AT_ONCE - 1) {
            Some((value, record)) => Some(LookupPlace { field: name.to_owned(), value, record }),
            None => next,
        })
    }
}

/// A place in the look-up values of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupPlace {
    pub field: String,
    pub value: String,
    pub record: Id,
}

impl LookupPlace {
    /// Before all values of a field; of the first, if it is unnamed.
    #[must_use]
    pub fn before(field: &str) -> LookupPlace {
        LookupPlace { field: field.to_owned(), value: String::new(), record: Id::NIL }
    }
}

/// Whether records are found by values of the field.
fn is_looked_up(field: &Field) -> bool {
    match &field.kind {
        FieldType::Structure(structure) if structure.link.is_none() => true,
        _ => field.keyed.is_some(),
    }
}

/// The values by which a record is found, if it is by this field; each once.
fn looked_up(field: &Field, cell: &Cell) -> Option<Vec<String>> {
    let mut values = match (&field.kind, cell) {
        (_, Cell::Unread) => return None,
        (FieldType::Structure(structure), cell) if structure.link.is_none() => {
            (structure.lookups)(cell.as_json().unwrap_or(&Value::Null))
        }
        (_, cell) if field.keyed.is_some() => field.keys(cell),
        _ => return None,
    };
    values.sort_unstable();
    values.dedup();
    Some(values)
}
