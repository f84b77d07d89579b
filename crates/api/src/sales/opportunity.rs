//! Opportunities: every write settles what follows from the stage; moves, wins and losses are writes with checks of their own.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    activities::notification::NotificationKind,
    entity::Entity,
    fault::{Fault, FaultCode},
    field::{Field, FieldType, Op},
    id::Id,
    identity::access::Action,
    money::Money,
    predicate::{Operand, Predicate},
    record::Record,
    sales::{
        line_item::LineItem,
        opportunity::Opportunity,
        pipeline::Pipeline,
        position,
        progress::{Course, asks_for_exit},
        stage::Stage,
    },
};
use farley_persistence::Work;
use serde_json::{Value, json};

use super::{cadences::stops, filters, pipeline::default_pipeline, stage::of_pipeline};
use crate::{
    access::{
        call::Call,
        principal::Principal,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::{
        problem::{Code, Problem},
        request::Body,
    },
    records::{
        action::{AskedByName, act_by_name},
        behaviour::{Behaviour, Shown, Writing},
        lookup::by_id,
    },
};

impl Behaviour for Opportunity {
    /// Puts the record on its course: pipeline, stage, and all that follows from them.
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let (writing, record) = (&writing.any(), record.any_mut());
        if writing.before.is_some_and(|before| before.is_archived() != record.is_archived()) {
            return Ok(());
        }
        if writing.before.is_none() {
            match record.time_of("opened_at") {
                None => record.set("opened_at", earliest(record).unwrap_or(writing.now).to_string()),
                Some(opened_at) if opened_at > writing.now => {
                    return Err(Problem::rule(Fault::new("/opened_at", FaultCode::TooLate).with("max", writing.now).into()));
                }
                Some(_) => {}
            }
        }
        let pipeline = pipeline_of(work, writing, record)?;
        record.set("pipeline_id", pipeline.get("id").clone());
        let stages = of_pipeline(work, pipeline.get("id"))?;
        let shape = writing.principal.shape(Opportunity::object());
        let course = Course { shape: &shape, pipeline: &pipeline, stages: &stages, now: writing.now };
        let settled = course.settle(writing.before, record);
        if let (Some(before), Some(rule)) = (writing.before, exit_rule(&course, writing.before, record)) {
            check_exit(writing.principal, writing, before, record, &rule)?;
        }
        settled.map_err(Problem::rule)?;
        follow_lines(work, writing, record)
    }

    /// A move is an event of its own kind.
    fn verb(before: &Record<Self>, after: &Record<Self>) -> Option<&'static str> {
        let (before, after) = (before.any(), after.any());
        (before.get("stage_id") != after.get("stage_id")).then_some("stage_changed")
    }

    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        stops::after_opportunity(work, writing, record)?;
        Ok(Shown::new())
    }

    /// Owners hear when somebody else moves their opportunities.
    fn news(before: &Record<Self>, after: &Record<Self>) -> Option<NotificationKind> {
        let (before, after) = (before.any(), after.any());
        (before.get("stage_id") != after.get("stage_id")).then_some(NotificationKind::StageChanged)
    }
}

/// The first time told of a sale that comes from elsewhere.
fn earliest(record: &Record) -> Option<farley_domain::time::Timestamp> {
    let first = record.get("stage_history").as_array().and_then(|stages| stages.first());
    let told = first.and_then(|first| farley_domain::time::Timestamp::parse(first["entered_at"].as_str()?));
    told.or(record.time_of("closed_at"))
}

