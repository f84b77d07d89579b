//! Tasks: completing them, putting them off, giving them to others.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    activities::task::{self, Task, TaskStatus, check_dependency},
    identity::{access::Action, user::User},
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        record::Record,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Change, Standing, Work};
use serde_json::json;

use super::concerned;
use crate::{
    access::call::Call,
    body,
    http::{problem::Problem, request::Body},
    records::{
        action::act,
        behaviour::{Behaviour, Shown, Writing},
        body::Nothing,
        giving,
    },
};

impl Behaviour for Task {
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        concerned::add_customer(work, writing.before.map(Record::any), record.any_mut())?;
        let needed = record.get(Task::depends_on_id).map(|id| concerned::by_id::<Task>(work, id)).transpose()?.flatten();
        check_cycle(work, writing.before, record)?;
        check_dependency(writing.before, record, needed.as_ref()).map_err(Problem::rule)?;
        if task::completes(writing.before, record)
            && let Some(next) = task::following(record, writing.now, writing.principal.standards(writing.now).zone)
        {
            let next = store_next(work, writing, next)?;
            record.set(Task::next_id, next.id());
        }
        Ok(())
    }

    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        concerned::keep_standing(work, Standing::NextTask, (writing.before, record), task::counts_at)?;
        Ok(Shown::new())
    }

    /// What happened to a task, where it is more than an update.
    fn verb(before: &Record<Self>, after: &Record<Self>) -> Option<&'static str> {
        let status = after.get(Task::status);
        (before.get(Task::status) != status).then_some(match status {
            Some(TaskStatus::Completed) => "completed",
            Some(TaskStatus::Cancelled) => "cancelled",
            Some(TaskStatus::Open) | None => "reopened",
        })
    }
}

/// The next task of a series; it belongs to whoever had the last. If they take no new work any more it waits with their team.
fn store_next(work: &mut Work<'_>, writing: &Writing<'_, Task>, mut next: Record<Task>) -> Result<Record<Task>, Problem> {
    if let Some(owner) = next.get(Task::owner_id)
        && giving::taker(work, owner)?.is_none()
    {
        next.clear(Task::owner_id);
    }
    let schema = writing.principal.schema(Task::object());
    work.insert(&schema, next.any_mut(), &Change::new("created"))?;
    concerned::keep_standing(work, Standing::NextTask, (None, &next), task::counts_at)?;
    Ok(next)
}

/// No task waits for itself, by whatever way round.
fn check_cycle(work: &mut Work<'_>, before: Option<&Record<Task>>, record: &Record<Task>) -> Result<(), Problem> {
    if before.is_some_and(|before| before.agrees(Task::depends_on_id, record)) {
        return Ok(());
    }
    let mut needed = record.get(Task::depends_on_id);
    if needed.is_some() {
        work.lock_tree(Task::object())?;
    }
    let mut seen = Vec::new();
    while let Some(id) = needed {
        if id == record.id() || seen.contains(&id) {
            return Err(Problem::rule(Fault::new(Task::depends_on_id.pointer(), FaultCode::DependencyCycle).into()));
        }
        seen.push(id);
        needed = concerned::by_id::<Task>(work, id)?.and_then(|task| task.get(Task::depends_on_id));
    }
    Ok(())
}

/// Complete a task
///
/// Completing a recurring task creates the next one, given in `next_id`; it has the same owner, or none but the same team if the
/// owner is deactivated. A task that depends on an open task cannot be
/// completed before that one.
#[utoipa::path(tag = "tasks", operation_id = "completeTask",
    params(("id" = String, Path, description = "The id of the task, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The completed task.", body = ref("#/components/schemas/Task"))))]
#[post("/v1/tasks/{id}/complete")]
pub async fn complete(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    set_status((call, request, body), TaskStatus::Completed).await
}

/// Reopen a task
///
/// Sets the task back to open. The next task that a completed recurring task created is kept.
#[utoipa::path(tag = "tasks", operation_id = "reopenTask",
    params(("id" = String, Path, description = "The id of the task, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The reopened task.", body = ref("#/components/schemas/Task"))))]
#[post("/v1/tasks/{id}/reopen")]
pub async fn reopen(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    set_status((call, request, body), TaskStatus::Open).await
}

