//! Saved reports: checked as they are written, and run with what is chosen.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    model::{
        fault::{Fault, FaultCode, Faults},
        record::Record,
        structures::{filter::FILTER, object_of_values::VALUES},
    },
    reporting::{
        question,
        saved_report::{Chosen, Parameter, SavedReport, with_chosen},
    },
};
use farley_persistence::Work;
use serde_json::{Map, Value, json};

use super::query::{self, Question, ReportFormat};
use crate::{
    access::call::Call,
    http::{problem::Problem, request::Body},
    records::{
        behaviour::{Behaviour, Writing},
        body,
        mutation::Mutation,
        named::Named,
        read,
    },
};

impl Behaviour for SavedReport {
    /// The question must be one that its writer may ask; what those may see who run it is asked then.
    fn before(_: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let stays = writing
            .before
            .is_some_and(|before| before.agrees(SavedReport::question, record) && before.agrees(SavedReport::parameters, record));
        let Some(question) = record.get(SavedReport::question) else { return Ok(()) };
        if stays || record.is_archived() {
            return Ok(());
        }
        let at = |pointer: String| move |fault: Fault| fault.under(&pointer);
        let asked = query::read(writing.principal, writing.now, question);
        let asked = asked.map_err(|problem| problem.under(&SavedReport::question.pointer()))?;
        let mut faults = Faults::default();
        for (place, parameter) in record.get(SavedReport::parameters).iter().enumerate() {
            let pointer = format!("{}/{place}", SavedReport::parameters.pointer());
            if let Err(found) = asked.check_parameter(writing.principal, writing.now, parameter) {
                faults.extend(found.0.into_iter().map(at(pointer)));
            }
        }
        Ok(faults.into_result(())?)
    }
}

crate::body! {
    /// How a report is run.
    pub struct ReportRun {
        /// The first day, or one relative to today: it becomes the `from` of the first dimension of dates.
        from: Option<String> => text(40).example("start_of_year"),
        /// The day after the last day, in the same way.
        to: Option<String> => text(40).example("today"),
        /// Values of the report's parameters, by name.
        parameters: Map<String, Value> => structure(&VALUES).default(json!({})).example(json!({})),
        /// A filter to narrow the report by.
        filter: Option<Value> => structure(&FILTER),
    }
    example json!({"from": "start_of_year", "to": "today"})
}

/// The days that a report is about: from, and the day after the last.
pub struct Days {
    from: Option<String>,
    to: Option<String>,
}

impl Days {
    /// The days as they are given: days, or such that are relative to today.
    pub fn of(call: &Call, from: Option<&str>, to: Option<&str>) -> Result<Days, Faults> {
        let mut faults = Faults::default();
        let standards = call.principal.standards(call.now);
        for (pointer, day) in [(ReportRun::from.pointer(), from), (ReportRun::to.pointer(), to)] {
            if day.is_some_and(|day| question::day(day, &standards).is_none()) {
                faults.add(Fault::new(pointer, FaultCode::InvalidDate));
            }
        }
        faults.into_result(Days { from: from.map(str::to_owned), to: to.map(str::to_owned) })
    }

    /// Nothing else chosen.
    #[must_use]
    pub fn chosen(&self) -> Chosen<'_> {
        Chosen { from: self.from.as_deref(), to: self.to.as_deref(), ..Chosen::default() }
    }
}

/// A report that can be run: a question, and what can be chosen.
pub struct Template {
    pub title: String,
    pub question: Value,
    pub parameters: Vec<Parameter>,
}

impl Template {
    /// What a saved report asks.
    pub fn of(report: &Record<SavedReport>) -> Result<Template, Problem> {
        Ok(Template {
            title: report.get(SavedReport::name).to_owned(),
            question: report.get(SavedReport::question).cloned().ok_or_else(Problem::not_found)?,
            parameters: report.get(SavedReport::parameters),
        })
    }

    /// The question with what is chosen, asked by the caller.
    pub fn with(&self, call: &Call, chosen: &Chosen<'_>) -> Result<Question, Problem> {
        let narrowed = with_chosen(&self.question, &self.parameters, chosen)?;
        query::read(&call.principal, call.now, &narrowed.question)
            .map_err(|problem| problem.placed(|fault| narrowed.placed(fault)))
    }
}

/// A request to run a report, read before it is looked which one that is.
pub struct Asked {
    format: Record<ReportFormat>,
    run: Record<ReportRun>,
}

impl Asked {
    pub fn read(call: &Call, request: &HttpRequest, body: &Body) -> Result<Asked, Problem> {
        let format = body::read_query::<ReportFormat>(&Mutation::of_question(request, &body.0)?)?;
        Ok(Asked { format, run: body::read::<ReportRun>(&body.0, &call.principal.standards(call.now))? })
    }

    /// Answers the request, by a report.
    pub async fn of(&self, call: &Call, request: &HttpRequest, template: &Template) -> Result<HttpResponse, Problem> {
        let chosen = &self.run;
        let days = Days::of(call, chosen.get(ReportRun::from), chosen.get(ReportRun::to))?;
        let (parameters, filter) = (Some(chosen.get(ReportRun::parameters)), chosen.get(ReportRun::filter));
        let question = template.with(call, &Chosen { parameters, filter, ..days.chosen() })?;
        query::respond(call, request, (&self.format, &template.title), question).await
    }
}

/// Run a saved report
///
/// Answers the question of the report as POST /v1/reports/query does, with your permissions. `from` and `to` set the bounds of its first
/// dimension of dates, `parameters` and `filter` narrow it. Nothing is stored. Answers in the same formats.
#[utoipa::path(tag = "saved-reports", operation_id = "runSavedReport", request_body = ReportRun,
    params(("id" = String, Path, description = "The id of the report, or `ext:{system}:{key}`."), ReportFormat),
    responses((status = 200, description = "The answer.", content((query::Report = "application/json"), (String = "text/csv"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (String = "image/svg+xml")))))]
#[post("/v1/saved-reports/{id}/run")]
pub async fn run(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let asked = Asked::read(&call, &request, &body)?;
    let report = read::live::<SavedReport>(&call, Named::parse(request.match_info().query("id"))?).await?;
    asked.of(&call, &request, &Template::of(&report)?).await
}
