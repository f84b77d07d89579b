//! What an answer makes of its ticket: the score stands in it, and a low one opens a task for whoever has it.

use std::sync::Arc;

use farley_domain::{
    activities::task::{Priority, Task},
    identity::access::Action,
    model::{entity::Entity, input::members, record::Record, template::shortened},
    service::{
        queue::Queue,
        satisfaction::{
            survey::{Survey, SurveyKind},
            survey_response::SurveyResponse,
        },
        ticket::Ticket,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Loaded, Work};

use crate::{
    access::principal::Principal,
    http::problem::Problem,
    records::{giving, lookup, named::Named, write::Writer},
    service::merging::conversation,
};

/// How long the subject of a task may be.
const SUBJECT: usize = 200;

fn writer(principal: &Arc<Principal>, now: Timestamp) -> Writer {
    Writer { principal: Arc::clone(principal), object: Ticket::object(), now, parent: None, quiet: false }
}

/// The ticket that an answer is about, or the one it was merged into: nobody else changes it meanwhile. None, if it is archived.
pub fn locked(work: &mut Work<'_>, system: &Arc<Principal>, now: Timestamp, ticket: Id) -> Result<Option<Loaded>, Problem> {
    let end = conversation(work, ticket)?;
    let loaded = writer(system, now).load(work, &Named::Id(end.id()), Action::Update)?;
    let is_at_hand = !loaded.record.is_archived() && loaded.record.of::<Ticket>().is_null(Ticket::merged_into_id);
    Ok(Some(loaded).filter(|_| is_at_hand))
}

/// Notes an answer in its ticket, and opens a task if its score is low and none was opened before.
pub fn follow_up(
    work: &mut Work<'_>,
    system: &Arc<Principal>,
    (survey, response): (&Record<Survey>, &mut Record<SurveyResponse>),
    ticket: Option<&Loaded>,
    now: Timestamp,
) -> Result<(), Problem> {
    let Some(loaded) = ticket else { return Ok(()) };
    let writer = writer(system, now);
    let (Some(kind), Some(score)) = (response.get(SurveyResponse::kind), response.get(SurveyResponse::score)) else {
        return Ok(());
    };
    let is_low = survey.get(Survey::low_score).is_some_and(|low| score <= low);
    if is_low && response.is_null(SurveyResponse::follow_up_task_id) {
        let task = open_task(work, &writer, (survey, &*response), loaded.record.of())?;
        response.set(SurveyResponse::follow_up_task_id, task);
    }
    if !is_latest(work, response)? {
        return Ok(());
    }
    let mut rated = loaded.record.of::<Ticket>().clone();
    rated.set(Ticket::satisfaction_kind, kind);
    rated.set(Ticket::satisfaction_score, score);
    rated.set(Ticket::satisfaction_at, now);
    writer.store(work, loaded, rated.into_any(), "rated").map(drop)
}

/// Whether no later survey about the same ticket has been answered: the ticket shows what was said last.
fn is_latest(work: &mut Work<'_>, response: &Record<SurveyResponse>) -> Result<bool, Problem> {
    let (Some(ticket), Some(asked)) = (response.get(SurveyResponse::ticket_id), response.get(SurveyResponse::asked_at)) else {
        return Ok(true);
    };
    let later = SurveyResponse::ticket_id
        .eq(ticket)
        .and(SurveyResponse::asked_at.gt(asked))
        .and(SurveyResponse::answered_at.is_not_null());
    Ok(lookup::find::<SurveyResponse>(work, &later, 1)?.is_empty())
}

fn open_task(
    work: &mut Work<'_>,
    writer: &Writer,
    (survey, response): (&Record<Survey>, &Record<SurveyResponse>),
    ticket: &Record<Ticket>,
) -> Result<Id, Problem> {
    let manager = match ticket.get(Ticket::queue_id) {
        Some(queue) => lookup::one::<Queue>(work, queue)?.and_then(|queue| queue.get(Queue::manager_id)),
        None => None,
    };
    // What somebody who has left would have had goes to the next.
    let mut owner = None;
    for candidate in [ticket.get(Ticket::owner_id), manager].into_iter().flatten() {
        if owner.is_none() && giving::taker(work, candidate)?.is_some() {
            owner = Some(candidate);
        }
    }
    let is_chinese = matches!(writer.principal.tenant.country.as_str(), "CN" | "HK" | "MO" | "TW");
    let kind = response.get(SurveyResponse::kind).unwrap_or(SurveyKind::Csat);
    let (score, max) = (response.get(SurveyResponse::score).unwrap_or(0), kind.scale().1);
    let (number, about) = (ticket.get(Ticket::number).unwrap_or_default(), ticket.get(Ticket::subject));
    let subject = if is_chinese {
        format!("低分回访（{score}/{max}）：{number} {about}")
    } else {
        format!("Follow up on a low score ({score}/{max}): {number} {about}")
    };
    let due = survey.get(Survey::follow_up_minutes).map(|minutes| writer.now.plus_seconds(minutes * 60));
    let body = members::<Task>()
        .with(Task::subject, shortened(&subject, SUBJECT))
        .with(Task::description, response.get(SurveyResponse::comment).map(str::to_owned))
        .with(Task::priority, Priority::High)
        .with(Task::due_at, due)
        .with(Task::customer_id, ticket.get(Ticket::customer_id))
        .with(Task::contact_id, ticket.get(Ticket::contact_id))
        .with(Task::owner_id, owner);
    let (task, _) = writer.on(Task::object()).create(work, &body.into_json())?;
    Ok(task.id())
}
