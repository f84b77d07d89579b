//! Dashboards: checked as they are written, and run as a whole, each widget within what is left of the time.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, http::header, post};
use farley_domain::{
    model::{
        fault::{Fault, FaultCode, Faults, unknown},
        record::Record,
        structures::object_of_values::VALUES,
    },
    reporting::{
        dashboard::{Dashboard, Widget},
        saved_report::{Chosen, SavedReport, has_course},
    },
    values::time::Timestamp,
};
use farley_persistence::Work;
use futures_util::StreamExt;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

use super::{
    query::{self, Question, Report},
    ready,
    saved_report::{Days, Template},
};
use crate::{
    access::call::Call,
    http::{
        problem::{BY_LANGUAGE, Code, Problem},
        request::Body,
    },
    records::{
        behaviour::{Behaviour, Writing},
        body, lookup,
        mutation::Mutation,
        named::Named,
        read,
    },
};

/// How many widgets are answered at the same time.
const AT_ONCE: usize = 4;

impl Behaviour for Dashboard {
    /// Its widgets must be reports that its writer may ask for.
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let stays = writing.before.is_some_and(|before| before.agrees(Dashboard::widgets, record));
        if stays || record.is_archived() {
            return Ok(());
        }
        let mut faults = Faults::default();
        for (place, widget) in record.get(Dashboard::widgets).iter().enumerate() {
            let at = |member: &str| format!("{}/{place}/{member}", Dashboard::widgets.pointer());
            if let Some(name) = widget.report.as_deref().filter(|name| !ready::is_question(name)) {
                faults.add(unknown(at("report"), FaultCode::UnknownChoice, name, ready::names()));
            }
            if let Some(id) = widget.saved_report_id
                && lookup::one::<SavedReport>(work, id)?.is_none_or(|found| found.is_archived())
            {
                faults.add(Fault::new(at("saved_report_id"), FaultCode::NotFound));
            }
            if let Some(question) = &widget.question
                && let Err(problem) = query::read(writing.principal, writing.now, question)
            {
                if problem.faults.is_empty() {
                    return Err(problem);
                }
                faults.extend(problem.under(&at("question")).faults.0);
            }
        }
        Ok(faults.into_result(())?)
    }
}

crate::body! {
    /// How a dashboard is run.
    pub struct DashboardRun {
        /// The first day, or one relative to today: it becomes the `from` of every widget with a dimension of dates.
        from: Option<String> => text(40).example("start_of_year"),
        /// The day after the last day, in the same way.
        to: Option<String> => text(40).example("today"),
        /// Values of parameters, by name: of every widget that has a parameter of that name.
        parameters: Map<String, Value> => structure(&VALUES).default(json!({})).example(json!({})),
        /// How long to work on it, in milliseconds. What is not answered by then says so.
        budget_ms: i64 => integer(100, 60_000).default(10_000).example(5_000),
    }
    example json!({"from": "start_of_year", "to": "today", "budget_ms": 5_000})
}

/// What the widgets of a dashboard show.
#[derive(Serialize, ToSchema)]
pub struct DashboardAnswer {
    /// In the order of the widgets.
    pub data: Vec<WidgetAnswer>,
    #[schema(value_type = String, format = "date-time")]
    pub computed_at: Timestamp,
}

/// What a widget shows.
#[derive(Serialize, ToSchema)]
pub struct WidgetAnswer {
    /// The heading of the widget, or of its report.
    #[schema(example = "Sales performance")]
    pub title: Option<String>,
    /// `ok`, `forbidden` if you may not see what it is about, `timeout` if it was not answered within `budget_ms`, or `error`.
    #[schema(example = "ok")]
    pub status: &'static str,
    /// The answer; null unless it is `ok`.
    pub report: Option<Report>,
    /// Why there is none, as in the problem of a request: null if it is `ok`.
    #[schema(value_type = Option<Object>)]
    pub problem: Option<Value>,
    /// How long it took, in milliseconds.
    #[schema(example = 42)]
    pub took_ms: u64,
}

/// Run a dashboard
///
/// Answers all widgets of the dashboard, each by itself and with your permissions: one that fails leaves the others as they are. Nothing
/// is stored.
#[utoipa::path(tag = "dashboards", operation_id = "runDashboard", request_body = DashboardRun,
    params(("id" = String, Path, description = "The id of the dashboard, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "What the widgets show.", body = DashboardAnswer)))]
#[post("/v1/dashboards/{id}/run")]
pub async fn run(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    Mutation::nothing(&request, &body.0)?;
    let run = body::read::<DashboardRun>(&body.0, &call.principal.standards(call.now))?;
    let days = Days::of(&call, run.get(DashboardRun::from), run.get(DashboardRun::to))?;
    let named = Named::parse(request.match_info().query("id"))?;
    let dashboard = read::live::<Dashboard>(&call, named).await?;
    let budget = Duration::from_millis(u64::try_from(run.get(DashboardRun::budget_ms)).unwrap_or(0));
    let end = Instant::now() + budget;
    let widgets = dashboard.get(Dashboard::widgets);
    let given = run.get(DashboardRun::parameters);
    let answers = widgets.iter().map(|widget| answer(&call, widget, (&days, given), end));
    let data = futures_util::stream::iter(answers).buffered(AT_ONCE).collect().await;
    let answer = DashboardAnswer { data, computed_at: call.now };
    Ok(HttpResponse::Ok().insert_header((header::VARY, BY_LANGUAGE)).json(answer))
}

async fn answer(call: &Call, widget: &Widget, (days, given): (&Days, &Map<String, Value>), end: Instant) -> WidgetAnswer {
    let began = Instant::now();
    let mut title = widget.title.clone();
    let answered = timeout_at(end, async {
        let question = question_of(call, widget, (days, given), &mut title).await?;
        query::answer(call, question).await
    });
    let (status, report, problem) = match answered.await {
        Err(_) => ("timeout", None, None),
        Ok(Ok(report)) => ("ok", Some(report), None),
        Ok(Err(problem)) => {
            let status = if problem.code == Code::Forbidden { "forbidden" } else { "error" };
            (status, None, Some(problem.to_json(call.language, "", &call.request_id)))
        }
    };
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    WidgetAnswer { title, status, report, problem, took_ms }
}

/// The question of a widget with what is chosen: of what is given for the whole dashboard, that which the widget knows.
async fn question_of(
    call: &Call,
    widget: &Widget,
    (days, given): (&Days, &Map<String, Value>),
    title: &mut Option<String>,
) -> Result<Question, Problem> {
    let template = match (&widget.report, widget.saved_report_id, &widget.question) {
        (Some(name), ..) => ready::template(name, call.language)?,
        (None, Some(id), _) => Template::of(&read::live::<SavedReport>(call, Named::Id(id)).await?)?,
        (None, None, question) => {
            Template { title: String::new(), question: question.clone().ok_or_else(Problem::not_found)?, parameters: Vec::new() }
        }
    };
    title.get_or_insert_with(|| template.title.clone());
    let mut parameters = widget.parameters.clone();
    let is_known = |name: &String| template.parameters.iter().any(|parameter| parameter.name == *name);
    parameters.extend(given.iter().filter(|(name, _)| is_known(name)).map(|(name, value)| (name.clone(), value.clone())));
    let days = if has_course(&template.question) { days.chosen() } else { Chosen::default() };
    template.with(call, &Chosen { parameters: Some(&parameters), ..days })
}
