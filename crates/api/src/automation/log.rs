//! Runs as they are noted.

use farley_domain::{
    automation::{
        rule::Rule,
        run::{RuleRun, RunOutcome},
    },
    model::{entity::Entity, event, fault::Language, record::Record},
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Noted, Origin, TenantKey, Work};
use serde_json::{Map, Value, json};

use crate::{
    access::{state::State, unrestricted::without_custom_fields},
    http::problem::Problem,
};

/// A run that has ended.
pub struct Ended<'a> {
    pub rule: &'a Record<Rule>,
    pub record: Id,
    /// The id and the type of the event that set it off.
    pub event: Option<(Id, &'a str)>,
    pub depth: i64,
    pub outcome: RunOutcome,
    pub changes: Vec<Value>,
    pub problem: Option<&'a Problem>,
}

/// Notes a run, and counts it.
pub fn note(work: &mut Work<'_>, ended: &Ended<'_>) -> Result<(), Problem> {
    let object = <RuleRun as Entity>::object();
    let mut record = Record::new(object);
    let run = record.of_mut::<RuleRun>();
    run.set(RuleRun::rule_id, ended.rule.id());
    run.set(RuleRun::object, ended.rule.get(Rule::object).to_owned());
    run.set(RuleRun::record_id, ended.record);
    run.set(RuleRun::event_id, ended.event.map(|(id, _)| id));
    run.set(RuleRun::event_type, ended.event.map(|(_, kind)| kind.to_owned()));
    run.set(RuleRun::outcome, ended.outcome);
    run.set(RuleRun::depth, ended.depth);
    run.set(RuleRun::changes, Value::Array(ended.changes.clone()));
    run.set(RuleRun::problem, ended.problem.map(told));
    work.add_to_log(&without_custom_fields(object), &mut record)?;
    let failed = match ended.outcome {
        RunOutcome::Failed | RunOutcome::Stopped => true,
        RunOutcome::Done | RunOutcome::Skipped => false,
    };
    Ok(work.count_rule_run(ended.rule.id(), failed)?)
}

/// A problem as a run keeps it.
pub fn told(problem: &Problem) -> Value {
    let mut whole = problem.to_json(Language::English, "", "");
    let mut take = |name: &str| whole.get_mut(name).map(Value::take);
    json!({"code": take("code"), "detail": take("detail"), "errors": take("errors").unwrap_or_else(|| json!([]))})
}

/// What has been done, as a run keeps it: which fields have changed. Their values are in the histories, for whoever may read them.
#[must_use]
pub fn fields_of(noted: &Noted<'_>) -> Value {
    json!({"type": noted.kind, (RuleRun::record_id.name()): noted.record, "fields": changes_of(noted).keys().collect::<Vec<_>>()})
}

/// What has been done, with the values.
#[must_use]
pub fn changes_of(noted: &Noted<'_>) -> Map<String, Value> {
    event::changes(noted.changes).unwrap_or_default()
}

/// The kind of the job that forgets old runs.
pub const TIDY: &str = "rule_runs_tidy";

pub async fn tidy(state: &State, tenant: TenantKey, now: Timestamp) -> Result<(), Problem> {
    let written = state.background.write::<_, Problem>(tenant, Origin::system(now), move |work| Ok(work.purge_rule_runs(now)?));
    written.await
}