async fn set_status(asking: (Call, HttpRequest, Body), status: TaskStatus) -> Result<HttpResponse, Problem> {
    act::<Task, Nothing>(asking, Action::Update, move |work, asked| {
        let mut record = asked.record().clone();
        if record.get(Task::status) == Some(status) {
            let allowed = if task::is_open(&record) { "complete" } else { "reopen" };
            return Err(Problem::state(status.as_str(), &[allowed]));
        }
        record.set(Task::status, status);
        asked.store(work, record, "updated")
    })
    .await
}

body! {
    /// When to be reminded of a snoozed task.
    pub struct TaskSnooze {
        /// The time of the reminder; it must be in the future. A task due earlier becomes due at that time.
        until: Option<Timestamp> => datetime().required().example("2030-03-09T01:00:00.000Z"),
    }
    example json!({"until": "2030-03-09T01:00:00.000Z"})
}

/// Snooze a task
///
/// The owner is reminded at that time, and the task is not due before it.
#[utoipa::path(tag = "tasks", operation_id = "snoozeTask", request_body = TaskSnooze,
    params(("id" = String, Path, description = "The id of the task, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The snoozed task.", body = ref("#/components/schemas/Task"))))]
#[post("/v1/tasks/{id}/snooze")]
pub async fn snooze(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Task, TaskSnooze>((call, request, body), Action::Update, |work, asked| {
        let (mut record, now) = (asked.record().clone(), asked.writer.now);
        refuse_closed(&record)?;
        let until = asked.body.get(TaskSnooze::until).unwrap_or(now);
        if until <= now {
            return Err(Problem::rule(Fault::new(TaskSnooze::until.pointer(), FaultCode::TooEarly).with("min", now).into()));
        }
        task::snooze(&mut record, until);
        asked.store(work, record, "updated")
    })
    .await
}

body! {
    /// The user a task is delegated to.
    pub struct TaskDelegation {
        /// The colleague who takes over the task.
        user_id: Option<Id> => reference("user").required().example("01890a5d-ac96-774b-bcce-b302099a8057"),
    }
    example json!({"user_id": "01890a5d-ac96-774b-bcce-b302099a8057"})
}

/// Delegate a task
///
/// Assigns the task to a colleague, who must not be deactivated, and to the colleague's team; the colleague is notified.
#[utoipa::path(tag = "tasks", operation_id = "delegateTask", request_body = TaskDelegation,
    params(("id" = String, Path, description = "The id of the task, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The delegated task.", body = ref("#/components/schemas/Task"))))]
#[post("/v1/tasks/{id}/delegate")]
pub async fn delegate(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Task, TaskDelegation>((call, request, body), Action::Update, |work, asked| {
        let mut record = asked.record().clone();
        refuse_closed(&record)?;
        let user = asked.body.get(TaskDelegation::user_id).map(|id| concerned::by_id::<User>(work, id)).transpose()?;
        let Some(user) = user.flatten().filter(|user| !user.is_archived()) else {
            return Err(Problem::rule(Fault::new(TaskDelegation::user_id.pointer(), FaultCode::NotFound).into()));
        };
        let mut faults = Faults::default();
        giving::check_takers(work, &[(TaskDelegation::user_id.pointer(), user.id())], &mut faults)?;
        if !faults.is_empty() {
            return Err(Problem::rule(faults));
        }
        record.set(Task::owner_id, user.id());
        // Farley itself fills in the team: a colleague's need not be one that the caller may read of.
        let writer = &asked.writer;
        let mut record = record.into_any();
        writer.follow_owner(work, &asked.loaded.record, &mut record)?;
        let record = writer.apply_rules(&writer.schema(), Some(&asked.loaded.record), record)?;
        writer.reach_place(&asked.loaded.record, &record)?;
        let record = writer.store_settled(work, &asked.loaded, record, "delegated", &[Task::team_id.name()])?;
        writer.answer(work, 200, &record, Shown::new())
    })
    .await
}

/// What is done with is neither put off nor given away.
fn refuse_closed(task: &Record<Task>) -> Result<(), Problem> {
    let closed = match task.get(Task::status) {
        Some(TaskStatus::Open) => return Ok(()),
        Some(status @ (TaskStatus::Completed | TaskStatus::Cancelled)) => status.as_str(),
        None => "",
    };
    Err(Problem::state(closed, &["reopen"]))
}
