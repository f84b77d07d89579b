//! SLA policies: what is promised for which tickets. A ticket keeps the version of the policy and of its calendar that it was promised.

use std::{str::FromStr, sync::Arc, sync::LazyLock};

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    calendar::{Calendar, CalendarDate, WeekHours, hours_of},
    clock::{ClockKind, StatusKind, Target},
};
use crate::{
    activities::task::Priority,
    entity,
    model::{
        fault::{Fault, FaultCode, Faults},
        field::{Field, FieldType, Structure},
        object::{Reach, Relation},
        record::{Draft, Record},
        value::{Members, Standards, list},
    },
    values::id::Id,
};

/// The most targets a policy can have: each clock for each priority.
const MOST_TARGETS: usize = 30;
/// The longest promise, in minutes: ten years.
const MOST_MINUTES: i64 = 5_256_000;
const MILLISECONDS: i64 = 60_000;

/// What a policy promises for one clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyTarget {
    pub clock: ClockKind,
    /// The priority it is for; every priority that has no target of its own, if absent.
    pub priority: Option<Priority>,
    pub minutes: i64,
    /// Whether the minutes are counted in the hours of the policy's calendar.
    pub business: bool,
    pub pause_in: Vec<StatusKind>,
    pub warn_before_minutes: Option<i64>,
    /// Whether to warn by the clock on the wall, be the desk open or not. Promises kept from before say nothing of it.
    #[serde(default)]
    pub warn_always: bool,
}

/// When to warn of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning {
    /// How long before its end, in milliseconds.
    pub before: i64,
    /// Whether that is elapsed time, and not time counted as the clock counts it.
    pub always: bool,
}

crate::structures! { PolicyTarget }

/// What a policy promises, clock by clock.
pub static TARGETS: Structure = Structure {
    name: "sla_targets",
    accept: accept_targets,
    schema: || {
        let names =
            |choices: Vec<crate::model::field::Choice>| choices.into_iter().map(|choice| choice.value).collect::<Vec<_>>();
        let nullable: Vec<Value> = names(Priority::choices()).iter().map(|name| json!(name)).chain([Value::Null]).collect();
        json!({
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_TARGETS,
            "items": {
                "type": "object",
                "required": ["clock", "minutes"],
                "additionalProperties": false,
                "properties": {
                    "clock": {"type": "string", "enum": names(ClockKind::choices()), "description": "What is promised: the first reply; the reply to a later message of the customer; news after a reply of an agent; the first solution; the solution, also after reopening."},
                    "priority": {"type": ["string", "null"], "enum": nullable, "description": "The priority it is for. If absent, every priority that has no target of its own for the clock."},
                    "minutes": {"type": "integer", "minimum": 1, "maximum": MOST_MINUTES, "description": "How many minutes may pass.", "examples": [60]},
                    "business": {"type": "boolean", "description": "Whether only the hours of the calendar are counted. Defaults to true."},
                    "pause_in": {"type": "array", "maxItems": 4, "items": {"type": "string", "enum": pausing_names()}, "description": "The kinds of status in which nothing is counted.", "examples": [["waiting_customer"]]},
                    "warn_before_minutes": {"type": ["integer", "null"], "minimum": 1, "maximum": MOST_MINUTES, "description": "How many minutes before the end to warn, counted as `minutes` are.", "examples": [15]},
                    "warn_always": {"type": "boolean", "description": "Whether `warn_before_minutes` is elapsed time, so that the warning can come while the desk is closed: 60 minutes before 09:30 on Monday is then 08:30 on Monday, and not half an hour before the close on Friday. Defaults to false.", "examples": [false]}
                }
            }
        })
    },
    ..Structure::PLAIN
};

