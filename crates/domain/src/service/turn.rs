//! Whose turn it is: messages of one conversation go out in the order in which they were written, and one that cannot be delivered holds
//! up those after it for a while and no longer.

use crate::{
    model::record::Record,
    service::ticket_message::TicketMessage,
    values::{id::Id, time::Timestamp},
};

/// For how many seconds a message that cannot be delivered holds up those after it.
pub const HOLDS_UP: i64 = 3_600;
/// The least and the most seconds after which one that waits is looked at again.
const LOOKS: (i64, i64) = (1, 30);

/// A message that waits to go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waiting {
    /// Since when.
    pub since: Timestamp,
    pub id: Id,
}

impl Waiting {
    #[must_use]
    pub fn of(message: &Record<TicketMessage>) -> Waiting {
        let since = message.get(TicketMessage::resent_at).or(message.get(TicketMessage::created_at));
        Waiting { since: since.unwrap_or(Timestamp::from_milliseconds(0)), id: message.id() }
    }

    fn is_overdue(&self, now: Timestamp) -> bool {
        self.since.plus_seconds(HOLDS_UP) <= now
    }
}

/// What becomes of a message that would go out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Those before it that have held it up long enough, and are given up.
    pub given_up: Vec<Id>,
    /// After how many seconds to look again, if another goes before it.
    pub waits: Option<i64>,
    /// Whether it is given up itself, if it cannot go out now: others wait for it, and have done so long enough.
    pub is_last_try: bool,
}

/// The turn of a message among those of its conversation that wait.
#[must_use]
pub fn turn(own: Waiting, others: &[Waiting], now: Timestamp) -> Turn {
    let others = || others.iter().filter(|other| other.id != own.id);
    let (overdue, before): (Vec<&Waiting>, Vec<&Waiting>) =
        others().filter(|other| **other < own).partition(|other| other.is_overdue(now));
    let look = |first: &&Waiting| ((now.milliseconds() - first.since.milliseconds()) / 4_000).clamp(LOOKS.0, LOOKS.1);
    Turn {
        given_up: overdue.into_iter().map(|other| other.id).collect(),
        waits: before.iter().min().map(look),
        is_last_try: own.is_overdue(now) && others().any(|other| own < *other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(1_772_352_000_000).plus_seconds(seconds)
    }

    fn waiting(number: usize, since: i64) -> Waiting {
        Waiting { since: at(since), id: Id(uuid::Uuid::from_u128(u128::try_from(number).unwrap() + 1)) }
    }

    proptest! {
        /// Each message is tried at random times, and the bridge takes some of them only later, some never: they arrive in their order,
        /// and none waits for another for longer than it is held up.
        #[test]
        fn messages_go_out_in_order(
            written in prop::collection::vec((0_i64..5_000, prop::option::of(0_i64..20_000)), 1..7),
            tries in prop::collection::vec((0_usize..7, 0_i64..40_000), 0..300),
        ) {
            let all: Vec<Waiting> = written.iter().enumerate().map(|(number, (since, _))| waiting(number, *since)).collect();
            let mut left = all.clone();
            let mut sent: Vec<Waiting> = Vec::new();
            let mut tries = tries;
            tries.extend((0..14).map(|turn| (turn % 7, 40_000 + i64::try_from(turn).unwrap() * 10_000)));
            tries.sort_by_key(|(_, time)| *time);
            for (number, time) in tries {
                let Some(own) = all.get(number).filter(|own| left.contains(own) && own.since <= at(time)) else { continue };
                let known: Vec<Waiting> = left.iter().copied().filter(|one| one.since <= at(time)).collect();
                let turn = turn(*own, &known, at(time));
                left.retain(|one| !turn.given_up.contains(&one.id));
                for id in &turn.given_up {
                    let one = all.iter().find(|one| one.id == *id).unwrap();
                    prop_assert!(one < own && one.since.plus_seconds(HOLDS_UP) <= at(time));
                }
                if let Some(seconds) = turn.waits {
                    prop_assert!((LOOKS.0..=LOOKS.1).contains(&seconds));
                    prop_assert!(left.iter().any(|one| one < own && one.since.plus_seconds(HOLDS_UP) > at(time)));
                    continue;
                }
                prop_assert!(left.iter().all(|one| one >= own));
                match written[number].1 {
                    Some(taken) if taken <= time => {
                        left.retain(|one| one != own);
                        sent.push(*own);
                    }
                    _ if turn.is_last_try => left.retain(|one| one != own),
                    _ => {}
                }
            }
            prop_assert!(sent.is_sorted(), "{:?}", sent);
        }
    }

    #[test]
    fn one_alone_is_tried_for_as_long_as_it_takes() {
        let (first, second) = (waiting(0, 0), waiting(1, 10));
        assert_eq!(turn(first, &[first], at(1_000_000)), Turn::default());
        assert!(turn(first, &[first, second], at(HOLDS_UP)).is_last_try);
        assert_eq!(turn(second, &[first, second], at(12)).waits, Some(3));
        let late = turn(second, &[first, second], at(HOLDS_UP));
        assert_eq!((late.given_up, late.waits), (vec![first.id], None));
    }
}
