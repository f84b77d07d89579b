//! Imports over HTTP: started, previewed, reported. The work itself is a job ([`run`]), row by row ([`rows`]).

pub mod csv_file;
pub mod options;
pub mod parts;
pub mod preview;
pub mod report;
pub mod row;
pub mod run;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, post, web};
use farley_domain::{
    identity::access::Action,
    integration::{Import, import::record::ImportMode},
    model::{
        cell::Cell,
        entity::Entity,
        fault::{Fault, FaultCode},
        input,
        record::Record,
    },
    values::id::Id,
};
use farley_persistence::{Change, Work};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

use self::{
    options::{ImportOptions, Options, Prepared},
    run::Payload,
};
use crate::{
    access::{call::Call, principal::Principal},
    http::{
        problem::{Code, Problem},
        request::{json_body, parameters, read_body, refuse_rest},
        telemetry::traceparent,
    },
    records::{body, mutation::Mutation, schemas::text, write::Writer},
};

/// The kind of the job that imports.
pub const KIND: &str = "import";
/// How often an import is tried again when the database fails it.
const ATTEMPTS: i64 = 6;
/// How much larger than other bodies a file may be.
const BODIES: usize = 16;

/// The schema of what is asked of an import, with its file.
pub struct ImportCreate;

impl utoipa::PartialSchema for ImportCreate {
    fn schema() -> RefOr<Schema> {
        match body::schema::<ImportOptions>(&Value::Null) {
            RefOr::T(Schema::Object(mut options)) => {
                let doc = "The file: a header and rows, separated by commas, semicolons or tabs. As `text/csv` also in GB18030 or UTF-16.";
                let content = text().description(Some(doc)).examples(["客户名称,行业\n华为技术有限公司,通信设备\n"]);
                options.properties.insert(CONTENT.to_owned(), content.into());
                options.required.push(CONTENT.to_owned());
                RefOr::T(Schema::Object(options))
            }
            options => options,
        }
    }
}

impl ToSchema for ImportCreate {}

/// The member of a body that is the file itself.
const CONTENT: &str = "content";

/// Which column goes where; columns not named are guessed from their headers.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "documentation")]
pub struct ImportMapping {
    columns: Vec<ImportColumn>,
    /// Whether a row whose key (`match_by`) stands in an earlier row is passed over, counted as unchanged; else it is at fault. So
    /// a column of a wider file becomes records of its own: the teams in a list of people.
    #[schema(default = false)]
    distinct: Option<bool>,
}

/// Where one column goes, or a text made of columns.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "documentation")]
pub struct ImportColumn {
    /// The column, by its header. Named several times, it goes to several fields.
    #[schema(example = "revenue")]
    column: Option<String>,
    /// In place of a column: a text made of columns, `{account} – {product}` (what stands between two columns is left out where one is
    /// blank), in a form if need be, `{agent|dotted}@example.com` (`lower`, `upper`; `dotted`: anna.snelling); or a constant. It is
    /// read as a cell would be.
    #[schema(example = json!(null))]
    value: Option<String>,
    /// A field, `addresses.country`, `external_ids.sap`, `custom.tier`; a member of an item of a list, `stage_history.0.entered_at`; a
    /// field of a part of the record, `line_items.0.product_id` (an existing record keeps its parts; the first is the one that
    /// comes first). Null leaves the column out. Constants of an item or a part count only where another of its columns has a
    /// value. A day in a field that is a time is its start in the tenant's time zone.
    #[schema(example = "annual_revenue")]
    field: Option<String>,
    /// Cells that are read as something else.
    #[schema(value_type = Option<std::collections::HashMap<String, String>>, example = json!({"technolgy": "technology"}))]
    values: Option<Map<String, Value>>,
    /// What a number is multiplied by, exactly: 1000000 where the column is in millions.
    #[schema(example = 1_000_000, minimum = 1)]
    multiplier: Option<i64>,
    /// The currency of amounts (ISO 4217); by default the tenant's.
    #[schema(example = "USD")]
    currency: Option<String>,
    /// How a reference names its record: `id`, `name`, `email`, `number` or another field, `ext:{system}`; by default guessed from the cell.
    /// Stages are looked for in the row's pipeline.
    #[schema(example = "name")]
    lookup: Option<String>,
    /// The label of e-mail addresses and phone numbers.
    #[schema(example = "work")]
    label: Option<String>,
    /// The sign before the decimals of numbers, `.` or `,`; the other one separates thousands. Told from all rows, unless said; a number that
    /// could then be read either way (`1.234`) is a fault of its row.
    #[schema(example = ",")]
    decimal: Option<String>,
    /// The order of dates with the year last: `dmy` or `mdy`, also as a pattern (`DD/MM/YYYY`); `excel`, where days are numbers of a
    /// spreadsheet. Told from all rows, unless said; a date that could then be read either way (`03/08/2026`) is a fault of its row.
    #[schema(example = "dmy")]
    date_format: Option<String>,
    /// The signs between several values of a cell, each of them; by default `;`, `、`, `|`, line ends and, between e-mail addresses and phone
    /// numbers, commas.
    #[schema(example = "/")]
    split: Option<String>,
    /// What becomes of a row where the cell is blank: `accept` (the default), `warn` (imported, and reported), `refuse`.
    #[schema(example = "warn")]
    if_blank: Option<String>,
    /// What becomes of a row where the cell names no record: `refuse` (the default), `warn` (imported without it, and reported), `accept`.
    #[schema(example = "refuse")]
    if_unknown: Option<String>,
}

