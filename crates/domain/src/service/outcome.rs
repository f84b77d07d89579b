//! How a ticket has fared by each promised time: what reports count and lists find.

use super::clock::ClockKind;

/// How one clock has fared, the worst last: of the clocks of a kind the worst is that of the ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Everything promised was kept.
    Met,
    /// Something is still to be kept, and nothing is broken.
    Open,
    /// A promise was broken, though it may have been kept later.
    Breached,
}

impl Outcome {
    pub const ALL: [Outcome; 3] = [Outcome::Met, Outcome::Open, Outcome::Breached];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Met => "met",
            Outcome::Open => "open",
            Outcome::Breached => "breached",
        }
    }

    /// How a clock has fared; none, if it stopped before anything was decided. One that was met may go on if the ticket is reopened: until
    /// then it is met.
    #[must_use]
    pub fn of(is_breached: bool, is_open: bool, is_met: bool) -> Option<Outcome> {
        match (is_breached, is_met, is_open) {
            (true, _, _) => Some(Outcome::Breached),
            (false, true, _) => Some(Outcome::Met),
            (false, false, true) => Some(Outcome::Open),
            (false, false, false) => None,
        }
    }
}

/// An outcome as a ticket tells it: `first_response.met`.
#[must_use]
pub fn named(clock: ClockKind, outcome: Outcome) -> String {
    format!("{}.{}", clock.as_str(), outcome.as_str())
}

/// What a ticket tells of its clocks: one outcome for each kind that came to one, in the order of the kinds.
#[must_use]
pub fn outcomes(clocks: impl IntoIterator<Item = (ClockKind, Outcome)>) -> Vec<String> {
    let clocks: Vec<(ClockKind, Outcome)> = clocks.into_iter().collect();
    let of = |kind: ClockKind| clocks.iter().filter(|(known, _)| *known == kind).map(|(_, outcome)| *outcome).max();
    ClockKind::ALL.iter().filter_map(|kind| Some(named(*kind, of(*kind)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_a_kind_is_told() {
        let told = outcomes([
            (ClockKind::NextResponse, Outcome::Met),
            (ClockKind::NextResponse, Outcome::Breached),
            (ClockKind::NextResponse, Outcome::Open),
            (ClockKind::FirstResponse, Outcome::Met),
        ]);
        assert_eq!(told, ["first_response.met", "next_response.breached"]);
        assert_eq!(Outcome::of(false, false, false), None, "it stopped");
        assert_eq!(Outcome::of(true, true, false), Some(Outcome::Breached));
        assert_eq!(Outcome::of(false, true, true), Some(Outcome::Met), "it may go on");
    }
}
