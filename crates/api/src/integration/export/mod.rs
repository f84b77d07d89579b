//! Exports over HTTP: started here, made by a job ([`run`]) whose file is kept like any other.

mod lines;
pub mod run;

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    identity::access::{Action, AskerView},
    integration::export::{Export, ExportEncoding, ExportFormat, ExportHeader, MOST_COLUMNS, MOST_KEYS},
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults, unknown},
        field::{Field, FieldType, Storage},
        object::Object,
        record::Record,
        registry,
        structures::filter::FILTER as PREDICATE,
    },
    query::list::{FILTER, ListQuery},
    reporting::view::View,
};
use farley_persistence::Change;
use serde_json::{Value, json};
use utoipa::{
    ToSchema,
    openapi::{Ref, RefOr, Schema},
};

use self::run::Payload;
use crate::{
    access::{call::Call, principal::Principal},
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
        telemetry::traceparent,
    },
    records::{body, mutation::Mutation, viewed, write::Writer},
};

/// The kind of the job that exports.
pub const KIND: &str = "export";
/// The kind of the job that archives files whose time is over.
pub const EXPIRY: &str = "export_expiry";
/// How often these are looked for, in seconds.
pub const EXPIRES_EVERY: i64 = 3_600;
/// How often an export is tried again when the database fails it.
const ATTEMPTS: i64 = 6;

crate::body! {
    /// What to export, and how it is written.
    pub struct ExportCreate {
        /// The object whose records are exported, by its name or collection.
        object: Option<String> => text(100).required().example("customers"),
        /// A view of the object (see `/v1/views`): its filter applies beside yours, and its sort order and columns where you give none.
        view: Option<String> => text(300),
        /// Which records: a filter, as searches take it. If absent, all that you can see.
        filter: Option<Value> => structure(&PREDICATE),
        /// What the rows are sorted by, as in a search. By default the order of their creation, in which a long export is the most
        /// consistent.
        sort: Vec<String> => texts(MOST_KEYS).example(json!(["-created_at"])),
        /// The fields to export, in order, also custom ones (`custom.tier`) and those of related records (`owner.name`). By default all
        /// that you can see, except those computed only on request.
        columns: Vec<String> => texts(MOST_COLUMNS).example(json!(["id", "name", "owner.name"])),
        /// `csv` for spreadsheets, `ndjson` for programs: one record a line, as a search returns it.
        format: Option<ExportFormat> => choice(ExportFormat::choices()).default("csv").example("csv"),
        /// Whether the first line of a CSV file has the names of the fields, by which they are imported again, or their labels in the
        /// language of the request. Choices are written likewise.
        header: Option<ExportHeader> => choice(ExportHeader::choices()).default("names").example("names"),
        /// The encoding of a CSV file.
        encoding: Option<ExportEncoding> => choice(ExportEncoding::choices()).default("utf-8").example("utf-8"),
        /// Whether a CSV file in UTF-8 begins with a byte order mark, by which Excel recognizes the encoding.
        bom: bool => boolean().default(true).example(true),
    }
    example json!({"object": "customers", "filter": {"field": "region", "value": "华东"}, "columns": ["id", "name", "owner.name"]})
}

/// Stands for the schema of exports, which is made from their field table.
pub struct ExportSchema;

impl utoipa::PartialSchema for ExportSchema {
    fn schema() -> RefOr<Schema> {
        Ref::from_schema_name("Export").into()
    }
}

impl ToSchema for ExportSchema {}

/// The object of an export, which the caller must be permitted to export and to read.
fn subject(principal: &Principal, name: &str) -> Result<&'static Object, Problem> {
    let object = registry::named(name).ok_or_else(|| {
        let known = registry::objects().into_iter().filter(|object| object.parent.is_none()).map(|object| object.collection);
        unknown(ExportCreate::object.pointer(), FaultCode::UnknownChoice, name, known)
    })?;
    permit(principal, object)?;
    Ok(object)
}

/// Exporting needs its own permission beside that to read.
fn permit(principal: &Principal, object: &'static Object) -> Result<(), Problem> {
    let needed = [Action::Read, Action::Export];
    match needed.into_iter().find(|action| principal.asker.grants.scope(object.name, *action).is_none()) {
        Some(action) => Err(Problem::forbidden(action.as_str(), object.name)),
        None => Ok(()),
    }
}

