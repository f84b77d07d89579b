//! `POST /v1/{collection}/bulk`: many records created, or created and updated by a key.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, post, web};
use farley_domain::{
    identity::access::Action,
    model::{
        fault::{Fault, FaultCode, Language},
        field::Structure,
        record::Record,
    },
    values::id::Id,
};
use farley_persistence::Work;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    MOST, WRITTEN_TOGETHER,
    key::{By, Key},
    object_of,
    outcome::{BulkOutcome, Done, count, shorten, tell_owners},
    rows,
};
use crate::{
    access::call::Call,
    http::{
        problem::{Code, Problem},
        request::{json_body, parameters, read_body, refuse_rest},
    },
    records::{
        behaviour, body,
        create::Prepared,
        mutation::{Answer, Mutation},
        operations::Generic,
        upsert::Upserted,
        write::Writer,
    },
};

/// How much larger than other bodies these may be.
const BODIES: usize = 8;

static RECORDS: Structure = Structure {
    name: "bulk_records",
    accept: |value, _| match value.as_array() {
        None => Err(Fault::new("", FaultCode::WrongType).with("expected", "a list").into()),
        Some(records) if records.len() > MOST => Err(Fault::new("", FaultCode::TooMany).with("max", MOST).into()),
        Some(_) => Ok(value.clone()),
    },
    schema: || json!({"type": "array", "maxItems": MOST, "items": {"type": "object"}}),
    ..Structure::PLAIN
};

crate::body! {
    /// Records to write.
    pub struct BulkWrite {
        /// The records, each as in the POST of one. With `upsert_by`, one that is there is changed as by a PATCH.
        records: Option<Value> => structure(&RECORDS).required().example(json!([{"name": "华为技术有限公司"}])),
        /// The key by which existing records are found: `id`, `ext:{system}`, or a unique field such as `email`. Without it, all records are
        /// created.
        upsert_by: Option<String> => text(100).example(json!("ext:sap")),
        /// Whether nothing is written unless all records can be.
        atomic: bool => boolean().default(false),
    }
    example json!({"upsert_by": "ext:sap", "records": [{"name": "华为技术有限公司", "external_ids": {"sap": "10042"}}]})
}

/// What became of the records.
#[derive(Serialize, ToSchema)]
pub struct BulkWritten {
    /// How many were created.
    #[schema(example = 1)]
    created: usize,
    /// How many were updated.
    #[schema(example = 0)]
    updated: usize,
    /// How many were as asked already.
    #[schema(example = 0)]
    unchanged: usize,
    /// How many failed.
    #[schema(example = 0)]
    failed: usize,
    /// What became of each, in the order of the request.
    data: Vec<BulkRow>,
}

/// What became of one record.
#[derive(Serialize, ToSchema)]
pub struct BulkRow {
    /// Its place in the request, from 0.
    #[schema(example = 0)]
    index: usize,
    outcome: BulkOutcome,
    /// Its id; null if it failed.
    #[schema(value_type = Option<String>, format = "uuid", example = "01890a5d-ac96-774b-bcce-b302099a8057")]
    id: Option<String>,
    /// What is wrong, place by place; empty if nothing is.
    #[schema(value_type = Vec<Object>, example = json!([]))]
    errors: Vec<Value>,
    /// The problem that a request with this record alone would be answered with; null if it did not fail.
    #[schema(value_type = Option<Object>, example = json!(null))]
    problem: Option<Value>,
    /// What the POST of one shows once, such as an invitation token; null if there is nothing, and when the response is replayed.
    #[schema(value_type = Option<Object>, example = json!(null))]
    shown_once: Option<Value>,
}

impl BulkRow {
    fn of(done: &Done, once: bool) -> BulkRow {
        BulkRow {
            index: done.place,
            outcome: done.outcome,
            id: done.id.map(|id| id.to_string()),
            errors: done.told.errors.clone(),
            problem: done.told.problem.clone(),
            shown_once: (once && !done.shown.is_empty()).then(|| Value::Object(done.shown.clone())),
        }
    }
}

