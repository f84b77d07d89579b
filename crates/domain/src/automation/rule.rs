//! Rules: what Farley does by itself to the records of an object.

use serde_json::{Value, json};

use super::{
    action::{ACTIONS, Action, acts_on_something},
    trigger::{TRIGGER, Trigger},
};
use crate::{
    entity,
    model::{
        object::{Reach, Relation, rising},
        record::Draft,
        structures::filter::FILTER,
    },
    values::time::Timestamp,
};

/// How many rules can follow each other, each set off by what the one before it did.
pub const DEEPEST: i64 = 5;

entity! {
    /// An automation rule: does something to records of an object by itself, when events happen or time has passed. Rules act as the
    /// system, moments after the event, in their order; each sees what those before it did. Everything that a rule does to a record
    /// is done together or not at all, and noted in GET /v1/rule-runs. A rule is not triggered by what it did itself, and a chain of
    /// rules that trigger each other ends after five. Whoever writes a rule must be permitted to do what it does, on all records.
    pub struct Rule("rule", "rules", "automation_rules", "Rule", "自动化规则") [external] {
        /// The name; unique among live rules.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("投诉升级"),
        /// What it is for.
        description: Option<String> => long_text(2_000).label("Description", "说明"),
        /// The object whose records it is about.
        object: String => text(40).required().on_create().indexed().label("Object", "对象").example("ticket"),
        /// Whether it is active. Events while it is inactive are not made up for.
        is_active: bool => boolean().default(true).label("Active", "启用").example(true),
        /// Since when it has been active without a break: events before that do not trigger it. Null while it is inactive.
        active_since: Option<Timestamp> => datetime().server_set().label("Active since", "启用时间").example("2026-03-01T08:00:00.000Z"),
        /// The order in which rules act on the same event, ascending; those with the same value in order of creation.
        sort_order: i64 => integer(0, 100_000).default(100).indexed().label("Order", "顺序").example(10),
        /// What triggers it: events, or time passed since a date or time of the record. Times are checked about once a minute; for
        /// each record it acts once for each value of that field, and again as `repeat` says, for records whose time came within
        /// the last 90 days.
        trigger: Option<Trigger> => structure(&TRIGGER).required().opaque().label("Trigger", "触发条件").example(json!({"types": ["ticket.created"], "changed": [], "imports": false})),
        /// The records that it acts on: a filter on the record as it is when the rule acts. If absent, all.
        filter: Option<Value> => structure(&FILTER).opaque().label("Filter", "条件").example(json!({"field": "kind", "op": "eq", "value": "complaint"})),
        /// What it does, in order. Placeholders in texts are the record's own fields (`{subject}`) and those of the records it refers
        /// to (`{contact.name}`).
        actions: Vec<Action> => structure(&ACTIONS).required().opaque().label("Actions", "动作").example(json!([{"type": "set", "fields": {"priority": "high"}}])),
        /// When it last acted. Updated without a new version of the record, as are the counts.
        last_run_at: Option<Timestamp> => datetime().server_set().label("Last run at", "最近执行时间").example("2026-03-02T08:00:00.000Z"),
        /// How many times it was triggered.
        run_count: i64 => integer(0, i64::MAX).server_set().default(0).label("Runs", "执行次数").example(42),
        /// How many of these times it failed or was stopped.
        failed_count: i64 => integer(0, i64::MAX).server_set().default(0).label("Failed runs", "失败次数").example(0),
    }
    extend |object| object
        .configuration()
        .relations([Relation { name: "runs", target: "rule_run", reach: Reach::Inverse { field: "rule_id" } }])
        .unique("automation_rules_name_key", "name")
        .ordered_by([rising("sort_order"), rising("created_at")])
        .rule(|draft| acts_on_something(draft, Rule::object, Rule::actions))
        .rule(note_activation)
}

/// Keeps since when it has been active.
fn note_activation(draft: &mut Draft<'_, Rule>) {
    if !draft.after.get(Rule::is_active) {
        draft.after.clear(Rule::active_since);
    } else if draft.before.is_none_or(|before| !before.get(Rule::is_active)) {
        draft.after.set(Rule::active_since, draft.now);
    }
}
