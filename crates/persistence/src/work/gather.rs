//! Rows on their way into the database: one by one, or gathered and sent together where a round trip costs more than a row.

use std::{cell::RefCell, ops::ControlFlow, rc::Rc};

use diesel::PgConnection;

use crate::{
    engine::{
        Connection,
        queries::{self, postgres::insertion::Part},
        waiting::{Kept, Waiting},
    },
    error::StoreError,
    on,
    sql::{
        batch::SIZES,
        rows::{ExternalIdRow, LookupValueRow},
        statement::{Bind, Dialect, Statement, Target, write_sql},
    },
    work::{Origin, Work},
};

/// Rows of one table that are to be inserted.
pub(crate) enum Rows {
    /// Of a declared object, its links or its ledger, or of the search index: each as it stands in `VALUES`, and what follows them.
    Written {
        target: Target,
        tail: &'static str,
        rows: Vec<Statement>,
    },
    ExternalIds(Vec<ExternalIdRow>),
    LookupValues(Vec<LookupValueRow>),
}

impl Rows {
    fn len(&self) -> usize {
        match self {
            Rows::Written { rows, .. } => rows.len(),
            Rows::ExternalIds(rows) => rows.len(),
            Rows::LookupValues(rows) => rows.len(),
        }
    }

    /// Takes in rows that go the same way; gives others back.
    fn join(&mut self, others: Rows) -> Option<Rows> {
        match (self, others) {
            (Rows::Written { target, tail, rows }, Rows::Written { target: other, tail: follows, rows: more })
                if *target == other && *tail == follows =>
            {
                rows.extend(more);
            }
            (Rows::ExternalIds(rows), Rows::ExternalIds(more)) => rows.extend(more),
            (Rows::LookupValues(rows), Rows::LookupValues(more)) => rows.extend(more),
            (_, others) => return Some(others),
        }
        None
    }
}

/// Rows that wait to be inserted, by where they go: what was first asked for is first written, so that rows come after those
/// they refer to.
#[derive(Default)]
pub(crate) struct Gathered(RefCell<Vec<Rows>>);

impl Gathered {
    fn add(&self, rows: Rows) {
        let mut all = self.0.borrow_mut();
        let others = all.iter_mut().try_fold(rows, |rows, waiting| match waiting.join(rows) {
            Some(others) => ControlFlow::Continue(others),
            None => ControlFlow::Break(()),
        });
        if let ControlFlow::Continue(rows) = others {
            all.push(rows);
        }
    }

    fn take(&self) -> Vec<Rows> {
        self.0.take()
    }

    /// Forgets what waits: it is not to be written after all.
    pub(super) fn clear(&self) {
        self.0.take();
    }
}

impl Waiting for Gathered {
    fn send(&self, conn: &mut PgConnection) -> Result<(), StoreError> {
        // Taken first: what sends it asks for what waits, too.
        self.take().into_iter().try_for_each(|rows| send(&mut Connection::Postgres(conn), rows, &SIZES))
    }
}

/// Rows in batches, each of the first of the sizes that does not exceed what is left.
fn batches<T>(rows: Vec<T>, sizes: &[usize]) -> impl Iterator<Item = Vec<T>> {
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        let size = sizes.iter().copied().find(|size| (1..=rows.len()).contains(size))?;
        Some(rows.by_ref().take(size).collect())
    })
}

