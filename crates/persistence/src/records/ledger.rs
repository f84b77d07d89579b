//! Ledgers: what was true of a record from one time until another. Written with the record itself; read as its past.

use std::borrow::Cow;

use farley_domain::{
    model::{
        cell,
        field::FieldType,
        object::{Ledger, Object},
        record::Record,
        recurring::{USER_ID, slots},
    },
    values::{
        id::Id,
        time::{Timestamp, rising},
    },
};
use serde_json::{Map, Value};

use crate::{
    error::StoreError,
    reader::Reader,
    records::{filter::Place, statements::encode},
    sql::{
        cell::Cell,
        row::{Layout, Row},
        statement::{Bind, Column, ColumnType, Dialect, Fragment, Statement, Target, write_sql},
    },
    work::Work,
};

/// One row of a ledger as it is read.
#[derive(Clone, Debug)]
pub struct LedgerEntry {
    /// The event that tells of the change; of what a record was before it came here, none has this id.
    pub id: Id,
    pub at: Timestamp,
    pub user_id: Option<Id>,
    /// What was true from then on, by field.
    pub state: Map<String, Value>,
    /// Where the step changed: how long the former one had lasted.
    pub former_seconds: Option<i64>,
}

/// The source of a list's rows: the table of the object or, as of a time, the same with what the ledger says of that time.
pub(crate) struct Source<'a>(pub &'a Place);

impl Fragment for Source<'_> {
    fn write(self, sql: &mut Statement) {
        let Source(place) = self;
        let (object, alias) = (place.object, place.alias());
        let (Some(time), Some(ledger)) = (place.as_of, object.ledger) else {
            write_sql!(sql, object.table, " ", alias);
            return;
        };
        let time = || Bind::time(time);
        sql.sql("(SELECT r.tenant_id");
        // Nothing else of now stands there to be read by mistake.
        for field in object.fields.iter().filter(|field| object.knows_past(field)) {
            if field.slot == slots::ARCHIVED_AT {
                write_sql!(sql, ", CASE WHEN r.archived_at <= ", time(), " THEN r.archived_at END AS archived_at");
                continue;
            }
            let from = if ledger.fields.contains(&field.name.as_ref()) { ", h." } else { ", r." };
            let column = Column::of(field);
            write_sql!(sql, from, column);
            if field.kind == FieldType::Money {
                write_sql!(sql, from, column.map(Column::currency));
            }
        }
        write_sql!(
            sql,
            " FROM ",
            object.table,
            " r JOIN ",
            ledger.table,
            " h ON h.tenant_id = r.tenant_id AND h.record_id = r.id"
        );
        write_sql!(sql, " WHERE h.at <= ", time(), " AND (h.until IS NULL OR h.until > ", time(), ")) ", alias);
    }
}