entity! {
    /// An SLA policy: what is promised for the tickets it applies to. The first active policy whose filter a ticket meets applies to
    /// it. Changing a policy or its calendar changes nothing for tickets that have a promise already, until their priority changes
    /// or another policy applies to them. Which one applies is decided when a ticket's status or priority changes, when a message
    /// is written, and when a field changes that a filter names: a policy made or changed since then applies from that time on.
    pub struct SlaPolicy("sla_policy", "sla-policies", "sla_policies", "SLA policy", "SLA 策略") [external] {
        /// The name; unique among live policies.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("金牌客户"),
        /// Whether it is active.
        is_active: bool => boolean().default(true).label("Active", "启用").example(true),
        /// The order in which policies are tried, ascending; those with the same value in order of creation.
        sort_order: i64 => integer(0, 100_000).default(100).label("Order", "顺序").example(10),
        /// The tickets it applies to: a filter on the ticket's own fields. If absent, it applies to every ticket.
        filter: Option<Value> => structure(&crate::model::structures::filter::FILTER).opaque().label("Filter", "条件").example(json!({"field": "kind", "op": "eq", "value": "incident"})),
        /// The calendar by which business time is counted.
        calendar_id: Option<Id> => reference("calendar").indexed().label("Calendar", "工作日历"),
        /// What is promised, clock by clock.
        targets: Vec<PolicyTarget> => structure(&TARGETS).required().opaque().label("Targets", "目标").example(json!([{"clock": "first_response", "priority": null, "minutes": 60, "business": false, "pause_in": [], "warn_before_minutes": 15, "warn_always": false}])),
    }
    extend |object| object
        .configuration()
        .relations([Relation { name: "calendar", target: "calendar", reach: Reach::ToOne { field: "calendar_id" } }])
        .unique("sla_policies_name_key", "name")
        .rule(targets_fit)
}

/// Statuses in which a clock can pause; it stops in the others anyway.
fn pausing() -> impl Iterator<Item = StatusKind> {
    StatusKind::ALL.iter().copied().filter(|status| !status.is_done())
}

fn pausing_names() -> Vec<&'static str> {
    pausing().map(StatusKind::as_str).collect()
}

static TARGET_FIELDS: LazyLock<[Field; 6]> = LazyLock::new(|| {
    [
        Field::new("clock", FieldType::Choice(ClockKind::choices().into())).required(),
        Field::new("priority", FieldType::Choice(Priority::choices().into())),
        Field::new("minutes", FieldType::Integer { min: 1, max: MOST_MINUTES }).required(),
        Field::new("business", FieldType::Boolean).default(true),
        Field::new("warn_before_minutes", FieldType::Integer { min: 1, max: MOST_MINUTES }),
        Field::new("warn_always", FieldType::Boolean).default(false),
    ]
});

fn accept_targets(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    list(value, MOST_TARGETS, |item| {
        let names: Vec<&str> = TARGET_FIELDS.iter().map(|field| field.name.as_ref()).chain(["pause_in"]).collect();
        let mut members = Members::of(item, &names)?;
        for field in TARGET_FIELDS.iter() {
            members.take(field, standards);
        }
        let mut pauses: Vec<&str> = Vec::new();
        match item.get("pause_in") {
            None | Some(Value::Null) => {}
            Some(Value::Array(items)) => {
                for (position, item) in items.iter().enumerate() {
                    match item.as_str().and_then(StatusKind::from_wire).filter(|kind| pausing().any(|known| known == *kind)) {
                        Some(kind) if !pauses.contains(&kind.as_str()) => pauses.push(kind.as_str()),
                        Some(_) => {}
                        None => {
                            let fault = Fault::new(format!("/pause_in/{position}"), FaultCode::UnknownChoice);
                            members.faults.add(fault.with("choices", pausing_names().join(", ")));
                        }
                    }
                }
            }
            Some(_) => members.faults.add(Fault::new("/pause_in", FaultCode::WrongType).with("expected", "an array")),
        }
        members.accepted.insert("pause_in".to_owned(), json!(pauses));
        let minutes = |name: &str| members.accepted.get(name).and_then(Value::as_i64);
        if let (Some(all), Some(warn)) = (minutes("minutes"), minutes("warn_before_minutes"))
            && warn >= all
        {
            members.faults.add(Fault::new("/warn_before_minutes", FaultCode::TooLarge).with("max", all - 1));
        }
        members.finish()
    })
}

/// Business time needs a calendar, and each clock has one target at most for a priority.
fn targets_fit(draft: &mut Draft<'_, SlaPolicy>) {
    let targets = draft.after.get(SlaPolicy::targets);
    let pointer = SlaPolicy::targets.pointer();
    if targets.is_empty() {
        draft.fault(pointer, FaultCode::Required);
        return;
    }
    for (position, target) in targets.iter().enumerate() {
        let same = |other: &PolicyTarget| other.clock == target.clock && other.priority == target.priority;
        if targets[..position].iter().any(same) {
            draft.fault(format!("{pointer}/{position}/clock"), FaultCode::Repeated);
        }
        if target.business && draft.after.is_null(SlaPolicy::calendar_id) {
            draft.fault(format!("{pointer}/{position}/business"), FaultCode::CalendarNeeded);
        }
    }
}

