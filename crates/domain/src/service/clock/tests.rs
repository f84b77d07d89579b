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
    lived: Vec<(StatusKind, bool)>,
    breached_at: Option<i64>,
    end: Option<(i64, bool)>,
}

impl Slow {
    /// Counted minutes, and the minute at which it fell due, by going through all of them.
    fn count(&self) -> (i64, Option<i64>) {
        let (mut counted, mut due) = (0, None);
        for (minute, (status, rests)) in (self.first..).zip(&self.lived) {
            if *rests || status.is_done() || self.target.pauses_in.contains(status) {
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
    rests: bool,
    answered: bool,
    waiting_since: Option<i64>,
    updated_at: Option<i64>,
    solved: bool,
    clocks: Vec<Slow>,
    statuses: Vec<(StatusKind, bool)>,
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
        rests: false,
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
                Move::Happens(Happening::Rests) => ticket.rests = true,
                Move::Happens(Happening::Resumes) => ticket.rests = false,
            }
            ticket.begin(minute, targets);
        }
        // The minute is lived.
        ticket.statuses.push((ticket.status, ticket.rests));
        for clock in ticket.clocks.iter_mut().filter(|clock| clock.end.is_none()) {
            clock.lived.push((ticket.status, ticket.rests));
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
        1 => prop_oneof![Just(Move::Happens(Happening::Rests)), Just(Move::Happens(Happening::Resumes))],
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
        let mut entered = vec![Entered::status(time(opened), StatusKind::New)];
        for (minute, happens) in &moves {
            match happens {
                Move::Promised(promise) => {
                    clocks.promise(time(*minute), promised, &promises[*promise], &entered);
                    promised = &promises[*promise];
                }
                Move::Happens(happening) => {
                    clocks.apply(time(*minute), *happening, promised);
                    let last = *entered.last().unwrap();
                    match happening {
                        Happening::Status(status) => entered.push(Entered { at: time(*minute), status: *status, ..last }),
                        Happening::Rests => entered.push(Entered { at: time(*minute), rests: Some(Rest::Merged), ..last }),
                        Happening::Resumes => entered.push(Entered { at: time(*minute), rests: None, ..last }),
                        Happening::Message(_) => {}
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
        let running = clocks.open.iter().filter(|clock| replies.contains(&clock.kind) && clock.state() == ClockState::Running);
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
    clocks.apply(minute(505), Happening::Rests, &targets);
    let rested = clocks.open.clone();
    assert!(rested.iter().all(|clock| matches!(clock.phase, Phase::Stopped { .. })), "nothing is owed for a merged ticket");
    assert!(rested.iter().all(|clock| clock.breached_at.is_some() || clock.due_at.is_none()));
    clocks.apply(minute(900), Happening::Resumes, &targets);
    assert_eq!(clocks.open.last().unwrap().due_at, Some(minute(905)), "it has what was left when it was merged");
}

#[test]
fn a_new_priority_keeps_the_pauses_and_breaks_no_promise_before_it_was_made() {
    let targets =
        |length: i64| [Target { pauses_in: vec![StatusKind::WaitingCustomer], ..target_of(ClockKind::FirstResolution, length) }];
    let minute = |minutes: i64| at("2026-03-02T09:00:00Z").plus_seconds(minutes * 60);
    let mut clocks = Clocks::start(minute(0), StatusKind::Open, Party::Customer, &targets(480));
    let entered = |minutes: i64, status: StatusKind| Entered::status(minute(minutes), status);
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