/// The columns of an export that names none.
fn all_columns(principal: &Principal, object: &'static Object) -> Vec<String> {
    let schema = principal.schema(object);
    let is_column = |field: &&Field| {
        field.is_shown()
            && !field.on_request
            && field.exportable
            && field.storage != Storage::Computed
            && field.kind != FieldType::Custom
            && principal.asker.sees(object, field)
    };
    schema.object.fields.iter().chain(schema.custom.iter()).filter(is_column).map(Field::path).take(MOST_COLUMNS).collect()
}

/// The list that an export writes, and its columns; checked as a search is.
fn query_of(view: &AskerView<'_>, object: &'static Object, record: &Record<Export>) -> Result<ListQuery, Faults> {
    let columns = record.get(Export::columns);
    let sort = record.get(Export::sort);
    let body = json!({(FILTER): record.get(Export::filter), "sort": sort, "fields": columns});
    let mut query = ListQuery::from_search_body(object, &body, view).map_err(|mut faults| {
        for fault in &mut faults.0 {
            fault.pointer = fault.pointer.replacen("/fields", &Export::columns.pointer(), 1);
        }
        faults
    })?;
    if sort.is_empty() {
        let by_id = json!({"sort": ["id"]});
        query.sort = ListQuery::from_search_body(object, &by_id, view)?.sort;
    }
    query.limit = run::ROWS_AT_ONCE;
    Ok(query)
}

/// Export records
///
/// Writes the records of an object that you can see and export to a file, in the background. Poll the export: when its `status` is
/// `done`, `file_id` is the file, which GET /v1/files/{id}/content serves, also in parts, and POST /v1/files/{id}/link makes an expiring
/// address for. The file is archived after a week. Each record is written as it is when its turn comes. Cells that a spreadsheet would
/// take for formulas begin with an apostrophe, which an import takes away again.
#[utoipa::path(tag = "exports", operation_id = "createExport", request_body = ExportCreate,
    responses((status = 201, description = "The export, waiting to run.", body = ExportSchema)))]
#[post("/v1/exports")]
pub async fn create(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut rest = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut rest, &body.0)?;
    refuse_rest(&rest, &["validate_only"])?;
    let asked = body::read::<ExportCreate>(&body.0, &call.principal.standards(call.now))?;
    let object = subject(&call.principal, asked.get(ExportCreate::object).unwrap_or_default())?;
    let export = export_of(&call, object, &asked).await?;
    query_of(&call.view(), object, &export)?;
    let writer = Writer::of(&call, <Export as Entity>::object());
    let (language, traceparent) = (call.language, traceparent());
    mutation
        .run(&call, move |work| {
            let mut record = export.clone();
            work.insert(&writer.schema(), record.any_mut(), &Change::new("created"))?;
            let payload = Payload {
                export_id: record.id(),
                user_id: writer.principal.user_id(),
                api_key_id: writer.principal.actor.api_key_id,
                request_id: work.origin.request_id.clone(),
                language,
                traceparent: traceparent.clone(),
            };
            let now = work.origin.now;
            work.enqueue(KIND, &serde_json::to_value(payload)?, now, ATTEMPTS)?;
            writer.answer_as_stored(work, 201, record.id())
        })
        .await
}

/// The record of an export that is asked for.
async fn export_of(call: &Call, object: &'static Object, asked: &Record<ExportCreate>) -> Result<Record<Export>, Problem> {
    let mut export = Record::with_defaults(<Export as Entity>::object()).into_entity::<Export>();
    let (mut filter, mut sort, mut columns) =
        (asked.get(ExportCreate::filter).cloned(), asked.get(ExportCreate::sort), asked.get(ExportCreate::columns));
    if let Some(name) = asked.get(ExportCreate::view) {
        let view = viewed::usable(call, object, name, &ExportCreate::view.pointer()).await?;
        filter = viewed::both(view.get(View::filter), filter);
        if sort.is_empty() {
            sort = view.get(View::sort);
        }
        if columns.is_empty() {
            columns = view.get(View::columns);
        }
    }
    if columns.is_empty() {
        columns = all_columns(&call.principal, object);
    }
    if let Some(place) = columns.iter().position(|path| path.ends_with('*')) {
        let fault = Fault::new(format!("{}/{place}", ExportCreate::columns.pointer()), FaultCode::WrongType);
        return Err(fault.with("expected", "the name of a field").into());
    }
    export.set(Export::object, object.name);
    export.set(Export::filter, filter);
    export.set(Export::sort, sort);
    export.set(Export::columns, columns);
    export.set(Export::format, asked.get(ExportCreate::format));
    export.set(Export::header, asked.get(ExportCreate::header));
    export.set(Export::encoding, asked.get(ExportCreate::encoding));
    export.set(Export::bom, asked.get(ExportCreate::bom));
    Ok(export)
}
