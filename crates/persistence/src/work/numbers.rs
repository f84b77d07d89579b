//! Numbers for records. On PostgreSQL they are taken in blocks outside the transaction, so that writers of a tenant do not wait for each
//! other's commits; a block not used up is lost, and numbers have gaps.

use std::{collections::HashMap, ops::Range, sync::Mutex};

use diesel::{Connection as _, PgConnection};
use farley_domain::{
    model::{field::Writable, object::Object, recurring},
    values::id::Id,
};

use super::Work;
use crate::{
    engine::queries::postgres::records::take_numbers,
    error::StoreError,
    on,
    sql::statement::{Dialect, Statement, write_sql},
};

/// How many numbers are taken at once.
const BLOCK: i64 = 50;

pub struct Numbers {
    url: Option<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<PgConnection>,
    blocks: HashMap<(Id, String), Range<i64>>,
}

impl Numbers {
    pub fn none() -> Numbers {
        Numbers { url: None, state: Mutex::default() }
    }

    pub fn of(url: String) -> Numbers {
        Numbers { url: Some(url), state: Mutex::default() }
    }

    pub fn next(&self, tenant: Id, name: &str) -> Result<i64, StoreError> {
        let lost = |_| StoreError::Internal("a thread panicked while taking numbers".to_owned());
        let mut state = self.state.lock().map_err(lost)?;
        let key = (tenant, name.to_owned());
        if let Some(number) = state.blocks.get_mut(&key).and_then(Iterator::next) {
            return Ok(number);
        }
        let first = self.take_block(&mut state, tenant, name)?;
        let mut block = first..first + BLOCK;
        let number = block.next().unwrap_or(first);
        state.blocks.insert(key, block);
        Ok(number)
    }

    fn take_block(&self, state: &mut State, tenant: Id, name: &str) -> Result<i64, StoreError> {
        let url = self.url.as_deref().ok_or_else(|| StoreError::Internal("no database for numbers".to_owned()))?;
        // A connection that has died meanwhile is made anew.
        if let Some(mut connection) = state.connection.take()
            && let Ok(first) = take_numbers(&mut connection, tenant, name, BLOCK)
        {
            state.connection = Some(connection);
            return Ok(first);
        }
        let mut connection = PgConnection::establish(url).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let first = take_numbers(&mut connection, tenant, name, BLOCK)?;
        // A connection that failed is not kept.
        state.connection = Some(connection);
        Ok(first)
    }
}

impl Work<'_> {
    /// The next number of a sequence of the tenant.
    fn next_number(&mut self, name: &str) -> Result<i64, StoreError> {
        let tenant = self.tenant().id;
        match self.dialect() {
            Dialect::Sqlite => on!(&mut self.reader.connection, records::take_numbers(tenant, name, 1)),
            Dialect::Postgres => self.numbers.next(tenant, name),
        }
    }

    /// The number of a new record: the next of its sequence. Where people give numbers of their own too, those that they have taken are
    /// passed over.
    pub(super) fn unused_number(&mut self, object: &Object, prefix: &str) -> Result<String, StoreError> {
        let is_given = recurring::NUMBER.of(object).is_some_and(|field| field.writable != Writable::Never);
        loop {
            let number = format!("{prefix}{:06}", self.next_number(object.name)?);
            if !is_given || !self.is_taken(object, &number)? {
                return Ok(number);
            }
        }
    }

    fn is_taken(&mut self, object: &Object, number: &str) -> Result<bool, StoreError> {
        let mut sql = Statement::new(self.dialect());
        write_sql!(sql, "SELECT 1 FROM ", object.table, " WHERE tenant_id = ", self.tenant().id);
        sql.sql(" AND number = ").text(number).sql(" AND archived_at IS NULL LIMIT 1");
        Ok(!self.connection().load(&sql, &[])?.is_empty())
    }
}