/// The pipeline named, or that of the stage named, or the default one.
fn pipeline_of(work: &mut Work<'_>, writing: &Writing<'_>, record: &Record) -> Result<Record, Problem> {
    let unchanged = writing.before.is_some_and(|before| before.get("pipeline_id") == record.get("pipeline_id"));
    let id = match (record.id_of("pipeline_id"), record.id_of("stage_id")) {
        (Some(id), _) => Some(id),
        (None, Some(stage)) => by_id(work, Stage::object(), stage)?.and_then(|stage| stage.id_of("pipeline_id")),
        (None, None) => default_pipeline(work)?.map(|pipeline| pipeline.id()),
    };
    let missing = || Problem::rule(Fault::new("/pipeline_id", FaultCode::Required).into());
    let id = id.ok_or_else(missing)?;
    if !writing.before.is_some_and(|before| unchanged && before.get("stage_id") == record.get("stage_id")) {
        // Neither the pipeline nor a stage of it goes while something is put there.
        work.hold(Pipeline::object(), id)?;
    }
    let pipeline = by_id(work, Pipeline::object(), id)?.ok_or_else(missing)?;
    if pipeline.is_archived() && !unchanged {
        return Err(Problem::rule(Fault::new("/pipeline_id", FaultCode::NotFound).into()));
    }
    Ok(pipeline)
}

/// The rule of the stage that the record leaves, with the stage's name.
fn exit_rule(course: &Course<'_>, before: Option<&Record>, after: &Record) -> Option<(String, Value)> {
    let (from, to) = (course.stage(before?.get("stage_id"))?, course.stage(after.get("stage_id"))?);
    asks_for_exit(from, to).then(|| (from.text("name").unwrap_or_default().to_owned(), from.get("exit_rule").clone()))
}

/// The rule is asked of the record as it is about to be, so that one request may meet it and move; but still in its old stage.
fn check_exit(
    principal: &Principal,
    writing: &Writing<'_>,
    before: &Record,
    after: &Record,
    (stage, rule): &(String, Value),
) -> Result<(), Problem> {
    let object = Opportunity::object();
    let mut leaving = after.clone();
    for name in ["stage_id", "status", "probability", "forecast_category", "stage_entered_at"] {
        leaving.set(name, before.get(name).clone());
    }
    if filters::meets(principal, writing.now, object, rule, &leaving) {
        return Ok(());
    }
    Err(Problem::rule(Fault::new("/stage_id", FaultCode::ExitRule).with("stage", stage).into()))
}

/// The amount is the sum of the lines where it is to be and there are any.
fn follow_lines(work: &mut Work<'_>, writing: &Writing<'_>, record: &mut Record) -> Result<(), Problem> {
    let asked = writing.before.is_some_and(|before| before.get("amount_from_lines") != true);
    if asked && record.get("amount_from_lines") == true {
        let lines = lines_of(work, record.id())?;
        if !lines.is_empty() {
            record.set("amount", sum_of(&lines, "/amount_from_lines")?);
        }
    }
    Ok(())
}

/// The live lines of an opportunity.
pub fn lines_of(work: &mut Work<'_>, opportunity: Id) -> Result<Vec<Record>, Problem> {
    let Some(field) = LineItem::object().field("opportunity_id") else { return Ok(Vec::new()) };
    let predicate = Predicate::Archived(false).and(Predicate::test(field, Op::Eq, Operand::Id(opportunity)));
    Ok(work.reader().find(
        &without_custom_fields(LineItem::object()),
        &Unrestricted,
        &predicate,
        super::line_item::MAX_LINES + 1,
    )?)
}

/// The sum of lines, all of one currency. One that is no amount of an opportunity is refused at the pointer.
pub fn sum_of(lines: &[Record], pointer: &str) -> Result<Value, Problem> {
    let amounts = || lines.iter().map(|line| line.get("amount")).filter(|amount| !amount.is_null());
    let Some(currency) = amounts().next().map(|amount| amount["currency"].clone()) else { return Ok(Value::Null) };
    let sum: i128 = amounts().filter_map(|amount| amount["amount"].as_i64()).map(i128::from).sum();
    match i64::try_from(sum) {
        Ok(sum @ 0..=Money::MAX_AMOUNT) => Ok(json!({"amount": sum, "currency": currency})),
        Ok(_) | Err(_) if sum < 0 => Err(Problem::rule(Fault::new(pointer, FaultCode::SumTooSmall).with("min", 0).into())),
        Ok(_) | Err(_) => Err(Problem::rule(Fault::new(pointer, FaultCode::SumTooLarge).with("max", Money::MAX_AMOUNT).into())),
    }
}

