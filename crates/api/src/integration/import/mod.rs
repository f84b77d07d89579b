//! Imports over HTTP: started, previewed, reported. The work itself is a job ([`run`]), row by row ([`rows`]).

pub mod csv_file;
pub mod options;
pub mod parts;
pub mod preview;
pub mod report;
pub mod row;
pub mod run;
pub mod xlsx_file;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, post, web};
use farley_domain::{
    identity::access::Action,
    integration::{Import, import::record::ImportMode},
    model::{
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
                let doc = "The file: a header and rows, separated by commas, semicolons or tabs. With `text/csv`, GB18030 and UTF-16 are accepted too.";
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

/// The media types of bodies that are the file itself: CSV and XLSX.
const FILES: [&str; 2] = ["text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"];

/// The member of a body that is the file itself.
const CONTENT: &str = "content";

/// The mapping of columns to fields; other columns are matched by their headers.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "documentation")]
pub struct ImportMapping {
    columns: Vec<ImportColumn>,
    /// Whether to skip a row whose key (`match_by`) already appears in an earlier row, and count it as unchanged; otherwise it
    /// is a fault. This allows importing one column of a wider file as records, such as the teams in a list of people.
    #[schema(default = false)]
    distinct: Option<bool>,
    /// The sheet of a workbook. Defaults to the first visible one.
    #[schema(example = "Sheet1")]
    sheet: Option<String>,
    /// The row of the sheet that is its header, counted from 1, below rows of instructions. Defaults to the first of its first
    /// 20 rows that names the most columns.
    #[schema(example = 1, minimum = 1, maximum = 1_048_576)]
    header_row: Option<i64>,
}

/// The target of a column, or of a text composed of columns.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "documentation")]
pub struct ImportColumn {
    /// The column, by its header. A column that is listed several times goes to several fields.
    #[schema(example = "revenue")]
    column: Option<String>,
    /// Instead of a column: a text composed of columns, `{account} – {product}` (the text between two columns is left out if
    /// one of them is blank), optionally with a format, `{agent|dotted}@example.com` (`lower`, `upper`; `dotted`:
    /// anna.snelling); or a constant. It is read like a cell.
    #[schema(example = json!(null))]
    value: Option<String>,
    /// The target field, such as `addresses.country`, `external_ids.sap` or `custom.tier`; a member of a list item,
    /// `stage_history.0.entered_at`; or a field of a child record, `line_items.0.product_id` (existing records keep their child
    /// records, numbered in order). Null ignores the column. Constants for a list item or child record apply only if another of
    /// its columns has a value. A date in a time field means the start of that day in the tenant's time zone.
    #[schema(example = "annual_revenue")]
    field: Option<String>,
    /// Cell values to replace, and their replacements.
    #[schema(value_type = Option<std::collections::HashMap<String, String>>, example = json!({"technolgy": "technology"}))]
    values: Option<Map<String, Value>>,
    /// A factor that numbers are multiplied by, exactly: 1000000 if the column is in millions.
    #[schema(example = 1_000_000, minimum = 1)]
    multiplier: Option<i64>,
    /// The currency of amounts (ISO 4217). Defaults to the tenant's currency.
    #[schema(example = "USD")]
    currency: Option<String>,
    /// How references identify their record: `id`, `name`, `email`, `number` or another field, or `ext:{system}`. Detected from
    /// the cell by default. Stages are looked up in the row's pipeline.
    #[schema(example = "name")]
    lookup: Option<String>,
    /// The label of e-mail addresses and phone numbers.
    #[schema(example = "work")]
    label: Option<String>,
    /// The decimal separator, `.` or `,`; the other one separates thousands. Detected from all rows by default; a number that
    /// remains ambiguous (`1.234`) is reported as a fault of its row.
    #[schema(example = ",")]
    decimal: Option<String>,
    /// The order of dates with the year last: `dmy` or `mdy`, also as a pattern (`DD/MM/YYYY`); `excel` for spreadsheet serial
    /// numbers. Detected from all rows by default; a date that remains ambiguous (`03/08/2026`) is reported as a fault of its
    /// row.
    #[schema(example = "dmy")]
    date_format: Option<String>,
    /// The characters that separate several values in a cell. Defaults to `;`, `、`, `|`, line breaks and, between e-mail
    /// addresses and phone numbers, commas.
    #[schema(example = "/")]
    split: Option<String>,
    /// What to do with a row if the cell is blank: `accept` (the default), `warn` (import and report it), `refuse`.
    #[schema(example = "warn")]
    if_blank: Option<String>,
    /// What to do with a row if the cell does not identify a record: `refuse` (the default), `warn` (import without it and
    /// report it), `accept`.
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
    let essence = essence.split(';').next().unwrap_or_default().trim();
    let is_file = FILES.iter().any(|media_type| essence.eq_ignore_ascii_case(media_type));
    let (members, content) = if is_file {
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
    let options = <ImportOptions as Entity>::object().fields.iter().filter(|_| is_file);
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
    let mut record = Record::with_defaults(schema.object).into_entity::<Import>();
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
/// Imports a CSV file, or a sheet of an XLSX workbook (the body is the workbook, with its media type; the options are
/// parameters, as with `text/csv`), into an object in the background, with your permissions and the same rules as every other write. Columns
/// without a mapping are matched by their headers (`/v1/imports/preview` shows how). Blank cells change nothing; lists such as
/// e-mail addresses are only added to; fields that can be set only on creation stay unchanged on existing records. References
/// can identify records by name, including records of a later row. Poll the import for its progress; an interrupted import
/// continues where it stopped. The file is kept until the import is done; if the import fails and can be retried, for 30 days.
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
