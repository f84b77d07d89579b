//! How an opportunity gets from stage to stage: what a move demands and what it sets.

use super::{
    opportunity::{ForecastCategory, Opportunity, OpportunityStatus},
    pipeline::{Moves, Pipeline},
    position,
    stage::{Stage, StageKind},
};
use crate::{
    model::{
        fault::{Fault, FaultCode, Faults},
        handle::Handle,
        object::Schema,
        record::Record,
    },
    values::{id::Id, time::Timestamp},
};

/// The course an opportunity is on: its pipeline, with all stages, retired ones too.
pub struct Course<'a> {
    pub schema: &'a Schema,
    pub pipeline: &'a Record<Pipeline>,
    pub stages: &'a [Record<Stage>],
    pub now: Timestamp,
}

impl Course<'_> {
    #[must_use]
    pub fn stage(&self, id: Id) -> Option<&Record<Stage>> {
        self.stages.iter().find(|stage| stage.id() == id)
    }

    fn stage_of(&self, opportunity: &Record<Opportunity>) -> Option<&Record<Stage>> {
        self.stage(opportunity.get(Opportunity::stage_id)?)
    }

    /// The first live stage of a kind.
    #[must_use]
    pub fn first(&self, kind: StageKind) -> Option<&Record<Stage>> {
        let live = self.stages.iter().filter(|stage| !stage.is_archived() && stage.get(Stage::kind) == Some(kind));
        live.min_by_key(|stage| order(stage))
    }

    /// When a new record entered its stage, as far as it is told: by the last stage of its history; else when it closed, if it has, or
    /// when it was opened, if that is all there is. After earlier stages it is told only that it is there now.
    fn entered(&self, record: &Record<Opportunity>, stage: &Record<Stage>) -> Timestamp {
        let mut history = record.get(Opportunity::stage_history);
        let alone = history.is_empty();
        let told = history.pop().filter(|last| last.stage_id == stage.id()).map(|last| last.entered_at);
        let closed = record.get(Opportunity::closed_at).filter(|_| !is_open(stage));
        let opened = record.get(Opportunity::opened_at).filter(|_| alone);
        told.or(closed).or(opened).unwrap_or(self.now).min(self.now)
    }

    /// The history of a record from elsewhere lies between its beginning and its end, in open stages of the pipeline; only the last may be
    /// the stage that ended it. What the stages say of probability and forecast was so then, unless told otherwise.
    fn settle_history(&self, record: &mut Record<Opportunity>, stage: &Record<Stage>, faults: &mut Faults) {
        let mut history = record.get(Opportunity::stage_history);
        let (opened, closed) = (record.get(Opportunity::opened_at), record.get(Opportunity::closed_at));
        let last = history.len().saturating_sub(1);
        for (position, former) in history.iter_mut().enumerate() {
            let pointer = |member: &str| format!("{}/{position}{member}", Opportunity::stage_history.pointer());
            let present = position == last && former.stage_id == stage.id();
            let Some(entered) = self.stage(former.stage_id).filter(|entered| present || is_open(entered)) else {
                faults.add(Fault::new(pointer(&Opportunity::stage_id.pointer()), FaultCode::NotOfPipeline));
                continue;
            };
            if let Some(opened) = opened.filter(|opened| former.entered_at < *opened) {
                faults.add(Fault::new(pointer("/entered_at"), FaultCode::TooEarly).with("min", opened));
            }
            if let Some(closed) = closed.filter(|closed| former.entered_at > *closed) {
                faults.add(Fault::new(pointer("/entered_at"), FaultCode::TooLate).with("max", closed));
            }
            if let Some(closed) = closed.filter(|closed| !is_open(entered) && former.entered_at < *closed) {
                faults.add(Fault::new(pointer("/entered_at"), FaultCode::TooEarly).with("min", closed));
            }
            if is_open(entered) && former.forecast_category == Some(ForecastCategory::Closed) {
                let pointer = pointer(&Opportunity::forecast_category.pointer());
                faults.add(Fault::new(pointer, FaultCode::OpenIsNotClosed));
            }
            former.probability = former.probability.or(entered.get(Stage::probability));
            former.forecast_category = former.forecast_category.or(entered.get(Stage::forecast_category));
        }
        record.set(Opportunity::stage_history, history);
    }

    /// Settles all that follows from the stage of an opportunity about to be written; every fault at once.
    pub fn settle(&self, before: Option<&Record<Opportunity>>, after: &mut Record<Opportunity>) -> Result<(), Faults> {
        let mut faults = Faults::default();
        self.choose_stage(before, after);
        if after.is_null(Opportunity::stage_id) {
            let fault = Fault::new(Opportunity::pipeline_id.pointer(), FaultCode::NoStage);
            return Err(fault.with("kind", StageKind::Open.as_str()).into());
        }
        let former = before.and_then(|before| self.stage_of(before));
        let moved = before.is_none_or(|before| !before.agrees(Opportunity::stage_id, after));
        let Some(stage) = self.stage_of(after).filter(|stage| !(moved && stage.is_archived())) else {
            return Err(Fault::new(Opportunity::stage_id.pointer(), FaultCode::NotOfPipeline).into());
        };
        if moved {
            if let Some(former) = former {
                self.check_move(former, stage, &mut faults);
            }
            self.check_required(stage, after, &mut faults);
            if before.is_none_or(|before| before.agrees(Opportunity::position, after)) {
                after.set(Opportunity::position, position::newest(self.now, after.id()));
            }
        }
        follow_stage(before, after, stage, moved, &mut faults);
        self.close(before, after, stage, &mut faults);
        if before.is_none() {
            self.settle_history(after, stage, &mut faults);
        }
        if moved {
            let entered = if before.is_none() { self.entered(after, stage) } else { self.now };
            after.set(Opportunity::stage_entered_at, entered);
        }
        after.set(Opportunity::rots_at, rots_at(stage, after));
        faults.into_result(())
    }

    /// An opportunity without a stage, or one that has changed its pipeline without saying where to, begins with the first.
    fn choose_stage(&self, before: Option<&Record<Opportunity>>, after: &mut Record<Opportunity>) {
        let astray = before
            .is_some_and(|before| !before.agrees(Opportunity::pipeline_id, after) && before.agrees(Opportunity::stage_id, after));
        if after.is_null(Opportunity::stage_id) || astray {
            after.set(Opportunity::stage_id, self.first(StageKind::Open).map(Record::id));
        }
    }

    fn check_move(&self, from: &Record<Stage>, to: &Record<Stage>, faults: &mut Faults) {
        // Winning, losing and reopening are no steps along the way.
        if !is_open(from) || !is_open(to) {
            return;
        }
        let open: Vec<&Record<Stage>> = {
            let mut open: Vec<&Record<Stage>> = self.stages.iter().filter(|stage| is_open(stage)).collect();
            open.retain(|stage| !stage.is_archived() || stage.id() == from.id());
            open.sort_by_key(|stage| order(stage));
            open
        };
        let place = |stage: &Record<Stage>| open.iter().position(|other| other.id() == stage.id()).unwrap_or(0);
        let (from_place, to_place) = (place(from), place(to));
        let allowed = match self.pipeline.get(Pipeline::moves) {
            Some(Moves::Forward) => to_place > from_place,
            Some(Moves::OneStep) => to_place.abs_diff(from_place) == 1,
            Some(Moves::Any) | None => true,
        };
        if !allowed {
            let fault = Fault::new(Opportunity::stage_id.pointer(), FaultCode::MoveNotAllowed)
                .with("from", from.get(Stage::name))
                .with("to", to.get(Stage::name));
            faults.add(fault);
        }
    }

    fn check_required(&self, stage: &Record<Stage>, after: &Record<Opportunity>, faults: &mut Faults) {
        for path in stage.get(Stage::required_fields) {
            let Some(field) = self.schema.field(&path) else { continue };
            if after.lacks(field) {
                let pointer = format!("/{}", path.replace('.', "/"));
                faults.add(Fault::new(pointer, FaultCode::NeededByStage).with("stage", stage.get(Stage::name)));
            }
        }
    }

    fn close(
        &self,
        before: Option<&Record<Opportunity>>,
        after: &mut Record<Opportunity>,
        stage: &Record<Stage>,
        faults: &mut Faults,
    ) {
        let was_closed = before.is_some_and(|before| before.get(Opportunity::status) != Some(OpportunityStatus::Open));
        if is_open(stage) {
            let closed = before.filter(|_| was_closed);
            reopen(Opportunity::closed_at, closed, after, faults);
            reopen(Opportunity::close_reason, closed, after, faults);
            reopen(Opportunity::close_comment, closed, after, faults);
            return;
        }
        match after.get(Opportunity::closed_at) {
            None => {
                // One that comes from elsewhere may tell it by its last stage.
                let last =
                    after.get(Opportunity::stage_history).pop().filter(|last| before.is_none() && last.stage_id == stage.id());
                after.set(Opportunity::closed_at, last.map_or(self.now, |last| last.entered_at));
            }
            Some(closed_at) if closed_at > self.now => {
                faults.add(Fault::new(Opportunity::closed_at.pointer(), FaultCode::TooLate).with("max", self.now));
            }
            Some(closed_at) => {
                if let Some(opened_at) = after.get(Opportunity::opened_at).filter(|opened_at| *opened_at > closed_at) {
                    faults.add(Fault::new(Opportunity::closed_at.pointer(), FaultCode::TooEarly).with("min", opened_at));
                }
            }
        }
        let won = stage.get(Stage::kind) == Some(StageKind::Won);
        let status = stage.get(Stage::kind).map(OpportunityStatus::from);
        let kind_changed = before.is_none_or(|before| before.get(Opportunity::status) != status);
        let known = self.pipeline.get(if won { Pipeline::win_reasons } else { Pipeline::loss_reasons });
        let as_before = before.is_some_and(|before| before.agrees(Opportunity::close_reason, after));
        // A reason for having won is none for having lost.
        if kind_changed && was_closed && as_before {
            after.clear(Opportunity::close_reason);
        }
        let pointer = || Opportunity::close_reason.pointer();
        match after.get(Opportunity::close_reason) {
            None if self.pipeline.get(Pipeline::reason_required)
                && (kind_changed || before.is_some_and(|before| !before.is_null(Opportunity::close_reason))) =>
            {
                let mut fault = Fault::new(pointer(), FaultCode::ReasonNeeded);
                if !known.is_empty() {
                    fault = fault.with("choices", known.join(", "));
                }
                faults.add(fault);
            }
            Some(reason) if !known.is_empty() && !known.iter().any(|known| known == reason) => {
                let told = kind_changed || before.is_none_or(|before| before.get(Opportunity::close_reason) != Some(reason));
                if told {
                    faults.add(Fault::new(pointer(), FaultCode::UnknownChoice).with("choices", known.join(", ")));
                }
            }
            None | Some(_) => {}
        }
    }
}