impl Work<'_> {
    /// Goes on in the name of somebody else, or as of another time: for work that stands for many that were done one by one.
    pub fn go_on_as(&mut self, origin: Origin) {
        self.origin = std::borrow::Cow::Owned(origin);
    }

    /// From here on new rows wait for the end of the work, and many go with one statement. Nothing in this work may read them or change
    /// them. On SQLite, where a statement is no round trip, nothing waits.
    pub fn gather(&mut self) {
        if self.dialect() == Dialect::Postgres {
            self.gathered.get_or_insert_default();
        }
    }

    /// Does a part of the work for many records at a stroke, as [`Work::attempt`] does: what is unique is for the indexes to tell, and on
    /// PostgreSQL new rows wait for others until something is asked of the database. If it fails, it is to be done record by record.
    pub fn at_a_stroke<T, E: From<StoreError>>(&mut self, part: impl FnOnce(&mut Work<'_>) -> Result<T, E>) -> Result<T, E> {
        let waits = self.dialect() == Dialect::Postgres && self.gathered.is_none();
        let kept = waits.then(|| {
            let gathered = Rc::new(Gathered::default());
            self.gathered = Some(Rc::clone(&gathered));
            Kept::begin(gathered)
        });
        self.trusts_indexes = true;
        let done = self.attempt(|work| part(work));
        self.trusts_indexes = false;
        if kept.is_some() {
            self.gathered = None;
        }
        done
    }

    /// Whether no record is looked for that has a value already: the indexes of the database refuse what is there twice.
    #[must_use]
    pub fn trusts_indexes(&self) -> bool {
        self.trusts_indexes
    }

    /// Inserts rows of the same columns.
    pub(crate) fn insert_rows(&mut self, target: &Target, rows: Vec<Vec<Bind>>) -> Result<(), StoreError> {
        let dialect = self.dialect();
        let row = |binds: Vec<Bind>| {
            let mut row = Statement::new(dialect);
            row.sql("(").binds(binds).sql(")");
            row
        };
        self.add_rows(Rows::Written { target: target.clone(), tail: "", rows: rows.into_iter().map(row).collect() })
    }

    /// Inserts rows, or has them wait. On SQLite they go one by one: a statement of several rows makes the search index write what it has
    /// gathered, which it does once for a whole group of work otherwise.
    pub(crate) fn add_rows(&mut self, rows: Rows) -> Result<(), StoreError> {
        if let Some(gathered) = &self.gathered {
            gathered.add(rows);
            return Ok(());
        }
        match self.dialect() {
            Dialect::Sqlite => send(self.connection(), rows, &[1]),
            Dialect::Postgres => {
                let all = rows.len();
                send(self.connection(), rows, &[all])
            }
        }
    }

    /// Sends what has been gathered.
    pub(crate) fn send_gathered(&mut self) -> Result<(), StoreError> {
        let Some(rows) = self.gathered.as_ref().map(|gathered| gathered.take()) else { return Ok(()) };
        rows.into_iter().try_for_each(|rows| send(self.connection(), rows, &SIZES))
    }

    /// Does a part of the work whose new rows go with one statement on PostgreSQL, unless they wait anyway. The part reads none of them.
    pub(crate) fn together(&mut self, part: impl FnOnce(&mut Self) -> Result<(), StoreError>) -> Result<(), StoreError> {
        if self.dialect() == Dialect::Sqlite || self.gathered.is_some() {
            return part(self);
        }
        self.gathered = Some(Rc::default());
        let done = part(self);
        let gathered = self.gathered.take();
        done?;
        let rows = gathered.into_iter().flat_map(|gathered| gathered.take()).filter(|rows| rows.len() > 0);
        let parts = rows.map(|rows| match rows {
            Rows::Written { target, tail, rows } => Part::written(insertion(&target, tail, rows)),
            Rows::ExternalIds(rows) => Part::external_ids(rows),
            Rows::LookupValues(rows) => Part::lookup_values(rows),
        });
        let (parts, tenant) = (parts.collect(), self.tenant().id);
        let announce = (!self.announced.contains(&tenant)).then_some(tenant);
        if let Connection::Postgres(conn) = self.connection() {
            queries::postgres::insertion::insert(conn, parts, announce)?;
            self.announced.extend(announce);
        }
        Ok(())
    }
}

fn send(connection: &mut Connection<'_>, rows: Rows, sizes: &[usize]) -> Result<(), StoreError> {
    match rows {
        Rows::Written { target, tail, rows } => {
            batches(rows, sizes).try_for_each(|batch| connection.execute(&insertion(&target, tail, batch)).map(drop))
        }
        Rows::ExternalIds(rows) => {
            batches(rows, sizes).try_for_each(|batch| on!(&mut *connection, records::insert_external_ids(batch)))
        }
        Rows::LookupValues(rows) => batches(rows, sizes).try_for_each(|batch| match &mut *connection {
            Connection::Sqlite(_) => on!(&mut *connection, records::insert_lookup_values(batch)),
            Connection::Postgres(conn) => queries::postgres::insertion::insert(conn, vec![Part::lookup_values(batch)], None),
        }),
    }
}

/// Inserts rows as they stand in `VALUES`.
fn insertion(target: &Target, tail: &'static str, rows: Vec<Statement>) -> Statement {
    let mut sql = Statement::new(rows.first().map_or(Dialect::Postgres, |row| row.dialect));
    write_sql!(sql, "INSERT INTO ", target, " VALUES ");
    for (position, row) in rows.into_iter().enumerate() {
        if position > 0 {
            sql.sql(", ");
        }
        sql.append(row);
    }
    sql.sql(tail);
    sql
}
