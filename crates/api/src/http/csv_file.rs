//! Answers as CSV files, for spreadsheets.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
};

use super::problem::{BY_LANGUAGE, Problem};

/// Tells Excel, above all in China, that the text is UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Whether a request asks for CSV.
#[must_use]
pub fn is_wanted(request: &HttpRequest) -> bool {
    let accepts = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepts.split(',').any(|kind| kind.trim().to_ascii_lowercase().starts_with("text/csv"))
}

/// A cell that a spreadsheet would take for a formula is shown as the text it is.
#[must_use]
pub fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

/// The file of these rows, under a name of Farley's own.
pub fn answer(name: &'static str, file: csv::Writer<Vec<u8>>, with_bom: bool) -> Result<HttpResponse, Problem> {
    let mut bytes = if with_bom { BOM.to_vec() } else { Vec::new() };
    bytes.extend(file.into_inner().map_err(Problem::internal)?);
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}.csv\"")).map_err(Problem::internal)?;
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::VARY, format!("accept, {BY_LANGUAGE}")))
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .body(bytes))
}
