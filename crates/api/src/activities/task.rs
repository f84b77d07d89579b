//! Tasks: completing them, putting them off, giving them to others.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    activities::task::{self, Task, check_dependency},
    entity::Entity,
    fault::{Fault, FaultCode},
    field::{Field, FieldType},
    identity::{access::Action, user::User},
    record::Record,
    time::Timestamp,
};
use farley_persistence::{Change, Standing, Work};

use super::concerned;
use crate::{
    access::call::Call,
    http::{problem::Problem, request::Body},
    records::{
        action::{AskedByName, act_by_name},
        behaviour::{Behaviour, Shown, Writing},
        mutation::Answer,
    },
};

impl Behaviour for Task {
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let (writing, record) = (&writing.any(), record.any_mut());
        concerned::add_customer(work, writing.before, record)?;
        let needed = match record.id_of("depends_on_id") {
            Some(id) => concerned::by_id(work, Task::object(), id)?,
            None => None,
        };
        check_cycle(work, writing.before, record)?;
        check_dependency(writing.before, record, needed.as_ref()).map_err(Problem::rule)?;
        if task::completes(writing.before, record)
            && let Some(next) = task::following(record, writing.now, writing.principal.standards(writing.now).zone)
        {
            let next = store_next(work, writing, next)?;
            record.set("next_id", next.id().to_string());
        }
        Ok(())
    }

    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        let (writing, record) = (&writing.any(), record.any());
        concerned::keep_standing(work, Standing::NextTask, (writing.before, record), task::counts_at)?;
        Ok(Shown::new())
    }

    /// What happened to a task, where it is more than an update.
    fn verb(before: &Record<Self>, after: &Record<Self>) -> Option<&'static str> {
        let (before, after) = (before.any(), after.any());
        if before.get("status") == after.get("status") {
            return None;
        }
        match after.text("status") {
            Some("completed") => Some("completed"),
            Some("cancelled") => Some("cancelled"),
            _ => Some("reopened"),
        }
    }
}

/// The next task of a series; it belongs to whoever had the last.
fn store_next(work: &mut Work<'_>, writing: &Writing<'_>, mut next: Record) -> Result<Record, Problem> {
    let shape = writing.principal.shape(Task::object());
    work.insert(&shape, &mut next, &Change::new("created"))?;
    concerned::keep_standing(work, Standing::NextTask, (None, &next), task::counts_at)?;
    Ok(next)
}

/// No task waits for itself, by whatever way round.
fn check_cycle(work: &mut Work<'_>, before: Option<&Record>, record: &Record) -> Result<(), Problem> {
    if before.is_some_and(|before| before.get("depends_on_id") == record.get("depends_on_id")) {
        return Ok(());
    }
    let mut needed = record.id_of("depends_on_id");
    if needed.is_some() {
        work.lock_tree(Task::object())?;
    }
    let mut seen = Vec::new();
    while let Some(id) = needed {
        if id == record.id() || seen.contains(&id) {
            return Err(Problem::rule(Fault::new("/depends_on_id", FaultCode::DependencyCycle).into()));
        }
        seen.push(id);
        needed = concerned::by_id(work, Task::object(), id)?.and_then(|task| task.id_of("depends_on_id"));
    }
    Ok(())
}

/// Complete a task
///
/// A recurring one makes the next, named by `next_id`. A task that depends on an open one cannot be completed before that is.
#[utoipa::path(tag = "tasks", operation_id = "completeTask",
    params(("id" = String, Path, description = "The task: its id, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The task, completed.", body = ref("#/components/schemas/Task"))))]
#[post("/v1/tasks/{id}/complete")]
pub async fn complete(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    set_status(call, request, body, "completed").await
}

/// Reopen a task
///
/// It is to be done again. What a completed recurring task was followed by stays.
#[utoipa::path(tag = "tasks", operation_id = "reopenTask",
    params(("id" = String, Path, description = "The task: its id, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The task, open.", body = ref("#/components/schemas/Task"))))]
#[post("/v1/tasks/{id}/reopen")]
pub async fn reopen(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    set_status(call, request, body, "open").await
}

