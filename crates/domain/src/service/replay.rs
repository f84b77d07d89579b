//! What a ticket's clocks say of all that belongs to it now: messages come and go when tickets are merged, parted again and split, and
//! then the conversation is gone through from its beginning.

use super::{
    clock::{Clocks, Entered, Happening, Party, StatusKind, Target},
    ticket::Ticket,
};
use crate::{model::record::Record, values::time::Timestamp};

/// All that the clocks of a ticket go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    pub opened_at: Timestamp,
    /// Who opened it, and the tickets merged into it, and when: each is a word to the other side.
    pub openings: Vec<(Timestamp, Party)>,
    /// What was written to the customer and by the customer, in any order.
    pub messages: Vec<(Timestamp, Party)>,
    /// What it was, oldest first.
    pub statuses: Vec<Entered>,
}

impl Story {
    /// The clocks as they would be, had all of it always belonged to the ticket. Those of solutions count from when the ticket itself was
    /// opened, those of replies from the first word that waits for one, even if that is earlier.
    #[must_use]
    pub fn clocks(&self, targets: &[Target]) -> Clocks {
        let status = self.statuses.first().map_or(StatusKind::New, |first| first.status);
        let mut clocks = Clocks::before(self.opened_at, status);
        for (at, happening) in self.happenings() {
            clocks.apply(at, happening, targets);
        }
        clocks
    }

    /// What happened, in the order of time; of what happened at once, words come before what they moved.
    fn happenings(&self) -> Vec<(Timestamp, Happening)> {
        let words = self.openings.iter().chain(&self.messages).map(|(at, party)| (*at, Happening::Message(*party)));
        let moves = self.statuses.windows(2).flat_map(|pair| {
            let (from, to) = (pair[0], pair[1]);
            let rest = match (from.rests.is_some(), to.rests.is_some()) {
                (false, true) => Some(Happening::Rests),
                (true, false) => Some(Happening::Resumes),
                (true, true) | (false, false) => None,
            };
            let status = Some(Happening::Status(to.status)).filter(|_| from.status != to.status);
            [status, rest].into_iter().flatten().map(move |happening| (to.at, happening))
        });
        let mut all: Vec<(Timestamp, Happening)> = words.chain(moves).collect();
        all.sort_by_key(|(at, _)| *at);
        all
    }

    /// Writes into the ticket who spoke last and who waits.
    pub fn settle(&self, clocks: &Clocks, ticket: &mut Record<Ticket>) {
        let of = |party: Party| move |(at, by): &(Timestamp, Party)| (*by == party).then_some(*at);
        let words = || self.openings.iter().chain(&self.messages);
        ticket.set(Ticket::first_responded_at, self.messages.iter().filter_map(of(Party::Agent)).min());
        ticket.set(Ticket::last_reply_at, words().filter_map(of(Party::Agent)).max());
        ticket.set(Ticket::last_customer_message_at, words().filter_map(of(Party::Customer)).max());
        ticket.set(Ticket::waiting_since, clocks.waiting_since);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::service::clock::{Clock, ClockKind, Rest};

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_milliseconds(minute * 60_000)
    }

    fn targets() -> Vec<Target> {
        let pauses_in = vec![StatusKind::WaitingCustomer];
        let target = |clock: &ClockKind| Target { clock: *clock, length: 30 * 60_000, hours: None, pauses_in: pauses_in.clone() };
        ClockKind::ALL.iter().map(target).collect()
    }

    fn all(clocks: Clocks) -> Vec<Clock> {
        let mut all: Vec<Clock> = clocks.over.into_iter().chain(clocks.open).collect();
        all.sort_by_key(|clock| (clock.kind as usize, clock.cycle));
        all
    }

    fn happenings() -> impl Strategy<Value = Vec<(i64, Happening)>> {
        let statuses = (0..StatusKind::ALL.len()).prop_map(|place| Happening::Status(StatusKind::ALL[place]));
        let happens = prop_oneof![
            Just(Happening::Message(Party::Customer)),
            Just(Happening::Message(Party::Agent)),
            statuses,
            Just(Happening::Rests),
            Just(Happening::Resumes),
        ];
        proptest::collection::vec((1_i64..60, happens), 0..15)
    }

    proptest! {
        #[test]
        fn a_story_told_at_once_is_the_story_as_it_went(told in happenings(), agent in any::<bool>()) {
            let (targets, by) = (targets(), if agent { Party::Agent } else { Party::Customer });
            let mut clocks = Clocks::start(minute(0), StatusKind::New, by, &targets);
            let mut story = Story {
                opened_at: minute(0),
                openings: vec![(minute(0), by)],
                messages: Vec::new(),
                statuses: vec![Entered::status(minute(0), StatusKind::New)],
            };
            let mut now = 0;
            for (after, happening) in told {
                let last = *story.statuses.last().unwrap();
                // A status entered twice is no move, and what rests cannot rest.
                let moves = match happening {
                    Happening::Message(_) => true,
                    Happening::Status(status) => status != last.status,
                    Happening::Rests => last.rests.is_none(),
                    Happening::Resumes => last.rests.is_some(),
                };
                if !moves {
                    continue;
                }
                now += after;
                clocks.apply(minute(now), happening, &targets);
                match happening {
                    Happening::Message(party) => story.messages.push((minute(now), party)),
                    Happening::Status(status) => story.statuses.push(Entered { at: minute(now), status, ..last }),
                    Happening::Rests => story.statuses.push(Entered { at: minute(now), rests: Some(Rest::Archived), ..last }),
                    Happening::Resumes => story.statuses.push(Entered { at: minute(now), rests: None, ..last }),
                }
            }
            let replayed = story.clocks(&targets);
            prop_assert_eq!(replayed.waiting_since, clocks.waiting_since);
            for (one, other) in all(replayed).into_iter().zip(all(clocks)) {
                prop_assert_eq!((one.kind, one.cycle, one.started_at), (other.kind, other.cycle, other.started_at));
                prop_assert_eq!(one.breached_at, other.breached_at);
                let target = targets.iter().find(|target| target.clock == one.kind).unwrap();
                prop_assert_eq!(one.elapsed_at(minute(now), target), other.elapsed_at(minute(now), target));
            }
        }
    }

    #[test]
    fn words_from_before_it_was_opened_wait_for_a_reply_too() {
        let story = Story {
            opened_at: minute(60),
            openings: vec![(minute(60), Party::Customer), (minute(20), Party::Customer)],
            messages: vec![(minute(70), Party::Agent), (minute(30), Party::Customer)],
            statuses: vec![Entered::status(minute(60), StatusKind::Open)],
        };
        let clocks = story.clocks(&targets());
        let first = clocks.over.iter().find(|clock| clock.kind == ClockKind::FirstResponse).unwrap();
        assert_eq!((first.started_at, first.elapsed / 60_000, first.breached_at), (minute(20), 50, Some(minute(50))));
        let solution = clocks.open.iter().find(|clock| clock.kind == ClockKind::FirstResolution).unwrap();
        assert_eq!((solution.started_at, solution.breached_at), (minute(60), None));
    }
}
