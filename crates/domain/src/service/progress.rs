//! How a ticket gets from status to status: what a move demands and what it sets.

use super::{
    clock::StatusKind,
    ticket::{Ticket, first_status, kind_of, last_happening},
    ticket_status::TicketStatus,
};
use crate::{
    model::{
        fault::{Fault, FaultCode, Faults},
        handle::Handle,
        object::Schema,
        record::Record,
    },
    values::{id::Id, time::Timestamp},
};

/// What tickets go by: the tenant's statuses, archived ones too.
pub struct Desk<'a> {
    pub schema: &'a Schema,
    pub statuses: &'a [Record<TicketStatus>],
    pub now: Timestamp,
}

impl Desk<'_> {
    fn status(&self, id: Option<Id>) -> Option<&Record<TicketStatus>> {
        self.statuses.iter().find(|status| Some(status.id()) == id)
    }

    /// Settles all that follows from the status of a ticket about to be written; every fault at once.
    pub fn settle(&self, before: Option<&Record<Ticket>>, after: &mut Record<Ticket>) -> Result<(), Faults> {
        let mut faults = Faults::default();
        if after.is_null(Ticket::status_id) {
            after.set(Ticket::status_id, first_status(self.statuses, StatusKind::New).map(Record::id));
        }
        let moved = before.is_none_or(|before| !before.agrees(Ticket::status_id, after));
        let found = self.status(after.get(Ticket::status_id)).filter(|status| !(moved && status.is_archived()));
        let Some(status) = found else {
            return Err(Fault::new(Ticket::status_id.pointer(), FaultCode::NotFound).into());
        };
        let kind = status.get(TicketStatus::kind).unwrap_or(StatusKind::Open);
        if before.is_none() {
            self.open(after, &mut faults);
        }
        let was_done = before.is_some_and(|before| kind_of(before).is_done());
        if moved {
            if let Some(before) = before {
                self.check_move(before, status, kind, &mut faults);
            }
            self.check_required(status, after, &mut faults);
        }
        self.solve(before, after, (kind, was_done), &mut faults);
        after.set(Ticket::status, kind);
        if moved {
            let entered = match before {
                _ if kind.is_done() && !was_done => after.get(Ticket::solved_at),
                None => after.get(Ticket::opened_at),
                Some(_) => None,
            };
            after.set(Ticket::status_entered_at, entered.unwrap_or_else(|| self.moved_at(before, after)));
        }
        if kind == StatusKind::Closed {
            if after.is_null(Ticket::closed_at) {
                after.set(Ticket::closed_at, after.get(Ticket::status_entered_at).unwrap_or(self.now));
            }
        } else {
            after.clear(Ticket::closed_at);
        }
        if was_done && !kind.is_done() {
            after.set(Ticket::reopened_at, self.moved_at(before, after));
            after.set(Ticket::reopen_count, after.get(Ticket::reopen_count) + 1);
        }
        faults.into_result(())
    }

    /// Whether a ticket may enter a status as it is.
    #[must_use]
    pub fn may_enter(&self, ticket: &Record<Ticket>, status: &Record<TicketStatus>) -> bool {
        let mut faults = Faults::default();
        self.check_move(ticket, status, status.get(TicketStatus::kind).unwrap_or(StatusKind::Open), &mut faults);
        self.check_required(status, ticket, &mut faults);
        faults.is_empty()
    }

    /// When a ticket is moved: with the message that moves it, which may have been written earlier, or now.
    fn moved_at(&self, before: Option<&Record<Ticket>>, after: &Record<Ticket>) -> Timestamp {
        let new = |time: &Handle<Ticket, Option<Timestamp>>| before.is_some_and(|before| !before.agrees(*time, after));
        let messages = [Ticket::last_reply_at, Ticket::last_customer_message_at];
        messages.into_iter().filter(new).find_map(|time| after.get(time)).unwrap_or(self.now)
    }

    /// What a new ticket begins with.
    fn open(&self, after: &mut Record<Ticket>, faults: &mut Faults) {
        let opened = after.get(Ticket::opened_at).or(after.get(Ticket::solved_at)).unwrap_or(self.now);
        if opened > self.now {
            faults.add(Fault::new(Ticket::opened_at.pointer(), FaultCode::TooLate).with("max", self.now));
        }
        after.set(Ticket::opened_at, opened);
        if after.get(Ticket::opened_by) == Some(super::clock::Party::Agent) {
            after.set(Ticket::last_reply_at, opened);
        } else {
            after.set(Ticket::last_customer_message_at, opened);
            after.set(Ticket::waiting_since, opened);
        }
    }

    fn check_move(&self, before: &Record<Ticket>, to: &Record<TicketStatus>, kind: StatusKind, faults: &mut Faults) {
        let Some(from) = self.status(before.get(Ticket::status_id)) else { return };
        let next = from.get(TicketStatus::next_status_ids);
        let pointer = || Ticket::status_id.pointer();
        if !next.is_empty() && !next.contains(&to.id()) {
            let allowed: Vec<&str> = next
                .iter()
                .filter_map(|id| self.status(Some(*id)))
                .filter(|status| !status.is_archived())
                .map(|status| status.get(TicketStatus::name))
                .collect();
            let fault = Fault::new(pointer(), FaultCode::StepNotAllowed)
                .with("from", from.get(TicketStatus::name))
                .with("to", to.get(TicketStatus::name))
                .with("allowed", allowed.join(", "));
            faults.add(fault);
        }
        let (Some(days), Some(entered)) = (from.get(TicketStatus::reopen_days), before.get(Ticket::status_entered_at)) else {
            return;
        };
        let until = entered.plus_seconds(days * 24 * 3_600);
        if !kind.is_done() && self.now > until {
            faults.add(Fault::new(pointer(), FaultCode::ReopenTooLate).with("until", until));
        }
    }

    fn check_required(&self, status: &Record<TicketStatus>, after: &Record<Ticket>, faults: &mut Faults) {
        for path in status.get(TicketStatus::required_fields) {
            if let Some(field) = self.schema.field(&path)
                && after.lacks(field)
            {
                let pointer = format!("/{}", path.replace('.', "/"));
                faults.add(Fault::new(pointer, FaultCode::NeededByStatus).with("status", status.get(TicketStatus::name)));
            }
        }
    }

    /// Notes when it was solved, and forgets it when it is opened again.
    fn solve(
        &self,
        before: Option<&Record<Ticket>>,
        after: &mut Record<Ticket>,
        (kind, was_done): (StatusKind, bool),
        faults: &mut Faults,
    ) {
        let pointer = || Ticket::solved_at.pointer();
        let as_before = before.is_some_and(|before| before.agrees(Ticket::solved_at, after));
        if !kind.is_done() {
            if !as_before && !after.is_null(Ticket::solved_at) {
                faults.add(Fault::new(pointer(), FaultCode::UnsolvedHasNone));
            }
            after.clear(Ticket::solved_at);
            return;
        }
        match after.get(Ticket::solved_at) {
            // One that was solved stays so when it is closed.
            Some(_) if was_done && as_before => {}
            Some(_) if was_done => faults.add(Fault::new(pointer(), FaultCode::AlreadySolved)),
            None if was_done => after.set(Ticket::solved_at, before.and_then(|before| before.get(Ticket::solved_at))),
            None => after.set(Ticket::solved_at, self.now),
            Some(solved) if solved > self.now => {
                faults.add(Fault::new(pointer(), FaultCode::TooLate).with("max", self.now));
            }
            Some(solved) => {
                let last = before.map_or(after.get(Ticket::opened_at), last_happening);
                if let Some(last) = last.filter(|last| solved < *last) {
                    faults.add(Fault::new(pointer(), FaultCode::TooEarly).with("min", last));
                }
            }
        }
        if after.is_null(Ticket::first_solved_at) {
            after.set(Ticket::first_solved_at, after.get(Ticket::solved_at));
        }
    }
}
