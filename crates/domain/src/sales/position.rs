//! Places on a board: texts between any two of which there is always another, so that moving one card touches no other.
//!
//! A position is read as the digits of a fraction in base 62, in the order of ASCII; it never ends in the digit zero.

use crate::values::{id::Id, time::Timestamp};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE: u128 = 62;

/// The place of what has just come into a stage: above everything that came before it.
#[must_use]
pub fn newest(now: Timestamp, id: Id) -> String {
    // Eight digits hold milliseconds until the year 8889.
    let last = BASE.pow(8) - 1;
    let elapsed = u128::try_from(now.milliseconds()).unwrap_or(0).min(last);
    written(last - elapsed, 8) + &mark(id)
}

/// A place after `before` and before `after`, which must be in this order; an end where there is none. The record's id makes it
/// differ from a place that somebody else finds at the same time.
#[must_use]
pub fn between(before: Option<&str>, after: Option<&str>, id: Id) -> String {
    let before = before.unwrap_or_default().as_bytes();
    let mut after = after.map(str::as_bytes);
    let mut place = String::new();
    for index in 0.. {
        let low = before.get(index).map_or(0, |digit| value(*digit));
        let high = match after {
            Some(after) => after.get(index).map_or(0, |digit| value(*digit)),
            None => 62,
        };
        if high > low + 1 {
            place.push(digit(low + (high - low) / 2));
            break;
        }
        place.push(digit(low));
        if high == low + 1 {
            // From here on anything is before `after`.
            after = None;
        } else if high < low || index > 1_000 {
            // Not in order: whatever follows `before` is as good.
            after = None;
        }
    }
    place + &mark(id)
}

/// Three digits out of an id, the last one not zero.
fn mark(id: Id) -> String {
    let random = id.0.as_u128() & 0xffff_ffff;
    let mut mark = written(random % (BASE * BASE), 2);
    mark.push(digit(1 + usize::try_from(random / (BASE * BASE) % (BASE - 1)).unwrap_or(0)));
    mark
}

fn written(mut number: u128, digits: usize) -> String {
    let mut text = vec![b'0'; digits];
    for place in text.iter_mut().rev() {
        *place = DIGITS[usize::try_from(number % BASE).unwrap_or(0)];
        number /= BASE;
    }
    text.into_iter().map(char::from).collect()
}

fn digit(value: usize) -> char {
    char::from(DIGITS[value.min(61)])
}

fn value(digit: u8) -> usize {
    DIGITS.iter().position(|known| *known == digit).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> Id {
        Id(Uuid::from_u128(number))
    }

    #[test]
    fn the_newest_is_above() {
        let (early, late) = (Timestamp::from_milliseconds(1_000_000), Timestamp::from_milliseconds(1_000_001));
        assert!(newest(late, id(1)) < newest(early, id(2)));
    }

    proptest! {
        /// However cards are dropped, each lands where it was dropped, and no two share a place.
        #[test]
        fn there_is_always_a_place(drops in proptest::collection::vec((any::<prop::sample::Index>(), any::<u128>()), 1..200)) {
            let mut board: Vec<String> = Vec::new();
            for (index, random) in drops {
                let index = index.index(board.len() + 1);
                let before = index.checked_sub(1).map(|index| board[index].clone());
                let after = board.get(index).cloned();
                let place = between(before.as_deref(), after.as_deref(), id(random));
                prop_assert!(before.is_none_or(|before| before < place));
                prop_assert!(after.is_none_or(|after| place < after));
                board.insert(index, place);
            }
        }
    }
}
