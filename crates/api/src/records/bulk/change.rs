//! `POST /v1/{collection}/bulk-change`: many records changed alike, or archived.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    identity::access::Action,
    model::{
        fault::{Fault, FaultCode, Faults, Language},
        field::Structure,
        record::Record,
        structures::filter::FILTER,
    },
};
use farley_persistence::Work;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{
    CHANGED_TOGETHER, MOST,
    chosen::{self, Chosen},
    edits::{self, EDITS, Edits},
    object_of,
    outcome::{BulkOutcome, Done, count, shorten, tell_owners},
    rows,
};
use crate::{
    access::call::Call,
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
    records::{
        behaviour, body,
        mutation::{Answer, Mutation},
        named::Named,
        operations::Generic,
        write::Writer,
    },
};

/// How many a preview tries.
const TRIED: usize = 100;

static CHANGES: Structure =
    Structure { name: "bulk_changes", accept: EDITS.accept, schema: || json!({"type": "object"}), ..Structure::PLAIN };

crate::body! {
    /// Which records to change, and how.
    pub struct BulkChange {
        /// The ids of 1 to 1,000 records, or `ext:{system}:{key}`. Give either these or `filter`.
        ids: Vec<String> => texts(MOST).default(json!([])).example(json!(["01890a5d-ac96-774b-bcce-b302099a8057"])),
        /// A filter on the records, as in a search; at most 1,000 may match.
        filter: Option<Value> => structure(&FILTER),
        /// The number of records that the request is meant for, such as the `count` of a preview: if it is about another number, nothing is
        /// changed (409 `count_changed`).
        expected_count: Option<i64> => integer(0, 1_000_000_000).example(json!(1)),
        /// The values to set, as in a PATCH of each record.
        changes: Option<Value> => structure(&CHANGES).example(json!({"priority": "high"})),
        /// Ids to add to lists of references, such as tags, by the name of the list.
        add: Option<Value> => structure(&EDITS).example(json!({"tag_ids": ["01890a5d-ac96-774b-bcce-b302099a8057"]})),
        /// Ids to remove from lists of references.
        remove: Option<Value> => structure(&EDITS).example(json!({"tag_ids": ["01890a5d-ac96-774b-bcce-b302099a8057"]})),
        /// Whether to archive the records instead.
        archive: bool => boolean().default(false),
        /// Whether nothing is to be changed: the response says how many records it is about, and what would become of the first 100.
        preview: bool => boolean().default(false),
    }
    example json!({"ids": ["01890a5d-ac96-774b-bcce-b302099a8057"], "changes": {"owner_id": "01890a5d-ac96-774b-bcce-b302099a8057"}})
}

/// What became of the records.
#[derive(Serialize, ToSchema)]
pub struct BulkChanged {
    /// The number of records it is about.
    #[schema(example = 1)]
    count: i64,
    /// How many of those in `data` were changed or archived, or would be.
    #[schema(example = 1)]
    changed: usize,
    /// How many of them failed, or would.
    #[schema(example = 0)]
    failed: usize,
    /// What became of each, in the order of `ids`, or of the records' creation; in a preview, of the first 100.
    data: Vec<BulkChangedRow>,
}

/// What became of one record.
#[derive(Serialize, ToSchema)]
pub struct BulkChangedRow {
    /// As it was named in the request.
    #[schema(example = "01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    outcome: BulkOutcome,
    /// What is wrong, place by place, as in the problem of a PATCH; empty if nothing is.
    #[schema(value_type = Vec<Object>, example = json!([]))]
    errors: Vec<Value>,
    /// The problem that a request for this record alone would be answered with; null if it did not fail.
    #[schema(value_type = Option<Object>, example = json!(null))]
    problem: Option<Value>,
}

/// Change many records
///
/// Makes the same changes to each of the records, or archives them, with the rules, permissions, events and notifications of a request for
/// each; a new owner of several gets one notification. Each record is changed as a whole or not at all, independently of the others, 100 in a
/// transaction. With `preview` or `validate_only=true` nothing is changed. If the request breaks off, repeat it with the same
/// `Idempotency-Key`.
#[utoipa::path(tag = "bulk", operation_id = "changeRecords", request_body = BulkChange,
    params(("collection" = String, Path, description = "The collection, such as `customers`.", example = "customers")),
    responses((status = 200, description = "What became of each record.", body = BulkChanged)))]
