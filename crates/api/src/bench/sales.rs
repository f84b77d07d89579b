//! The sales room under load: a board, a funnel and moves, beside hand-written SQL and plain creates.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use farley_domain::{
    model::entity::Entity,
    sales::opportunity::Opportunity,
    values::{calendar::Span, id::Id},
};
use farley_persistence::{StoreError, bare::Bare};

use super::{
    Error,
    client::{Client, get, post},
    measure::{Load, Measured, Requests, micros, over_http},
    prepare::json,
    server::Server,
    table::{print_row, verdict},
};

/// How many opportunities are moved to and fro.
const MOVED: usize = 3_200;

pub struct Sales {
    board: (Measured, Measured),
    funnel: (Measured, Measured),
    create: Measured,
    moving: Measured,
}

/// The default pipeline, with its open stages in their order.
struct Course {
    pipeline: Id,
    stages: Vec<Id>,
}

/// How often board and funnel are asked for at least, however long it takes, after as often as this to warm up.
const ROUNDS: (usize, usize) = (5, 2);

/// Measures over HTTP and beside it; board and funnel one request at a time, as their times are what counts.
pub async fn measure(farley: &Server, token: &str, url: &str, tenant: Id, load: Load) -> Result<Sales, Error> {
    let course = course(&mut Client::connect(farley.address).await?, token).await?;
    let year = Span::Year.around(crate::http::clock::now().to_utc().date_naive()).map(|year| (year.start, year.end()));
    let (from, to) = year.ok_or_else(|| Error::Answer("the clock is out of its years".to_owned()))?;
    let (pipeline, stages) = (course.pipeline, course.stages.clone());
    eprintln!("measuring: board");
    let request = get(&format!("/v1/pipelines/{pipeline}/board"), Some(token));
    let step = move |bare: &mut Bare| bare.board(tenant, pipeline, &stages, 50);
    let board = in_turns(farley, &request, (url, Arc::new(step)), load).await?;
    eprintln!("measuring: funnel");
    let request = get(&format!("/v1/reports/sales-funnel?pipeline_id={pipeline}&from={from}&to={to}"), Some(token));
    let zone = chrono_tz::Asia::Shanghai;
    let year =
        (farley_domain::values::calendar::start_of_day(from, zone), farley_domain::values::calendar::start_of_day(to, zone));
    let stages = course.stages.clone();
    let step = move |bare: &mut Bare| bare.funnel(tenant, pipeline, &stages, year);
    let funnel = in_turns(farley, &request, (url, Arc::new(step)), load).await?;
    eprintln!("measuring: create and move");
    let run = crate::http::clock::new_id();
    let create = over_http(farley.address, load, 201, &creates(token, run)).await?;
    let ids = open_ids(&mut Client::connect(farley.address).await?, token, &course).await?;
    let moving = over_http(farley.address, load, 200, &moves(token, ids, &course.stages, load.connections)).await?;
    Ok(Sales { board, funnel, create, moving })
}

type Step = Arc<dyn Fn(&mut Bare) -> Result<(), StoreError> + Send + Sync>;

/// A request and the bare SQL of the same work, in turns, so that what else the machine does slows both alike.
async fn in_turns(farley: &Server, request: &[u8], (url, step): (&str, Step), load: Load) -> Result<(Measured, Measured), Error> {
    let url = url.to_owned();
    let lost = |error: tokio::task::JoinError| Error::Answer(error.to_string());
    let mut bare = tokio::task::spawn_blocking(move || Bare::open(&url, Opportunity::object())).await.map_err(lost)??;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let (least, warm_up) = ROUNDS;
    let begun = Instant::now();
    while ours.len() < least + warm_up || begun.elapsed() < load.warm_up + load.measured {
        // The server closes a connection that is silent for as long as some turns of the other take.
        let mut client = Client::connect(farley.address).await?;
        let sent = Instant::now();
        let (status, _) = client.send(request).await?;
        ours.push(micros(sent.elapsed()));
        if status != 200 {
            return Err(Error::Answer(format!("status {status} of a board or funnel")));
        }
        let step = Arc::clone(&step);
        let run = tokio::task::spawn_blocking(move || {
            let started = Instant::now();
            step(&mut bare)?;
            Ok::<_, StoreError>((bare, started.elapsed()))
        });
        let (back, took) = run.await.map_err(lost)??;
        bare = back;
        theirs.push(micros(took));
    }
    let alone = |taken: Vec<u32>| {
        let during: u64 = taken[warm_up..].iter().map(|micros| u64::from(*micros)).sum();
        Measured::of(taken[warm_up..].to_vec(), Duration::from_micros(during))
    };
    Ok((alone(ours), alone(theirs)))
}

