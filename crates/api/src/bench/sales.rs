//! The sales room under load: a board, a funnel and moves, beside hand-written SQL and plain creates.

use std::{sync::Arc, time::Duration};

use farley_domain::{calendar::Span, entity::Entity, id::Id, sales::opportunity::Opportunity, time::Timestamp};
use farley_persistence::{StoreError, bare::Bare};

use super::{
    Error, bare_sql,
    client::{Client, get, post},
    measure::{Load, Measured, Requests, over_http},
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

/// Measures over HTTP and beside it; board and funnel one request at a time, as their times are what counts.
pub async fn measure(farley: &Server, token: &str, url: &str, tenant: Id, load: Load) -> Result<Sales, Error> {
    let mut client = Client::connect(farley.address).await?;
    let course = course(&mut client, token).await?;
    let alone = Load { connections: 1, warm_up: Duration::from_secs(2), ..load };
    let year = Span::Year.around(crate::clock::now().to_utc().date_naive()).map(|year| (year.start, year.end()));
    let (from, to) = year.ok_or_else(|| Error::Answer("the clock is out of its years".to_owned()))?;
    let ask = |path: String| -> Requests {
        let request = get(&path, Some(token));
        Arc::new(move |_, _| request.clone())
    };
    let pipeline = course.pipeline;
    eprintln!("measuring: board");
    let board = over_http(farley.address, alone, 200, &ask(format!("/v1/pipelines/{pipeline}/board"))).await?;
    eprintln!("measuring: funnel");
    let path = format!("/v1/reports/sales-funnel?pipeline_id={pipeline}&from={from}&to={to}");
    let funnel = over_http(farley.address, alone, 200, &ask(path)).await?;
    eprintln!("measuring: bare SQL of both");
    let (url, stages) = (url.to_owned(), course.stages.clone());
    let zone = chrono_tz::Asia::Shanghai;
    let (from, to) = (farley_domain::calendar::start_of_day(from, zone), farley_domain::calendar::start_of_day(to, zone));
    let bare = tokio::task::spawn_blocking(move || bare(&url, tenant, (pipeline, &stages), (from, to), alone)).await;
    let (bare_board, bare_funnel) = bare.map_err(|error| Error::Answer(error.to_string()))??;
    eprintln!("measuring: create and move");
    let run = crate::clock::new_id();
    let create = over_http(farley.address, load, 201, &creates(token, run)).await?;
    let ids = open_ids(&mut client, token, &course).await?;
    let moving = over_http(farley.address, load, 200, &moves(token, ids, &course.stages, load.connections)).await?;
    Ok(Sales { board: (board, bare_board), funnel: (funnel, bare_funnel), create, moving })
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
    let run = crate::clock::new_id();
    Arc::new(move |connection, number| {
        let id = ids[(connection * each + number % each) % ids.len()];
        let stage = stages[1 + number / each % (stages.len() - 1)];
        let headers = format!("Authorization: Bearer {token}\r\nIdempotency-Key: move-{run}-{connection}-{number}\r\n");
        post(&format!("/v1/opportunities/{id}/move"), &headers, &format!(r#"{{"stage_id":"{stage}"}}"#))
    })
}

fn bare(
    url: &str,
    tenant: Id,
    (pipeline, stages): (Id, &[Id]),
    (from, to): (Timestamp, Timestamp),
    load: Load,
) -> Result<(Measured, Measured), StoreError> {
    let open = || Bare::open(url, Opportunity::object());
    let board =
        bare_sql::threads(1, load, &open, &|bare: &mut Bare, _: usize, _: usize| bare.board(tenant, pipeline, stages, 50))?;
    let funnel = bare_sql::threads(1, load, &open, &|bare: &mut Bare, _: usize, _: usize| {
        bare.funnel(tenant, pipeline, stages, (from, to))
    })?;
    Ok((board, funnel))
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
