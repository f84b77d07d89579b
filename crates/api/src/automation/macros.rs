//! Macros: checked as they are written, and applied to records by hand.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    automation::{action::automated, macros::Macro},
    identity::access::Action,
    model::{
        entity::Entity,
        event::{Cause, CauseKind},
        fault::{Fault, FaultCode, Faults},
        record::Record,
        registry,
    },
    values::id::Id,
};
use farley_persistence::Work;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{check::Check, doing::perform, events::is_passing, log};
use crate::{
    access::{call::Call, principal::Principal},
    body,
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
    records::{
        behaviour::{Behaviour, Writing},
        body,
        mutation::{Answer, Mutation},
        named::Named,
        versions::{self, Versions},
        write::Writer,
    },
};

/// To how many records a macro is applied at once.
const AT_ONCE: usize = 100;

impl Behaviour for Macro {
    /// What is in a macro must fit its object, as its writer knows that. What those may do who apply it is asked then.
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let stays = writing.before.is_some_and(|before| before.agrees(Macro::actions, record) && !before.is_archived());
        if record.is_archived() || stays {
            return Ok(());
        }
        let object = automated(record.get(Macro::object), Macro::object.pointer())?;
        let mut check = Check::new(writing.principal, writing.now, object);
        check.actions(work, &record.get(Macro::actions), &Macro::actions.pointer())?;
        check.asks_no_permission().finish()
    }
}

body! {
    /// The records to apply a macro to.
    pub struct MacroApplying {
        /// The ids of 1 to 100 records, or `ext:{system}:{key}`.
        record_ids: Vec<String> => texts(AT_ONCE).required().example(json!(["01890a5d-ac96-774b-bcce-b302099a8057"])),
        /// The versions that the records are expected to have, in the same order. A record that has another version is left as it is.
        versions: Vec<Value> => structure(&VERSIONS).default(json!([])).example(json!([7])),
    }
    example json!({"record_ids": ["01890a5d-ac96-774b-bcce-b302099a8057"]})
}

/// A list of versions.
static VERSIONS: farley_domain::model::field::Structure = farley_domain::model::field::Structure {
    name: "record_versions",
    accept: |value, _| {
        let is_version = |item: &Value| item.as_i64().is_some_and(|version| version > 0);
        match value.as_array() {
            None => Err(Fault::new("", FaultCode::WrongType).with("expected", "a list").into()),
            Some(items) if items.len() > AT_ONCE => Err(Fault::new("", FaultCode::TooMany).with("max", AT_ONCE).into()),
            Some(items) => {
                let mut faults = Faults::default();
                for (position, _) in items.iter().enumerate().filter(|(_, item)| !is_version(item)) {
                    faults.add(Fault::new(format!("/{position}"), FaultCode::WrongType).with("expected", "an integer"));
                }
                if faults.is_empty() { Ok(value.clone()) } else { Err(faults) }
            }
        }
    },
    schema: || json!({"type": "array", "maxItems": AT_ONCE, "items": {"type": "integer", "minimum": 1}}),
    ..farley_domain::model::field::Structure::PLAIN
};

/// What became of each record.
#[derive(Serialize, ToSchema)]
pub struct MacroApplied {
    /// In the order of the records.
    data: Vec<MacroResult>,
}

/// What became of one record.
#[derive(Serialize, ToSchema)]
pub struct MacroResult {
    /// As it was named in the request.
    #[schema(example = "01890a5d-ac96-774b-bcce-b302099a8057")]
    record_id: String,
    /// `done` or `failed`. A record that failed is as it was before.
    #[schema(example = "done")]
    outcome: &'static str,
    /// What was changed, as in the events: of the record, and of what was made with it. Hidden fields are left out.
    changes: Vec<MacroChange>,
    /// Why it failed: `code`, `detail` and `errors`, as in the problem of a request; null if it did not.
    #[schema(value_type = Option<Object>, example = json!(null))]
    problem: Option<Value>,
}

/// A change.
#[derive(Serialize, ToSchema)]
pub struct MacroChange {
    /// The object and what happened, as `object.what`.
    #[schema(example = "ticket.updated")]
    pub r#type: String,
    #[schema(value_type = String, format = "uuid")]
    pub record_id: Id,
    /// What changed: `{field: {"from": …, "to": …}}`.
    #[schema(value_type = Object, example = json!({"priority": {"from": "normal", "to": "high"}}))]
    pub changes: Map<String, Value>,
}

