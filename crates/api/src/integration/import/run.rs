//! The job that imports: batch after batch, each a unit of work of its own that also says how far the import is. After a crash
//! the next worker goes on behind the last batch that was committed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use farley_domain::{
    integration::{Import, import::record::ImportStatus},
    model::{
        entity::Entity,
        event::{Actor, ActorKind, Cause, CauseKind},
        object::Schema,
        record::Record,
    },
    query::predicate::Predicate,
    values::id::Id,
};
use farley_persistence::{Change, Lease, Loaded, Origin, StoreError, TenantKey, Work};
use serde::{Deserialize, Serialize};

use super::{
    options::{Options, Prepared},
    permit,
    row::{self, Outcome, RowFault},
};
use crate::{
    access::{principal::acting, state::State, unrestricted::Unrestricted},
    http::{
        clock,
        problem::{Code, Problem, describe},
    },
    records::{
        area::{Halt, LEASE_SECONDS},
        behaviour,
        unkept::Unkept,
        write::Writer,
    },
};

/// Rows after which the tables have another size than the planner thinks.
const MANY_ROWS: i64 = 1000;

/// What the job that imports is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Payload {
    pub import_id: Id,
    pub user_id: Id,
    pub api_key_id: Option<Id>,
    pub request_id: Option<String>,
    pub traceparent: Option<String>,
}

/// For whom the job works, and on what.
#[derive(Clone)]
struct Task {
    import: Id,
    user: Id,
    api_key: Option<Id>,
    request_id: Option<String>,
    lease: Lease,
}

impl Task {
    fn read(payload: &str, lease: Lease) -> Result<Task, String> {
        let Payload { import_id, user_id, api_key_id, request_id, traceparent: _ } =
            serde_json::from_str(payload).map_err(|error| error.to_string())?;
        Ok(Task { import: import_id, user: user_id, api_key: api_key_id, request_id, lease })
    }

    fn origin(&self) -> Origin {
        let kind = if self.api_key.is_some() { ActorKind::ApiKey } else { ActorKind::User };
        let actor = Actor { kind, user_id: Some(self.user), api_key_id: self.api_key, contact_id: None };
        let cause = Some(Cause { kind: CauseKind::Import, id: self.import, depth: 0 });
        Origin { actor, request_id: self.request_id.clone(), now: clock::now(), cause, client_tag: None }
    }
}

/// What a batch came to.
#[derive(Clone, Debug, Default)]
struct Tally {
    done: i64,
    created: i64,
    updated: i64,
    unchanged: i64,
    failed: i64,
    warned: i64,
    faults: Vec<RowFault>,
    /// Why the import ends here without being done.
    problem: Option<String>,
    /// Whether the import can be gone on with all the same, if somebody asks for it.
    resumable: bool,
}

/// Imports until the import has ended or the node is to stop. A failure is worth another attempt; on the last the import fails for
/// good.
pub async fn perform(
    state: &Arc<State>,
    tenant: TenantKey,
    lease: Lease,
    payload: &str,
    last: bool,
    told: &(dyn Fn(&Record<Import>) + Send + Sync),
) -> Result<(), Halt> {
    let task = Task::read(payload, lease).map_err(Halt::Failed)?;
    let progressed = AtomicBool::new(false);
    let noting = |record: &Record<Import>| {
        progressed.store(true, Ordering::Relaxed);
        told(record);
    };
    let problem = match import(state, tenant, &task, &noting).await {
        Ok(true) => return Ok(()),
        Ok(false) => return Err(Halt::Stopped),
        Err(problem) => problem,
    };
    let reason = describe(&problem);
    let passing = problem.inside().is_some();
    if let Some(halt) = Halt::again(problem, last, progressed.into_inner()) {
        return Err(halt);
    }
    let failed = Tally { problem: Some(reason.clone()), resumable: passing, ..Tally::default() };
    let record = tell(state, tenant, &task, failed).await.map_err(Halt::from)?;
    told(&record);
    if passing { Err(Halt::Failed(reason)) } else { Ok(()) }
}

