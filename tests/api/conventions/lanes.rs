//! What is light never waits for what is heavy, and nothing goes on that nobody waits for.

use std::{sync::Arc, time::Duration};

use farley::{access::tokens::NO_TENANT, settings::Settings};
use farley_domain::{
    customers::customer::Customer,
    model::entity::Entity,
    query::predicate::{Predicate, parse},
};
use farley_persistence::{LaneFigures, Store, StoreError, TenantKey};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::{
    client::Client,
    server::Server,
    support::{Engine, TestDb},
};

/// How many customers there are to go through, and how often.
const CUSTOMERS: usize = 100;
const TESTS: usize = 190;

/// A filter that no customer meets, and that takes a second or so to find this out.
fn slow_filter() -> Value {
    let tests = (0..TESTS).map(|number| json!({"field": "description", "op": "contains", "value": format!("nobody {number}")}));
    json!({"or": tests.collect::<Vec<_>>()})
}

/// A search that goes through all customers; with the total, it is heavy from the beginning.
fn slow(client: &Client, total: bool) -> crate::client::Request {
    client.post("/v1/customers/search", json!({"filter": slow_filter(), "total": total, "limit": 1}))
}

fn slow_predicate() -> Predicate {
    parse::from_json(Customer::object(), &slow_filter(), &farley::access::unrestricted::Unrestricted).expect("a filter")
}

/// Customers of whom there is much to read.
async fn fill(admin: &Client, engine: Engine) {
    let text = match engine {
        Engine::Sqlite => "word ".repeat(300),
        Engine::Postgres => "word ".repeat(200),
    };
    let bodies = (0..CUSTOMERS).map(|number| json!({"name": format!("Customer {number}"), "description": text}));
    join_all(bodies.map(|body| admin.create("customers", body))).await;
}

/// Four slots: a tenant has three of them at most, a credential two. No statement is ended, however slow the machine.
async fn server(db: TestDb) -> Server {
    let change = |settings: &mut Settings| (settings.heavy_readers, settings.statement_timeout) = (4, 0.0);
    Server::start_with(db, change).await
}

async fn first_tenant(store: &Store) -> TenantKey {
    let rows = store.read::<_, StoreError>(NO_TENANT, |reader| reader.tenants()).await.expect("tenants");
    TenantKey { id: rows[0].id, number: rows[0].number }
}

/// Waits until the figures of the heavy lane are as wanted.
async fn until(server: &Server, what: &str, wanted: impl Fn(LaneFigures) -> bool) -> LaneFigures {
    for _ in 0..3_000 {
        let heavy = server.app.store.lanes().heavy;
        if wanted(heavy) {
            return heavy;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}: {:?}", server.app.store.lanes());
}

pub async fn light_requests_go_on_beside_heavy_ones(db: TestDb) {
    let engine = db.engine;
    let server = server(db).await;
    let admin = server.admin().await;
    fill(&admin, engine).await;
    let other = server.other_tenant("other").await;
    other.create("customers", json!({"name": "Theirs"})).await;
    let id = admin.create("customers", json!({"name": "Light"})).await;
    let heavy = tokio::spawn({
        let admin = admin.clone();
        async move { join_all((0..40).map(|_| slow(&admin, true).try_send())).await }
    });
    let full = until(&server, "the lane fills", |heavy| heavy.in_use == 2 && heavy.waiting == 16).await;
    assert_eq!((full.in_use, full.waiting), (2, 16), "no credential has more");
    // While the lane is full: what is light, what another tenant asks, and a colleague.
    admin.get(&format!("/v1/customers/{id}")).await.ok(200);
    admin.get("/v1/customers?limit=50").await.ok(200);
    admin.create("customers", json!({"name": "Also light"})).await;
    let page = other.get("/v1/customers?total=true").await.ok(200);
    assert_eq!(page["page"]["total"], 1);
    assert_eq!(server.admin().await.get("/v1/opportunities/summary").await.ok(200)["data"][0]["count"], 0);
    let answers = heavy.await.expect("all are answered");
    let (served, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().map(|answer| answer.expect("an answer")).partition(|answer| answer.status == 200);
    // Who comes when the first is done already finds a place.
    assert!(served.len() >= 18 && !refused.is_empty(), "{} served, {} refused", served.len(), refused.len());
    let turned_away = u64::try_from(refused.len()).expect("few");
    for answer in refused {
        assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0), "{}", answer.text);
        answer.refused(503, "busy");
    }
    let done = until(&server, "the lane empties", |heavy| heavy.in_use == 0 && heavy.waiting == 0).await;
    assert_eq!((done.refused, done.timed_out, done.cancelled), (turned_away, 0, 0));
}