/// Where an opportunity goes.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[schema(example = json!({"stage_id": "01890a5d-ac96-774b-bcce-b302099a8057", "before_id": "01890a5d-ac96-774b-bcce-b302099a8058"}))]
#[allow(dead_code, reason = "documents the body; it is read by its fields")]
pub struct OpportunityMove {
    /// The stage to go to; absent to stay, and only change the place on the board.
    #[schema(value_type = Option<String>, format = "uuid")]
    stage_id: Option<String>,
    /// The stage that the mover saw it in: if it is in another by now, the answer is 409 and nothing changes.
    #[schema(value_type = Option<String>, format = "uuid")]
    from_stage_id: Option<String>,
    /// The opportunity of that stage to stand right above of; at the top, if neither this nor `after_id` is given.
    #[schema(value_type = Option<String>, format = "uuid")]
    before_id: Option<String>,
    /// The opportunity of that stage to stand right below of.
    #[schema(value_type = Option<String>, format = "uuid")]
    after_id: Option<String>,
    /// Why it was won or lost, where the stage closes it.
    close_reason: Option<String>,
    close_comment: Option<String>,
    /// When it was won or lost; now, unless told.
    #[schema(value_type = Option<String>, format = "date-time")]
    closed_at: Option<String>,
}

/// How an opportunity ended.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[schema(example = json!({"close_reason": "价格", "close_comment": "比竞争对手低 5%"}))]
#[allow(dead_code, reason = "documents the body; it is read by its fields")]
pub struct OpportunityClosing {
    /// Why: one of the pipeline's reasons, or any text if it has none.
    close_reason: Option<String>,
    close_comment: Option<String>,
    /// When; now, unless told.
    #[schema(value_type = Option<String>, format = "date-time")]
    closed_at: Option<String>,
}

fn closing_fields() -> Vec<Field> {
    vec![
        Field::new("close_reason", FieldType::Text { max: 200 }),
        Field::new("close_comment", FieldType::LongText { max: 5_000 }),
        Field::new("closed_at", FieldType::DateTime),
    ]
}

/// Move an opportunity
///
/// Puts it into a stage and at a place on the board, in one step. Checks what the stage demands (`required_fields`, the exit rule of
/// the stage left, the moves that the pipeline allows) and writes the ledger. With `from_stage_id` or `If-Match`, of two
/// who move it at once one succeeds.
#[utoipa::path(tag = "opportunities", operation_id = "moveOpportunity", request_body = OpportunityMove,
    params(("id" = String, Path, description = "The opportunity: its id, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The opportunity in its new place.", body = ref("#/components/schemas/Opportunity"))))]
#[post("/v1/opportunities/{id}/move")]
pub async fn move_to(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let reference = |name: &'static str, object: &'static str| Field::new(name, FieldType::Reference(object.into()));
    let mut fields = vec![
        reference("stage_id", "stage"),
        reference("from_stage_id", "stage"),
        reference("before_id", "opportunity"),
        reference("after_id", "opportunity"),
    ];
    fields.extend(closing_fields());
    act_by_name(Opportunity::object(), (call, request, body), &fields, Action::Update, |work, asked| {
        let loaded = &asked.loaded;
        if !asked.get("from_stage_id").is_null() && asked.get("from_stage_id") != loaded.record.get("stage_id") {
            return Err(Problem::new(Code::StateConflict)
                .with("state", "in another stage")
                .with("allowed", "move")
                .member("stage_id", loaded.record.get("stage_id").clone()));
        }
        let mut record = loaded.record.clone();
        if !asked.get("stage_id").is_null() {
            record.set("stage_id", asked.get("stage_id").clone());
        }
        take_closing(asked, &mut record);
        let place = place(work, asked, &record)?;
        record.set("position", place);
        write(work, asked, record)
    })
    .await
}

