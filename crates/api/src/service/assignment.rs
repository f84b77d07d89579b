//! Tickets that wait in queues which give them out: given to whoever is free, in one order, by one job a tenant at a time.

use std::{collections::HashMap, sync::Arc};

use farley_domain::{
    identity::user::{User, is_at_hand},
    model::{entity::Entity, field::Field, record::Record},
    query::{
        cursor::Cursor,
        list::{ListQuery, SortBy, SortKey, Start},
        predicate::Predicate,
    },
    sales::leads::schedule::{WorkSchedule, is_working},
    service::{
        assignment::{Agent, Wanted, choose, folded},
        clock::StatusKind,
        queue::{Queue, QueueAssignment},
        ticket::{Ticket, kind_of},
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Cell, Group, Layout, Measure, Origin, TenantKey, Work};
use serde_json::json;

use super::queue::waiting;
use crate::{
    access::{
        principal::{self, Principal},
        state::State,
    },
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Shown, Writing},
        lookup,
        named::Named,
        write::Writer,
    },
};

/// The kind of the job that gives out what waits in a tenant.
pub const KIND: &str = "ticket_assignment";
/// The name under which they keep out of each other's way, and out of that of agents who take tickets and may have only so many.
pub(super) const LOCK: &str = "ticket assignment";
/// How many tickets are given in one piece of work.
const AT_ONCE: usize = 50;
/// How many waiting tickets are looked at, at a time.
const LOOKED_AT: usize = 100;
/// After how many seconds it is tried again, while something waits: by then somebody may have come to work.
const AGAIN: i64 = 15;
/// How often a job is tried.
const ATTEMPTS: i64 = 100;
/// How many queues a tenant can have that give out their tickets.
const MOST_QUEUES: usize = 1_000;

impl Behaviour for Queue {
    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        if gives(record) {
            ask(work, writing.now)?;
        }
        Ok(Shown::new())
    }
}

/// Whether a queue gives out its tickets.
fn gives(queue: &Record<Queue>) -> bool {
    !queue.is_archived() && queue.get(Queue::assignment).is_some_and(|assignment| assignment != QueueAssignment::Pull)
}

fn queues_that_give(work: &mut Work<'_>, most: usize) -> Result<Vec<Record<Queue>>, Problem> {
    let given = Queue::assignment.is_in([QueueAssignment::RoundRobin, QueueAssignment::LeastLoaded]);
    lookup::find(work, &Predicate::Archived(false).and(given), most)
}

/// Asks for what waits to be given out: after a write by which a ticket has come to wait, or somebody has become free.
fn ask(work: &mut Work<'_>, now: Timestamp) -> Result<(), Problem> {
    work.enqueue_once(KIND, KIND, &json!({}), now, ATTEMPTS)?;
    Ok(())
}

/// Whether a ticket waits for an agent.
fn is_waiting(ticket: &Record<Ticket>) -> bool {
    let lives = !ticket.is_archived() && ticket.is_null(Ticket::merged_into_id);
    lives && ticket.is_null(Ticket::owner_id) && matches!(kind_of(ticket), StatusKind::New | StatusKind::Open)
}

/// Whose unsolved ticket it is.
fn burdens(ticket: &Record<Ticket>) -> Option<Id> {
    let lives = !ticket.is_archived() && ticket.is_null(Ticket::merged_into_id);
    ticket.get(Ticket::owner_id).filter(|_| lives && !kind_of(ticket).is_done())
}

/// Asks for assignment after a ticket was written, if that may change who gets what.
pub fn follow(work: &mut Work<'_>, writing: &Writing<'_, Ticket>, record: &Record<Ticket>) -> Result<(), Problem> {
    let before = writing.before;
    let is_as_it_was = before.is_some_and(|before| {
        is_waiting(before)
            && before.agrees(Ticket::queue_id, record)
            && before.agrees(Ticket::required_skills, record)
            && before.agrees(Ticket::contact_id, record)
            && before.agrees(Ticket::customer_id, record)
    });
    if let Some(queue) = record.get(Ticket::queue_id).filter(|_| is_waiting(record) && !is_as_it_was)
        && lookup::one::<Queue>(work, queue)?.as_ref().is_some_and(gives)
    {
        return ask(work, writing.now);
    }
    let freed = before.and_then(burdens).is_some_and(|owner| burdens(record) != Some(owner));
    if freed && !queues_that_give(work, 1)?.is_empty() {
        ask(work, writing.now)?;
    }
    Ok(())
}

/// Gives out what waits in a tenant, and asks for another round if something is left.
pub async fn perform(state: &State, tenant: TenantKey, clock: fn() -> Timestamp) -> Result<(), Problem> {
    loop {
        let now = clock();
        let round =
            state.background.write::<_, Problem>(tenant, Origin::system(now), move |work| Round::of(work, now)?.give(work));
        if !round.await? {
            return Ok(());
        }
    }
}

/// What a piece of work goes by.
struct Round {
    now: Timestamp,
    writer: Writer,
    queues: Vec<Record<Queue>>,
    users: HashMap<Id, Record<User>>,
    schedules: Vec<Record<WorkSchedule>>,
    loads: HashMap<Id, i64>,
}

