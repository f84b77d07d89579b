//! Opportunities: every write settles what follows from the stage; moves, wins and losses are writes with checks of their own.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    activities::notification::NotificationKind,
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        handle::Handle,
        record::Record,
    },
    query::predicate::Predicate,
    sales::{
        line_item::{self, LineItem},
        opportunity::{Opportunity, OpportunityStatus},
        pipeline::Pipeline,
        position,
        progress::{Course, asks_for_exit},
        stage::{Stage, StageKind},
    },
    values::{id::Id, money::Money, time::Timestamp},
};
use farley_persistence::Work;
use serde_json::json;

use super::{cadences::stops, pipeline::default_pipeline, stage::of_pipeline};
use crate::{
    access::{call::Call, principal::Principal},
    http::{
        problem::{Code, Problem},
        request::Body,
    },
    records::{
        action::{Asked, act},
        behaviour::{Behaviour, Shown, Writing},
        filters, lookup,
    },
};

impl Behaviour for Opportunity {
    /// Puts the record on its course: pipeline, stage, and all that follows from them.
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if writing.before.is_some_and(|before| before.is_archived() != record.is_archived()) {
            return Ok(());
        }
        if writing.before.is_none() {
            match record.get(Opportunity::opened_at) {
                None => record.set(Opportunity::opened_at, earliest(record).unwrap_or(writing.now)),
                Some(opened_at) if opened_at > writing.now => {
                    let fault = Fault::new(Opportunity::opened_at.pointer(), FaultCode::TooLate).with("max", writing.now);
                    return Err(Problem::rule(fault.into()));
                }
                Some(_) => {}
            }
        }
        let pipeline = pipeline_of(work, writing, record)?;
        record.set(Opportunity::pipeline_id, pipeline.id());
        let stages = of_pipeline(work, pipeline.id())?;
        let schema = writing.principal.schema(Opportunity::object());
        let course = Course { schema: &schema, pipeline: &pipeline, stages: &stages, now: writing.now };
        let settled = course.settle(writing.before, record);
        if let Some(before) = writing.before
            && let Some(stage) = left_by_rule(&course, before, record)
        {
            check_exit(writing, before, record, stage)?;
        }
        settled.map_err(Problem::rule)?;
        follow_lines(work, writing, record)
    }

    /// A move is an event of its own kind.
    fn verb(before: &Record<Self>, after: &Record<Self>) -> Option<&'static str> {
        (!before.agrees(Opportunity::stage_id, after)).then_some("stage_changed")
    }

    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        stops::after_opportunity(work, writing, record)?;
        Ok(Shown::new())
    }

    /// Owners hear when somebody else moves their opportunities.
    fn news(before: &Record<Self>, after: &Record<Self>) -> Option<NotificationKind> {
        (!before.agrees(Opportunity::stage_id, after)).then_some(NotificationKind::StageChanged)
    }
}

/// The first time told of a sale that comes from elsewhere.
fn earliest(record: &Record<Opportunity>) -> Option<Timestamp> {
    let first = record.get(Opportunity::stage_history).first().map(|first| first.entered_at);
    first.or(record.get(Opportunity::closed_at))
}

/// The pipeline named, or that of the stage named, or the default one.
fn pipeline_of(
    work: &mut Work<'_>,
    writing: &Writing<'_, Opportunity>,
    record: &Record<Opportunity>,
) -> Result<Record<Pipeline>, Problem> {
    let unchanged = writing.before.is_some_and(|before| before.agrees(Opportunity::pipeline_id, record));
    let id = match (record.get(Opportunity::pipeline_id), record.get(Opportunity::stage_id)) {
        (Some(id), _) => Some(id),
        (None, Some(stage)) => lookup::one::<Stage>(work, stage)?.and_then(|stage| stage.get(Stage::pipeline_id)),
        (None, None) => default_pipeline(work)?.map(|pipeline| pipeline.id()),
    };
    let at_fault = |code: FaultCode| Problem::rule(Fault::new(Opportunity::pipeline_id.pointer(), code).into());
    let id = id.ok_or_else(|| at_fault(FaultCode::Required))?;
    if !writing.before.is_some_and(|before| unchanged && before.agrees(Opportunity::stage_id, record)) {
        // Neither the pipeline nor a stage of it goes while something is put there.
        work.hold(Pipeline::object(), id)?;
    }
    let pipeline = lookup::one::<Pipeline>(work, id)?.ok_or_else(|| at_fault(FaultCode::Required))?;
    if pipeline.is_archived() && !unchanged {
        return Err(at_fault(FaultCode::NotFound));
    }
    Ok(pipeline)
}

