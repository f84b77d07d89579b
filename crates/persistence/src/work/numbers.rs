//! Numbers for records on PostgreSQL: taken in blocks outside the transaction, so that writers of a tenant do not wait for each
//! other's commits. A block not used up is lost; numbers have gaps.

use std::{collections::HashMap, ops::Range, sync::Mutex};

use diesel::{Connection as _, PgConnection};
use farley_domain::values::id::Id;

use crate::{engine::queries::postgres::records::take_numbers, error::StoreError};

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
