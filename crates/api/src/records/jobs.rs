//! Background jobs: what waits, what runs, what failed for good.

use actix_web::{HttpRequest, HttpResponse, get, post};
use farley_domain::{
    identity::{access::Action, role::Role},
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::JobRow;
use serde::Serialize;
use serde_json::Map;
use utoipa::ToSchema;

use super::{
    area::installed,
    body,
    mutation::{Answer, Mutation},
    read::{PageInfo, next_link},
};
use crate::{
    access::call::Call,
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
};

/// A background job.
#[derive(Serialize, ToSchema)]
pub struct Job {
    #[schema(value_type = String, format = "uuid")]
    id: Id,
    #[schema(example = "import")]
    kind: String,
    /// `waiting`, `running`, `done`, or `dead` if it failed too many times.
    #[schema(example = "dead")]
    state: String,
    #[schema(example = 3)]
    attempts: i64,
    #[schema(example = 5)]
    max_attempts: i64,
    last_error: Option<String>,
    /// When it is due, or will be retried.
    #[schema(value_type = String, format = "date-time")]
    run_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    finished_at: Option<Timestamp>,
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Job {
        Job {
            id: row.id,
            kind: row.kind,
            state: row.state,
            attempts: row.attempts,
            max_attempts: row.max_attempts,
            last_error: row.last_error,
            run_at: row.run_at,
            created_at: row.created_at,
            finished_at: row.finished_at,
        }
    }
}

/// A page of jobs.
#[derive(Serialize, ToSchema)]
pub struct JobPage {
    data: Vec<Job>,
    page: PageInfo,
}

/// Jobs are for those who may do everything with roles.
fn permit(call: &Call, action: &str) -> Result<(), Problem> {
    call.demand_all(Role::object(), Action::Update).map_err(|_| Problem::forbidden(action, "job"))
}

farley_domain::choices! {
    /// How far a job is.
    pub enum JobState {
        Waiting "waiting" "Waiting" "等待中",
        Running "running" "Running" "进行中",
        Done "done" "Done" "已完成",
        Dead "dead" "Failed permanently" "永久失败",
    }
}

crate::query! {
    /// Which jobs to list.
    pub struct JobsQuery {
        /// Only jobs in this state.
        state: Option<JobState> => choice(JobState::choices()).example("dead"),
        /// The maximum number of jobs, 1 to 200.
        limit: i64 => integer(1, 200).default(50),
        /// The `page.next` of the previous page, to continue from there.
        cursor: Option<String> => long_text(4_000),
    }
}

/// List jobs
///
/// For administrators: returns the tenant's background jobs, newest first; `state=dead` lists those that failed permanently.
#[utoipa::path(tag = "jobs", operation_id = "listJobs",
    params(JobsQuery),
    responses((status = 200, description = "A page of jobs.", body = JobPage)))]
#[get("/v1/jobs")]
pub async fn list(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    permit(&call, "read")?;
    let query = body::read_query::<JobsQuery>(&parameters(&request)?)?;
    let (state, limit) = (query.get(JobsQuery::state).map(JobState::as_str), query.get(JobsQuery::limit));
    let before = query.get(JobsQuery::cursor).map(str::parse::<Id>).transpose();
    let before = before.map_err(|_| Fault::new(JobsQuery::cursor.name(), FaultCode::InvalidCursor))?;
    let rows = call.state.store.read::<_, Problem>(call.tenant(), move |reader| Ok(reader.jobs(state, before, limit + 1)?));
    let mut rows = rows.await?;
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| has_more).map(|row| row.id.to_string());
    let mut response = HttpResponse::Ok();
    if let Some(next) = &next {
        response.insert_header(("Link", next_link(&request, next)));
    }
    let data: Vec<Job> = rows.into_iter().map(Job::from).collect();
    Ok(response.json(JobPage { data, page: PageInfo { next, has_more, total: None } }))
}

/// Retry a job
///
/// Puts a failed job back into the queue; an import goes on where it stopped. The file of a failed import is kept for 30 days; if it is
/// no longer kept, the response is 409 (`import_file_gone`).
#[utoipa::path(tag = "jobs", operation_id = "retryJob", params(("id" = String, Path, description = "The job's id.")),
    responses((status = 200, description = "The job, back in the queue.", body = Job)))]
#[post("/v1/jobs/{id}/retry")]
pub async fn retry(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    permit(&call, "retry")?;
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let id: Id = request.match_info().query("id").parse().map_err(|_| Problem::not_found())?;
    mutation
        .run(&call, move |work| {
            let job = work.reader().job(id)?.ok_or_else(Problem::not_found)?;
            if job.state == JobState::Dead.as_str()
                && let Some(kind) = installed()?.jobs.iter().find(|kind| kind.kind == job.kind)
            {
                (kind.may_retry)(work, &job.payload)?;
            }
            if !work.revive_job(id)? {
                return Err(Problem::state(&job.state, &[]));
            }
            work.event(farley_domain::model::event::JOB, "retried", id, job.attempts, Map::new(), &[]);
            let job = work.reader().job(id)?.ok_or_else(Problem::not_found)?;
            Answer::json(200, &Job::from(job))
        })
        .await
}