/// Batch after batch to the end; false if the node is to stop first.
async fn import(
    state: &Arc<State>,
    tenant: TenantKey,
    task: &Task,
    told: &(dyn Fn(&Record<Import>) + Send + Sync),
) -> Result<bool, Problem> {
    let Some(prepared) = prepare(state, tenant, task.clone()).await? else { return Ok(true) };
    let prepared = Arc::new(prepared);
    let changes_principals = behaviour::of(prepared.options.object)?.changes_principals;
    loop {
        if state.stopping.is_begun() {
            return Ok(false);
        }
        let (ready, unit) = (Arc::clone(&prepared), task.clone());
        let written =
            state.background.write::<_, Unkept<Tally>>(tenant, task.origin(), move |work| batch(work, &ready, &unit)).await;
        let record = match written {
            Ok(record) => record,
            Err(Unkept::Undone(tally)) => tell(state, tenant, task, tally).await?,
            Err(Unkept::Problem(problem)) => return Err(problem),
        };
        if changes_principals {
            state.principals.forget();
        }
        told(&record);
        if has_ended(&record) {
            if record.get(Import::rows_done) >= MANY_ROWS {
                let refreshed =
                    state.background.write::<_, StoreError>(tenant, task.origin(), |work| work.refresh_statistics()).await;
                refreshed.unwrap_or_else(|error| tracing::warn!(%error, "the planner's statistics are old"));
            }
            return Ok(true);
        }
    }
}

fn has_ended(import: &Record<Import>) -> bool {
    match import.get(Import::status) {
        Some(ImportStatus::Done | ImportStatus::Failed) => true,
        Some(ImportStatus::Waiting | ImportStatus::Running) | None => false,
    }
}

/// An import can only be gone on with while its file is there.
pub fn may_retry(work: &mut Work<'_>, payload: &str) -> Result<(), Problem> {
    let Payload { import_id, .. } = serde_json::from_str(payload)?;
    match work.reader().import_file(import_id)? {
        Some(_) => Ok(()),
        None => Err(Problem::new(Code::ImportFileGone)),
    }
}

/// The import made ready; none if it has ended already.
async fn prepare(state: &State, tenant: TenantKey, task: Task) -> Result<Option<Prepared>, Problem> {
    let goes_on = task.clone();
    let reading = state.background.read::<_, Problem>(tenant, move |reader| {
        let layout = Work::layout(&schema());
        let row = reader.get(&layout, &Unrestricted, task.import, &Predicate::all())?.ok_or_else(Problem::not_found)?;
        let import = row.to_record()?.into_entity();
        let content = reader.import_file(task.import)?;
        if has_ended(&import) && content.is_none() {
            return Ok(None);
        }
        let content = content.ok_or_else(Problem::not_found)?;
        let principal = acting(reader, task.user, task.api_key, clock::now())?;
        Ok(Some((Options::of(&import)?, content, principal)))
    });
    let Some((options, content, principal)) = reading.await? else { return Ok(None) };
    go_on(state, tenant, &goes_on).await?;
    let made = tokio::task::spawn_blocking(move || Prepared::make(options, &content, &principal, clock::now()));
    made.await.map_err(Problem::internal)?.map(Some)
}

/// Goes on with an import that was given up and is asked for again: its file is still there.
async fn go_on(state: &State, tenant: TenantKey, task: &Task) -> Result<(), Problem> {
    let unit = task.clone();
    let written = state.background.write::<_, Problem>(tenant, task.origin(), move |work| {
        keep_lease(work, &unit, 0)?;
        let loaded = load(work, unit.import)?;
        let mut record: Record<Import> = loaded.record.clone().into_entity();
        if !has_ended(&record) {
            return Ok(());
        }
        record.set(Import::status, ImportStatus::Running);
        record.clear(Import::finished_at);
        record.clear(Import::problem);
        work.update(&schema(), &loaded, record.any_mut(), &Change::new("progressed"))?;
        Ok(())
    });
    written.await
}

/// The schema of imports, which have no custom fields.
#[must_use]
pub fn schema() -> Schema {
    Schema { object: <Import as Entity>::object(), custom: Arc::from([]) }
}

fn load(work: &mut Work<'_>, import: Id) -> Result<Loaded, Problem> {
    work.load(&schema(), &Unrestricted, import, &Predicate::all())?.ok_or_else(Problem::not_found)
}