async fn set_status(call: Call, request: HttpRequest, body: Body, status: &'static str) -> Result<HttpResponse, Problem> {
    act_by_name(Task::object(), (call, request, body), &[], Action::Update, move |work, asked| {
        let mut record = asked.loaded.record.clone();
        if record.get("status") == status {
            return Err(Problem::state(status, if status == "open" { &["complete"] } else { &["reopen"] }));
        }
        record.set("status", status);
        write(work, asked, record)
    })
    .await
}

/// Until when a task is put off.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[allow(dead_code, reason = "documents the body; it is read by its fields")]
pub struct TaskSnooze {
    /// When to remind of it; it lies ahead. A task due before is due then.
    #[schema(value_type = String, format = "date-time", example = "2030-03-09T01:00:00.000Z")]
    until: String,
}

/// Put a task off
///
/// Its owner is reminded of it then, and it is not due before.
#[utoipa::path(tag = "tasks", operation_id = "snoozeTask", request_body = TaskSnooze,
    params(("id" = String, Path, description = "The task: its id, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The task, put off.", body = ref("#/components/schemas/Task"))))]
#[post("/v1/tasks/{id}/snooze")]
pub async fn snooze(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let fields = [Field::new("until", FieldType::DateTime).required()];
    act_by_name(Task::object(), (call, request, body), &fields, Action::Update, |work, asked| {
        let mut record = asked.loaded.record.clone();
        refuse_closed(&record)?;
        let until = asked.get("until").as_str().and_then(Timestamp::parse).unwrap_or(asked.writer.now);
        if until <= asked.writer.now {
            return Err(Problem::rule(Fault::new("/until", FaultCode::TooEarly).with("min", asked.writer.now).into()));
        }
        task::snooze(&mut record, until);
        write(work, asked, record)
    })
    .await
}

/// To whom a task is given.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[allow(dead_code, reason = "documents the body; it is read by its fields")]
pub struct TaskDelegation {
    /// The colleague who is to do it from now on.
    #[schema(value_type = String, format = "uuid", example = "01890a5d-ac96-774b-bcce-b302099a8057")]
    user_id: String,
}

/// Delegate a task
///
/// Gives it to a colleague, and with it to the colleague's team; the colleague is notified.
#[utoipa::path(tag = "tasks", operation_id = "delegateTask", request_body = TaskDelegation,
    params(("id" = String, Path, description = "The task: its id, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The task, delegated.", body = ref("#/components/schemas/Task"))))]
#[post("/v1/tasks/{id}/delegate")]
pub async fn delegate(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let fields = [Field::new("user_id", FieldType::Reference("user".into())).required()];
    act_by_name(Task::object(), (call, request, body), &fields, Action::Update, |work, asked| {
        let mut record = asked.loaded.record.clone();
        refuse_closed(&record)?;
        let user = asked.get("user_id").as_str().and_then(|id| id.parse().ok());
        let user = user.map(|id| concerned::by_id(work, User::object(), id)).transpose()?.flatten();
        let Some(user) = user.filter(|user| user.get("status") == "active") else {
            return Err(Problem::rule(Fault::new("/user_id", FaultCode::NotFound).into()));
        };
        record.set("owner_id", user.id().to_string());
        record.set("team_id", user.get("team_id").clone());
        write_settled(work, asked, record)
    })
    .await
}

/// What is done with is neither put off nor given away.
fn refuse_closed(record: &Record) -> Result<(), Problem> {
    match record.text("status") {
        Some("open") => Ok(()),
        other => Err(Problem::state(other.unwrap_or_default(), &["reopen"])),
    }
}

fn write(work: &mut Work<'_>, asked: &AskedByName, record: Record) -> Result<Answer, Problem> {
    let record = asked.writer.apply_rules(&asked.writer.shape(), Some(&asked.loaded.record), record)?;
    let record = asked.writer.store(work, &asked.loaded, record, "updated")?;
    asked.writer.answer(work, 200, record.id(), Shown::new())
}

/// The same where Farley itself filled in the team: a colleague's need not be one that the caller may read of.
fn write_settled(work: &mut Work<'_>, asked: &AskedByName, record: Record) -> Result<Answer, Problem> {
    let before = &asked.loaded.record;
    let record = asked.writer.apply_rules(&asked.writer.shape(), Some(before), record)?;
    let record = asked.writer.store_settled(work, &asked.loaded, record, "delegated", &["team_id"])?;
    asked.writer.answer(work, 200, record.id(), Shown::new())
}
