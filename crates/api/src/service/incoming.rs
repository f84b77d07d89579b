//! What mail and other channels share about messages that come in: where a conversation goes on, and what is kept of a long text.

use farley_domain::{
    model::{entity::Entity, record::Record},
    service::{
        clock::StatusKind,
        progress::Desk,
        ticket::{Ticket, first_status, kind_of},
        ticket_status::TicketStatus,
    },
    values::id::Id,
};
use farley_persistence::Work;
use sha2::{Digest, Sha256};

use crate::{
    http::problem::Problem,
    records::{lookup, write::Writer},
};

/// The longest text of a message and of a ticket, and the longest subject, in characters.
pub const LONGEST_BODY: usize = 100_000;
pub const LONGEST_DESCRIPTION: usize = 50_000;
pub const LONGEST_SUBJECT: usize = 300;
/// The longest id that is kept as it is, in bytes.
const LONGEST_ID: usize = 250;

/// The id of a message as it is kept; a long one by its digest.
#[must_use]
pub fn key_of(id: &str) -> String {
    if id.len() <= LONGEST_ID {
        return id.to_owned();
    }
    let digest: String = Sha256::digest(id.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digest}")
}

/// Whether a customer's message may open a ticket again.
pub fn may_open(work: &mut Work<'_>, writer: &Writer, ticket: &Record<Ticket>) -> Result<bool, Problem> {
    let statuses = lookup::all::<TicketStatus>(work.reader())?;
    let schema = writer.on(Ticket::object()).schema();
    let desk = Desk { schema: &schema, statuses: &statuses, now: writer.now };
    Ok(first_status(&statuses, StatusKind::Open).is_some_and(|open| desk.may_enter(ticket, open)))
}

/// Whether a customer's message goes to a ticket itself, and not to a new one that follows it up.
pub fn goes_on(work: &mut Work<'_>, writer: &Writer, ticket: &Record<Ticket>) -> Result<bool, Problem> {
    Ok(!kind_of(ticket).is_done() || may_open(work, writer, ticket)?)
}

/// The status that a ticket must stay in, where a customer's message would move it to one that it may not enter: no message is refused for
/// that.
pub fn status_kept(work: &mut Work<'_>, writer: &Writer, ticket: &Record<Ticket>) -> Result<Option<Id>, Problem> {
    let moves = kind_of(ticket) == StatusKind::WaitingCustomer;
    Ok(if moves && !may_open(work, writer, ticket)? { ticket.get(Ticket::status_id) } else { None })
}