/// What the stage says of probability and forecast holds until somebody says otherwise.
fn follow_stage(
    before: Option<&Record<Opportunity>>,
    after: &mut Record<Opportunity>,
    stage: &Record<Stage>,
    moved: bool,
    faults: &mut Faults,
) {
    // Whether the value is told, and so not the stage's to set.
    fn told<T>(handle: Handle<Opportunity, T>, before: Option<&Record<Opportunity>>, after: &Record<Opportunity>) -> bool {
        before.map_or(!after.is_null(handle), |before| !before.agrees(handle, after))
    }
    let closed = !is_open(stage);
    if closed || after.is_null(Opportunity::probability) || (moved && !told(Opportunity::probability, before, after)) {
        after.set(Opportunity::probability, stage.get(Stage::probability));
    }
    let told = told(Opportunity::forecast_category, before, after);
    let as_closed = after.get(Opportunity::forecast_category) == Some(ForecastCategory::Closed);
    if told && !closed && as_closed {
        faults.add(Fault::new(Opportunity::forecast_category.pointer(), FaultCode::OpenIsNotClosed));
    }
    if closed || after.is_null(Opportunity::forecast_category) || (moved && !told) || as_closed {
        after.set(Opportunity::forecast_category, stage.get(Stage::forecast_category));
    }
    after.set(Opportunity::status, stage.get(Stage::kind).map(OpportunityStatus::from));
}