impl Round {
    fn of(work: &mut Work<'_>, now: Timestamp) -> Result<Round, Problem> {
        work.lock(LOCK)?;
        let principal: Arc<Principal> = Arc::new(principal::system(work.reader())?);
        let mut queues = queues_that_give(work, MOST_QUEUES)?;
        queues.sort_by_key(Record::id);
        let mut agents: Vec<Id> = queues.iter().flat_map(|queue| queue.get(Queue::agent_ids)).collect();
        agents.sort_unstable();
        agents.dedup();
        let users = lookup::find::<User>(work, &User::id.is_in(agents.iter().copied()), agents.len().max(1))?;
        let schedules = lookup::all::<WorkSchedule>(work.reader())?.into_iter().filter(|schedule| !schedule.is_archived());
        let writer = Writer { principal, object: Ticket::object(), now, parent: None, quiet: false };
        let loads = loads(work, &agents)?;
        Ok(Round {
            now,
            writer,
            queues,
            users: users.into_iter().map(|user| (user.id(), user)).collect(),
            schedules: schedules.collect(),
            loads,
        })
    }

    /// Gives out tickets of one queue after the other; whether there may be more to give at once.
    fn give(mut self, work: &mut Work<'_>) -> Result<bool, Problem> {
        let (mut given, mut is_left) = (0, false);
        for queue in std::mem::take(&mut self.queues) {
            // Whoever pulls out of it at the same time waits, or is waited for.
            work.lock(&format!("queue {}", queue.id()))?;
            is_left |= self.give_of(work, &queue, &mut given)?;
            if given >= AT_ONCE {
                return Ok(true);
            }
        }
        if is_left {
            let again = self.now.plus_seconds(AGAIN);
            work.enqueue_once(KIND, KIND, &json!({}), again, ATTEMPTS)?;
        }
        Ok(false)
    }

    /// Gives out the tickets of a queue in their order; whether one is left that nobody can have.
    fn give_of(&mut self, work: &mut Work<'_>, queue: &Record<Queue>, given: &mut usize) -> Result<bool, Problem> {
        let turns = format!("queue {} agents", queue.id());
        let mut is_left = false;
        for (within, order) in waiting(&Predicate::Archived(false), queue.id()) {
            let mut start = Start::First;
            loop {
                let query = query(within.clone(), order, start);
                let (page, next) = candidates(work, &self.writer, &query)?;
                for ticket in page {
                    // Those whom this very work gives one have another load for the next.
                    let agents = self.agents(queue);
                    if !agents.iter().any(Agent::is_free) {
                        return Ok(true);
                    }
                    if self.give_one(work, (queue, &agents, &turns), &ticket)? {
                        *given += 1;
                    } else {
                        is_left = true;
                    }
                    if *given >= AT_ONCE {
                        return Ok(is_left);
                    }
                }
                match next {
                    Some(next) => start = Start::After(next),
                    None => break,
                }
            }
        }
        Ok(is_left)
    }

    /// Gives a ticket to whoever should have it; whether somebody could.
    fn give_one(
        &mut self,
        work: &mut Work<'_>,
        (queue, agents, turns): (&Record<Queue>, &[Agent], &str),
        ticket: &Record<Ticket>,
    ) -> Result<bool, Problem> {
        let skills = folded(&ticket.get(Ticket::required_skills));
        let last_agent = if queue.get(Queue::prefers_last_agent) { last_agent(work, &self.writer, ticket)? } else { None };
        let assignment = queue.get(Queue::assignment).unwrap_or(QueueAssignment::Pull);
        let turn = if assignment == QueueAssignment::RoundRobin { work.next_turn(turns)? } else { 0 };
        let Some((place, next)) = choose(assignment, agents, &Wanted { skills, last_agent }, turn) else { return Ok(false) };
        let user = agents[place].id;
        let loaded = self.writer.load(work, &Named::Id(ticket.id()), farley_domain::identity::access::Action::Update)?;
        let mut record = loaded.record.of::<Ticket>().clone();
        if !is_waiting(&record) || record.get(Ticket::queue_id) != Some(queue.id()) {
            return Ok(true);
        }
        if next != turn {
            work.set_next_turn(turns, next)?;
        }
        record.set(Ticket::owner_id, user);
        let team = self.writer.team_of(work, user)?;
        record.set(Ticket::team_id, team);
        let record = self.writer.apply_rules(&self.writer.schema(), Some(&loaded.record), record.into_any())?;
        self.writer.store(work, &loaded, record, "assigned")?;
        *self.loads.entry(user).or_default() += 1;
        Ok(true)
    }

    /// The agents of a queue in their order, as they are now.
    fn agents(&self, queue: &Record<Queue>) -> Vec<Agent> {
        let zone = self.writer.principal.standards(self.now).zone;
        let respects = queue.get(Queue::respects_hours);
        let agent = |id: Id| {
            let user = self.users.get(&id);
            let is_at_hand = user.is_some_and(is_at_hand) && (!respects || is_working(&self.schedules, id, zone, self.now));
            agent_of(queue, (id, user), is_at_hand, self.loads.get(&id).copied().unwrap_or(0))
        };
        queue.get(Queue::agent_ids).into_iter().map(agent).collect()
    }
}