/// The stage that the record leaves, where leaving it has a rule.
fn left_by_rule<'a>(course: &Course<'a>, before: &Record<Opportunity>, after: &Record<Opportunity>) -> Option<&'a Record<Stage>> {
    let stage = |record: &Record<Opportunity>| {
        let id = record.get(Opportunity::stage_id)?;
        course.stages.iter().find(|stage| stage.id() == id)
    };
    let (from, to) = (stage(before)?, stage(after)?);
    asks_for_exit(from, to).then_some(from)
}

/// The rule is asked of the record as it is about to be, so that one request may meet it and move; but still in its old stage.
fn check_exit(
    writing: &Writing<'_, Opportunity>,
    before: &Record<Opportunity>,
    after: &Record<Opportunity>,
    stage: &Record<Stage>,
) -> Result<(), Problem> {
    let Some(rule) = stage.get(Stage::exit_rule) else { return Ok(()) };
    let mut leaving = after.clone();
    leaving.copy(Opportunity::stage_id, before);
    leaving.copy(Opportunity::status, before);
    leaving.copy(Opportunity::probability, before);
    leaving.copy(Opportunity::forecast_category, before);
    leaving.copy(Opportunity::stage_entered_at, before);
    let principal: &Principal = writing.principal;
    if filters::meets(principal, writing.now, Opportunity::object(), rule, leaving.any()) {
        return Ok(());
    }
    let fault = Fault::new(Opportunity::stage_id.pointer(), FaultCode::ExitRule);
    Err(Problem::rule(fault.with("stage", stage.get(Stage::name)).into()))
}

/// The amount is the sum of the lines where it is to be and there are any.
fn follow_lines(
    work: &mut Work<'_>,
    writing: &Writing<'_, Opportunity>,
    record: &mut Record<Opportunity>,
) -> Result<(), Problem> {
    if writing.before.is_none() {
        return add_up(writing.parts, record);
    }
    let asked = writing.before.is_some_and(|before| !before.get(Opportunity::amount_from_lines));
    if asked && record.get(Opportunity::amount_from_lines) {
        let lines = lines_of(work, record.id())?;
        if !lines.is_empty() {
            record.set(Opportunity::amount, sum_of(&lines, &|_, _| Opportunity::amount_from_lines.pointer())?);
        }
    }
    Ok(())
}

/// Adds up the lines that a new opportunity brings along.
fn add_up(parts: &[Record], record: &mut Record<Opportunity>) -> Result<(), Problem> {
    let lines: Vec<Record<LineItem>> = parts.iter().map(|line| line.of::<LineItem>().clone()).collect();
    let at = |place: usize, member: &str| format!("/line_items/{place}{}/{member}", LineItem::unit_price.pointer());
    let sum = sum_of(&lines, &at)?;
    if record.get(Opportunity::amount_from_lines) && !lines.is_empty() {
        record.set(Opportunity::amount, sum);
    }
    Ok(())
}

/// The live lines of an opportunity.
pub fn lines_of(work: &mut Work<'_>, opportunity: Id) -> Result<Vec<Record<LineItem>>, Problem> {
    let predicate = Predicate::Archived(false).and(LineItem::opportunity_id.eq(opportunity));
    lookup::find(work, &predicate, super::line_item::MAX_LINES + 1)
}

/// What lines come to; `at` names the place of what is at fault.
pub fn sum_of(lines: &[Record<LineItem>], at: &dyn Fn(usize, &str) -> String) -> Result<Option<Money>, Problem> {
    let amounts: Vec<Money> = lines.iter().filter_map(|line| line.get(LineItem::amount)).collect();
    line_item::total(&amounts, at).map_err(|fault| Problem::rule(fault.into()))
}

