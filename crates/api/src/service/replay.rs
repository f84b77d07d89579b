//! The past of a ticket: the statuses that it had, and its clocks told anew from all that belongs to it now.

use std::sync::Arc;

use farley_domain::{
    activities::task::Priority,
    model::{entity::Entity, record::Record},
    service::{
        clock::{Clock, Entered, Party, Rest, StatusKind},
        outcome::outcomes,
        replay::Story,
        ticket::{Ticket, kind_of, rest_of},
        ticket_message::MessageKind,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{ClockRow, Layout, Reader, Work};
use serde_json::{Map, Value};

use super::sla::{Keeping, next_due, outcome_of, phase_of, promise_of, told};
use crate::{
    access::unrestricted::without_custom_fields,
    http::problem::Problem,
    records::{behaviour::Writing, lookup},
};

/// How many changes of a ticket's ledger are read.
const MOST_CHANGES: i64 = 10_000;
/// How many tickets may have been merged into one.
const MOST_MERGED: usize = 1_000;

/// The statuses that a ticket has had and the rests it made, oldest first, with those that are about to be written.
pub fn statuses_of(
    reader: &mut Reader<'_>,
    ticket: &Record<Ticket>,
    writing: Option<&Record<Ticket>>,
) -> Result<Vec<Entered>, Problem> {
    let (status, entered_at) = (Ticket::status.name(), Ticket::status_entered_at.name());
    let (merged, archived) = (Ticket::merged_into_id.name(), Ticket::archived_at.name());
    let names = [status, entered_at, merged, archived].map(str::to_owned);
    let layout = Arc::new(Layout::of(&without_custom_fields(Ticket::object()), &|_| true, Some(&names), &[]));
    let mut past = Past::default();
    for entry in reader.ledger(&layout, ticket.id(), MOST_CHANGES, 0)?.iter().rev() {
        let text = |state: &Map<String, Value>, name: &str| state.get(name).and_then(Value::as_str).map(str::to_owned);
        let kind = text(&entry.state, status).and_then(|kind| StatusKind::from_wire(&kind));
        let entered = text(&entry.state, entered_at).and_then(|time| Timestamp::parse(&time));
        let rests = match (text(&entry.state, merged), text(&entry.state, archived)) {
            (Some(_), _) => Some(Rest::Merged),
            (None, Some(_)) => Some(Rest::Archived),
            (None, None) => None,
        };
        if let (Some(kind), Some(entered)) = (kind, entered) {
            past.goes_on((kind, entered), rests, entry.at, Some(entry.id));
        }
    }
    if let Some(record) = writing
        && let Some(entered) = record.get(Ticket::status_entered_at)
    {
        let rests = rest_of(record);
        let turned = match rests {
            Some(Rest::Merged) => record.get(Ticket::merged_at),
            Some(Rest::Archived) => record.get(Ticket::archived_at),
            None => record.get(Ticket::resumed_at),
        };
        past.goes_on((kind_of(record), entered), rests, turned.unwrap_or(entered), None);
    }
    let mut statuses = past.statuses;
    // One that came here solved was opened first.
    if let (Some(first), Some(opened)) = (statuses.first(), ticket.get(Ticket::opened_at))
        && opened < first.at
    {
        statuses.insert(0, Entered::status(opened, StatusKind::New));
    }
    Ok(statuses)
}

/// What is known so far of a ticket's past.
#[derive(Default)]
struct Past {
    statuses: Vec<Entered>,
    /// When the last status was entered.
    entered: Option<Timestamp>,
}

impl Past {
    /// A state of the ticket: its status with when that was entered, why it rests, and when that may have turned.
    fn goes_on(
        &mut self,
        (status, entered): (StatusKind, Timestamp),
        rests: Option<Rest>,
        turned: Timestamp,
        because: Option<Id>,
    ) {
        let last = self.statuses.last();
        let at = match last {
            Some(last) if last.rests != rests => turned,
            Some(_) if self.entered == Some(entered) => return,
            Some(_) | None => entered,
        };
        self.entered = Some(entered);
        self.statuses.push(Entered { at, status, rests, because });
    }
}

/// All that belongs to a ticket about to be written.
fn story_of(work: &mut Work<'_>, before: &Record<Ticket>, record: &Record<Ticket>, now: Timestamp) -> Result<Story, Problem> {
    let opening = |ticket: &Record<Ticket>| {
        let at = ticket.get(Ticket::opened_at).unwrap_or(now);
        (at, ticket.get(Ticket::opened_by).unwrap_or(Party::Customer))
    };
    let mut openings = vec![opening(record)];
    let mut next = vec![record.id()];
    while let Some(into) = next.pop() {
        for merged in lookup::find::<Ticket>(work, &Ticket::merged_into_id.eq(into), MOST_MERGED)? {
            openings.push(opening(&merged));
            next.push(merged.id());
        }
    }
    let word = |kind: MessageKind| match kind {
        MessageKind::Incoming => Some(Party::Customer),
        MessageKind::Reply => Some(Party::Agent),
        MessageKind::Note | MessageKind::Automatic => None,
    };
    let messages = work.reader().messages_of_ticket(record.id())?;
    Ok(Story {
        opened_at: opening(record).0,
        openings,
        messages: messages.iter().filter_map(|message| Some((message.sent_at, word(message.kind)?))).collect(),
        statuses: statuses_of(work.reader(), before, Some(record))?,
    })
}

/// Tells the clocks of a ticket anew, after messages have come to it or gone: by what is promised for it now. A clock that ended when it
/// had ended before keeps what it was measured by then, and nobody is told again of what they were told.
pub fn retell(work: &mut Work<'_>, writing: &Writing<'_, Ticket>, record: &mut Record<Ticket>) -> Result<(), Problem> {
    let Some(before) = writing.before else { return Ok(()) };
    let now = writing.now;
    let story = story_of(work, before, record, now)?;
    let promised = promise_of(work.reader(), record)?;
    let priority = record.get(Ticket::priority).unwrap_or(Priority::Normal);
    let targets = promised.as_ref().map(|promised| promised.promise.targets(priority)).unwrap_or_default();
    let clocks = story.clocks(&targets);
    story.settle(&clocks, record);
    let former = work.reader().clocks(record.id())?;
    let is_promised = |row: &ClockRow| targets.iter().any(|target| target.clock.as_str() == row.clock);
    let mut rows: Vec<ClockRow> = former.iter().filter(|row| !is_promised(row)).cloned().collect();
    if let Some(promised) = &promised {
        let keeping = Keeping { tenant: work.tenant().id, ticket: record.id(), priority, now, rests: clocks.rests, promised };
        for (clock, is_open) in told(&clocks) {
            let kept = former.iter().find(|row| is_same(row, clock, is_open));
            let mut row = keeping.row(clock, is_open, kept);
            if let Some(kept) = kept {
                // What was promised later than it was due was broken when it was promised.
                row.breached_at = row.breached_at.and(kept.breached_at).or(row.breached_at);
                if !is_open {
                    let fires_at = kept.breached_at.filter(|_| kept.told < super::sla::TOLD_BREACH && !clocks.rests);
                    row = ClockRow { cycle: row.cycle, fires_at, ..kept.clone() };
                }
            }
            rows.push(row);
        }
    }
    record.set(Ticket::sla_due_at, next_due(&clocks.open));
    record.set(Ticket::sla_breached_at, rows.iter().filter_map(|row| row.breached_at).max());
    record.set(Ticket::sla_outcomes, outcomes(rows.iter().filter_map(outcome_of)));
    work.replace_clocks(record.id(), rows)?;
    Ok(())
}

/// Whether a clock that is told anew is one that was kept.
fn is_same(row: &ClockRow, clock: &Clock, is_open: bool) -> bool {
    let (phase, phase_at) = phase_of(clock);
    let began = row.clock == clock.kind.as_str() && row.started_at == clock.started_at && row.is_open == is_open;
    began && (is_open || (row.phase == phase && row.phase_at == phase_at))
}