pub async fn what_proves_heavy_moves_to_the_other_lane(db: TestDb) {
    let engine = db.engine;
    let server = server(db).await;
    let admin = server.admin().await;
    fill(&admin, engine).await;
    let found = slow(&admin, false).await.ok(200);
    assert_eq!(found["data"], json!([]));
    let lanes = server.app.store.lanes();
    assert_eq!((lanes.light.moved, lanes.light.cancelled), (1, 1), "{lanes:?}");
    // What has proved heavy begins there.
    slow(&admin, false).await.ok(200);
    assert_eq!(server.app.store.lanes().light.moved, 1);
}

pub async fn statements_end_at_their_limit(db: TestDb) {
    let engine = db.engine;
    let first = server(db.clone()).await;
    let admin = first.admin().await;
    fill(&admin, engine).await;
    drop(first);
    let server = Server::start_with(db, |settings| settings.statement_timeout = 0.15).await;
    let admin = server.admin().await;
    let answer = slow(&admin, true).header("Accept-Language", "zh-CN").await;
    assert!(answer.header("retry-after").parse::<u64>().is_ok(), "{}", answer.text);
    let problem = answer.refused(503, "query_too_slow");
    assert_eq!(problem["title"], "查询过慢");
    assert_eq!(server.app.store.lanes().heavy.timed_out, 1);
    // The connection is as good as before, and so is the slot.
    assert_eq!(admin.get("/v1/customers?total=true&limit=1").await.ok(200)["page"]["total"], CUSTOMERS);
    // What goes on in the background takes its time.
    let tenant = first_tenant(&server.app.store).await;
    let predicate = Arc::new(slow_predicate());
    let count = |store: &Store| {
        let (store, predicate) = (store.clone(), Arc::clone(&predicate));
        async move { store.read::<_, StoreError>(tenant, move |reader| reader.count(Customer::object(), &predicate)).await }
    };
    assert!(matches!(count(&server.app.store).await, Err(StoreError::TooSlow)));
    assert!(matches!(count(&server.app.background).await, Ok(0)));
}

pub async fn who_hangs_up_leaves_nothing_behind(db: TestDb) {
    let engine = db.engine;
    let server = server(db).await;
    let admin = server.admin().await;
    fill(&admin, engine).await;
    let address = server.url.strip_prefix("http://").expect("an address").to_owned();
    let body = json!({"filter": slow_filter(), "total": true, "limit": 1}).to_string();
    let request = format!(
        "POST /v1/customers/search HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        admin.token(),
        body.len()
    );
    let mut streams = Vec::new();
    for _ in 0..10 {
        let mut stream = TcpStream::connect(&address).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("the request is sent");
        streams.push(stream);
    }
    until(&server, "they are at it and wait", |heavy| heavy.in_use == 2 && heavy.waiting == 8).await;
    drop(streams);
    // What is cancelled is counted a moment after its place is free.
    until(&server, "nothing is left", |heavy| heavy.in_use == 0 && heavy.waiting == 0 && heavy.cancelled == 10).await;
    // A statement on a connection that was interrupted is answered as ever.
    for _ in 0..4 {
        assert_eq!(admin.get("/v1/customers?total=true&limit=1").await.ok(200)["page"]["total"], CUSTOMERS);
    }
    // Whoever drops a read of the light lane ends it as well.
    let store = server.app.store.clone();
    let predicate = slow_predicate();
    let tenant = first_tenant(&store).await;
    let reading = store.read::<_, StoreError>(tenant, move |reader| reader.count(Customer::object(), &predicate));
    assert!(tokio::time::timeout(Duration::from_millis(100), reading).await.is_err());
    for _ in 0..3_000 {
        let light = store.lanes().light;
        if light.cancelled == 1 && light.in_use == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", store.lanes());
}

pub async fn statements_kept_prepared_are_bounded(db: TestDb) {
    const FIELDS: [&str; 12] = [
        "name",
        "status",
        "industry",
        "source",
        "region",
        "employee_count",
        "annual_revenue",
        "emails",
        "phones",
        "addresses",
        "created_at",
        "updated_at",
    ];
    let server = Server::start_with(db, |settings| {
        settings.sqlite_readers = 1;
        settings.database_connections = 1;
    })
    .await;
    let admin = server.admin().await;
    let id = admin.create("customers", json!({"name": "Huawei"})).await;
    // Each of the shapes is a set of fields.
    let path = |schema: usize| {
        let fields = FIELDS.iter().enumerate().filter(|(place, _)| schema & (1 << place) != 0).map(|(_, field)| *field);
        format!("/v1/customers/{id}?fields=id,{}", fields.collect::<Vec<_>>().join(","))
    };
    let before = server.app.store.lanes().prepared;
    for schema in 1..500 {
        admin.get(&path(schema)).await.ok(200);
    }
    let once = server.app.store.lanes().prepared;
    assert!(once < before + 50, "what comes but once is not kept: {before} {once}");
    let mut most = 0;
    for schema in (500..1_000).chain(500..1_000) {
        admin.get(&path(schema)).await.ok(200);
        most = most.max(server.app.store.lanes().prepared);
    }
    assert!((200..=2 * 256).contains(&most), "what comes again is kept, and so many at most: {most}");
}
