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

/// A preview of how a file would be read.
#[derive(Serialize, ToSchema)]
pub struct ImportPreview {
    #[schema(example = "UTF-8")]
    encoding: &'static str,
    /// What separates cells; null in a workbook.
    #[schema(value_type = Option<String>, example = ",")]
    delimiter: Option<char>,
    /// The sheets of a workbook; `mapping` says which of them is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    sheets: Option<Vec<String>>,
    /// The number of rows in the file, not counting the header and blank rows.
    #[schema(example = 85)]
    rows_total: usize,
    /// One entry per column, including the detected mappings.
    #[schema(value_type = ImportMapping)]
    mapping: Value,
    /// The first 20 rows.
    rows: Vec<PreviewRow>,
    /// The faults in these rows, or in the mapping (row 1). A reference to a row beyond the first 20 is not reported as a
    /// fault.
    faults: Vec<ImportFault>,
}

/// A row as it would be read.
#[derive(Serialize, ToSchema)]
pub struct PreviewRow {
    /// Counted from the header, which is row 1; in a workbook, as its sheet counts.
    #[schema(example = 2)]
    row: i64,
    /// The request body it would become; references show the name of their record.
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
            sheets: prepared.file.workbook.as_ref().map(|workbook| workbook.sheets.clone()),
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
/// Shows how a file would be read, without writing anything: the mapping, including the detected columns and the number and
/// date formats detected from all rows, and the first 20 rows as the request bodies they would become, with their faults: each
/// row is tried with all import rules and rolled back. A file without any mappable column is shown too, with its columns.
/// Accepts the same input as `POST /v1/imports`.
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
