//! Tickets that open a stream each, for programs that cannot send a header.

use farley_domain::values::time::Timestamp;

use crate::{error::StoreError, on, sql::rows::StreamTicketRow, work::Work};

impl Work<'_> {
    pub fn add_stream_ticket(&mut self, row: &StreamTicketRow) -> Result<(), StoreError> {
        on!(self.connection(), stream_tickets::add(row.clone()))
    }

    /// Takes the ticket with this hash, of whatever tenant, if it is still good: it opens one stream.
    pub fn take_stream_ticket(&mut self, hash: &[u8]) -> Result<Option<StreamTicketRow>, StoreError> {
        let now = self.origin.now;
        on!(self.connection(), stream_tickets::take(hash, now))
    }

    /// Forgets those that were not used in time.
    pub fn purge_stream_tickets(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), stream_tickets::purge(tenant, now))
    }
}
