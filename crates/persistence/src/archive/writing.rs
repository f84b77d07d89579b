//! A tenant on its way in.

use farley_domain::values::id::Id;

use super::{
    Own,
    catalog::{self, Column, Kind, Table, Waiting},
};
use crate::{
    error::StoreError,
    on,
    sql::{
        cell::Cell,
        rows::JobRow,
        statement::{Bind, ColumnType, Dialect, Number, Statement, write_sql},
    },
};

/// What is otherwise for a tenant than where it comes from.
#[derive(Clone, Debug)]
pub struct Newcomer {
    pub id: Id,
    pub slug: String,
}

/// A database that a tenant is written into, in one transaction.
///
/// Rows refer to each other in all directions. SQLite looks at that when the transaction ends. PostgreSQL looks at the end of a statement:
/// so they are gathered in tables of the connection's own, and go from there to their places in a single one.
pub struct Incoming {
    own: Own,
    url: String,
    newcomer: Newcomer,
    number: i64,
    /// What is added to positions in the log.
    shift: i64,
    filled: Vec<Table>,
}

impl Incoming {
    /// Opens a database of the present schema.
    pub fn open(url: &str, newcomer: Newcomer) -> Result<Incoming, StoreError> {
        let mut own = Own::open(url)?;
        own.batch(match own.dialect() {
            Dialect::Sqlite => "BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = ON",
            Dialect::Postgres => {
                "SET client_min_messages = warning; SET TIME ZONE 'UTC'; BEGIN; LOCK TABLE tenants IN SHARE ROW EXCLUSIVE MODE"
            }
        })?;
        let number = one_number(&mut own, "SELECT COALESCE(MAX(number), 0) + 1 FROM tenants")?;
        // On SQLite all tenants share one row of positions, on PostgreSQL each has its own.
        let shift = match own.dialect() {
            Dialect::Sqlite => one_number(&mut own, "SELECT COALESCE(MAX(seq), 0) FROM events")?,
            Dialect::Postgres => 0,
        };
        Ok(Incoming { own, url: url.to_owned(), newcomer, number, shift, filled: Vec::new() })
    }

    pub fn schema(&mut self) -> Result<String, StoreError> {
        catalog::schema(&mut self.own)
    }

    pub fn tables(&mut self) -> Result<Vec<Table>, StoreError> {
        catalog::tables(&mut self.own)
    }

    /// By what positions in the log, and so cursors, differ from those where the tenant comes from.
    #[must_use]
    pub fn shift(&self) -> i64 {
        self.shift
    }

    /// Whether the tenant is there already, and whether another has its short name.
    pub fn is_taken(&mut self) -> Result<(bool, bool), StoreError> {
        let mut by_id = Statement::of(self.own.dialect(), "SELECT number FROM tenants WHERE id = ");
        by_id.id(self.newcomer.id);
        let mut by_slug = Statement::of(self.own.dialect(), "SELECT number FROM tenants WHERE slug = ");
        by_slug.text(&self.newcomer.slug);
        let mut is_there = |sql: &Statement| Ok::<_, StoreError>(!self.own.lend().load(sql, &[ColumnType::Integer])?.is_empty());
        Ok((is_there(&by_id)?, is_there(&by_slug)?))
    }

    /// Adds rows of a table: a JSON array of lines.
    pub fn add(&mut self, table: &Table, lines: &str) -> Result<(), StoreError> {
        let dialect = self.own.dialect();
        let is_new = self.filled.iter().all(|filled| filled.name != table.name);
        if is_new {
            self.filled.push(table.clone());
            if dialect == Dialect::Postgres {
                let mut create = Statement::of(dialect, "CREATE TEMPORARY TABLE ");
                write_sql!(create, Waiting(&table.name), " (LIKE ", &table.name, ") ON COMMIT DROP");
                self.own.lend().execute(&create)?;
            }
        }
        let mut sql = Statement::of(dialect, "INSERT INTO ");
        match dialect {
            Dialect::Sqlite => write_sql!(sql, &table.name),
            Dialect::Postgres => write_sql!(sql, "pg_temp.", Waiting(&table.name)),
        }
        write_names(&mut sql, table, " (");
        sql.sql(") SELECT ");
        for (place, column) in table.columns.iter().enumerate() {
            sql.sql(if place > 0 { ", " } else { "" });
            if table.is_of_tenants() && column.name.as_str() == "number" {
                write_sql!(sql, Bind::Integer(self.number));
            } else if table.is_of_tenants() && column.name.as_str() == "slug" {
                write_sql!(sql, Bind::Text(self.newcomer.slug.clone()));
            } else {
                write_column(&mut sql, dialect, column, place);
                if table.holds_positions(column) && self.shift > 0 {
                    write_sql!(sql, " + ", Bind::Integer(self.shift));
                }
            }
        }
        match dialect {
            Dialect::Sqlite => write_sql!(sql, " FROM json_each(", Bind::Text(lines.to_owned()), ") line"),
            Dialect::Postgres => {
                write_sql!(sql, " FROM json_array_elements(", Bind::Text(lines.to_owned()), "::json) line (value)")
            }
        }
        self.own.lend().execute(&sql)?;
        Ok(())
    }

