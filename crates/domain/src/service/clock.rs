//! The clocks of a ticket: which of them runs, what it has counted, and when it is due.
//!
//! | status | customer wrote last, never answered | customer wrote last | agent wrote last | resolution |
//! |---|---|---|---|---|
//! | `new`, `open`, `waiting_customer`, `waiting_third_party` | `first_response` | `next_response` | `update` | both run |
//! | `solved`, `closed` | stopped | stopped | stopped | `first_resolution` and `total_resolution` are met |
//! | any, while it is merged into another or archived | stopped | stopped | stopped | stopped, unless met |
//!
//! So one clock of replies is on at any time, and a target may name statuses in which it pauses. A pause takes nothing from the calendar: what
//! is counted is the time of the target outside pauses. What changes a ticket is applied in the order of time; a change of what is
//! promised counts the past anew by the new target.

mod segments;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use self::segments::{Segment, SegmentKind, segments};
use super::business_time::Hours;
use crate::{
    choices,
    values::{id::Id, time::Timestamp},
};

choices! {
    /// What is promised to a customer.
    pub enum ClockKind {
        FirstResponse "first_response" "First response" "首次响应",
        NextResponse "next_response" "Next response" "后续响应",
        Update "update" "Update" "进展通报",
        FirstResolution "first_resolution" "First resolution" "首次解决",
        TotalResolution "total_resolution" "Total resolution" "最终解决",
    }
}

choices! {
    /// What a status of tickets means.
    pub enum StatusKind {
        New "new" "New" "新建",
        Open "open" "Open" "处理中",
        WaitingCustomer "waiting_customer" "Waiting for customer" "等待客户",
        WaitingThirdParty "waiting_third_party" "Waiting for third party" "等待第三方",
        Solved "solved" "Solved" "已解决",
        Closed "closed" "Closed" "已关闭",
    }
}

impl StatusKind {
    /// The kinds in which something is left to do.
    pub const UNDONE: [&'static str; 4] = [
        StatusKind::New.as_str(),
        StatusKind::Open.as_str(),
        StatusKind::WaitingCustomer.as_str(),
        StatusKind::WaitingThirdParty.as_str(),
    ];

    /// Whether nothing is left to do.
    #[must_use]
    pub fn is_done(self) -> bool {
        match self {
            StatusKind::Solved | StatusKind::Closed => true,
            StatusKind::New | StatusKind::Open | StatusKind::WaitingCustomer | StatusKind::WaitingThirdParty => false,
        }
    }
}

choices! {
    /// How a clock stands.
    pub enum ClockState {
        Running "running" "Running" "计时中",
        Paused "paused" "Paused" "已暂停",
        Met "met" "Met" "已达成",
        Breached "breached" "Breached" "已超时",
        Stopped "stopped" "Stopped" "已停止",
    }
}

choices! {
    /// Who writes to whom.
    pub enum Party {
        Customer "customer" "Customer" "客户",
        Agent "agent" "Agent" "客服",
    }
}

/// What is promised for one clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub clock: ClockKind,
    /// In milliseconds.
    pub length: i64,
    /// Business time counts the hours of a desk; without them, all time counts.
    pub hours: Option<Arc<Hours>>,
    /// Statuses in which it does not count.
    pub pauses_in: Vec<StatusKind>,
}

impl Target {
    fn counted(&self, from: Timestamp, to: Timestamp) -> i64 {
        match &self.hours {
            Some(hours) => hours.elapsed(from, to),
            None => (to.milliseconds() - from.milliseconds()).max(0),
        }
    }

    /// When so many milliseconds more will have been counted since an instant; none within ten years.
    #[must_use]
    pub fn reached(&self, since: Timestamp, left: i64) -> Option<Timestamp> {
        match &self.hours {
            Some(hours) => hours.add(since, left),
            None => Some(since.plus_milliseconds(left.max(0))).filter(|_| left <= Hours::HORIZON),
        }
    }