/// Stands for the schema of imports, which is made from their field table.
pub struct ImportSchema;

impl utoipa::PartialSchema for ImportSchema {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::Ref::from_schema_name("Import").into()
    }
}

impl ToSchema for ImportSchema {}

/// A request with a file.
struct Asked {
    options: Options,
    content: Vec<u8>,
    mutation: Mutation,
}

async fn read_request(call: &Call, request: &HttpRequest, payload: web::Payload) -> Result<Asked, Problem> {
    let max = call.state.settings.max_body.saturating_mul(BODIES);
    let bytes = read_body(request, &mut payload.into_inner(), max).await?;
    let mut parameters = parameters(request)?;
    let essence = request.headers().get("Content-Type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_csv = essence.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/csv");
    let (members, content) = if is_csv {
        let options = <ImportOptions as Entity>::object();
        let written: Vec<_> = parameters.extract_if(.., |(name, _)| options.has(name)).collect();
        (Value::Object(input::written(&options.fields, &written)?), bytes.to_vec())
    } else {
        let mut body = json_body(request, &bytes)?;
        let content = body.as_object_mut().and_then(|members| members.shift_remove(CONTENT));
        match content {
            Some(Value::String(content)) => (body, content.into_bytes()),
            None | Some(Value::Null) => return Err(Fault::new(format!("/{CONTENT}"), FaultCode::Required).into()),
            Some(_) => return Err(Fault::new(format!("/{CONTENT}"), FaultCode::WrongType).with("expected", "a text").into()),
        }
    };
    let mutation = Mutation::of(request, &mut parameters, &json!([members, format!("{:x?}", Sha256::digest(&content))]))?;
    let options = <ImportOptions as Entity>::object().fields.iter().filter(|_| is_csv);
    let known: Vec<&str> = options.map(|option| option.name.as_ref()).collect();
    refuse_rest(&parameters, &[known.as_slice(), &["validate_only"]].concat())?;
    let options = Options::read(&members, &call.principal.standards(call.now))?;
    permit(&call.principal, &options)?;
    Ok(Asked { options, content, mutation })
}

/// Importing needs its own permission, and that to create; whether a row may be changed is told with the row.
pub fn permit(principal: &Principal, options: &Options) -> Result<(), Problem> {
    let needed: &[Action] = match options.mode {
        ImportMode::Create => &[Action::Import, Action::Create],
        ImportMode::Upsert => &[Action::Import, Action::Create, Action::Update],
    };
    match needed.iter().find(|action| principal.asker.grants.scope(options.object.name, **action).is_none()) {
        Some(action) => Err(Problem::forbidden(action.as_str(), options.object.name)),
        None => Ok(()),
    }
}

/// Stores an import with its file, and the job that does it.
pub fn start(
    work: &mut Work<'_>,
    principal: &Principal,
    prepared: &Prepared,
    content: &[u8],
) -> Result<(Record<Import>, Id), Problem> {
    let schema = run::schema();
    let mut record = Record::new(schema.object);
    for field in &schema.object.fields {
        if let Some(default) = field.default.as_ref().and_then(|default| Cell::from_json(&field.kind, default)) {
            record.put(field, default);
        }
    }
    let mut record = record.into_entity::<Import>();
    prepared.write(&mut record);
    record.set(Import::rows_total, i64::try_from(prepared.file.rows.len()).unwrap_or(i64::MAX));
    work.insert(&schema, record.any_mut(), &Change::new("created"))?;
    work.keep_import_file(record.id(), content)?;
    let payload = serde_json::to_value(Payload {
        import_id: record.id(),
        user_id: principal.user_id(),
        api_key_id: principal.actor.api_key_id,
        request_id: work.origin.request_id.clone(),
        traceparent: prepared.traceparent.clone(),
    })?;
    let now = work.origin.now;
    let job = work.enqueue(KIND, &payload, now, ATTEMPTS)?;
    Ok((record, job))
}

/// Import a file
///
/// Reads a CSV file into an object, in the background, with your permissions and the rules of every other write. Columns are guessed
/// from their headers where the mapping says nothing (`/v1/imports/preview` shows how). Blank cells change nothing; lists such as
/// e-mail addresses only grow; what can be said only when a record is created is left as it is. References may name records by name, also those of a later row. Poll the import for its progress; an
/// import that was interrupted goes on where it stopped.
#[utoipa::path(tag = "imports", operation_id = "createImport",
    params(ImportOptions),
    request_body = ImportCreate,
    responses((status = 201, description = "The import, waiting to run.", body = ImportSchema)))]
#[post("/v1/imports")]
pub async fn create(call: Call, request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let Asked { options, content, mutation } = read_request(&call, &request, payload).await?;
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let made_ready = web::block(move || Prepared::make(options, &content, &principal, now).map(|prepared| (prepared, content)));
    let (prepared, content) = made_ready.await.map_err(|_| Problem::new(Code::Unavailable).retry_after(2))??;
    let writer = Writer::of(&call, <Import as Entity>::object());
    let prepared = Prepared { traceparent: traceparent(), ..prepared };
    mutation
        .run(&call, move |work| {
            let (record, _) = start(work, &writer.principal, &prepared, &content)?;
            writer.answer_as_stored(work, 201, record.id())
        })
        .await
}