crate::body! {
    /// The target of a move.
    pub struct OpportunityMove {
        /// The stage to move to. If absent, only the position on the board changes.
        stage_id: Option<Id> => reference("stage"),
        /// The stage it is expected to be in. If it is in a different stage by now, the response is 409 and nothing changes.
        from_stage_id: Option<Id> => reference("stage"),
        /// The opportunity of that stage to place it directly above. If neither this nor `after_id` is given, it is placed at
        /// the top.
        before_id: Option<Id> => reference("opportunity"),
        /// The opportunity of that stage to place it directly below.
        after_id: Option<Id> => reference("opportunity"),
        /// Why it was won or lost, if the stage closes it.
        close_reason: Option<String> => text(200),
        /// Details of the reason.
        close_comment: Option<String> => long_text(5_000),
        /// When it was won or lost. Defaults to now.
        closed_at: Option<Timestamp> => datetime(),
    }
    example json!({"stage_id": "01890a5d-ac96-774b-bcce-b302099a8057", "before_id": "01890a5d-ac96-774b-bcce-b302099a8058"})
}

crate::body! {
    /// How an opportunity was closed.
    pub struct OpportunityClosing {
        /// The reason: one of the pipeline's reasons, or any text if the pipeline has none.
        close_reason: Option<String> => text(200),
        /// Details of the reason.
        close_comment: Option<String> => long_text(5_000),
        /// When it was closed. Defaults to now.
        closed_at: Option<Timestamp> => datetime(),
    }
    example json!({"close_reason": "价格", "close_comment": "比竞争对手低 5%"})
}

/// What a body says of how a sale ended.
struct Closing<'a> {
    reason: Option<&'a str>,
    comment: Option<&'a str>,
    at: Option<Timestamp>,
}

impl Closing<'_> {
    fn write(self, record: &mut Record<Opportunity>) {
        if let Some(reason) = self.reason {
            record.set(Opportunity::close_reason, reason.to_owned());
        }
        if let Some(comment) = self.comment {
            record.set(Opportunity::close_comment, comment.to_owned());
        }
        if let Some(at) = self.at {
            record.set(Opportunity::closed_at, at);
        }
    }
}

/// Move an opportunity
///
/// Moves it to a stage and a position on the board in one step. Checks the stage requirements (`required_fields`, the exit rule
/// of the previous stage, the moves that the pipeline allows) and records the move in the ledger. With `from_stage_id` or
/// `If-Match`, only one of two concurrent moves succeeds.
#[utoipa::path(tag = "opportunities", operation_id = "moveOpportunity", request_body = OpportunityMove,
    params(("id" = String, Path, description = "The id of the opportunity, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The moved opportunity.", body = ref("#/components/schemas/Opportunity"))))]
#[post("/v1/opportunities/{id}/move")]
pub async fn move_to(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Opportunity, OpportunityMove>((call, request, body), Action::Update, |work, asked| {
        let (before, wanted) = (asked.record(), &asked.body);
        refuse_of_stages(asked)?;
        let seen_in = wanted.get(OpportunityMove::from_stage_id);
        if seen_in.is_some() && seen_in != before.get(Opportunity::stage_id) {
            return Err(Problem::new(Code::StateConflict)
                .with("state", "in another stage")
                .with("allowed", "move")
                .member(Opportunity::stage_id.name(), before.json(Opportunity::stage_id.field())));
        }
        let mut record = before.clone();
        if let Some(stage) = wanted.get(OpportunityMove::stage_id) {
            record.set(Opportunity::stage_id, stage);
        }
        let closing = Closing {
            reason: wanted.get(OpportunityMove::close_reason),
            comment: wanted.get(OpportunityMove::close_comment),
            at: wanted.get(OpportunityMove::closed_at),
        };
        closing.write(&mut record);
        let place = place(work, asked, &record)?;
        record.set(Opportunity::position, place);
        asked.store(work, record, "updated")
    })
    .await
}

/// Win an opportunity
///
/// Moves it to the first `won` stage of its pipeline. Returns 409 if it is already won or lost; use `move` to reopen it.
#[utoipa::path(tag = "opportunities", operation_id = "winOpportunity", request_body = OpportunityClosing,
    params(("id" = String, Path, description = "The id of the opportunity, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The won opportunity.", body = ref("#/components/schemas/Opportunity"))))]
#[post("/v1/opportunities/{id}/win")]
pub async fn win(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    close(call, request, body, StageKind::Won).await
}

