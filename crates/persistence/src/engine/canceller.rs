//! Ends statements of PostgreSQL that nobody waits for any more, over a connection of its own.

use std::{sync::Arc, time::Duration};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use diesel::{Connection as _, PgConnection, RunQueryDsl as _, sql_types::Integer};

use super::leash::Leash;

/// How soon it is tried again: an order may come between two statements of the same work, where it ends nothing.
const AGAIN: Duration = Duration::from_millis(20);
/// How long the connection is kept without orders.
const IDLE: Duration = Duration::from_secs(60);

/// Carries out orders until nobody can give any more.
pub fn serve(url: &str, orders: &Receiver<Arc<Leash>>) {
    let mut connection = None;
    let mut pending: Vec<Arc<Leash>> = Vec::new();
    loop {
        match orders.recv_timeout(if pending.is_empty() { IDLE } else { AGAIN }) {
            Ok(order) => pending.push(order),
            Err(RecvTimeoutError::Timeout) if pending.is_empty() => connection = None,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        pending.extend(orders.try_iter());
        pending.retain(|leash| leash.cancel_with(|process| cancel(&mut connection, url, process)));
    }
}

fn cancel(connection: &mut Option<PgConnection>, url: &str, process: i32) {
    let conn = match connection.take().map_or_else(|| PgConnection::establish(url), Ok) {
        Ok(conn) => connection.insert(conn),
        Err(error) => {
            tracing::warn!(%error, "a statement could not be cancelled");
            return;
        }
    };
    let order = diesel::sql_query("SELECT pg_cancel_backend($1)").bind::<Integer, _>(process);
    if let Err(error) = order.execute(conn) {
        tracing::warn!(%error, "a statement could not be cancelled");
        *connection = None;
    }
}
