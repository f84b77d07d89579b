//! The clocks of a ticket: which of them runs, what it has counted, and when it is due.
//!
//! | status | customer wrote last, never answered | customer wrote last | agent wrote last | resolution |
//! |---|---|---|---|---|
//! | `new`, `open`, `waiting_customer`, `waiting_third_party` | `first_response` | `next_response` | `update` | both run |
//! | `solved`, `closed` | stopped | stopped | stopped | `first_resolution` and `total_resolution` are met |
//!
//! So one clock of replies is on at any time, and a target may name statuses in which it pauses. A pause takes nothing from the calendar: what
//! is counted is the time of the target outside pauses. What changes a ticket is applied in the order of time; a change of what is
//! promised counts the past anew by the new target.

use std::sync::Arc;

use super::business_time::{Hours, Kind};
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

    fn progress(&self, status: StatusKind) -> Progress {
        match status {
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
}

/// A status that a ticket entered, and the event that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entered {
    pub at: Timestamp,
    pub status: StatusKind,
    pub because: Option<Id>,
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

    /// Puts a clock that was banked into the phase that a status asks for.
    fn follow(&mut self, status: StatusKind, at: Timestamp, target: &Target) {
        let next = match (target.progress(status), self.kind) {
            (Progress::Counts, _) => Phase::Running { since: at },
            (Progress::Pauses, _) => Phase::Paused { since: at },
            (Progress::Stops, ClockKind::TotalResolution) => Phase::Met { at },
            (Progress::Stops, _) => Phase::Stopped { since: at },
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
    /// It is merged into another or archived: nothing is owed any more.
    Ended,
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
    pub ended: bool,
    /// How many clocks of each kind there have been.
    pub cycles: [i64; 5],
    /// Those that are on, at most one of a kind.
    pub open: Vec<Clock>,
    /// Those that ended since they were last taken.
    pub over: Vec<Clock>,
}

impl Clocks {
    /// The clocks of a new ticket, by what is promised. One that an agent opens by writing to the customer owes no first response.
    #[must_use]
    pub fn start(at: Timestamp, status: StatusKind, by: Party, targets: &[Target]) -> Clocks {
        let by_agent = by == Party::Agent;
        let mut clocks = Clocks {
            opened_at: at,
            status,
            answered: by_agent,
            waiting_since: Some(at).filter(|_| !by_agent),
            updated_at: Some(at).filter(|_| by_agent),
            first_solved_at: Some(at).filter(|_| status.is_done()),
            ended: false,
            cycles: [0; 5],
            open: Vec::new(),
            over: Vec::new(),
        };
        clocks.begin(at, targets, &[]);
        clocks
    }

    /// Applies what happens at a time, which is not before what was applied already.
    pub fn apply(&mut self, at: Timestamp, happening: Happening, targets: &[Target]) {
        if self.ended {
            return;
        }
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
                for clock in &mut self.open {
                    if let Some(target) = target(targets, clock.kind) {
                        clock.follow(status, at, target);
                    }
                }
            }
            Happening::Ended => {
                for kind in ClockKind::ALL {
                    let met = self.open.iter().any(|clock| clock.kind == *kind && matches!(clock.phase, Phase::Met { .. }));
                    if !met {
                        self.finish(*kind, Phase::Stopped { since: at });
                    }
                }
                self.over.append(&mut self.open);
                self.ended = true;
                return;
            }
        }
        self.begin(at, targets, &[]);
    }

    /// Goes from targets on to others: what is open is counted anew from its start, by all statuses the ticket has had. What ended keeps
    /// what it was measured by.
    pub fn promise(&mut self, at: Timestamp, before: &[Target], targets: &[Target], statuses: &[Entered]) {
        if self.ended {
            return;
        }
        for mut clock in std::mem::take(&mut self.open) {
            if let Some(before) = target(before, clock.kind) {
                clock.bank(at, before);
            }
            match target(targets, clock.kind) {
                Some(target) => {
                    clock.recount(at, self.status, target, statuses);
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
            let (Some(started_at), Some(target), false) = (self.since(*kind), target(targets, *kind), on) else { continue };
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
            clock.recount(at, self.status, target, statuses);
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
    fn recount(&mut self, at: Timestamp, status: StatusKind, target: &Target, statuses: &[Entered]) {
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
        self.follow(status, at, target);
        if let (Phase::Met { at }, Some(was)) = (&mut self.phase, was_met) {
            *at = was;
        }
    }
}

fn target(targets: &[Target], kind: ClockKind) -> Option<&Target> {
    targets.iter().find(|target| target.clock == kind)
}

/// What a stretch of time was to a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentKind {
    Counted,
    /// The status does not count.
    Paused,
    ClosedHours,
    Holiday,
}

impl SegmentKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            SegmentKind::Counted => "counted",
            SegmentKind::Paused => "paused",
            SegmentKind::ClosedHours => "closed_hours",
            SegmentKind::Holiday => "holiday",
        }
    }
}

