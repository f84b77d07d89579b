//! How an opportunity gets from stage to stage: what a move demands and what it sets.

use serde_json::Value;

use super::position;
use crate::{
    model::{
        fault::{Fault, FaultCode, Faults},
        object::Shape,
        record::Record,
    },
    values::time::Timestamp,
};

/// The course an opportunity is on: its pipeline, with all stages, retired ones too.
pub struct Course<'a> {
    pub shape: &'a Shape,
    pub pipeline: &'a Record,
    pub stages: &'a [Record],
    pub now: Timestamp,
}

impl Course<'_> {
    #[must_use]
    pub fn stage(&self, id: &Value) -> Option<&Record> {
        self.stages.iter().find(|stage| stage.get("id") == id)
    }

    /// The first live stage of a kind.
    #[must_use]
    pub fn first(&self, kind: &str) -> Option<&Record> {
        let live = self.stages.iter().filter(|stage| !stage.is_archived() && stage.get("kind") == kind);
        live.min_by_key(|stage| order(stage))
    }

    /// When a new record entered its stage, as far as it is told: with a sale that is over, when that closed; with one that comes
    /// from elsewhere, by the last stage of its history; else when it was opened.
    fn entered(&self, record: &Record, stage: &Record) -> Timestamp {
        let history = record.get("stage_history").as_array().and_then(|stages| stages.last());
        let last = history.filter(|last| last["stage_id"] == *stage.get("id"));
        let told = last.and_then(|last| Timestamp::parse(last["entered_at"].as_str()?));
        let closed = record.time_of("closed_at").filter(|_| stage.get("kind") != "open");
        told.or(closed).or(record.time_of("opened_at")).unwrap_or(self.now).min(self.now)
    }

    /// The earlier stages of a record from elsewhere must be open ones of the pipeline.
    fn check_history(&self, record: &Record, faults: &mut Faults) {
        for (position, item) in record.get("stage_history").as_array().into_iter().flatten().enumerate() {
            let current = item["stage_id"] == *record.get("stage_id");
            if !current && self.stage(&item["stage_id"]).is_none_or(|stage| stage.get("kind") != "open") {
                faults.add(Fault::new(format!("/stage_history/{position}/stage_id"), FaultCode::NotOfPipeline));
            }
        }
    }

    /// Settles all that follows from the stage of an opportunity about to be written; every fault at once.
    pub fn settle(&self, before: Option<&Record>, after: &mut Record) -> Result<(), Faults> {
        let mut faults = Faults::default();
        self.choose_stage(before, after);
        if after.get("stage_id").is_null() {
            return Err(Fault::new("/pipeline_id", FaultCode::NoStage).with("kind", "open").into());
        }
        let former = before.and_then(|before| self.stage(before.get("stage_id")));
        let moved = before.is_none_or(|before| before.get("stage_id") != after.get("stage_id"));
        let Some(stage) = self.stage(after.get("stage_id")).filter(|stage| !(moved && stage.is_archived())) else {
            return Err(Fault::new("/stage_id", FaultCode::NotOfPipeline).into());
        };
        if moved {
            if let Some(former) = former {
                self.check_move(former, stage, &mut faults);
            }
            self.check_required(stage, after, &mut faults);
            let entered = if before.is_none() { self.entered(after, stage) } else { self.now };
            after.set("stage_entered_at", entered.to_string());
            if before.is_none_or(|before| before.get("position") == after.get("position")) {
                after.set("position", position::newest(self.now, after.id()));
            }
        }
        self.follow_stage(before, after, stage, moved, &mut faults);
        self.close(before, after, stage, &mut faults);
        if before.is_none() {
            self.check_history(after, &mut faults);
        }
        after.set("rots_at", rots_at(stage, after).map_or(Value::Null, |time| time.to_string().into()));
        faults.into_result(())
    }

    /// An opportunity without a stage, or one that has changed its pipeline without saying where to, begins with the first.
    fn choose_stage(&self, before: Option<&Record>, after: &mut Record) {
        let changed = |name: &str| before.is_some_and(|before| before.get(name) != after.get(name));
        let astray = changed("pipeline_id") && !changed("stage_id");
        if after.get("stage_id").is_null() || astray {
            let first = self.first("open").map_or(Value::Null, |stage| stage.get("id").clone());
            after.set("stage_id", first);
        }
    }

    fn check_move(&self, from: &Record, to: &Record, faults: &mut Faults) {
        // Winning, losing and reopening are no steps along the way.
        if from.get("kind") != "open" || to.get("kind") != "open" {
            return;
        }
        let open: Vec<&Record> = {
            let mut open: Vec<&Record> = self.stages.iter().filter(|stage| stage.get("kind") == "open").collect();
            open.retain(|stage| !stage.is_archived() || stage.get("id") == from.get("id"));
            open.sort_by_key(|stage| order(stage));
            open
        };
        let place = |stage: &Record| open.iter().position(|other| other.get("id") == stage.get("id")).unwrap_or(0);
        let (from_place, to_place) = (place(from), place(to));
        let allowed = match self.pipeline.text("moves") {
            Some("forward") => to_place > from_place,
            Some("one_step") => to_place.abs_diff(from_place) == 1,
            _ => true,
        };
        if !allowed {
            let fault = Fault::new("/stage_id", FaultCode::MoveNotAllowed)
                .with("from", from.text("name").unwrap_or_default())
                .with("to", to.text("name").unwrap_or_default());
            faults.add(fault);
        }
    }

    fn check_required(&self, stage: &Record, after: &Record, faults: &mut Faults) {
        for path in stage.get("required_fields").as_array().into_iter().flatten().filter_map(Value::as_str) {
            let Some(field) = self.shape.field(path) else { continue };
            let value = after.value(field);
            let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            if empty {
                let pointer = format!("/{}", path.replace('.', "/"));
                faults.add(Fault::new(pointer, FaultCode::NeededByStage).with("stage", stage.text("name").unwrap_or_default()));
            }
        }
    }

    /// What the stage says of probability and forecast holds until somebody says otherwise.
    fn follow_stage(&self, before: Option<&Record>, after: &mut Record, stage: &Record, moved: bool, faults: &mut Faults) {
        let closed = stage.get("kind") != "open";
        for name in ["probability", "forecast_category"] {
            let told = before.map_or(!after.get(name).is_null(), |before| before.get(name) != after.get(name));
            if told && !closed && after.get(name) == "closed" {
                faults.add(Fault::new(format!("/{name}"), FaultCode::OpenIsNotClosed));
            }
            if closed || after.get(name).is_null() || (moved && !told) || after.get(name) == "closed" {
                after.set(name, stage.get(name).clone());
            }
        }
        after.set("status", stage.get("kind").clone());
    }

    fn close(&self, before: Option<&Record>, after: &mut Record, stage: &Record, faults: &mut Faults) {
        let was_closed = before.is_some_and(|before| before.get("status") != "open");
        if stage.get("kind") == "open" {
            for name in ["closed_at", "close_reason", "close_comment"] {
                let as_before = before.is_some_and(|before| before.get(name) == after.get(name));
                if was_closed && as_before {
                    after.set(name, Value::Null);
                } else if !after.get(name).is_null() {
                    faults.add(Fault::new(format!("/{name}"), FaultCode::OpenHasNone));
                }
            }
            return;
        }
        match after.time_of("closed_at") {
            None => after.set("closed_at", self.now.to_string()),
            Some(closed_at) if closed_at > self.now => {
                faults.add(Fault::new("/closed_at", FaultCode::TooLate).with("max", self.now));
            }
            Some(closed_at) => {
                if let Some(opened_at) = after.time_of("opened_at").filter(|opened_at| *opened_at > closed_at) {
                    faults.add(Fault::new("/closed_at", FaultCode::TooEarly).with("min", opened_at));
                }
            }
        }
        let (won, kind_changed) =
            (stage.get("kind") == "won", before.is_none_or(|before| before.get("status") != stage.get("kind")));
        let reasons = self.pipeline.get(if won { "win_reasons" } else { "loss_reasons" }).as_array();
        let known: Vec<&str> = reasons.into_iter().flatten().filter_map(Value::as_str).collect();
        // A reason for having won is none for having lost.
        if kind_changed && was_closed && before.is_some_and(|before| before.get("close_reason") == after.get("close_reason")) {
            after.set("close_reason", Value::Null);
        }
        match after.text("close_reason") {
            None if self.pipeline.get("reason_required") == true
                && (kind_changed || before.is_some_and(|before| !before.get("close_reason").is_null())) =>
            {
                let mut fault = Fault::new("/close_reason", FaultCode::ReasonNeeded);
                if !known.is_empty() {
                    fault = fault.with("choices", known.join(", "));
                }
                faults.add(fault);
            }
            Some(reason) if !known.is_empty() && !known.contains(&reason) => {
                let told = kind_changed || before.is_none_or(|before| before.get("close_reason") != reason);
                if told {
                    faults.add(Fault::new("/close_reason", FaultCode::UnknownChoice).with("choices", known.join(", ")));
                }
            }
            None | Some(_) => {}
        }
    }
}

/// Whether leaving a stage for another asks for its exit rule: giving up and going on from a closed stage do not.
#[must_use]
pub fn asks_for_exit(from: &Record, to: &Record) -> bool {
    from.get("id") != to.get("id") && from.get("kind") == "open" && to.get("kind") != "lost" && !from.get("exit_rule").is_null()
}

/// From when on an opportunity in a stage is rotten; never, where the stage allows any time or the sale is closed.
#[must_use]
pub fn rots_at(stage: &Record, opportunity: &Record) -> Option<Timestamp> {
    let days = stage.get("rotting_days").as_i64().filter(|_| stage.get("kind") == "open")?;
    let last = opportunity.time_of("stage_entered_at").max(opportunity.time_of("last_activity_at"))?;
    Some(last.plus_seconds(days * 24 * 3600))
}

fn order(stage: &Record) -> (i64, String) {
    (stage.get("sort_order").as_i64().unwrap_or(i64::MAX), stage.text("id").unwrap_or_default().to_owned())
}
