//! How a file would be read, without writing anything.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, post, web};
use farley_domain::{
    integration::{CellFault, import::row::set},
    model::fault::Language,
    values::time::Timestamp,
};
use farley_persistence::{StoreError, Work};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    Asked, ImportCreate, ImportMapping,
    options::{ImportOptions, Prepared, SAMPLE},
    read_request,
    report::ImportFault,
    row::{self, Outcome, RowFault},
};
use crate::{
    access::{call::Call, principal::Principal},
    http::problem::{Code, Problem},
    records::{mutation::Answer, write::Writer},
};

/// How a file would be read.
#[derive(Serialize, ToSchema)]
pub struct ImportPreview {
    #[schema(example = "UTF-8")]
    encoding: &'static str,
    #[schema(value_type = String, example = ",")]
    delimiter: char,
    /// How many rows the file has, the header and blank rows not counted.
    #[schema(example = 85)]
    rows_total: usize,
    /// A line for each column, with the guesses where nothing was said.
    #[schema(value_type = ImportMapping)]
    mapping: Value,
    /// The first 20 rows.
    rows: Vec<PreviewRow>,
    /// What is wrong in them, or with the mapping (row 1). A row that names one further down than the first 20 is not at fault for that.
    faults: Vec<ImportFault>,
}

/// One row as it would be read.
#[derive(Serialize, ToSchema)]
pub struct PreviewRow {
    /// Counted from the header, which is row 1.
    #[schema(example = 2)]
    row: i64,
    /// The body that it would become; a reference shows what it names.
    #[schema(value_type = Object, example = json!({"name": "Acme", "parent_id": {"customer": "Massive Dynamic"}}))]
    record: Value,
}

/// Nothing of what was tried is to stay.
enum Undo {
    Tried,
    Failed(Problem),
}

impl From<StoreError> for Undo {
    fn from(error: StoreError) -> Undo {
        Undo::Failed(error.into())
    }
}

impl ImportPreview {
    fn of(prepared: &Prepared, found: Vec<RowFault>, principal: &Principal, now: Timestamp, language: Language) -> ImportPreview {
        let standards = principal.standards(now);
        let rows = prepared.file.rows.iter().take(SAMPLE).map(|row| {
            let mut read = prepared.plan.read(row, &standards);
            for wanted in &read.wanted {
                set(&mut read.body, &wanted.path, json!({wanted.object.clone(): wanted.named}));
            }
            read.close_gaps();
            PreviewRow { row: row.number, record: Value::Object(read.body) }
        });
        ImportPreview {
            rows: rows.collect(),
            encoding: prepared.file.encoding,
            delimiter: prepared.file.delimiter,
            rows_total: prepared.file.rows.len(),
            mapping: json!(prepared.mapping),
            faults: found.into_iter().map(|fault| ImportFault::of(fault, language)).collect(),
        }
    }
}

/// What is wrong with the first rows: each is written as an import would, with all rules, and all of it is undone.
fn tried(work: &mut Work<'_>, prepared: &Prepared, principal: &Arc<Principal>, now: Timestamp) -> Result<Vec<RowFault>, Problem> {
    let whole = prepared.faults.0.iter().map(|fault| {
        let found = CellFault { column: None, typed: None, fault: fault.clone() };
        RowFault::of(1, found)
    });
    let mut faults: Vec<RowFault> = whole.collect();
    if !faults.is_empty() {
        return Ok(faults);
    }
    let writer = Writer { principal: Arc::clone(principal), object: prepared.options.object, now, parent: None, quiet: true };
    let done: Result<(), Undo> = work.attempt(|work| {
        let mut known = row::Known::default();
        for position in prepared.order.iter().filter(|position| **position < SAMPLE) {
            let Some(row) = prepared.file.rows.get(*position) else { continue };
            let (outcome, warnings) = row::import(work, prepared, &writer, row, &mut known).map_err(Undo::Failed)?;
            faults.extend(warnings);
            match outcome {
                Outcome::Failed(found) => faults.extend(found),
                Outcome::Created | Outcome::Updated | Outcome::Unchanged => {}
            }
        }
        Err(Undo::Tried)
    });
    match done {
        Ok(()) | Err(Undo::Tried) => {}
        Err(Undo::Failed(problem)) => return Err(problem),
    }
    faults.sort_by_key(|fault| fault.row);
    Ok(faults)
}

/// Preview an import
///
/// Shows how a file would be read, and writes nothing: the mapping with its guesses and the forms of numbers and dates that all rows tell, and
/// the first 20 rows as the bodies they would become, with what is wrong in them: each is tried with all rules of an import, and undone. A file of
/// which no column can be mapped is shown too, with its columns. Takes what `POST /v1/imports` takes.
#[utoipa::path(tag = "imports", operation_id = "previewImport",
    params(ImportOptions),
    request_body = ImportCreate,
    responses((status = 200, description = "How the file would be read.", body = ImportPreview)))]
#[post("/v1/imports/preview")]
pub async fn preview(call: Call, request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let Asked { options, content, mutation } = read_request(&call, &request, payload).await?;
    let (principal, now, language) = (Arc::clone(&call.principal), call.now, call.language);
    let read = {
        let principal = Arc::clone(&principal);
        web::block(move || Prepared::read(options, &content, &principal, now))
    };
    let mut prepared = read.await.map_err(|_| Problem::new(Code::Unavailable).retry_after(2))??;
    prepared.in_part = prepared.file.rows.len() > SAMPLE;
    mutation
        .run(&call, move |work| {
            let found = tried(work, &prepared, &principal, now)?;
            Answer::json(200, &ImportPreview::of(&prepared, found, &principal, now, language))
        })
        .await
}