/// A user as an agent of a queue.
fn agent_of(queue: &Record<Queue>, (id, user): (Id, Option<&Record<User>>), is_at_hand: bool, load: i64) -> Agent {
    Agent {
        id,
        is_at_hand,
        load,
        capacity: user.and_then(|user| user.get(User::ticket_capacity)).or_else(|| queue.get(Queue::ticket_capacity)),
        skills: user.map(|user| folded(&user.get(User::skills))).unwrap_or_default(),
    }
}

/// Whoever asks for the next ticket of a queue, who is at hand by that. Until the end of the work nobody else gives them one.
pub(super) fn asking(work: &mut Work<'_>, queue: &Record<Queue>, id: Id) -> Result<Agent, Problem> {
    let user = lookup::one::<User>(work, id)?;
    let agent = agent_of(queue, (id, user.as_ref()), true, 0);
    if agent.capacity.is_none() {
        return Ok(agent);
    }
    work.lock(LOCK)?;
    let load = loads(work, &[id])?.get(&id).copied().unwrap_or(0);
    Ok(Agent { load, ..agent })
}

pub(super) fn query(predicate: Predicate, order: &Field, start: Start) -> ListQuery {
    ListQuery {
        predicate,
        sort: in_order(order),
        limit: LOOKED_AT,
        start,
        fields: None,
        expand: Vec::new(),
        total: false,
        as_of: None,
    }
}

/// A page of tickets, as far as assignment asks for them, and where the next one begins.
pub(super) fn candidates(
    work: &mut Work<'_>,
    writer: &Writer,
    query: &ListQuery,
) -> Result<(Vec<Record<Ticket>>, Option<Cursor>), Problem> {
    let names = [
        Ticket::id.name(),
        Ticket::created_at.name(),
        Ticket::opened_at.name(),
        Ticket::sla_due_at.name(),
        Ticket::required_skills.name(),
        Ticket::contact_id.name(),
        Ticket::customer_id.name(),
        Ticket::owner_id.name(),
    ];
    let names = names.map(str::to_owned);
    let layout = Arc::new(Layout::of(&writer.schema(), &|_| true, Some(&names), &[]));
    let page = work.reader().list(&layout, &writer.principal.view(writer.now), query)?;
    let rows = page.rows.iter().map(|row| Ok(row.to_record()?.into_entity())).collect::<Result<_, Problem>>()?;
    Ok((rows, page.next))
}

/// The ascending order of a time, the ticket opened first before others of the same time.
fn in_order(order: &Field) -> Vec<SortKey> {
    let key = |field: &Field| SortKey { by: SortBy::Field(field.clone()), descending: false };
    let mut sort = vec![key(order)];
    if order.name != Ticket::opened_at.name() {
        sort.push(key(Ticket::opened_at.field()));
    }
    sort.push(key(Ticket::id.field()));
    sort
}

/// How many unsolved tickets each of some users has.
fn loads(work: &mut Work<'_>, users: &[Id]) -> Result<HashMap<Id, i64>, Problem> {
    let unsolved = Predicate::Archived(false)
        .and(Ticket::owner_id.is_in(users.iter().copied()))
        .and(Ticket::solved_at.is_null())
        .and(Ticket::merged_into_id.is_null());
    let by_owner = [Group::by(Ticket::owner_id.field())];
    let rows = work.reader().aggregate(Ticket::object(), &unsolved, &by_owner, &[Measure::Count], (None, users.len().max(1)))?;
    Ok(rows.iter().filter_map(|row| Some((row.first()?.as_id()?, row.get(1).and_then(Cell::as_integer)?))).collect())
}

/// Who owns the ticket of the same contact that was created last, else the one of the same customer.
fn last_agent(work: &mut Work<'_>, writer: &Writer, ticket: &Record<Ticket>) -> Result<Option<Id>, Problem> {
    let others = Predicate::Archived(false).and(Predicate::Not(Box::new(Ticket::owner_id.is_null())));
    let of_contact = ticket.get(Ticket::contact_id).map(|contact| Ticket::contact_id.eq(contact));
    let of_customer = ticket.get(Ticket::customer_id).map(|customer| Ticket::customer_id.eq(customer));
    for own in [of_contact, of_customer].into_iter().flatten() {
        let created = SortKey { by: SortBy::Field(Ticket::created_at.field().clone()), descending: true };
        let latest = SortKey { by: SortBy::Field(Ticket::id.field().clone()), descending: true };
        let query = ListQuery {
            sort: vec![created, latest],
            limit: 1,
            ..query(others.clone().and(own), Ticket::created_at.field(), Start::First)
        };
        if let (rows, _) = candidates(work, writer, &query)?
            && let Some(owner) = rows.first().and_then(|ticket| ticket.get(Ticket::owner_id))
        {
            return Ok(Some(owner));
        }
    }
    Ok(None)
}
