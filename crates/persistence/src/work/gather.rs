//! Rows on their way into the database: one by one, or gathered and sent together where a round trip costs more than a row.

use crate::{
    error::StoreError,
    sql::{
        batch::SIZES,
        statement::{Bind, Dialect, Statement},
    },
    work::{Origin, Work},
};

/// Rows that wait to be inserted, by where they go: what was first asked for is first written, so that rows come after those
/// they refer to.
#[derive(Default)]
pub(crate) struct Gathered(Vec<Waiting>);

struct Waiting {
    /// Table and columns, as after `INSERT INTO`.
    head: String,
    /// What follows the values.
    tail: &'static str,
    rows: Vec<Statement>,
}

impl Gathered {
    fn add(&mut self, head: &str, tail: &'static str, rows: Vec<Statement>) {
        match self.0.iter_mut().find(|waiting| waiting.head == head && waiting.tail == tail) {
            Some(waiting) => waiting.rows.extend(rows),
            None => self.0.push(Waiting { head: head.to_owned(), tail, rows }),
        }
    }
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

    /// Inserts rows of the same columns.
    pub(crate) fn insert_rows(&mut self, head: &str, rows: Vec<Vec<Bind>>) -> Result<(), StoreError> {
        let dialect = self.dialect();
        let row = |binds: Vec<Bind>| {
            let mut row = Statement::new(dialect);
            row.sql("(").binds(binds).sql(")");
            row
        };
        self.insert_written(head, "", rows.into_iter().map(row).collect())
    }

    /// Inserts rows, each written as one of `VALUES`. On SQLite one by one: a statement of several rows makes the search index write what
    /// it has gathered, which it does once for a whole group of work otherwise.
    pub(crate) fn insert_written(&mut self, head: &str, tail: &'static str, rows: Vec<Statement>) -> Result<(), StoreError> {
        if let Some(gathered) = &mut self.gathered {
            gathered.add(head, tail, rows);
            return Ok(());
        }
        let at_once = match self.dialect() {
            Dialect::Sqlite => 1,
            Dialect::Postgres => rows.len().max(1),
        };
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            self.send(head, tail, rows.by_ref().take(at_once))?;
        }
        Ok(())
    }

    /// Sends what has been gathered.
    pub(crate) fn send_gathered(&mut self) -> Result<(), StoreError> {
        let Some(gathered) = self.gathered.as_mut().map(std::mem::take) else { return Ok(()) };
        for Waiting { head, tail, rows } in gathered.0 {
            let mut rows = rows.into_iter();
            for size in SIZES {
                while rows.len() >= size {
                    self.send(&head, tail, rows.by_ref().take(size))?;
                }
            }
        }
        Ok(())
    }

    fn send(&mut self, head: &str, tail: &'static str, rows: impl Iterator<Item = Statement>) -> Result<(), StoreError> {
        let mut sql = Statement::new(self.dialect());
        sql.sql(format!("INSERT INTO {head} VALUES "));
        for (position, row) in rows.enumerate() {
            if position > 0 {
                sql.sql(", ");
            }
            sql.append(row);
        }
        sql.sql(tail);
        self.connection().execute(&sql).map(drop)
    }
}