    fn progress(&self, status: StatusKind, rests: bool) -> Progress {
        match status {
            _ if rests => Progress::Rests,
            status if status.is_done() => Progress::Stops,
            status if self.pauses_in.contains(&status) => Progress::Pauses,
            _ => Progress::Counts,
        }
    }
}

/// What becomes of a clock in a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Counts,
    Pauses,
    Stops,
    /// Nothing is owed for the time being.
    Rests,
}

/// Why nothing is owed for a ticket, whatever its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// It is merged into another, which owes it all.
    Merged,
    Archived,
}

impl Rest {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Rest::Merged => "merged",
            Rest::Archived => "archived",
        }
    }
}

/// A status that a ticket entered, or a rest that it began or ended in one, and the event that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entered {
    pub at: Timestamp,
    pub status: StatusKind,
    pub rests: Option<Rest>,
    pub because: Option<Id>,
}

impl Entered {
    /// A status of a ticket that does not rest.
    #[must_use]
    pub fn status(at: Timestamp, status: StatusKind) -> Entered {
        Entered { at, status, rests: None, because: None }
    }
}

/// What a clock is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Running {
        since: Timestamp,
    },
    Paused {
        since: Timestamp,
    },
    /// Fulfilled. A total resolution goes on if the ticket is reopened.
    Met {
        at: Timestamp,
    },
    Stopped {
        since: Timestamp,
    },
}

/// One clock of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    pub kind: ClockKind,
    /// The how many-th of its kind, from 1: each message that waits for an answer begins one of `next_response`.
    pub cycle: i64,
    pub started_at: Timestamp,
    /// What is promised, in milliseconds.
    pub length: i64,
    /// What was counted until the present phase began, in milliseconds.
    pub elapsed: i64,
    pub phase: Phase,
    /// When it is due, or was when it ended; unknown while it is paused or stopped before that.
    pub due_at: Option<Timestamp>,
    /// When more than what is promised had been counted.
    pub breached_at: Option<Timestamp>,
}

impl Clock {
    #[must_use]
    pub fn state(&self) -> ClockState {
        match (self.breached_at, self.phase) {
            (Some(_), _) => ClockState::Breached,
            (None, Phase::Running { .. }) => ClockState::Running,
            (None, Phase::Paused { .. }) => ClockState::Paused,
            (None, Phase::Met { .. }) => ClockState::Met,
            (None, Phase::Stopped { .. }) => ClockState::Stopped,
        }
    }

    /// What is counted until an instant of its present phase, in milliseconds.
    #[must_use]
    pub fn elapsed_at(&self, at: Timestamp, target: &Target) -> i64 {
        match self.phase {
            Phase::Running { since } => self.elapsed + target.counted(since, at),
            Phase::Paused { .. } | Phase::Met { .. } | Phase::Stopped { .. } => self.elapsed,
        }
    }

    fn bank(&mut self, at: Timestamp, target: &Target) {
        self.elapsed = self.elapsed_at(at, target);
        if self.breached_at.is_none()
            && let (Phase::Running { .. }, Some(due)) = (self.phase, self.due_at)
            && due < at
        {
            self.breached_at = Some(due);
        }
        if let Phase::Running { since } = &mut self.phase {
            *since = at;
        }
    }

    /// Puts a clock that was banked into the phase that the ticket asks for.
    fn follow(&mut self, progress: Progress, at: Timestamp, target: &Target) {
        let next = match (progress, self.kind) {
            (Progress::Rests, _) if matches!(self.phase, Phase::Met { .. }) => return,
            (Progress::Counts, _) => Phase::Running { since: at },
            (Progress::Pauses, _) => Phase::Paused { since: at },
            (Progress::Stops, ClockKind::TotalResolution) => Phase::Met { at },
            (Progress::Stops | Progress::Rests, _) => Phase::Stopped { since: at },
        };
        if std::mem::discriminant(&next) == std::mem::discriminant(&self.phase) {
            return;
        }
        self.phase = next;
        if self.breached_at.is_some() {
            return;
        }
        match next {
            Phase::Running { since } => self.due_at = target.reached(since, self.length - self.elapsed),
            Phase::Paused { .. } | Phase::Stopped { .. } => self.due_at = None,
            Phase::Met { .. } => {}
        }
    }
}