/// What says how a sale ended goes when it is opened again, and is refused while it is open.
fn reopen<T>(
    handle: Handle<Opportunity, Option<T>>,
    closed: Option<&Record<Opportunity>>,
    after: &mut Record<Opportunity>,
    faults: &mut Faults,
) {
    if closed.is_some_and(|closed| closed.agrees(handle, after)) {
        after.clear(handle);
    } else if !after.is_null(handle) {
        faults.add(Fault::new(handle.pointer(), FaultCode::OpenHasNone));
    }
}

fn is_open(stage: &Record<Stage>) -> bool {
    stage.get(Stage::kind) == Some(StageKind::Open)
}

/// Whether leaving a stage for another asks for its exit rule: giving up and going on from a closed stage do not.
#[must_use]
pub fn asks_for_exit(from: &Record<Stage>, to: &Record<Stage>) -> bool {
    from.id() != to.id() && is_open(from) && to.get(Stage::kind) != Some(StageKind::Lost) && !from.is_null(Stage::exit_rule)
}

/// From when on an opportunity in a stage is rotten; never, where the stage allows any time or the sale is closed.
#[must_use]
pub fn rots_at(stage: &Record<Stage>, opportunity: &Record<Opportunity>) -> Option<Timestamp> {
    let days = stage.get(Stage::rotting_days).filter(|_| is_open(stage))?;
    let last = opportunity.get(Opportunity::stage_entered_at).max(opportunity.get(Opportunity::last_activity_at))?;
    Some(last.plus_seconds(days * 24 * 3600))
}

fn order(stage: &Record<Stage>) -> (i64, Id) {
    (stage.get(Stage::sort_order).unwrap_or(i64::MAX), stage.id())
}
