//! Runs: what rules did, and what came in their way.

use serde_json::{Value, json};

use crate::{
    choices, entity,
    model::{
        fault::Faults,
        field::Structure,
        object::{Reach, Relation},
        value::Standards,
    },
    values::id::Id,
};

/// For how many days runs are kept.
pub const KEPT_DAYS: i64 = 30;
/// How many runs of a tenant are kept at most.
pub const MOST_KEPT: i64 = 100_000;

choices! {
    /// How a run of a rule ended.
    pub enum RunOutcome {
        Done "done" "Done" "已完成",
        Failed "failed" "Failed" "失败",
        Stopped "stopped" "Stopped" "已中止",
        Skipped "skipped" "Skipped" "已跳过",
    }
}

/// What Farley itself notes: taken as it is.
fn noted(value: &Value, _: &Standards<'_>) -> Result<Value, Faults> {
    Ok(value.clone())
}

/// What a run changed.
pub static CHANGES: Structure = Structure {
    name: "rule_run_changes",
    accept: noted,
    schema: || {
        json!({
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type", "record_id", "fields"],
                "properties": {
                    "type": {"type": "string", "description": "The type of the event that it left.", "examples": ["ticket.updated"]},
                    "record_id": {"type": "string", "format": "uuid"},
                    "fields": {"type": "array", "items": {"type": "string"}, "description": "The fields that it changed; their values are in the history of the record."}
                }
            }
        })
    },
    ..Structure::PLAIN
};

/// What came in the way of a run.
pub static PROBLEM: Structure = Structure {
    name: "rule_run_problem",
    accept: noted,
    schema: || {
        json!({
            "type": ["object", "null"],
            "required": ["code", "detail", "errors"],
            "properties": {
                "code": {"type": "string", "description": "As in the problem of a request.", "examples": ["rule_violated"]},
                "detail": {"type": "string"},
                "errors": {"type": "array", "items": {"$ref": "#/components/schemas/Fault"}}
            }
        })
    },
    ..Structure::PLAIN
};

entity! {
    /// A run of a rule: what it did to a record, or why it failed. Runs are kept for 30 days, the latest 100,000 at most.
    pub struct RuleRun("rule_run", "rule-runs", "automation_runs", "Rule run", "规则执行记录") [] {
        /// The rule.
        rule_id: Option<Id> => reference("rule").filled().server_set().indexed().label("Rule", "规则"),
        /// The object of the record.
        object: String => text(40).filled().server_set().label("Object", "对象").example("ticket"),
        /// The record it was about.
        record_id: Option<Id> => record_id().filled().server_set().indexed().label("Record", "记录").example("01890a5d-ac96-774b-bcce-b302099a8057"),
        /// The event that triggered it; null if time did.
        event_id: Option<Id> => record_id().server_set().label("Event", "事件"),
        /// The type of that event.
        event_type: Option<String> => text(80).server_set().label("Event type", "事件类型").example("ticket.created"),
        /// `done`; `failed`: nothing was changed; `stopped`: too many rules had triggered each other; `skipped`: the record had
        /// been archived in the meantime.
        outcome: Option<RunOutcome> => choice(RunOutcome::choices()).filled().server_set().indexed().label("Outcome", "结果").example("done"),
        /// How many rules had triggered each other up to this run: 1 if a person or time triggered it.
        depth: i64 => integer(1, 1_000).server_set().default(1).label("Depth", "层级").example(1),
        /// What it changed.
        changes: Option<Value> => structure(&CHANGES).filled().server_set().opaque().label("Changes", "变更").example(json!([{"type": "ticket.updated", "record_id": "01890a5d-ac96-774b-bcce-b302099a8057", "fields": ["priority"]}])),
        /// Why it failed or was stopped; null if it was not.
        problem: Option<Value> => structure(&PROBLEM).server_set().opaque().label("Problem", "问题"),
    }
    extend |object| object
        .read_only()
        .titled("event_type")
        .relations([Relation { name: "rule", target: "rule", reach: Reach::ToOne { field: "rule_id" } }])
}
