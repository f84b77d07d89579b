//! How a file would be read, without writing anything.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, post, web};
use farley_domain::{
    integration::{CellFault, Row, import::row::set},
    model::fault::Language,
    values::time::Timestamp,
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    Asked, ImportCreate, ImportMapping,
    options::{Prepared, SAMPLE},
    read_request,
    report::ImportFault,
    row::{self, RowFault},
};
use crate::{
    access::{call::Call, principal::Principal},
    http::problem::{Code, Problem},
    records::mutation::Answer,
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
    /// What is wrong in them. References are not looked up.
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

impl ImportPreview {
    #[must_use]
    pub fn of(prepared: &Prepared, principal: &Principal, now: Timestamp, language: Language) -> ImportPreview {
        let mut faults = Vec::new();
        let rows = prepared.file.rows.iter().take(SAMPLE).map(|row| {
            let (shown, found, warnings) = one(prepared, principal, now, row);
            faults.extend(found.into_iter().map(|found| ImportFault::of(RowFault::of(row.number, found), language)));
            faults.extend(warnings.into_iter().map(|found| ImportFault::of(RowFault::warning(row.number, found), language)));
            PreviewRow { row: row.number, record: shown }
        });
        ImportPreview {
            rows: rows.collect(),
            encoding: prepared.file.encoding,
            delimiter: prepared.file.delimiter,
            rows_total: prepared.file.rows.len(),
            mapping: json!(prepared.mapping),
            faults,
        }
    }
}

/// Preview an import
///
/// Shows how a file would be read, and writes nothing: the mapping with its guesses, and the first 20 rows as the bodies they would
/// become, with what is wrong in them. Takes what `POST /v1/imports` takes.
#[utoipa::path(tag = "imports", operation_id = "previewImport",
    params(("object" = Option<String>, Query, description = "With a `text/csv` body: what the rows become.", example = "customer"),
           ("match_by" = Option<String>, Query, description = "With a `text/csv` body: by what rows match records.", example = "name"),
           ("mapping" = Option<String>, Query, description = "With a `text/csv` body: the mapping, as JSON text.")),
    request_body = ImportCreate,
    responses((status = 200, description = "How the file would be read.", body = ImportPreview)))]
#[post("/v1/imports/preview")]
pub async fn preview(call: Call, request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let Asked { options, content, mutation } = read_request(&call, &request, payload).await?;
    let (principal, now, language) = (Arc::clone(&call.principal), call.now, call.language);
    let shown = web::block(move || {
        let prepared = Prepared::make(options, &content, &principal)?;
        Ok::<_, Problem>(ImportPreview::of(&prepared, &principal, now, language))
    });
    let shown = shown.await.map_err(|_| Problem::new(Code::Unavailable).retry_after(2))??;
    mutation.run(&call, move |_| Answer::json(200, &shown)).await
}

fn one(prepared: &Prepared, principal: &Principal, now: Timestamp, row: &Row) -> (Value, Vec<CellFault>, Vec<CellFault>) {
    let standards = principal.standards(now);
    let mut read = prepared.plan.read(row, &standards);
    row::check(prepared, principal, now, row, &mut read);
    for wanted in &read.wanted {
        set(&mut read.body, &wanted.path, json!({wanted.object.clone(): wanted.named}));
    }
    read.close_gaps();
    (Value::Object(read.body), read.faults, read.warnings)
}