/// A stretch of the time of a clock, the end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    pub from: Timestamp,
    pub to: Timestamp,
    pub kind: SegmentKind,
    /// The status the ticket had, and the event that set it.
    pub status: Option<Entered>,
}

impl Segment {
    /// In milliseconds.
    #[must_use]
    pub fn length(&self) -> i64 {
        self.to.milliseconds() - self.from.milliseconds()
    }
}

/// What the time between two instants was to a clock with a target, by the statuses that the ticket entered, oldest first; before the
/// first of them, and without any, it counts.
#[must_use]
pub fn segments(from: Timestamp, to: Timestamp, target: &Target, statuses: &[Entered]) -> Vec<Segment> {
    let mut segments = Vec::new();
    let ends = statuses.iter().skip(1).map(|next| next.at).chain([to]);
    let before = statuses.first().map_or(to, |first| first.at);
    let stretches = [(None, from, before)].into_iter();
    let stretches = stretches.chain(statuses.iter().zip(ends).map(|(entered, end)| (Some(*entered), entered.at, end)));
    for (status, begin, end) in stretches {
        let (begin, end) = (begin.max(from), end.min(to));
        if begin >= end {
            continue;
        }
        let progress = status.map_or(Progress::Counts, |entered| target.progress(entered.status));
        match (progress, &target.hours) {
            (Progress::Pauses | Progress::Stops, _) => {
                segments.push(Segment { from: begin, to: end, kind: SegmentKind::Paused, status });
            }
            (Progress::Counts, None) => segments.push(Segment { from: begin, to: end, kind: SegmentKind::Counted, status }),
            (Progress::Counts, Some(hours)) => segments.extend(hours.stretches(begin, end).map(|stretch| Segment {
                from: stretch.from,
                to: stretch.to,
                kind: match stretch.kind {
                    Kind::Open => SegmentKind::Counted,
                    Kind::ClosedHours => SegmentKind::ClosedHours,
                    Kind::Holiday => SegmentKind::Holiday,
                },
                status,
            })),
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::business_time::tests::{hours, is_open_by_the_clock},
        *,
    };

    const MINUTE: i64 = 60_000;

    fn minutes(length: i64) -> i64 {
        length * MINUTE
    }

    fn target_of(clock: ClockKind, length: i64) -> Target {
        Target { clock, length: minutes(length), hours: None, pauses_in: Vec::new() }
    }

    /// One clock as it is counted slowly: what the ticket was in each minute of it.
    #[derive(Clone, Debug)]
    struct Slow {
        kind: ClockKind,
        cycle: i64,
        target: Target,
        first: i64,
        lived: Vec<StatusKind>,
        breached_at: Option<i64>,
        end: Option<(i64, bool)>,
    }

    impl Slow {
        /// Counted minutes, and the minute at which it fell due, by going through all of them.
        fn count(&self) -> (i64, Option<i64>) {
            let (mut counted, mut due) = (0, None);
            for (minute, status) in (self.first..).zip(&self.lived) {
                if status.is_done() || self.target.pauses_in.contains(status) {
                    continue;
                }
                if counted >= self.target.length / MINUTE {
                    due = due.or(Some(minute));
                }
                let open = self.target.hours.as_ref().is_none_or(|hours| is_open_by_the_clock(hours, minutes(minute)));
                counted += i64::from(open);
            }
            (counted, due)
        }
    }

    impl Slow {
        fn judge(&mut self, minute: i64) {
            self.breached_at = self.breached_at.or(self.count().1.filter(|due| *due < minute));
        }
    }

    /// A ticket as it is looked at once a minute.
    struct SlowTicket {
        status: StatusKind,
        answered: bool,
        waiting_since: Option<i64>,
        updated_at: Option<i64>,
        solved: bool,
        clocks: Vec<Slow>,
        statuses: Vec<StatusKind>,
        opened: i64,
    }

    impl SlowTicket {
        fn of_kind(&mut self, kind: ClockKind) -> Option<&mut Slow> {
            self.clocks.iter_mut().find(|clock| clock.kind == kind && clock.end.is_none())
        }

        fn end(&mut self, kind: ClockKind, minute: i64, met: bool) {
            if let Some(clock) = self.of_kind(kind) {
                clock.judge(minute);
                clock.end = Some((minute, met));
            }
        }

        /// Begins what the table of the module asks for.
        fn begin(&mut self, minute: i64, targets: &[Target]) {
            for target in targets {
                let since = match target.clock {
                    ClockKind::FirstResponse if !self.answered => self.waiting_since,
                    ClockKind::NextResponse if self.answered => self.waiting_since,
                    ClockKind::Update if self.waiting_since.is_none() => self.updated_at,
                    ClockKind::FirstResolution if !self.solved => Some(self.opened),
                    ClockKind::TotalResolution => Some(self.opened),
                    _ => None,
                };
                let (Some(first), None) = (since, self.of_kind(target.clock)) else { continue };
                let cycle = 1 + self.clocks.iter().filter(|clock| clock.kind == target.clock).count() as i64;
                let lived = self.statuses[usize::try_from(first - self.opened).unwrap()..].to_vec();
                let mut clock =
                    Slow { kind: target.clock, cycle, target: target.clone(), first, lived, breached_at: None, end: None };
                clock.breached_at = clock.count().1.filter(|due| *due < minute).map(|_| minute);
                self.clocks.push(clock);
            }
        }
    }

    #[derive(Clone, Debug)]
    enum Move {
        Happens(Happening),
        Promised(usize),
    }

    fn slowly(opened: i64, by: Party, moves: &[(i64, Move)], promises: &[Vec<Target>], end: i64) -> Vec<Slow> {
        let agent = by == Party::Agent;
        let mut ticket = SlowTicket {
            status: StatusKind::New,
            answered: agent,
            waiting_since: (!agent).then_some(opened),
            updated_at: agent.then_some(opened),
            solved: false,
            clocks: Vec::new(),
            statuses: Vec::new(),
            opened,
        };
        let mut targets = &promises[0];
        ticket.begin(opened, targets);
        for minute in opened..=end {
            for (_, happens) in moves.iter().filter(|(at, _)| *at == minute) {
                match happens {
                    Move::Promised(promise) => {
                        targets = &promises[*promise];
                        for clock in ticket.clocks.iter_mut().filter(|clock| clock.end.is_none()) {
                            match targets.iter().find(|target| target.clock == clock.kind) {
                                Some(target) => {
                                    clock.judge(minute);
                                    let was = clock.count().1;
                                    clock.target = target.clone();
                                    let due = clock.count().1.filter(|due| *due < minute);
                                    if due.is_none() || due != was {
                                        clock.breached_at = due.map(|_| minute);
                                    }
                                }
                                None => {
                                    clock.judge(minute);
                                    clock.end = Some((minute, false));
                                }
                            }
                        }
                    }
                    Move::Happens(Happening::Message(Party::Agent)) => {
                        ticket.end(ClockKind::FirstResponse, minute, true);
                        ticket.end(ClockKind::NextResponse, minute, true);
                        ticket.end(ClockKind::Update, minute, true);
                        ticket.answered = true;
                        ticket.waiting_since = None;
                        ticket.updated_at = Some(minute);
                    }
                    Move::Happens(Happening::Message(Party::Customer)) => {
                        ticket.end(ClockKind::Update, minute, false);
                        ticket.updated_at = None;
                        ticket.waiting_since = ticket.waiting_since.or(Some(minute));
                    }
                    Move::Happens(Happening::Status(status)) => {
                        ticket.status = *status;
                        if status.is_done() {
                            ticket.end(ClockKind::FirstResolution, minute, true);
                            ticket.solved = true;
                        }
                    }
                    Move::Happens(Happening::Ended) => {}
                }
                ticket.begin(minute, targets);
            }
            // The minute is lived.
            ticket.statuses.push(ticket.status);
            for clock in ticket.clocks.iter_mut().filter(|clock| clock.end.is_none()) {
                clock.lived.push(ticket.status);
            }
        }
        ticket.clocks.iter_mut().filter(|clock| clock.end.is_none()).for_each(|clock| clock.judge(end + 1));
        ticket.clocks
    }

    fn statuses() -> impl Strategy<Value = StatusKind> {
        (0..StatusKind::ALL.len()).prop_map(|place| StatusKind::ALL[place])
    }

    fn targets(hours: Hours) -> impl Strategy<Value = Vec<Target>> {
        let hours = Arc::new(hours);
        let one = (any::<bool>(), 1_i64..300, any::<bool>(), proptest::collection::vec(statuses(), 0..3));
        proptest::collection::vec(one, 5).prop_map(move |told| {
            let told = ClockKind::ALL.iter().zip(told).filter(|(_, told)| told.0);
            told.map(|(clock, (_, length, business, pauses_in))| Target {
                clock: *clock,
                length: minutes(length),
                hours: business.then(|| hours.clone()),
                pauses_in,
            })
            .collect()
        })
    }

    fn moves() -> impl Strategy<Value = Vec<(i64, Move)>> {
        let happens = prop_oneof![
            2 => Just(Move::Happens(Happening::Message(Party::Customer))),
            2 => Just(Move::Happens(Happening::Message(Party::Agent))),
            4 => statuses().prop_map(|status| Move::Happens(Happening::Status(status))),
            1 => (0_usize..3).prop_map(Move::Promised),
        ];
        proptest::collection::vec((0_i64..200, happens), 0..12)
    }

    /// When a ticket is opened, in minutes; whether by an agent; what happens to it, each so many minutes after the other; what may be promised.
    type Story = (i64, bool, Vec<(i64, Move)>, Vec<Vec<Target>>);

    /// Tickets with three promises that may be made to them.
    fn stories() -> impl Strategy<Value = Story> {
        hours().prop_flat_map(|(hours, start)| {
            let promises = proptest::collection::vec(targets(hours), 3);
            (Just(start / MINUTE), any::<bool>(), moves(), promises)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]
        #[test]
        fn clocks_count_what_a_slow_look_at_each_minute_counts((opened, agent, told, promises) in stories()) {
            let mut at = opened;
            let moves: Vec<(i64, Move)> = told.into_iter().map(|(after, happens)| { at += after; (at, happens) }).collect();
            let end = at + 3_000;
            let by = if agent { Party::Agent } else { Party::Customer };
            let slow = slowly(opened, by, &moves, &promises, end);

            let time = |minute: i64| Timestamp::from_milliseconds(minutes(minute));
            let mut promised = &promises[0];
            let mut clocks = Clocks::start(time(opened), StatusKind::New, by, promised);
            let mut entered = vec![Entered { at: time(opened), status: StatusKind::New, because: None }];
            for (minute, happens) in &moves {
                match happens {
                    Move::Promised(promise) => {
                        clocks.promise(time(*minute), promised, &promises[*promise], &entered);
                        promised = &promises[*promise];
                    }
                    Move::Happens(happening) => {
                        clocks.apply(time(*minute), *happening, promised);
                        if let Happening::Status(status) = happening {
                            entered.push(Entered { at: time(*minute), status: *status, because: None });
                        }
                    }
                }
            }
            let open: Vec<Clock> = clocks.open.clone();
            let mut all: Vec<Clock> = clocks.over.iter().chain(&open).cloned().collect();
            all.sort_by_key(|clock| (clock.kind as usize, clock.cycle));
            let mut slow: Vec<&Slow> = slow.iter().collect();
            slow.sort_by_key(|clock| (clock.kind as usize, clock.cycle));
            prop_assert_eq!(all.len(), slow.len());
            for (clock, slow) in all.iter().zip(slow) {
                prop_assert_eq!((clock.kind, clock.cycle, clock.started_at), (slow.kind, slow.cycle, time(slow.first)));
                let (counted, due) = slow.count();
                let is_open = open.contains(clock);
                prop_assert_eq!(is_open, slow.end.is_none());
                // A closed clock is judged when it closed; an open one a while after the last move.
                let (last, breached) = match slow.end {
                    Some((end, met)) => {
                        if met { prop_assert_eq!(clock.phase, Phase::Met { at: time(end) }); }
                        (end, clock.breached_at)
                    }
                    None => {
                        let running = matches!(clock.phase, Phase::Running { .. });
                        (end + 1, clock.breached_at.or(clock.due_at.filter(|due| running && *due < time(end + 1))))
                    }
                };
                prop_assert_eq!(clock.elapsed_at(time(last), &slow.target), minutes(counted), "{:?}", clock);
                prop_assert_eq!(clock.length, slow.target.length);
                prop_assert_eq!(breached, slow.breached_at.map(time), "{:?} {:?}", clock, due);
                // What explains it adds up to it.
                let explained = segments(clock.started_at, time(last), &slow.target, &entered);
                let sum: i64 = explained.iter().filter(|segment| segment.kind == SegmentKind::Counted).map(Segment::length).sum();
                prop_assert_eq!(sum, minutes(counted));
                prop_assert!(explained.windows(2).all(|pair| pair[0].to == pair[1].from));
            }
        }
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn states(clocks: &Clocks) -> Vec<(ClockKind, ClockState)> {
        clocks.over.iter().chain(&clocks.open).map(|clock| (clock.kind, clock.state())).collect()
    }

    #[test]
    fn one_reply_clock_runs_at_a_time() {
        let targets = ClockKind::ALL.iter().map(|clock| target_of(*clock, 60)).collect::<Vec<_>>();
        let minute = |minutes: i64| at("2026-03-02T09:00:00Z").plus_seconds(minutes * 60);
        let replies = |clocks: &Clocks| {
            let replies = [ClockKind::FirstResponse, ClockKind::NextResponse, ClockKind::Update];
            let running =
                clocks.open.iter().filter(|clock| replies.contains(&clock.kind) && clock.state() == ClockState::Running);
            running.map(|clock| (clock.kind, clock.cycle)).collect::<Vec<_>>()
        };
        let mut clocks = Clocks::start(minute(0), StatusKind::New, Party::Customer, &targets);
        assert_eq!(replies(&clocks), [(ClockKind::FirstResponse, 1)]);
        clocks.apply(minute(5), Happening::Message(Party::Customer), &targets);
        assert_eq!(replies(&clocks), [(ClockKind::FirstResponse, 1)]);
        clocks.apply(minute(10), Happening::Message(Party::Agent), &targets);
        assert_eq!(replies(&clocks), [(ClockKind::Update, 1)], "the customer owes the next word, the agent news");
        clocks.apply(minute(20), Happening::Message(Party::Agent), &targets);
        assert_eq!(replies(&clocks), [(ClockKind::Update, 2)]);
        clocks.apply(minute(30), Happening::Message(Party::Customer), &targets);
        assert_eq!(replies(&clocks), [(ClockKind::NextResponse, 1)]);
        clocks.apply(minute(40), Happening::Message(Party::Customer), &targets);
        assert_eq!(clocks.open[0].started_at, minute(30), "a second message does not begin it anew");
        clocks.apply(minute(50), Happening::Status(StatusKind::Solved), &targets);
        assert_eq!(replies(&clocks), []);
        assert_eq!(states(&clocks).last(), Some(&(ClockKind::TotalResolution, ClockState::Met)));
        clocks.apply(minute(500), Happening::Status(StatusKind::Open), &targets);
        let total = clocks.open.last().unwrap();
        assert_eq!((total.state(), total.due_at), (ClockState::Running, Some(minute(510))), "closed time is no time of work");
        assert_eq!(replies(&clocks), [(ClockKind::NextResponse, 1)]);
        clocks.apply(minute(501), Happening::Ended, &targets);
        assert!(clocks.open.is_empty());
        assert_eq!(states(&clocks).last(), Some(&(ClockKind::TotalResolution, ClockState::Stopped)));
        clocks.apply(minute(502), Happening::Message(Party::Customer), &targets);
        assert!(clocks.open.is_empty(), "nothing is owed for a merged ticket");
    }

    #[test]
    fn a_new_priority_keeps_the_pauses_and_breaks_no_promise_before_it_was_made() {
        let targets = |length: i64| {
            [Target { pauses_in: vec![StatusKind::WaitingCustomer], ..target_of(ClockKind::FirstResolution, length) }]
        };
        let minute = |minutes: i64| at("2026-03-02T09:00:00Z").plus_seconds(minutes * 60);
        let mut clocks = Clocks::start(minute(0), StatusKind::Open, Party::Customer, &targets(480));
        let entered = |minutes: i64, status: StatusKind| Entered { at: minute(minutes), status, because: None };
        clocks.apply(minute(30), Happening::Status(StatusKind::WaitingCustomer), &targets(480));
        let ledger = [entered(0, StatusKind::Open), entered(30, StatusKind::WaitingCustomer)];
        clocks.promise(minute(300), &targets(480), &targets(60), &ledger);
        assert_eq!((clocks.open[0].state(), clocks.open[0].elapsed), (ClockState::Paused, minutes(30)));
        clocks.apply(minute(400), Happening::Status(StatusKind::Open), &targets(60));
        assert_eq!(clocks.open[0].due_at, Some(minute(430)));
        let ledger = [ledger[0], ledger[1], entered(400, StatusKind::Open)];
        clocks.promise(minute(410), &targets(60), &targets(20), &ledger);
        let clock = &clocks.open[0];
        assert_eq!((clock.due_at, clock.breached_at), (Some(minute(20)), Some(minute(410))));
        clocks.promise(minute(420), &targets(20), &targets(20), &ledger);
        assert_eq!(clocks.open[0].breached_at, Some(minute(410)), "the same promise again");
    }
}