async fn course(client: &mut Client, token: &str) -> Result<Course, Error> {
    let missing = || Error::Answer("there is no pipeline with open stages".to_owned());
    let pipelines = json(client, &get("/v1/pipelines?is_default=true", Some(token))).await?;
    let pipeline = pipelines["data"][0]["id"].as_str().and_then(|id| id.parse().ok()).ok_or_else(missing)?;
    let path = format!("/v1/pipelines/{pipeline}/stages?kind=open&sort=sort_order");
    let stages = json(client, &get(&path, Some(token))).await?;
    let stages: Vec<Id> =
        stages["data"].as_array().into_iter().flatten().filter_map(|stage| stage["id"].as_str()?.parse().ok()).collect();
    if stages.len() < 3 { Err(missing()) } else { Ok(Course { pipeline, stages }) }
}

/// Opportunities of the first stage, to be moved.
async fn open_ids(client: &mut Client, token: &str, course: &Course) -> Result<Vec<Id>, Error> {
    let (mut ids, mut after) = (Vec::new(), String::new());
    while ids.len() < MOVED {
        let path = format!("/v1/opportunities?stage_id={}&fields=id&sort=position&limit=200{after}", course.stages[0]);
        let page = json(client, &get(&path, Some(token))).await?;
        ids.extend(page["data"].as_array().into_iter().flatten().filter_map(|row| row["id"].as_str()?.parse::<Id>().ok()));
        match page["page"]["next"].as_str() {
            Some(next) => after = format!("&cursor={}", super::client::escaped(next)),
            None => break,
        }
    }
    Ok(ids)
}

fn creates(token: &str, run: Id) -> Requests {
    let token = token.to_owned();
    Arc::new(move |connection, number| {
        let body = format!(
            r#"{{"name":"服务器采购 {connection}-{number}","amount":{{"amount":1234500,"currency":"CNY"}},"expected_close_on":"2027-01-31","source":"展会"}}"#
        );
        let headers = format!("Authorization: Bearer {token}\r\nIdempotency-Key: opportunity-{run}-{connection}-{number}\r\n");
        post("/v1/opportunities", &headers, &body)
    })
}

/// Each connection moves its own opportunities, all to one stage, then all to the next.
fn moves(token: &str, ids: Vec<Id>, stages: &[Id], connections: usize) -> Requests {
    let (token, stages, each) = (token.to_owned(), stages.to_vec(), (ids.len() / connections.max(1)).max(1));
    let run = crate::http::clock::new_id();
    Arc::new(move |connection, number| {
        let id = ids[(connection * each + number % each) % ids.len()];
        let stage = stages[1 + number / each % (stages.len() - 1)];
        let headers = format!("Authorization: Bearer {token}\r\nIdempotency-Key: move-{run}-{connection}-{number}\r\n");
        post(&format!("/v1/opportunities/{id}/move"), &headers, &format!(r#"{{"stage_id":"{stage}"}}"#))
    })
}

impl Sales {
    pub fn print(&self) {
        let times = |(ours, bare): &(Measured, Measured)| ours.p50 / bare.p50;
        let row = |label: &str, measured: &Measured, note: &str| print_row(label, measured, "", "", note);
        let (board, funnel) = (times(&self.board), times(&self.funnel));
        row("board, 50 of each stage, totals", &self.board.0, &verdict(&format!("≤ 3 × bare SQL, is {board:.2}"), board <= 3.0));
        row("bare SQL: board", &self.board.1, "");
        row("funnel of a year", &self.funnel.0, &verdict(&format!("≤ 1.3 × bare SQL, is {funnel:.2}"), funnel <= 1.3));
        row("bare SQL: funnel", &self.funnel.1, "");
        let moving = self.moving.per_second / self.create.per_second;
        row("durable create of an opportunity", &self.create, "");
        row("move to another stage", &self.moving, &verdict(&format!("≥ 0.70 of create, is {moving:.2}"), moving >= 0.7));
    }
}