/// One batch, in one transaction with the account of it.
fn batch(work: &mut Work<'_>, prepared: &Prepared, task: &Task) -> Result<Record<Import>, Unkept<Tally>> {
    keep_lease(work, task, prepared.options.batch())?;
    let loaded = load(work, task.import)?;
    if has_ended(loaded.record.of()) {
        return Ok(loaded.record.into_entity());
    }
    // What the user may do is asked again with each batch: a right that was taken away ends here.
    let now = work.origin.now;
    let principal = acting(work.reader(), task.user, task.api_key, now)?;
    permit(&principal, &prepared.options)?;
    let writer = Writer { principal: Arc::new(principal), object: prepared.options.object, now, parent: None, quiet: true };
    let done = usize::try_from(loaded.record.of().get(Import::rows_done)).unwrap_or(0);
    work.remember();
    let mut tally = Tally::default();
    let mut known = row::Known::default();
    for position in prepared.order.iter().skip(done).take(prepared.options.batch()) {
        let Some(row) = prepared.file.rows.get(*position) else { continue };
        tally.done += 1;
        let (outcome, warnings) = row::import(work, prepared, &writer, row, &mut known)?;
        if !warnings.is_empty() && !matches!(outcome, Outcome::Failed(_)) {
            tally.warned += 1;
        }
        tally.faults.extend(warnings);
        match outcome {
            Outcome::Created => tally.created += 1,
            Outcome::Updated => tally.updated += 1,
            Outcome::Unchanged => tally.unchanged += 1,
            Outcome::Failed(faults) => {
                tally.failed += 1;
                tally.faults.extend(faults);
            }
        }
    }
    if prepared.options.all_or_none && tally.failed > 0 {
        let rows = if tally.failed == 1 { "1 row was" } else { &format!("{} rows were", tally.failed) };
        let problem = Some(format!("{rows} at fault, so none was imported"));
        // What would have become of the others is of interest only where nothing was meant to be kept.
        let tally =
            if prepared.options.dry_run { tally } else { Tally { created: 0, updated: 0, unchanged: 0, warned: 0, ..tally } };
        return Err(Unkept::Undone(Tally { problem, ..tally }));
    }
    if prepared.options.dry_run {
        return Err(Unkept::Undone(tally));
    }
    Ok(account(work, &loaded, task, &tally)?)
}

/// Says that the worker is still at it; a batch of many rows takes longer.
fn keep_lease(work: &mut Work<'_>, task: &Task, rows: usize) -> Result<(), Problem> {
    let seconds = LEASE_SECONDS + i64::try_from(rows / 10).unwrap_or(0);
    let until = clock::now().plus_seconds(seconds);
    if work.renew_lease(task.lease, until)? {
        Ok(())
    } else {
        // Somebody else goes on with it.
        Err(Problem::from(StoreError::Internal("the lease of the import was lost".to_owned())))
    }
}

/// Keeps the account of rows that themselves were undone.
async fn tell(state: &State, tenant: TenantKey, task: &Task, tally: Tally) -> Result<Record<Import>, Problem> {
    let unit = task.clone();
    let written = state.background.write::<_, Problem>(tenant, task.origin(), move |work| {
        keep_lease(work, &unit, 0)?;
        let loaded = load(work, unit.import)?;
        account(work, &loaded, &unit, &tally)
    });
    written.await
}

/// Writes down how far the import is, and ends it when all rows are done.
fn account(work: &mut Work<'_>, loaded: &Loaded, task: &Task, tally: &Tally) -> Result<Record<Import>, Problem> {
    let now = work.origin.now;
    let mut record: Record<Import> = loaded.record.clone().into_entity();
    for (count, more) in [
        (Import::rows_done, tally.done),
        (Import::created_count, tally.created),
        (Import::updated_count, tally.updated),
        (Import::unchanged_count, tally.unchanged),
        (Import::failed_count, tally.failed),
        (Import::warned_count, tally.warned),
    ] {
        record.set(count, record.get(count) + more);
    }
    if record.is_null(Import::started_at) {
        record.set(Import::started_at, now);
    }
    let all = record.get(Import::rows_done) >= record.get(Import::rows_total);
    let (status, verb) = match (&tally.problem, all) {
        (Some(_), _) => (ImportStatus::Failed, "failed"),
        (None, true) => (ImportStatus::Done, "finished"),
        (None, false) => (ImportStatus::Running, "progressed"),
    };
    record.set(Import::status, status);
    if status != ImportStatus::Running {
        record.set(Import::finished_at, now);
        let problem = tally.problem.as_ref().map(|problem| problem.chars().take(1_000).collect::<String>());
        record.set(Import::problem, problem);
        if !tally.resumable {
            work.forget_import_file(task.import)?;
        }
    }
    let tenant = work.tenant().id;
    let mut position = 0;
    let mut row = 0;
    for fault in &tally.faults {
        // Positions count from 1, so that 0 stands before the first.
        position = if fault.row == row { position + 1 } else { 1 };
        row = fault.row;
        work.note_import_fault(&fault.stored(tenant, task.import, position))?;
    }
    work.update(&schema(), loaded, record.any_mut(), &Change::new(verb))?;
    Ok(record)
}
