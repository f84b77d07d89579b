//! Ledgers: what was true of a record from one time until another. Written with the record itself; read as its past.

use std::borrow::Cow;

use farley_domain::{
    cell,
    field::{FieldType, Storage},
    id::Id,
    object::{Ledger, Object},
    record::Record,
    time::Timestamp,
};
use serde_json::{Map, Value};

use crate::{
    error::StoreError,
    reader::Reader,
    records::{filter::Place, statements::encode},
    sql::{
        row::{Cell, Layout, Row},
        statement::{Bind, ColumnType, Statement},
    },
    work::Work,
};

/// One row of a ledger as it is read.
#[derive(Clone, Debug)]
pub struct LedgerEntry {
    pub at: Timestamp,
    pub user_id: Option<Id>,
    /// What was true from then on, by field.
    pub state: Map<String, Value>,
    /// Where the step changed: how long the former one had lasted.
    pub former_seconds: Option<i64>,
}

/// The source of a list's rows: the table of the object or, as of a time, the same with what the ledger says of that time.
pub fn source(sql: &mut Statement, place: &Place) {
    let (object, alias) = (place.object, place.alias());
    let (Some(time), Some(ledger)) = (place.as_of, object.ledger) else {
        sql.sql(format!("{} {alias}", object.table));
        return;
    };
    sql.sql("(SELECT r.tenant_id");
    for field in object.fields.iter().filter(|field| field.storage == Storage::Column) {
        let name = field.name.as_ref();
        if name == "archived_at" {
            sql.sql(", CASE WHEN r.archived_at <= ").bind(Bind::time(time)).sql(" THEN r.archived_at END AS archived_at");
            continue;
        }
        let from = if ledger.fields.contains(&name) { "h" } else { "r" };
        sql.sql(format!(", {from}.{name}"));
        if field.kind == FieldType::Money {
            sql.sql(format!(", {from}.{name}_currency"));
        }
    }
    if object.has_details() {
        sql.sql(", r.details");
    }
    sql.sql(format!(
        " FROM {} r JOIN {} h ON h.tenant_id = r.tenant_id AND h.record_id = r.id WHERE h.at <= ",
        object.table, ledger.table
    ));
    sql.bind(Bind::time(time)).sql(" AND (h.until IS NULL OR h.until > ").bind(Bind::time(time));
    sql.sql(format!(")) {alias}"));
}