/// The hours of a calendar as they were promised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromisedHours {
    pub time_zone: String,
    pub week: WeekHours,
    pub dates: Vec<CalendarDate>,
}

impl PromisedHours {
    /// The hours of a calendar as it is now; its zone is another, where it has none of its own.
    #[must_use]
    pub fn of(calendar: &Record<Calendar>, otherwise: Tz) -> PromisedHours {
        PromisedHours {
            time_zone: calendar.get(Calendar::time_zone).map_or_else(|| otherwise.name().to_owned(), str::to_owned),
            week: calendar.get(Calendar::week).unwrap_or_default(),
            dates: calendar.get(Calendar::dates),
        }
    }
}

/// What was promised by one version of a policy and of its calendar. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    pub targets: Vec<PolicyTarget>,
    pub hours: Option<PromisedHours>,
}

impl Promise {
    fn of_priority(&self, priority: Priority) -> impl Iterator<Item = &PolicyTarget> {
        ClockKind::ALL.iter().filter_map(move |clock| {
            let of_clock = |target: &&PolicyTarget| target.clock == *clock;
            let own = self.targets.iter().filter(of_clock).find(|target| target.priority == Some(priority));
            own.or_else(|| self.targets.iter().filter(of_clock).find(|target| target.priority.is_none()))
        })
    }

    /// What is promised for tickets of a priority, at most one target for each clock.
    #[must_use]
    pub fn targets(&self, priority: Priority) -> Vec<Target> {
        let hours = self.hours.as_ref().map(|hours| {
            let zone = Tz::from_str(&hours.time_zone).unwrap_or(Tz::UTC);
            Arc::new(hours_of(zone, &hours.week, &hours.dates))
        });
        self.of_priority(priority)
            .map(|target| Target {
                clock: target.clock,
                length: target.minutes * MILLISECONDS,
                hours: hours.clone().filter(|_| target.business),
                pauses_in: target.pause_in.clone(),
            })
            .collect()
    }

    /// When to warn of a clock.
    #[must_use]
    pub fn warns(&self, priority: Priority, clock: ClockKind) -> Option<Warning> {
        let target = self.of_priority(priority).find(|target| target.clock == clock)?;
        target.warn_before_minutes.map(|minutes| Warning { before: minutes * MILLISECONDS, always: target.warn_always })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(clock: ClockKind, priority: Option<Priority>, minutes: i64) -> PolicyTarget {
        PolicyTarget {
            clock,
            priority,
            minutes,
            business: false,
            pause_in: Vec::new(),
            warn_before_minutes: Some(5),
            warn_always: false,
        }
    }

    #[test]
    fn a_target_of_its_own_comes_before_that_of_all_priorities() {
        let targets = vec![
            target(ClockKind::FirstResponse, None, 60),
            target(ClockKind::FirstResponse, Some(Priority::Urgent), 10),
            target(ClockKind::TotalResolution, Some(Priority::High), 90),
        ];
        let promise = Promise { targets, hours: None };
        let of =
            |priority| promise.targets(priority).iter().map(|target| (target.clock, target.length / 60_000)).collect::<Vec<_>>();
        assert_eq!(of(Priority::Urgent), [(ClockKind::FirstResponse, 10)]);
        assert_eq!(of(Priority::High), [(ClockKind::FirstResponse, 60), (ClockKind::TotalResolution, 90)]);
        assert_eq!(of(Priority::Low), [(ClockKind::FirstResponse, 60)]);
        let warning = Warning { before: 300_000, always: false };
        assert_eq!(promise.warns(Priority::Low, ClockKind::FirstResponse), Some(warning));
        assert_eq!(promise.warns(Priority::Low, ClockKind::TotalResolution), None);
    }

    #[test]
    fn promises_kept_from_before_warn_as_they_did() {
        let kept = json!({"clock": "update", "priority": null, "minutes": 60, "business": true, "pause_in": [], "warn_before_minutes": 5});
        let target: PolicyTarget = serde_json::from_value(kept).unwrap();
        assert!(!target.warn_always);
    }
}
