//! Ready-made reports: questions that every company asks, with their exact definitions.

mod asking;
mod catalog;

use actix_web::{HttpRequest, HttpResponse, get, http::header, post};
use farley_domain::{model::fault::Language, reporting::saved_report::Parameter};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use self::catalog::{CATALOG, Entry};
use super::{
    figures::FigureText,
    query::{self, ReportFormat},
    saved_report::{Asked, ReportRun, Template},
};
use crate::{
    access::call::Call,
    http::{
        problem::{BY_LANGUAGE, Problem},
        request::{Body, parameters, refuse_rest},
    },
};

/// The ready-made reports.
#[derive(Serialize, ToSchema)]
pub struct ReadyReports {
    pub data: Vec<ReadyReport>,
}

/// A ready-made report.
#[derive(Serialize, ToSchema)]
pub struct ReadyReport {
    /// Its name in paths and dashboards.
    #[schema(example = "sales-performance")]
    pub name: &'static str,
    pub title: FigureText,
    /// What is computed of which records, and what is left out.
    pub definition: FigureText,
    /// Where the formula is published, if it is a known one.
    pub source: Option<&'static str>,
    /// Where it is answered: `POST /v1/reports/{name}/run` for the reports with a `question`, a path of its own for the others.
    #[schema(example = "POST /v1/reports/sales-performance/run")]
    pub operation: String,
    /// What can be chosen when it is run; for the others, see their operation.
    #[schema(value_type = Vec<Object>)]
    pub parameters: Vec<Parameter>,
    /// The question that it asks, in the language of the request: to be changed and asked as one of your own, or saved. Null for reports
    /// with a computation of their own.
    #[schema(value_type = Option<Object>)]
    pub question: Option<Value>,
}

fn shown(entry: &Entry, language: Language) -> ReadyReport {
    let question = entry.question.map(|question| question(language));
    let operation = match entry.path {
        Some(path) => path.to_owned(),
        None => format!("POST /v1/reports/{}/run", entry.name),
    };
    ReadyReport {
        name: entry.name,
        title: FigureText { en: entry.title.0, zh: entry.title.1 },
        definition: FigureText { en: entry.definition.0, zh: entry.definition.1 },
        source: entry.source,
        operation,
        parameters: (entry.parameters)(),
        question,
    }
}

fn named(name: &str) -> Result<&'static Entry, Problem> {
    CATALOG.iter().find(|entry| entry.name == name).ok_or_else(Problem::not_found)
}

/// List ready-made reports
///
/// Returns every ready-made report with its exact definition. Anybody can read them; what a report shows is what its asker may see.
#[utoipa::path(tag = "reports", operation_id = "listReports",
    responses((status = 200, description = "The reports.", body = ReadyReports)))]
#[get("/v1/reports")]
pub async fn list(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    let data = CATALOG.iter().map(|entry| shown(entry, call.language)).collect();
    Ok(HttpResponse::Ok().insert_header((header::VARY, BY_LANGUAGE)).json(ReadyReports { data }))
}

/// Get the definition of a report
///
/// Returns what a ready-made report computes, of which records, and what it leaves out.
#[utoipa::path(tag = "reports", operation_id = "getReportDefinition",
    params(("name" = String, Path, description = "The name of the report, see GET /v1/reports.", example = "sales-performance")),
    responses((status = 200, description = "The definition.", body = ReadyReport)))]
#[get("/v1/reports/{name}/definition")]
pub async fn definition(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    let entry = named(request.match_info().query("name"))?;
    Ok(HttpResponse::Ok().insert_header((header::VARY, BY_LANGUAGE)).json(shown(entry, call.language)))
}

/// Run a ready-made report
///
/// Answers the question of the report as POST /v1/reports/query does, with your permissions. `from` and `to` set the bounds of its first
/// dimension of dates, `parameters` and `filter` narrow it. Nothing is stored. Answers in the same formats.
#[utoipa::path(tag = "reports", operation_id = "runReport", request_body = ReportRun,
    params(("name" = String, Path, description = "The name of the report, see GET /v1/reports.", example = "sales-performance"), ReportFormat),
    responses((status = 200, description = "The answer.", content((query::Report = "application/json"), (String = "text/csv"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (String = "image/svg+xml")))))]
#[post("/v1/reports/{name}/run")]
pub async fn run(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let asked = Asked::read(&call, &request, &body)?;
    asked.of(&call, &request, &template(request.match_info().query("name"), call.language)?).await
}

/// What a ready-made report asks. Reports with a computation of their own have no question.
pub fn template(name: &str, language: Language) -> Result<Template, Problem> {
    let entry = named(name)?;
    let question = entry.question.ok_or_else(Problem::not_found)?(language);
    let title = match language {
        Language::English => entry.title.0,
        Language::Chinese => entry.title.1,
    };
    Ok(Template { title: title.to_owned(), question, parameters: (entry.parameters)() })
}

/// Whether there is a ready-made report of a name that answers a question.
#[must_use]
pub fn is_question(name: &str) -> bool {
    named(name).is_ok_and(|entry| entry.question.is_some())
}

/// The names of the ready-made reports that answer questions.
pub fn names() -> impl Iterator<Item = &'static str> {
    CATALOG.iter().filter(|entry| entry.question.is_some()).map(|entry| entry.name)
}