/// What happens to a ticket that its clocks go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A message that the customer sees or sent.
    Message(Party),
    Status(StatusKind),
    /// It is merged into another or archived: nothing is owed until it comes back.
    Rests,
    /// It comes back: what was owed is owed again, and the time between is not counted.
    Resumes,
}

/// The clocks of a ticket, and what they go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clocks {
    pub opened_at: Timestamp,
    pub status: StatusKind,
    /// Whether an agent has written to the customer.
    pub answered: bool,
    /// Since when the customer has been waiting for an answer.
    pub waiting_since: Option<Timestamp>,
    /// When an agent last wrote to the customer.
    pub updated_at: Option<Timestamp>,
    pub first_solved_at: Option<Timestamp>,
    /// Whether it is merged into another or archived.
    pub rests: bool,
    /// How many clocks of each kind there have been.
    pub cycles: [i64; 5],
    /// Those that are on, at most one of a kind.
    pub open: Vec<Clock>,
    /// Those that ended since they were last taken.
    pub over: Vec<Clock>,
}

impl Clocks {
    /// None yet, of a ticket that is opened at a time or was spoken of before.
    #[must_use]
    pub fn before(opened_at: Timestamp, status: StatusKind) -> Clocks {
        Clocks {
            opened_at,
            status,
            answered: false,
            waiting_since: None,
            updated_at: None,
            first_solved_at: None,
            rests: false,
            cycles: [0; 5],
            open: Vec::new(),
            over: Vec::new(),
        }
    }

    /// The clocks of a new ticket, by what is promised. One that an agent opens by writing to the customer owes no first response.
    #[must_use]
    pub fn start(at: Timestamp, status: StatusKind, by: Party, targets: &[Target]) -> Clocks {
        let mut clocks = Clocks { first_solved_at: Some(at).filter(|_| status.is_done()), ..Clocks::before(at, status) };
        clocks.apply(at, Happening::Message(by), targets);
        clocks
    }

    /// Applies what happens at a time, which is not before what was applied already.
    pub fn apply(&mut self, at: Timestamp, happening: Happening, targets: &[Target]) {
        for clock in &mut self.open {
            if let Some(target) = target(targets, clock.kind) {
                clock.bank(at, target);
            }
        }
        match happening {
            Happening::Message(Party::Agent) => {
                for kind in [ClockKind::FirstResponse, ClockKind::NextResponse, ClockKind::Update] {
                    self.finish(kind, Phase::Met { at });
                }
                self.answered = true;
                self.waiting_since = None;
                self.updated_at = Some(at);
            }
            Happening::Message(Party::Customer) => {
                self.finish(ClockKind::Update, Phase::Stopped { since: at });
                self.waiting_since = self.waiting_since.or(Some(at));
                self.updated_at = None;
            }
            Happening::Status(status) => {
                self.status = status;
                if status.is_done() {
                    self.finish(ClockKind::FirstResolution, Phase::Met { at });
                    self.first_solved_at = self.first_solved_at.or(Some(at));
                }
                self.follow(at, targets);
            }
            Happening::Rests | Happening::Resumes => {
                self.rests = happening == Happening::Rests;
                self.follow(at, targets);
            }
        }
        self.begin(at, targets, &[]);
    }

    /// Goes from targets on to others: what is open is counted anew from its start, by all statuses the ticket has had. What ended keeps
    /// what it was measured by.
    pub fn promise(&mut self, at: Timestamp, before: &[Target], targets: &[Target], statuses: &[Entered]) {
        for mut clock in std::mem::take(&mut self.open) {
            if let Some(before) = target(before, clock.kind) {
                clock.bank(at, before);
            }
            match target(targets, clock.kind) {
                Some(target) => {
                    clock.recount(at, target.progress(self.status, self.rests), target, statuses);
                    self.open.push(clock);
                }
                None => {
                    if !matches!(clock.phase, Phase::Met { .. }) {
                        clock.phase = Phase::Stopped { since: at };
                    }
                    self.over.push(clock);
                }
            }
        }
        self.begin(at, targets, statuses);
    }

