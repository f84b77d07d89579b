//! What some objects do beside the generic work when they are written. Each hook stands with its object; this is the table.

use std::sync::Arc;

use farley_domain::{object::Object, record::Record, time::Timestamp};
use farley_persistence::Work;
use serde_json::{Map, Value};

use crate::{
    activities::{activity, tasks},
    caller::Caller,
    identity::{api_keys, custom_fields, roles, users},
    problem::Problem,
    sales::{cadences, leads, line_items, opportunities, pipelines, quotas, stages},
};

/// A write in progress, as a hook sees it.
pub struct Writing<'a> {
    pub caller: &'a Arc<Caller>,
    pub now: Timestamp,
    pub before: Option<&'a Record>,
}

/// Members that the answer of a create shows beside the record, once: a key, an invitation.
pub type Shown = Map<String, Value>;

pub struct Hooks {
    /// Checks and completes the record before it is stored.
    pub before: fn(&mut Work<'_>, &Writing<'_>, &mut Record) -> Result<(), Problem>,
    /// Does what belongs to it after it is stored, in the same transaction.
    pub after: fn(&mut Work<'_>, &Writing<'_>, &Record) -> Result<Shown, Problem>,
    /// What to call a change in the log, where it is more than an update.
    pub verb: fn(&Record, &Record) -> Option<&'static str>,
    /// Whether a write changes what somebody may do, or which fields there are.
    pub changes_callers: bool,
}

const NONE: Hooks =
    Hooks { before: |_, _, _| Ok(()), after: |_, _, _| Ok(Map::new()), verb: |_, _| None, changes_callers: false };

/// The hooks of an object.
#[must_use]
pub fn of(object: &Object) -> Hooks {
    match object.name {
        "user" => Hooks { before: users::before_write, after: users::after_write, changes_callers: true, ..NONE },
        "role" => Hooks { before: roles::before_write, changes_callers: true, ..NONE },
        "team" => Hooks { changes_callers: true, ..NONE },
        "api_key" => Hooks { before: api_keys::before_write, after: api_keys::after_write, changes_callers: true, ..NONE },
        "custom_field" => {
            Hooks { before: custom_fields::before_write, after: custom_fields::after_write, changes_callers: true, ..NONE }
        }
        "customer" => Hooks { before: leads::pools::before_customer, after: leads::pools::after_customer, ..NONE },
        "lead" => Hooks { before: leads::lead::before_write, after: leads::lead::after_write, verb: leads::lead::verb, ..NONE },
        "pool" => Hooks { before: leads::pools::before_write, after: leads::pools::after_write, changes_callers: true, ..NONE },
        "cadence" => Hooks { before: cadences::cadence::before_write, after: cadences::cadence::after_write, ..NONE },
        "lead_form" => Hooks { before: leads::forms::before_write, ..NONE },
        "assignment_rule" => Hooks { before: leads::assignment::before_rule, ..NONE },
        "scoring_rule" => Hooks { before: leads::scoring::before_rule, after: leads::scoring::after_rule, ..NONE },
        "work_schedule" => Hooks { before: leads::assignment::before_schedule, ..NONE },
        "pipeline" => Hooks { before: pipelines::before_write, after: pipelines::after_write, ..NONE },
        "stage" => Hooks { before: stages::before_write, after: stages::after_write, ..NONE },
        "quota" => Hooks { before: quotas::before_write, ..NONE },
        "activity" => Hooks { before: activity::before_write, after: activity::after_write, ..NONE },
        "task" => Hooks { before: tasks::before_write, after: tasks::after_write, verb: tasks::verb, ..NONE },
        "opportunity" => Hooks {
            before: opportunities::before_write,
            after: cadences::stops::after_opportunity,
            verb: opportunities::verb,
            ..NONE
        },
        "line_item" => Hooks { before: line_items::before_write, after: line_items::after_write, ..NONE },
        _ => NONE,
    }
}