/// Win an opportunity
///
/// Moves it to the first stage of the kind `won` of its pipeline. One that is won or lost already is 409: `move` reopens it.
#[utoipa::path(tag = "opportunities", operation_id = "winOpportunity", request_body = OpportunityClosing,
    params(("id" = String, Path, description = "The opportunity: its id, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The opportunity, won.", body = ref("#/components/schemas/Opportunity"))))]
#[post("/v1/opportunities/{id}/win")]
pub async fn win(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    close(call, request, body, "won").await
}

/// Lose an opportunity
///
/// Moves it to the first stage of the kind `lost` of its pipeline. One that is won or lost already is 409: `move` reopens it.
#[utoipa::path(tag = "opportunities", operation_id = "loseOpportunity", request_body = OpportunityClosing,
    params(("id" = String, Path, description = "The opportunity: its id, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The opportunity, lost.", body = ref("#/components/schemas/Opportunity"))))]
#[post("/v1/opportunities/{id}/lose")]
pub async fn lose(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    close(call, request, body, "lost").await
}

async fn close(call: Call, request: HttpRequest, body: Body, kind: &'static str) -> Result<HttpResponse, Problem> {
    act_by_name(Opportunity::object(), (call, request, body), &closing_fields(), Action::Update, move |work, asked| {
        let mut record = asked.loaded.record.clone();
        // Under the lock: of two who close it at once, one finds it closed.
        if let Some(status) = record.text("status").filter(|status| *status != "open") {
            return Err(Problem::state(status, &["move"]));
        }
        let stages = of_pipeline(work, record.get("pipeline_id"))?;
        let closing = stages.iter().filter(|stage| !stage.is_archived() && stage.get("kind") == kind);
        let stage = closing.min_by_key(|stage| stage.get("sort_order").as_i64());
        let Some(stage) = stage else {
            return Err(Problem::rule(Fault::new("/pipeline_id", FaultCode::NoStage).with("kind", kind).into()));
        };
        record.set("stage_id", stage.get("id").clone());
        take_closing(asked, &mut record);
        write(work, asked, record)
    })
    .await
}

fn take_closing(asked: &AskedByName, record: &mut Record) {
    for name in ["close_reason", "close_comment", "closed_at"] {
        if !asked.get(name).is_null() {
            record.set(name, asked.get(name).clone());
        }
    }
}

fn write(work: &mut Work<'_>, asked: &AskedByName, record: Record) -> Result<crate::records::mutation::Answer, Problem> {
    let record = asked.writer.apply_rules(&asked.writer.shape(), Some(&asked.loaded.record), record)?;
    let record = asked.writer.store(work, &asked.loaded, record, "updated")?;
    asked.writer.answer(work, 200, record.id(), Shown::new())
}

/// The place on the board that a mover asks for.
fn place(work: &mut Work<'_>, asked: &AskedByName, record: &Record) -> Result<String, Problem> {
    let stage = record.id_of("stage_id").unwrap_or(Id::NIL);
    let own = record.id();
    let mut neighbour = |name: &str| -> Result<Option<String>, Problem> {
        let Some(id) = asked.get(name).as_str().and_then(|id| id.parse::<Id>().ok()) else { return Ok(None) };
        let found =
            by_id(work, Opportunity::object(), id)?.filter(|other| other.id_of("stage_id") == Some(stage) && other.id() != own);
        let position = found.and_then(|other| other.text("position").map(str::to_owned));
        position.map(Some).ok_or_else(|| Problem::rule(Fault::new(format!("/{name}"), FaultCode::NotFound).into()))
    };
    let (above, below) = (neighbour("after_id")?, neighbour("before_id")?);
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