/// Write many records
///
/// Creates up to 1,000 records of a collection, or with `upsert_by` creates and updates them, each with the rules, permissions and events of a
/// write of its own. Each record is written as a whole or not at all, independently of the others, 500 in a transaction; with `atomic`, all or
/// none are (422 `batch_rolled_back`, with `data` in the same form). A new owner of several gets one notification. The body may have 8 times the size of others. Two records with the same key are
/// a fault of the second. If the request breaks off, repeat it with the same `Idempotency-Key`: it continues, and tells what became of every
/// record.
#[utoipa::path(tag = "bulk", operation_id = "writeRecords", request_body = BulkWrite,
    params(("collection" = String, Path, description = "The collection, such as `customers`.", example = "customers")),
    responses((status = 200, description = "What became of each record.", body = BulkWritten)))]
#[post("/v1/{collection}/bulk")]
pub async fn write(call: Call, request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let object = object_of(&request, Generic::Create)?;
    let call = call.anew().await?;
    let max = call.state.settings.max_body.saturating_mul(BODIES);
    let bytes = read_body(&request, &mut payload.into_inner(), max).await?;
    let sent = json_body(&request, &bytes)?;
    drop(bytes);
    let writer = Writer { quiet: true, ..Writer::of(&call, object) };
    let may = |action| writer.permit(action);
    may(Action::Create).or_else(|refused| may(Action::Update).map_err(|_| refused))?;
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &sent)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let asked = body::read::<BulkWrite>(&sent, &call.principal.standards(call.now))?;
    drop(sent);
    let by = match asked.get(BulkWrite::upsert_by) {
        None => None,
        Some(by) => {
            let by = By::read(object, &call.principal, by);
            Some(by.map_err(|fault| fault.at(&BulkWrite::upsert_by.pointer()))?)
        }
    };
    if by.is_none() {
        may(Action::Create)?;
    }
    let writing = Writing { by, atomic: asked.get(BulkWrite::atomic), language: call.language, writer };
    let turn = writing.by.as_ref().map(|by| call.state.turns.of(call.tenant().id, by.lock(object)));
    let mutation = mutation.in_turn(turn);
    let together = writing.atomic || mutation.only_validates();
    let telling = writing.writer.clone();
    let made_ready = web::block(move || (writing.parts(&asked, together), writing));
    let (parts, writing) = made_ready.await.map_err(|_| Problem::new(Code::Unavailable).retry_after(2))?;
    let end = move |work: &mut Work<'_>, done: &[Vec<Done>]| {
        let mut done = done.concat();
        tell_owners(work, &telling, &done)?;
        shorten(&mut done);
        answer(&done)
    };
    let response = mutation.run_in_parts(&call, parts, move |work, part: &Vec<Row>| writing.part(work, part), end).await?;
    if behaviour::of(object)?.changes_principals {
        call.state.principals.forget();
    }
    Ok(response)
}

fn answer(done: &[Done]) -> Result<Answer, Problem> {
    let body = |once: bool| BulkWritten {
        created: count(done, BulkOutcome::Created),
        updated: count(done, BulkOutcome::Updated),
        unchanged: count(done, BulkOutcome::Unchanged),
        failed: count(done, BulkOutcome::Failed),
        data: done.iter().map(|one| BulkRow::of(one, once)).collect(),
    };
    let mut answer = Answer::json(200, &body(true))?;
    if done.iter().any(|one| !one.shown.is_empty()) {
        answer.replayed_body = Some(serde_json::to_string(&body(false))?);
    }
    Ok(answer)
}

/// How the records of a request are written.
struct Writing {
    by: Option<By>,
    atomic: bool,
    language: Language,
    writer: Writer,
}

/// A record to be written, as far as no database is needed for it.
struct Row {
    place: usize,
    body: Value,
    ready: Result<Ready, Problem>,
}

struct Ready {
    /// None if it is created whatever is there.
    key: Option<Key>,
    /// None if no record can be created of it: it may be a change of one.
    prepared: Option<Prepared>,
}

impl Writing {
    /// The records, made ready. The writers of SQLite take turns: what needs no turn is done before.
    fn parts(&self, asked: &Record<BulkWrite>, together: bool) -> Vec<Vec<Row>> {
        let records = asked.get(BulkWrite::records).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut rows = records.iter().enumerate().map(|(place, body)| {
            let ready = if body.is_object() {
                self.ready(body, place, &mut known)
            } else {
                Err(Fault::new("", FaultCode::WrongType).with("expected", "an object").into())
            };
            Row { place, body: body.clone(), ready }
        });
        let size = if together { MOST } else { WRITTEN_TOGETHER };
        std::iter::from_fn(|| Some(rows.by_ref().take(size).collect::<Vec<Row>>()).filter(|part| !part.is_empty())).collect()
    }