impl Work<'_> {
    /// Adds to the ledger what a write changes in the fields it keeps, as of a time: now, or when a new record entered its step.
    pub(crate) fn note_in_ledger(&mut self, object: &Object, before: Option<&Record>, record: &Record) -> Result<(), StoreError> {
        let Some(ledger) = object.ledger else { return Ok(()) };
        let now = self.origin.now;
        let Some(before) = before else {
            // What the record was before it came here begins its ledger.
            let mut states = (ledger.past)(record);
            states.push(record.clone());
            let times: Vec<Timestamp> = states.iter().map(|state| state.time_of(ledger.since).unwrap_or(now)).collect();
            let rows = states.iter().enumerate().map(|(position, state)| {
                let former = position.checked_sub(1).map(|former| &states[former]);
                self.ledger_row((object, ledger), former, state, (times[position], times.get(position + 1).copied()))
            });
            let rows = rows.collect::<Result<Vec<_>, _>>()?;
            self.add_to_ledger(ledger, rows)?;
            return Ok(());
        };
        if ledger.fields.iter().all(|field| before.get(field) == record.get(field)) {
            return Ok(());
        }
        let mut sql = Statement::new(self.dialect());
        sql.sql(format!("UPDATE {} SET until = ", ledger.table)).bind(Bind::time(now));
        sql.sql(" WHERE tenant_id = ").id(self.tenant().id).sql(" AND record_id = ").id(record.id()).sql(" AND until IS NULL");
        self.connection().execute(&sql)?;
        let row = self.ledger_row((object, ledger), Some(before), record, (now, None))?;
        self.add_to_ledger(ledger, vec![row])
    }

    /// The columns of one row.
    fn ledger_row(
        &self,
        (object, ledger): (&Object, &Ledger),
        before: Option<&Record>,
        record: &Record,
        (at, until): (Timestamp, Option<Timestamp>),
    ) -> Result<Vec<(String, Bind)>, StoreError> {
        let id = self.new_id();
        let user = self.origin.actor.user_id.map_or(Bind::Null(ColumnType::Id), Bind::id);
        let mut columns = vec![
            ("tenant_id".to_owned(), Bind::id(self.tenant().id)),
            ("record_id".to_owned(), Bind::id(record.id())),
            ("at".to_owned(), Bind::time(at)),
            ("id".to_owned(), Bind::id(id)),
            ("until".to_owned(), until.map_or(Bind::Null(ColumnType::Time), Bind::time)),
            ("user_id".to_owned(), user),
        ];
        for name in ledger.fields {
            if let Some(field) = object.field(name) {
                columns.extend(encode(field, &record.cell(field))?);
            }
        }
        let left = before.filter(|before| before.get(ledger.step) != record.get(ledger.step));
        let step = object.field(ledger.step);
        let step = step.map(|step| encode(step, left.map_or(Cow::Owned(cell::Cell::Null), |before| before.cell(step)).as_ref()));
        columns.extend(step.transpose()?.into_iter().flatten().map(|(_, bind)| ("former_step".to_owned(), bind)));
        let seconds = left.map(|before| {
            let since = before.time_of(ledger.since).unwrap_or(at);
            at.milliseconds().saturating_sub(since.milliseconds()).max(0) / 1000
        });
        columns.push(("former_seconds".to_owned(), seconds.map_or(Bind::Null(ColumnType::Integer), Bind::Integer)));
        Ok(columns)
    }

    fn add_to_ledger(&mut self, ledger: &Ledger, rows: Vec<Vec<(String, Bind)>>) -> Result<(), StoreError> {
        let Some(first) = rows.first() else { return Ok(()) };
        let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
        let head = format!("{} ({})", ledger.table, names.join(", "));
        let rows = rows.into_iter().map(|columns| columns.into_iter().map(|(_, bind)| bind).collect());
        self.insert_rows(&head, rows.collect())
    }
}

impl Reader<'_> {
    /// The ledger of a record, the latest row first: at most `limit` rows from `offset` on.
    pub fn ledger(
        &mut self,
        layout: &std::sync::Arc<Layout>,
        record: Id,
        limit: i64,
        offset: i64,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        let Some(ledger) = layout.shape.object.ledger else { return Ok(Vec::new()) };
        let mut sql = Statement::new(self.connection.dialect());
        let columns = layout.columns().join(", ");
        sql.sql(format!("SELECT {columns}, at, user_id, former_seconds FROM {} WHERE tenant_id = ", ledger.table));
        sql.id(self.tenant.id).sql(" AND record_id = ").id(record);
        sql.sql(" ORDER BY at DESC, id DESC LIMIT ").integer(limit).sql(" OFFSET ").integer(offset);
        let mut types = layout.types.clone();
        types.extend([ColumnType::Time, ColumnType::Id, ColumnType::Integer]);
        let rows = self.connection.load(&sql, &types)?;
        rows.into_iter()
            .map(|mut cells| {
                let own = cells.split_off(layout.types.len());
                let at = match own.first() {
                    Some(Cell::Time(at)) => *at,
                    _ => return Err(StoreError::Internal("a row of a ledger has no time".to_owned())),
                };
                let (user_id, former_seconds) = (own.get(1).and_then(Cell::as_id), own.get(2).and_then(Cell::as_integer));
                Ok(LedgerEntry { at, user_id, state: Row::new(layout, cells).to_record()?.members().clone(), former_seconds })
            })
            .collect()
    }
}