/// Lose an opportunity
///
/// Moves it to the first `lost` stage of its pipeline. Returns 409 if it is already won or lost; use `move` to reopen it.
#[utoipa::path(tag = "opportunities", operation_id = "loseOpportunity", request_body = OpportunityClosing,
    params(("id" = String, Path, description = "The id of the opportunity, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The lost opportunity.", body = ref("#/components/schemas/Opportunity"))))]
#[post("/v1/opportunities/{id}/lose")]
pub async fn lose(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    close(call, request, body, StageKind::Lost).await
}

async fn close(call: Call, request: HttpRequest, body: Body, kind: StageKind) -> Result<HttpResponse, Problem> {
    act::<Opportunity, OpportunityClosing>((call, request, body), Action::Update, move |work, asked| {
        let mut record = asked.record().clone();
        // Under the lock: of two who close it at once, one finds it closed.
        if let Some(status) = record.get(Opportunity::status).filter(|status| *status != OpportunityStatus::Open) {
            return Err(Problem::state(status.as_str(), &["move"]));
        }
        let stages = match record.get(Opportunity::pipeline_id) {
            Some(pipeline) => of_pipeline(work, pipeline)?,
            None => Vec::new(),
        };
        let closing = stages.iter().filter(|stage| !stage.is_archived() && stage.get(Stage::kind) == Some(kind));
        let Some(stage) = closing.min_by_key(|stage| stage.get(Stage::sort_order)) else {
            let fault = Fault::new(Opportunity::pipeline_id.pointer(), FaultCode::NoStage);
            return Err(Problem::rule(fault.with("kind", kind.as_str()).into()));
        };
        record.set(Opportunity::stage_id, stage.id());
        let closing = Closing {
            reason: asked.body.get(OpportunityClosing::close_reason),
            comment: asked.body.get(OpportunityClosing::close_comment),
            at: asked.body.get(OpportunityClosing::closed_at),
        };
        closing.write(&mut record);
        asked.store(work, record, "updated")
    })
    .await
}

/// Whoever may not see the stages of opportunities may not ask whether they are in one.
fn refuse_of_stages(asked: &Asked<Opportunity, OpportunityMove>) -> Result<(), Problem> {
    if asked.writer.principal.asker.sees(Opportunity::object(), Opportunity::stage_id.field()) {
        return Ok(());
    }
    let told = [OpportunityMove::from_stage_id, OpportunityMove::before_id, OpportunityMove::after_id].into_iter();
    let faults = told.filter(|told| !asked.body.is_null(*told)).map(|told| Fault::new(told.pointer(), FaultCode::UnknownMember));
    let faults = Faults(faults.collect());
    if faults.is_empty() { Ok(()) } else { Err(faults.into()) }
}

/// The place on the board that a mover asks for.
fn place(
    work: &mut Work<'_>,
    asked: &Asked<Opportunity, OpportunityMove>,
    record: &Record<Opportunity>,
) -> Result<String, Problem> {
    let stage = record.get(Opportunity::stage_id).unwrap_or(Id::NIL);
    let own = record.id();
    let mut neighbour = |handle: Handle<OpportunityMove, Option<Id>>| -> Result<Option<String>, Problem> {
        let Some(id) = asked.body.get(handle) else { return Ok(None) };
        let rows = asked.writer.principal.asker.rows(Opportunity::object(), Action::Read).unwrap_or_else(Predicate::nothing);
        let known = lookup::find::<Opportunity>(work, &rows.and(Opportunity::id.eq(id)), 1)?.into_iter().next();
        let found = known.filter(|other| other.get(Opportunity::stage_id) == Some(stage) && other.id() != own);
        let position = found.and_then(|other| other.get(Opportunity::position).map(str::to_owned));
        position.map(Some).ok_or_else(|| Problem::rule(Fault::new(handle.pointer(), FaultCode::NotFound).into()))
    };
    let (above, below) = (neighbour(OpportunityMove::after_id)?, neighbour(OpportunityMove::before_id)?);
    Ok(match (above, below) {
        (None, None) => position::newest(asked.writer.now, own),
        (Some(above), Some(below)) if above < below => position::between(Some(&above), Some(&below), own),
        (Some(above), _) => {
            let next = work.reader().neighbour(stage, &above, own, true)?;
            position::between(Some(&above), next.as_deref(), own)
        }
        (None, Some(below)) => {
            let next = work.reader().neighbour(stage, &below, own, false)?;
            position::between(next.as_deref(), Some(&below), own)
        }
    })
}
