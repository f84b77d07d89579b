//! Who is given a ticket of a queue: the rule itself, of what is known of the queue's agents.

use super::queue::QueueAssignment;
use crate::{
    sales::leads::assignment::{in_turn, least_loaded},
    values::{id::Id, text},
};

/// An agent of a queue, as assignment sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    pub id: Id,
    /// Whether they are active and at work.
    pub is_at_hand: bool,
    /// How many unsolved tickets they have.
    pub load: i64,
    /// How many they may have; any number, if none.
    pub capacity: Option<i64>,
    /// What they are versed in, folded.
    pub skills: Vec<String>,
}

impl Agent {
    /// Whether they can be given anything.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.is_at_hand && !self.is_full()
    }

    /// Whether they have as many tickets as they may have.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.capacity.is_some_and(|capacity| self.load >= capacity)
    }

    /// The skills of a ticket, as they are written there, that they do not have.
    #[must_use]
    pub fn lacks(&self, required: &[String]) -> Vec<String> {
        lacking(required, &self.skills)
    }

    fn has_all(&self, required: &[String]) -> bool {
        required.iter().all(|skill| self.skills.contains(skill))
    }
}

/// Skills as they are compared: however they are written.
#[must_use]
pub fn folded(skills: &[String]) -> Vec<String> {
    skills.iter().map(|skill| text::fold(skill)).collect()
}

/// Those of some skills, as they are written, that are not among others, which are folded.
#[must_use]
pub fn lacking(required: &[String], skills: &[String]) -> Vec<String> {
    required.iter().filter(|skill| !skills.contains(&text::fold(skill))).cloned().collect()
}

/// What a ticket asks of whoever gets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The skills it requires, folded.
    pub skills: Vec<String>,
    /// Who should have it, if they can.
    pub last_agent: Option<Id>,
}

/// The place of the agent who gets a ticket, and of whom it is the turn after that; none, if nobody can have it. Whoever is preferred
/// gets it out of turn.
#[must_use]
pub fn choose(assignment: QueueAssignment, agents: &[Agent], wanted: &Wanted, turn: i64) -> Option<(usize, i64)> {
    let can = |agent: &Agent| agent.is_free() && agent.has_all(&wanted.skills);
    if assignment == QueueAssignment::Pull {
        return None;
    }
    if let Some(place) = agents.iter().position(|agent| Some(agent.id) == wanted.last_agent && can(agent)) {
        return Some((place, turn));
    }
    let place_of = |id: Id| agents.iter().position(|agent| agent.id == id);
    let agent_of = |id: Id| agents.iter().find(|agent| agent.id == id);
    match assignment {
        QueueAssignment::Pull => None,
        QueueAssignment::RoundRobin => {
            let all: Vec<Id> = agents.iter().map(|agent| agent.id).collect();
            let place = in_turn(&all, turn, |id| agent_of(id).is_some_and(can))?;
            Some((place, i64::try_from(place + 1).unwrap_or(0)))
        }
        QueueAssignment::LeastLoaded => {
            let free: Vec<Id> = agents.iter().filter(|agent| can(agent)).map(|agent| agent.id).collect();
            let id = least_loaded(&free, |id| agent_of(id).map_or(i64::MAX, |agent| agent.load))?;
            Some((place_of(id)?, turn))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(number: usize) -> Id {
        Id(uuid::Uuid::from_u128(u128::try_from(number).unwrap() + 1))
    }

    fn skill(number: u8) -> String {
        format!("s{number}")
    }

    prop_compose! {
        fn agents()(seeds in prop::collection::vec((any::<bool>(), 0_i64..4, prop::option::of(0_i64..4), 0_u8..8), 0..7)) -> Vec<Agent> {
            let agent = |(place, (is_at_hand, load, capacity, skills)): (usize, (bool, i64, Option<i64>, u8))| Agent {
                id: id(place),
                is_at_hand,
                load,
                capacity,
                skills: (0..3).filter(|number| skills & (1 << number) != 0).map(skill).collect(),
            };
            seeds.into_iter().enumerate().map(agent).collect()
        }
    }

    proptest! {
        /// Against going through everybody by hand: nobody who cannot have it gets it, whoever is preferred does if they can, and of
        /// the others the one whose turn it is or who has least.
        #[test]
        fn the_right_one_gets_it(agents in agents(), skills in 0_u8..8, last in prop::option::of(0_usize..7), turn in 0_i64..10, in_turns in any::<bool>()) {
            let skills: Vec<String> = (0..3).filter(|number| skills & (1 << number) != 0).map(skill).collect();
            let wanted = Wanted { skills: skills.clone(), last_agent: last.map(id) };
            let assignment = if in_turns { QueueAssignment::RoundRobin } else { QueueAssignment::LeastLoaded };
            let able: Vec<usize> = (0..agents.len()).filter(|place| {
                let agent = &agents[*place];
                let has_room = match agent.capacity { Some(most) => agent.load < most, None => true };
                agent.is_at_hand && has_room && skills.iter().filter(|skill| !agent.skills.contains(skill)).count() == 0
            }).collect();
            let expected = match last.filter(|last| able.contains(last)) {
                Some(last) => Some(last),
                None if in_turns => {
                    let count = i64::try_from(agents.len()).unwrap();
                    (turn..turn + count).map(|place| usize::try_from(place % count).unwrap()).find(|place| able.contains(place))
                }
                None => able.iter().copied().min_by_key(|place| (agents[*place].load, *place)),
            };
            let chosen = choose(assignment, &agents, &wanted, turn);
            prop_assert_eq!(chosen.map(|(place, _)| place), expected);
            if let Some((place, next)) = chosen {
                let is_preferred = last == Some(place);
                let moved = in_turns && !is_preferred;
                prop_assert_eq!(next, if moved { i64::try_from(place).unwrap() + 1 } else { turn });
            }
            prop_assert_eq!(choose(QueueAssignment::Pull, &agents, &wanted, turn), None);
        }
    }

    proptest! {
        /// Whoever asks for a ticket gets what they would be given: nothing if they are full, and nothing of which they lack a skill.
        #[test]
        fn whoever_asks_gets_what_they_would_be_given(agents in agents(), skills in 0_u8..8) {
            let skills: Vec<String> = (0..3).filter(|number| skills & (1 << number) != 0).map(skill).collect();
            for agent in agents {
                let agent = Agent { is_at_hand: true, ..agent };
                let wanted = Wanted { skills: skills.clone(), last_agent: None };
                let is_given = choose(QueueAssignment::LeastLoaded, std::slice::from_ref(&agent), &wanted, 0).is_some();
                prop_assert_eq!(is_given, !agent.is_full() && agent.lacks(&skills).is_empty());
            }
        }
    }

    #[test]
    fn skills_are_the_same_however_they_are_written() {
        let texts = |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| (*text).to_owned()).collect() };
        assert_eq!(folded(&texts(&["ＶＰＮ", "日语"])), folded(&texts(&["vpn", "日语"])));
        assert_eq!(lacking(&texts(&["VPN", "高压电工"]), &folded(&texts(&["ｖｐｎ", "x"]))), ["高压电工"]);
        assert!(lacking(&[], &[]).is_empty());
    }
}