#[post("/v1/{collection}/bulk-change")]
pub async fn change(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let object = object_of(&request, Generic::Update)?;
    let call = call.anew().await?;
    let writer = Writer { quiet: true, ..Writer::of(&call, object) };
    let may = |action| writer.permit(action);
    may(Action::Update).or_else(|refused| may(Action::Archive).map_err(|_| refused))?;
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let asked = body::read::<BulkChange>(&body.0, &call.principal.standards(call.now))?;
    let changing = Changing::read(&call, writer, &asked)?;
    changing.writer.permit(if changing.archive { Action::Archive } else { Action::Update })?;
    let preview = asked.get(BulkChange::preview);
    let Chosen { names, count: about } = chosen::choose(object, &call, &asked, if preview { TRIED } else { MOST }).await?;
    // Always in the same order, so that no two who change many wait for each other.
    let mut order: Vec<(usize, String)> = names.iter().cloned().enumerate().collect();
    order.sort_by(|one, other| one.1.cmp(&other.1));
    let parts: Vec<Vec<(usize, String)>> = order.chunks(CHANGED_TOGETHER).map(<[_]>::to_vec).collect();
    let mutation = if preview { mutation.only_validating() } else { mutation };
    let telling = changing.writer.clone();
    let end = move |work: &mut Work<'_>, done: &[Vec<Done>]| {
        let mut done = done.concat();
        done.sort_by_key(|one| one.place);
        tell_owners(work, &telling, &done)?;
        shorten(&mut done);
        let failed = count(&done, BulkOutcome::Failed);
        let changed = done.len() - failed - count(&done, BulkOutcome::Unchanged);
        let row = |(one, name): (Done, &String)| BulkChangedRow {
            id: name.clone(),
            outcome: one.outcome,
            errors: one.told.errors,
            problem: one.told.problem,
        };
        let data = done.into_iter().zip(&names).map(row).collect();
        Answer::json(200, &BulkChanged { count: about, changed, failed, data })
    };
    let response = mutation.run_in_parts(&call, parts, move |work, part: &Vec<_>| changing.part(work, part), end).await?;
    if behaviour::of(object)?.changes_principals {
        call.state.principals.forget();
    }
    Ok(response)
}

/// The changes that each record is to have.
struct Changing {
    writer: Writer,
    changes: Map<String, Value>,
    add: Edits,
    remove: Edits,
    archive: bool,
    language: Language,
}

impl Changing {
    /// Reads what is asked for. What no record can have is a fault of the request.
    fn read(call: &Call, writer: Writer, asked: &Record<BulkChange>) -> Result<Changing, Problem> {
        let mut faults = chosen::check(asked);
        let changes = asked.get(BulkChange::changes).and_then(Value::as_object).cloned().unwrap_or_default();
        if let Err(found) = writer.check_patch(&Value::Object(changes.clone())) {
            faults.extend(found.under(&BulkChange::changes.pointer()).0);
        }
        let mut edits = |sent: Option<&Value>, pointer: &str| {
            Edits::read(writer.object, &call.principal, sent, pointer).unwrap_or_else(|found| {
                faults.extend(found.0);
                Edits::default()
            })
        };
        let add = edits(asked.get(BulkChange::add), &BulkChange::add.pointer());
        let remove = edits(asked.get(BulkChange::remove), &BulkChange::remove.pointer());
        for (edits, pointer) in [(&add, BulkChange::add.pointer()), (&remove, BulkChange::remove.pointer())] {
            // A list that is set as a whole has nothing added to what it was.
            for name in edits.names().filter(|name| changes.contains_key(*name)) {
                let fault = Fault::new(format!("{pointer}/{name}"), FaultCode::Conflicting);
                faults.add(fault.with("other", BulkChange::changes.name()));
            }
        }
        let archive = asked.get(BulkChange::archive);
        let nothing = changes.is_empty() && add.is_empty() && remove.is_empty();
        match (archive, nothing) {
            (false, true) if faults.is_empty() => faults.add(Fault::new(BulkChange::changes.pointer(), FaultCode::Required)),
            (true, false) => {
                let fault = Fault::new(BulkChange::archive.pointer(), FaultCode::Conflicting);
                faults.add(fault.with("other", BulkChange::changes.name()));
            }
            (true, true) | (false, false | true) => {}
        }
        let faults: Faults = faults;
        faults.into_result(())?;
        Ok(Changing { writer, changes, add, remove, archive, language: call.language })
    }

    fn part(&self, work: &mut Work<'_>, part: &[(usize, String)]) -> Result<Vec<Done>, Problem> {
        work.remember();
        let written = rows::each(work, part, |work, (place, name)| self.one(work, *place, name))?;
        let each = part.iter().zip(written);
        Ok(each.map(|((place, _), one)| one.unwrap_or_else(|problem| Done::failed(*place, &problem, self.language))).collect())
    }

    fn one(&self, work: &mut Work<'_>, place: usize, name: &str) -> Result<Done, Problem> {
        let named = Named::parse(name)?;
        let (before, after) = if self.archive {
            let loaded = self.writer.load(work, &named, Action::Archive)?;
            let after = self.writer.archive(work, &loaded, true)?;
            (loaded.record, after)
        } else {
            let loaded = self.writer.load(work, &named, Action::Update)?;
            let mut patch = self.changes.clone();
            edits::apply(&mut patch, &loaded.record, (&self.add, &self.remove));
            let after = self.writer.patch(work, &loaded, &Value::Object(patch))?;
            (loaded.record, after)
        };
        Done::written(work, &self.writer, place, (Some(&before), &after))
    }
}