    /// Puts everything in its place, with a job that makes the indexes which are not moved.
    pub fn finish(mut self, job: JobRow) -> Result<(), StoreError> {
        if self.own.dialect() == Dialect::Postgres {
            self.raise_positions()?;
            self.place_all()?;
        }
        on!(&mut self.own.lend(), jobs::insert(job))?;
        self.own.batch("COMMIT")
    }

    /// Lets the positions that are drawn from now on lie behind those that come in. Nobody may draw one between looking and raising: so it is
    /// done under a lock that lasts no longer, and before the events come in, over a connection of its own.
    fn raise_positions(&mut self) -> Result<(), StoreError> {
        if self.filled.iter().all(|table| table.name() != "events") {
            return Ok(());
        }
        let last = one_number(&mut self.own, "SELECT COALESCE(MAX(seq), 0) FROM pg_temp.in_events")?;
        let mut other = Own::open(&self.url)?;
        other.batch("BEGIN; LOCK TABLE events IN SHARE ROW EXCLUSIVE MODE")?;
        let mut raise = Statement::of(Dialect::Postgres, "SELECT setval('events_seq_seq', ");
        raise.integer(last).sql(") FROM events_seq_seq WHERE last_value < ").integer(last);
        other.lend().load(&raise, &[ColumnType::Integer])?;
        other.batch("COMMIT")
    }

    fn place_all(&mut self) -> Result<(), StoreError> {
        let mut sql = Statement::of(Dialect::Postgres, "WITH ");
        for (place, table) in self.filled.iter().enumerate() {
            sql.sql(if place > 0 { ", " } else { "" });
            write_sql!(sql, "placed", Number(i64::try_from(place).unwrap_or(i64::MAX)), " AS (INSERT INTO ", &table.name);
            write_names(&mut sql, table, " (");
            write_names(&mut sql, table, ") SELECT ");
            write_sql!(sql, " FROM pg_temp.", Waiting(&table.name), ")");
        }
        sql.sql(" SELECT 1");
        if !self.filled.is_empty() {
            self.own.lend().execute(&sql)?;
        }
        Ok(())
    }
}

fn one_number(own: &mut Own, sql: &'static str) -> Result<i64, StoreError> {
    let statement = Statement::of(own.dialect(), sql);
    let rows = own.lend().load(&statement, &[ColumnType::Integer])?;
    rows.first()
        .and_then(|row| row.first().and_then(Cell::as_integer))
        .ok_or_else(|| StoreError::Internal("no number".to_owned()))
}

/// The columns of a table, with commas between, after a word.
fn write_names(sql: &mut Statement, table: &Table, before: &'static str) {
    for (place, column) in table.columns.iter().enumerate() {
        write_sql!(sql, if place > 0 { ", " } else { before }, &column.name);
    }
}

/// The value at a place of a line, as a column stores it.
fn write_column(sql: &mut Statement, dialect: Dialect, column: &Column, place: usize) {
    let place = Number(i64::try_from(place).unwrap_or(i64::MAX));
    match (dialect, column.kind) {
        (Dialect::Sqlite, Kind::Bytes | Kind::Id) => write_sql!(sql, "unhex(json_extract(line.value, '$[", place, "]'))"),
        (Dialect::Sqlite, Kind::Changes) => write_sql!(sql, "changes_stored(json_extract(line.value, '$[", place, "]'))"),
        (Dialect::Sqlite, Kind::Double) => write_sql!(sql, "CAST(json_extract(line.value, '$[", place, "]') AS REAL)"),
        (Dialect::Sqlite, Kind::Integer | Kind::Text | Kind::Time | Kind::Date | Kind::Boolean | Kind::Json) => {
            write_sql!(sql, "json_extract(line.value, '$[", place, "]')");
        }
        (Dialect::Postgres, Kind::Time) => {
            // An interval is multiplied by a fraction, which is exact for both parts, and not for all of it.
            write_sql!(sql, "'epoch'::timestamptz + ((line.value ->> ", place, ")::bigint / 1000000) * interval '1 second'");
            write_sql!(sql, " + ((line.value ->> ", place, ")::bigint % 1000000) * interval '1 microsecond'");
        }
        (Dialect::Postgres, kind) => {
            let (before, after) = match kind {
                Kind::Id => ("(", ")::uuid"),
                Kind::Bytes => ("decode(", ", 'hex')"),
                Kind::Date => ("(", ")::date"),
                Kind::Boolean => ("(", ")::integer::boolean"),
                Kind::Integer => ("(", ")::bigint"),
                Kind::Double => ("(", ")::double precision"),
                Kind::Text | Kind::Time => ("(", ")"),
                Kind::Json | Kind::Changes => ("(", ")::json"),
            };
            write_sql!(sql, before, "line.value ->> ", place, after);
        }
    }
}
