//! What is kept beside a record, so that it is found: its links, look-up values and external ids, and its search text.

use farley_domain::{
    model::{
        cell::Cell,
        field::{Field, FieldType, Link, Storage},
        object::{Object, Schema},
        record::Record,
        recurring,
    },
    query::indexing,
    values::id::Id,
};
use serde_json::Value;

use super::{Work, gather};
use crate::{
    engine::Connection,
    error::StoreError,
    on,
    reader::TenantKey,
    records::search,
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
                (FieldType::Structure(structure), cell) => {
                    (structure.link, (structure.lookups)(cell.as_json().unwrap_or(&Value::Null)))
                }
                (_, cell) if field.keyed.is_some() => (None, field.keys(cell)),
                _ => continue,
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
                    let (record_id, object, field) = (record.id(), object.name, field.name.as_ref());
                    if before.is_some() {
                        on!(&mut self.reader.connection, records::forget_lookup_values(tenant, (object, record_id), field))?;
                    }
                    let row = |value| LookupValueRow { tenant_id: tenant, object, field: field.to_owned(), value, record_id };
                    lookups.extend(values.into_iter().map(row));
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
            on!(self.connection(), records::forget_lookup_values(tenant_id, (object, record_id), field.name.as_ref()))?;
            let row = |value| LookupValueRow { tenant_id, object, field: field.name.to_string(), value, record_id };
            let mut these: Vec<LookupValueRow> = values.into_iter().map(row).collect();
            these.dedup_by(|one, other| one.value == other.value);
            rows.extend(these);
        }
        self.add_rows(gather::Rows::LookupValues(rows))?;
        if schema.object.is_searchable() { self.index_text(schema, record, false) } else { Ok(()) }
    }
}