impl Work<'_> {
    /// Adds to the ledger what a write changes in the fields it keeps, as of a time: now, or when a new record entered its step. Each row
    /// ends where the next begins, and the last has no end, so that a record has one state at any time; the tables themselves
    /// refuse anything else.
    pub(crate) fn note_in_ledger(
        &mut self,
        object: &Object,
        before: Option<&Record>,
        record: &Record,
        event: Id,
    ) -> Result<(), StoreError> {
        let Some(ledger) = object.ledger else { return Ok(()) };
        let now = self.origin.now;
        let Some(before) = before else {
            // What the record was before it came here begins its ledger.
            let mut states = (ledger.past)(record);
            states.push(record.clone());
            let times = rising(states.iter().map(|state| ledger.entered(state).unwrap_or(now)));
            let rows = states.iter().enumerate().map(|(position, state)| {
                let former = position.checked_sub(1).map(|former| &states[former]);
                let until = times.get(position + 1).copied();
                let id = if until.is_none() { event } else { self.new_id() };
                self.ledger_row((object, ledger), former, state, (times[position], until), id)
            });
            let rows = rows.collect::<Result<Vec<_>, _>>()?;
            self.add_to_ledger(ledger, rows)?;
            return Ok(());
        };
        if ledger.fields_of(object).all(|field| before.cell(field) == record.cell(field)) {
            return Ok(());
        }
        let at = self.end_last_row(ledger, record.id())?;
        let row = self.ledger_row((object, ledger), Some(before), record, (at, None), event)?;
        self.add_to_ledger(ledger, vec![row])
    }

    /// Ends the row that holds until now; when. Several writes may have one time, and clocks of nodes differ: the next row begins later
    /// all the same.
    fn end_last_row(&mut self, ledger: &Ledger, record: Id) -> Result<Timestamp, StoreError> {
        let (now, tenant, dialect) = (self.origin.now, self.tenant().id, self.dialect());
        let (later_of, a_millisecond) = match dialect {
            Dialect::Sqlite => ("MAX(", ", at + 1000)"),
            Dialect::Postgres => ("GREATEST(", ", at + INTERVAL '1 millisecond')"),
        };
        let mut sql = Statement::new(dialect);
        write_sql!(sql, "UPDATE ", ledger.table, " SET until = ", later_of, Bind::time(now), a_millisecond);
        write_sql!(sql, " WHERE tenant_id = ", tenant, " AND record_id = ", record, " AND until IS NULL");
        let ended = match dialect {
            Dialect::Sqlite => {
                // RETURNING would make it journal the statement, and with it flush the search index.
                self.connection().execute(&sql)?;
                let mut last = Statement::new(dialect);
                write_sql!(last, "SELECT MAX(until) FROM ", ledger.table, " WHERE tenant_id = ", tenant);
                write_sql!(last, " AND record_id = ", record);
                self.connection().load(&last, &[ColumnType::Time])?
            }
            Dialect::Postgres => {
                sql.sql(" RETURNING until");
                self.connection().load(&sql, &[ColumnType::Time])?
            }
        };
        Ok(match ended.first().and_then(|cells| cells.first()) {
            Some(Cell::Time(until)) => *until,
            Some(_) | None => now,
        })
    }

    /// The columns of one row.
    fn ledger_row(
        &self,
        (object, ledger): (&Object, &Ledger),
        before: Option<&Record>,
        record: &Record,
        (at, until): (Timestamp, Option<Timestamp>),
        id: Id,
    ) -> Result<Vec<(Column, Bind)>, StoreError> {
        let user = self.origin.actor.user_id.map_or(Bind::Null(ColumnType::Id), Bind::id);
        let mut columns: Vec<(Column, Bind)> = vec![
            ("tenant_id".into(), Bind::id(self.tenant().id)),
            ("record_id".into(), Bind::id(record.id())),
            ("at".into(), Bind::time(at)),
            ("id".into(), Bind::id(id)),
            ("until".into(), until.map_or(Bind::Null(ColumnType::Time), Bind::time)),
            (USER_ID.name().into(), user),
        ];
        for field in ledger.fields_of(object) {
            columns.extend(encode(field, &record.cell(field))?);
        }
        let step = object.field(ledger.step);
        let left = before.filter(|before| step.is_some_and(|step| before.cell(step) != record.cell(step)));
        let step = step.map(|step| encode(step, left.map_or(Cow::Owned(cell::Cell::Null), |before| before.cell(step)).as_ref()));
        columns.extend(step.transpose()?.into_iter().flatten().map(|(_, bind)| ("former_step".into(), bind)));
        let seconds = left.map(|before| {
            let since = ledger.entered(before).unwrap_or(at);
            at.milliseconds().saturating_sub(since.milliseconds()).max(0) / 1000
        });
        columns.push(("former_seconds".into(), seconds.map_or(Bind::Null(ColumnType::Integer), Bind::Integer)));
        Ok(columns)
    }

    fn add_to_ledger(&mut self, ledger: &Ledger, rows: Vec<Vec<(Column, Bind)>>) -> Result<(), StoreError> {
        let Some(first) = rows.first() else { return Ok(()) };
        let target = Target { table: ledger.table, columns: first.iter().map(|(column, _)| *column).collect() };
        let rows = rows.into_iter().map(|columns| columns.into_iter().map(|(_, bind)| bind).collect());
        self.insert_rows(&target, rows.collect())
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
        let Some(ledger) = layout.schema.object.ledger else { return Ok(Vec::new()) };
        let mut sql = Statement::new(self.connection.dialect());
        write_sql!(sql, "SELECT ", layout.columns().as_slice(), ", at, id, user_id, former_seconds FROM ", ledger.table);
        write_sql!(sql, " WHERE tenant_id = ", self.tenant.id, " AND record_id = ", record);
        sql.sql(" ORDER BY at DESC LIMIT ").integer(limit).sql(" OFFSET ").integer(offset);
        let mut types = layout.types.clone();
        types.extend([ColumnType::Time, ColumnType::Id, ColumnType::Id, ColumnType::Integer]);
        let rows = self.connection.load(&sql, &types)?;
        rows.into_iter()
            .map(|mut cells| {
                let own = cells.split_off(layout.types.len());
                let at = match own.first() {
                    Some(Cell::Time(at)) => *at,
                    _ => return Err(StoreError::Internal("a row of a ledger has no time".to_owned())),
                };
                let id = own.get(1).and_then(Cell::as_id).unwrap_or(Id::NIL);
                let (user_id, former_seconds) = (own.get(2).and_then(Cell::as_id), own.get(3).and_then(Cell::as_integer));
                Ok(LedgerEntry { id, at, user_id, state: Row::new(layout, cells).to_record()?.members(), former_seconds })
            })
            .collect()
    }
}