    /// Puts the clocks into the phases that the ticket asks for.
    fn follow(&mut self, at: Timestamp, targets: &[Target]) {
        for clock in &mut self.open {
            if let Some(target) = target(targets, clock.kind) {
                clock.follow(target.progress(self.status, self.rests), at, target);
            }
        }
    }

    /// Since when a clock has to be on; none, if it has not.
    fn since(&self, kind: ClockKind) -> Option<Timestamp> {
        match kind {
            ClockKind::FirstResponse => self.waiting_since.filter(|_| !self.answered),
            ClockKind::NextResponse => self.waiting_since.filter(|_| self.answered),
            ClockKind::Update => self.updated_at,
            ClockKind::FirstResolution => Some(self.opened_at).filter(|_| self.first_solved_at.is_none()),
            ClockKind::TotalResolution => Some(self.opened_at),
        }
    }

    fn begin(&mut self, at: Timestamp, targets: &[Target], statuses: &[Entered]) {
        for (kind, cycle) in ClockKind::ALL.iter().zip(&mut self.cycles.clone()) {
            let on = self.open.iter().any(|clock| clock.kind == *kind);
            let since = self.since(*kind).filter(|since| *since <= at);
            let (Some(started_at), Some(target), false) = (since, target(targets, *kind), on) else { continue };
            let mut clock = Clock {
                kind: *kind,
                cycle: *cycle + 1,
                started_at,
                length: target.length,
                elapsed: 0,
                phase: Phase::Stopped { since: at },
                due_at: None,
                breached_at: None,
            };
            clock.recount(at, target.progress(self.status, self.rests), target, statuses);
            self.cycles[*kind as usize] += 1;
            self.open.push(clock);
        }
        self.open.sort_by_key(|clock| clock.kind as usize);
    }

    fn finish(&mut self, kind: ClockKind, phase: Phase) {
        if let Some(place) = self.open.iter().position(|clock| clock.kind == kind) {
            let clock = self.open.remove(place);
            self.over.push(Clock { phase, ..clock });
        }
    }
}

impl Clock {
    /// Counts from the start by a target, as if it had been promised then; but what was not promised before was not broken before either.
    fn recount(&mut self, at: Timestamp, progress: Progress, target: &Target, statuses: &[Entered]) {
        let (due_before, breached_before) = (self.due_at, self.breached_at);
        self.length = target.length;
        self.elapsed = 0;
        self.due_at = None;
        let counted = segments(self.started_at, at, target, statuses);
        for (place, segment) in counted.iter().enumerate().filter(|(_, segment)| segment.kind != SegmentKind::Paused) {
            let left = self.length - self.elapsed;
            if segment.kind == SegmentKind::Counted {
                self.elapsed += segment.length();
            }
            // What is reached at the very moment of a pause is due when that ends.
            let pauses = counted.get(place + 1).is_some_and(|next| next.kind == SegmentKind::Paused);
            let reached = if pauses { self.elapsed > self.length } else { self.elapsed >= self.length };
            if self.due_at.is_none() && (reached || left <= 0) {
                self.due_at = Some(segment.from.plus_milliseconds(left.max(0)));
            }
        }
        self.breached_at = self.due_at.filter(|due| *due < at).map(|_| at);
        if self.due_at == due_before && breached_before.is_some() {
            self.breached_at = breached_before;
        }
        let was_met = match self.phase {
            Phase::Met { at } => Some(at),
            Phase::Running { .. } | Phase::Paused { .. } | Phase::Stopped { .. } => None,
        };
        self.phase = Phase::Stopped { since: at };
        self.follow(progress, at, target);
        if let (Phase::Met { at }, Some(was)) = (&mut self.phase, was_met) {
            *at = was;
        }
    }
}

fn target(targets: &[Target], kind: ClockKind) -> Option<&Target> {
    targets.iter().find(|target| target.clock == kind)
}