/// What has been done since so many events, as somebody may see it.
pub fn seen_since(work: &Work<'_>, principal: &Principal, noted: usize) -> Vec<MacroChange> {
    let seen = work.noted_since(noted).filter_map(|noted| {
        let object = registry::object(noted.object)?;
        principal.asker.grants.scope(object.name, Action::Read)?;
        let schema = principal.schema(object);
        let mut changes = log::changes_of(&noted);
        changes.retain(|name, _| principal.asker.sees_path(object, &schema, name));
        Some(MacroChange { r#type: noted.kind.to_owned(), record_id: noted.record, changes })
    });
    seen.collect()
}

/// Apply a macro
///
/// Applies the macro to each of the records, with your permissions. Each record is changed as a whole or not at all, independently of
/// the others, and the response has a result for each. With `validate_only=true` it shows what would change, and nothing is changed.
#[utoipa::path(tag = "macros", operation_id = "applyMacro", request_body = MacroApplying,
    params(("id" = String, Path, description = "The id of the macro, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "What became of each record.", body = MacroApplied)))]
#[post("/v1/macros/{id}/apply")]
pub async fn apply(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let asked = body::read::<MacroApplying>(&body.0, &call.principal.standards(call.now))?;
    let named = asked.get(MacroApplying::record_ids);
    let versions: Vec<i64> = asked.get(MacroApplying::versions).iter().filter_map(Value::as_i64).collect();
    if named.is_empty() {
        return Err(Fault::new(MacroApplying::record_ids.pointer(), FaultCode::Required).into());
    }
    if !versions.is_empty() && versions.len() != named.len() {
        let fault = Fault::new(MacroApplying::versions.pointer(), FaultCode::WrongType);
        return Err(fault.with("expected", "one version for each record").into());
    }
    let id = Named::parse(request.match_info().query("id"))?;
    let writer = Writer::of(&call, <Macro as Entity>::object());
    let rows = call.rows(writer.object, Action::Read)?;
    mutation
        .run(&call, move |work| {
            let (principal, now) = (&writer.principal, writer.now);
            let id = id.find(work.reader(), principal, writer.object)?.ok_or_else(Problem::not_found)?;
            let row = work.reader().get(&Work::layout(&writer.schema()), &principal.view(now), id, &rows)?;
            let found = row.ok_or_else(Problem::not_found)?.to_record()?.into_entity::<Macro>();
            if found.is_archived() {
                return Err(Problem::archived());
            }
            if !found.get(Macro::is_active) {
                return Err(Problem::state("inactive", &["update"]));
            }
            let object = automated(found.get(Macro::object), Macro::object.pointer())?;
            let applied = Applied { writer: writer.on(object), found };
            applied.writer.permit(Action::Read)?;
            let results =
                named.iter().enumerate().map(|(position, name)| applied.to(work, name, versions.get(position).copied()));
            Answer::json(200, &MacroApplied { data: results.collect::<Result<_, _>>()? })
        })
        .await
}

/// A macro being applied.
struct Applied {
    writer: Writer,
    found: Record<Macro>,
}

impl Applied {
    fn to(&self, work: &mut Work<'_>, name: &str, version: Option<i64>) -> Result<MacroResult, Problem> {
        let (writer, noted) = (&self.writer, work.noted());
        work.because_of(Some(Cause { kind: CauseKind::Macro, id: self.found.id(), depth: 0 }));
        let done = work.attempt(|work| self.apply(work, name, version));
        work.because_of(None);
        let (outcome, problem) = match done {
            Ok(()) => ("done", None),
            Err(problem) if is_passing(&problem) => return Err(problem),
            Err(problem) => ("failed", Some(log::told(&problem))),
        };
        let changes = seen_since(work, &writer.principal, noted);
        Ok(MacroResult { record_id: name.to_owned(), outcome, changes, problem })
    }

    fn apply(&self, work: &mut Work<'_>, name: &str, version: Option<i64>) -> Result<(), Problem> {
        let writer = &self.writer;
        let id = Named::parse(name)?.find(work.reader(), &writer.principal, writer.object)?.ok_or_else(Problem::not_found)?;
        let loaded = writer.load(work, &Named::Id(id), Action::Read)?;
        if let Some(version) = version {
            let expected = Versions::Of(vec![version]);
            versions::check(work, &writer.principal, writer.object, &loaded.record, &expected, None)?;
        }
        if loaded.record.is_archived() {
            return Err(Problem::archived());
        }
        perform(work, writer, &self.found.get(Macro::actions), id, &format!("macro {}", self.found.id()))
    }
}