    fn ready(&self, body: &Value, place: usize, known: &mut HashMap<String, usize>) -> Result<Ready, Problem> {
        let Some(by) = &self.by else {
            return Ok(Ready { key: None, prepared: Some(self.writer.prepare(body)?) });
        };
        let key = by.key_of(body, &self.writer.principal.standards(self.writer.now))?;
        let earlier = *known.entry(key.folded()).or_insert(place);
        if earlier < place {
            return Err(Fault::new(by.pointer(), FaultCode::DuplicateInRequest).with("index", earlier).into());
        }
        Ok(Ready { key: Some(key), prepared: self.writer.prepare(body).ok() })
    }

    fn part(&self, work: &mut Work<'_>, part: &[Row]) -> Result<Vec<Done>, Problem> {
        if let Some(by) = &self.by {
            // Two who write the same keys would be in each other's way row by row; those at other nodes too.
            work.lock(&by.lock(self.writer.object))?;
        }
        work.remember();
        let ready: Vec<(&Row, &Ready)> = part.iter().filter_map(|row| Some((row, row.ready.as_ref().ok()?))).collect();
        let found = self.find(work, &ready)?;
        let written = rows::each(work, &ready, |work, (row, ready)| self.row(work, row, ready, &found))?;
        let mut written = written.into_iter();
        let mut done = Vec::with_capacity(part.len());
        for row in part {
            let one = match &row.ready {
                Ok(_) => written.next().unwrap_or_else(|| Err(Problem::internal("a row was lost"))),
                Err(problem) => Err(problem.clone()),
            };
            done.push(one.unwrap_or_else(|problem| self.failed(row, problem)));
        }
        if self.atomic && count(&done, BulkOutcome::Failed) > 0 { Err(rolled_back(done)) } else { Ok(done) }
    }

    /// Finds the records that have keys in another system, all with one statement.
    fn find(&self, work: &mut Work<'_>, ready: &[(&Row, &Ready)]) -> Result<HashMap<String, Id>, Problem> {
        let Some(By::External { system }) = &self.by else { return Ok(HashMap::new()) };
        let keys: Vec<String> = ready.iter().filter_map(|(_, ready)| ready.key.as_ref()).map(Key::folded).collect();
        let found = work.reader().by_external_ids((self.writer.object.name, system), &keys)?;
        Ok(found.into_iter().collect())
    }

    fn row(&self, work: &mut Work<'_>, row: &Row, ready: &Ready, found: &HashMap<String, Id>) -> Result<Done, Problem> {
        let Upserted { before, record, shown } = match (&ready.key, &ready.prepared) {
            // If it is otherwise by now, the row fails and is looked for by itself.
            (Some(key @ Key::External { .. }), prepared) if work.trusts_indexes() => {
                let found = found.get(&key.folded()).copied();
                self.writer.upsert_found(work, (key, found), &row.body, (None, prepared.as_ref()))?
            }
            (Some(key), prepared) => self.writer.upsert(work, key, &row.body, (None, prepared.as_ref()))?,
            (None, Some(prepared)) => {
                let (record, shown) = self.writer.create_prepared(work, prepared, &row.body)?;
                Upserted { before: None, record, shown }
            }
            (None, None) => return Err(Problem::internal("a record is neither new nor known")),
        };
        let done = Done::written(work, &self.writer, row.place, (before.as_ref(), &record))?;
        Ok(Done { shown, ..done })
    }

    fn failed(&self, row: &Row, mut problem: Problem) -> Done {
        problem.faults = problem.faults.under(&format!("{}/{}", BulkWrite::records.pointer(), row.place));
        Done::failed(row.place, &problem, self.language)
    }
}

/// All or none were to be written, and some failed.
fn rolled_back(mut done: Vec<Done>) -> Problem {
    for one in done.iter_mut().filter(|one| one.outcome != BulkOutcome::Failed) {
        one.outcome = BulkOutcome::RolledBack;
        one.id = None;
    }
    shorten(&mut done);
    let data: Vec<Value> = done.iter().map(|one| json!(BulkRow::of(one, false))).collect();
    Problem::new(Code::RolledBack)
        .with("number", count(&done, BulkOutcome::Failed))
        .member("committed", false)
        .member("data", data)
}
