//! What was wrong with the rows of an import: a page at a time, or all of it as CSV.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get, http::header};
use farley_domain::{
    identity::access::Action,
    integration::Import,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Language},
    },
    query::predicate::Predicate,
};
use farley_persistence::{ImportFaultRow, Layout};
use serde::Serialize;
use utoipa::ToSchema;

use super::row::{FaultLevel, RowFault};
use crate::{
    access::call::Call,
    http::{
        csv_file,
        problem::{BY_LANGUAGE, Problem},
        request::parameters,
    },
    records::{
        body,
        named::Named,
        read::{PageInfo, next_link},
    },
};

/// The most faults that a report as CSV holds.
const MAX_REPORT: i64 = 1_000_000;

/// What is wrong with one row.
#[derive(Serialize, ToSchema)]
pub struct ImportFault {
    /// Counted from the header, which is row 1; in a workbook, as its sheet counts.
    #[schema(example = 7)]
    row: i64,
    /// The header of the column; null if the fault concerns the whole row.
    #[schema(example = "office_location")]
    column: Option<String>,
    /// The location in the record, as a JSON pointer.
    #[schema(example = "/addresses/country")]
    pointer: String,
    /// The fault code, for programs.
    #[schema(example = "unknown_country")]
    code: String,
    /// `fault` if it prevented the import of the row, otherwise `warning`.
    #[schema(example = "fault")]
    level: String,
    /// The content of the cell.
    #[schema(example = "Atlantis")]
    value: Option<String>,
    /// The fault, in words.
    #[schema(example = "is not an ISO 3166-1 alpha-2 country code")]
    message: String,
}

impl ImportFault {
    #[must_use]
    pub fn of(fault: RowFault, language: Language) -> ImportFault {
        let RowFault { row, column, pointer, code, level, typed, message_en, message_zh } = fault;
        ImportFault {
            row,
            column,
            pointer,
            code: code.to_owned(),
            level: level.as_str().to_owned(),
            value: typed,
            message: in_language(language, message_en, message_zh),
        }
    }

    fn stored(fault: ImportFaultRow, language: Language) -> ImportFault {
        ImportFault {
            row: fault.row_number,
            column: fault.column_name,
            pointer: fault.pointer,
            code: fault.code,
            level: fault.level,
            value: fault.typed,
            message: in_language(language, fault.message_en, fault.message_zh),
        }
    }
}

fn in_language(language: Language, en: String, zh: String) -> String {
    match language {
        Language::English => en,
        Language::Chinese => zh,
    }
}

/// A page of faults.
#[derive(Serialize, ToSchema)]
pub struct ImportFaultPage {
    data: Vec<ImportFault>,
    page: PageInfo,
}

crate::query! {
    /// Which faults to list.
    pub struct ImportFaultsQuery {
        /// The maximum number of faults, 1 to 200.
        limit: i64 => integer(1, 200).default(50),
        /// Only faults of this severity.
        level: Option<FaultLevel> => choice(FaultLevel::choices()).example("fault"),
        /// The `page.next` of the previous page, to continue from there.
        cursor: Option<String> => long_text(4_000),
    }
}

/// List the faults of an import
///
/// Returns what was wrong with the rows of an import, in file order: faults, which prevented the import of a row, and warnings.
/// With `Accept: text/csv`, returns everything as a CSV file.
#[utoipa::path(tag = "imports", operation_id = "listImportFaults",
    params(("id" = String, Path, description = "The import's id."),
           ImportFaultsQuery),
    responses((status = 200, description = "A page of faults, or all of them as CSV.",
        content((ImportFaultPage = "application/json"), (String = "text/csv")))))]
#[get("/v1/imports/{id}/faults")]
pub async fn faults(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let rows = call.rows(<Import as Entity>::object(), Action::Read)?;
    let query = body::read_query::<ImportFaultsQuery>(&parameters(&request)?)?;
    let limit = query.get(ImportFaultsQuery::limit);
    let level = query.get(ImportFaultsQuery::level).map(FaultLevel::as_str);
    let after = match query.get(ImportFaultsQuery::cursor) {
        None => (0, 0),
        Some(cursor) => position(cursor).ok_or_else(|| Fault::new(ImportFaultsQuery::cursor.name(), FaultCode::InvalidCursor))?,
    };
    let as_csv = csv_file::is_wanted(&request);
    let asked = if as_csv { MAX_REPORT } else { limit + 1 };
    let named = Named::parse(request.match_info().query("id"))?;
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let mut found = call
        .state
        .store
        .read::<_, Problem>(call.tenant(), move |reader| {
            let id = named.find(reader, &principal, <Import as Entity>::object())?.ok_or_else(Problem::not_found)?;
            let layout = Arc::new(Layout::of(&principal.schema(<Import as Entity>::object()), &|_| true, Some(&[]), &[]));
            let within = Predicate::Archived(false).and(rows.clone());
            reader.get(&layout, &principal.view(now), id, &within)?.ok_or_else(Problem::not_found)?;
            Ok(reader.import_faults(id, level, after, asked)?)
        })
        .await?;
    if as_csv {
        return as_file(found, call.language);
    }
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = found.len() > size;
    found.truncate(size);
    let next = found.last().filter(|_| has_more).map(|last| format!("{}.{}", last.row_number, last.position));
    let mut response = HttpResponse::Ok();
    response.insert_header((header::VARY, format!("accept, {BY_LANGUAGE}")));
    if let Some(next) = &next {
        response.insert_header((header::LINK, next_link(&request, next)));
    }
    let data: Vec<ImportFault> = found.into_iter().map(|fault| ImportFault::stored(fault, call.language)).collect();
    Ok(response.json(ImportFaultPage { data, page: PageInfo { next, has_more, total: None } }))
}

fn position(cursor: &str) -> Option<(i64, i64)> {
    let (row, position) = cursor.split_once('.')?;
    Some((row.parse().ok()?, position.parse().ok()?))
}

fn as_file(found: Vec<ImportFaultRow>, language: Language) -> Result<HttpResponse, Problem> {
    let mut file = csv::Writer::from_writer(Vec::new());
    for fault in found {
        let mut fault = ImportFault::stored(fault, language);
        fault.value = fault.value.map(csv_file::harmless);
        fault.column = fault.column.map(csv_file::harmless);
        file.serialize(fault).map_err(Problem::internal)?;
    }
    csv_file::answer("faults", file, false)
}
