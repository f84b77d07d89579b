//! The two engines behind one connection type.

use diesel::{PgConnection, SqliteConnection};

use crate::{
    engine::{leash, memo},
    error::StoreError,
    sql::{
        cell::{Cell, CellRef},
        statement::{ColumnType, Dialect, Statement},
    },
};

/// A connection to either engine, lent for one piece of work.
pub enum Connection<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

/// Calls the query of this name compiled for the connection's engine.
macro_rules! on {
    ($connection:expr, $module:ident::$query:ident($($argument:expr),*)) => {
        match $connection {
            $crate::engine::Connection::Sqlite(connection) => {
                $crate::engine::queries::sqlite::$module::$query(connection $(, $argument)*)
            }
            $crate::engine::Connection::Postgres(connection) => match $crate::engine::waiting::send(connection) {
                Ok(()) => $crate::engine::queries::postgres::$module::$query(connection $(, $argument)*),
                Err(error) => Err(error),
            },
        }
    };
}

pub(crate) use on;

impl Connection<'_> {
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match self {
            Connection::Sqlite(_) => Dialect::Sqlite,
            Connection::Postgres(_) => Dialect::Postgres,
        }
    }

    pub fn load(&mut self, statement: &Statement, columns: &[ColumnType]) -> Result<Vec<Vec<Cell>>, StoreError> {
        if let Some(rows) = memo::recall(statement) {
            return Ok(rows);
        }
        let _reading = leash::reading()?;
        let rows = on!(self, run::load(statement, columns))?;
        memo::keep(statement, &rows);
        Ok(rows)
    }

    /// Gives each row to `take` while the engine holds it.
    pub(crate) fn read(
        &mut self,
        statement: &Statement,
        columns: &[ColumnType],
        take: &mut dyn FnMut(&[CellRef<'_>]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let _reading = leash::reading()?;
        on!(self, run::read(statement, columns, take))
    }

    pub fn execute(&mut self, statement: &Statement) -> Result<usize, StoreError> {
        memo::written(statement);
        on!(self, run::execute(statement))
    }
}
