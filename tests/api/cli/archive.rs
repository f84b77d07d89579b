//! `farley export` and `farley import-all`, `farley backup` and `farley restore`: all of a tenant comes over, whatever its engine.

use std::{
    collections::BTreeMap,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use farley_domain::model::registry;
use flate2::read::GzDecoder;
use serde_json::{Value, json};

use crate::{
    app::start::eventually,
    client::Client,
    integration::files::uploaded,
    server::{ADMIN, PASSWORD, Server, data_dir},
    support::{Engine, TestDb, scratch},
};

/// Runs a command against a database: whether it went well, and what it said.
fn farley(db: &TestDb, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farley"));
    command.args(arguments).env("DATABASE_URL", &db.url).env("FARLEY_DATA_DIR", data_dir(&db.url)).env("FARLEY_LOG", "warn");
    command.env("FARLEY_ADMIN_EMAIL", ADMIN).env("FARLEY_ADMIN_PASSWORD", PASSWORD);
    command.current_dir(std::env::temp_dir()).stdin(Stdio::null());
    let made = tokio::task::block_in_place(|| command.output()).expect("the command runs");
    let said = [made.stdout, made.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    (made.status.success(), said)
}

fn well(db: &TestDb, arguments: &[&str]) -> String {
    let (went_well, said) = farley(db, arguments);
    assert!(went_well, "{arguments:?}: {said}");
    said
}

fn badly(db: &TestDb, arguments: &[&str], reason: &str) {
    let (went_well, said) = farley(db, arguments);
    assert!(!went_well && said.contains(reason), "{arguments:?}: {said}");
}

fn file(name: &str) -> (PathBuf, String) {
    let path = scratch::folder().join(format!("{name}_{}.tar.gz", crate::support::new_id()));
    let text = path.to_str().expect("a path").to_owned();
    (path, text)
}

/// A row as both engines write it: fractions are texts, of which one says `2` and the other `2.0`.
fn alike(row: Value) -> Value {
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    match row {
        Value::Array(values) => values.into_iter().map(alike).collect(),
        Value::String(text) => number(&text).map_or(Value::String(text), |number| json!(number)),
        value => value,
    }
}

/// The rows in a file, by table and sorted, and what else it holds.
fn content(path: &Path) -> BTreeMap<String, Vec<String>> {
    let mut archive = tar::Archive::new(GzDecoder::new(std::fs::File::open(path).expect("the file is there")));
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in archive.entries().expect("entries") {
        let mut entry = entry.expect("an entry");
        let name = entry.path().expect("a name").to_string_lossy().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("text");
        if let Some(table) = name.strip_prefix("tables/") {
            let table = table.split('/').next().expect("a table").to_owned();
            let rows = text.lines().skip(1).map(|row| alike(serde_json::from_str(row).expect("JSON")).to_string());
            found.entry(table).or_default().extend(rows);
        } else if name.starts_with("files/") {
            found.insert(name, vec![text]);
        }
    }
    found.values_mut().for_each(|rows| rows.sort());
    found
}

/// A tenant with something of nearly everything, files among it.
async fn filled(db: &TestDb) -> (Server, Client) {
    well(db, &["demo", "--customers", "30", "--opportunities", "40", "--tickets", "40"]);
    let server = Server::start_with(db.clone(), |settings| settings.jobs = 0).await;
    let admin = server.admin().await;
    admin.custom_field("grade", "text", json!({"searchable": true})).await;
    let acme = json!({"name": "Ünïcödé 王小明 \u{1F600} \"quoted\"\n\\", "custom": {"grade": "golden"}, "external_ids": {"sap": "0042"}});
    let acme = admin.create("customers", acme).await;
    uploaded(&admin, &format!("name=brief.txt&object=customer&record_id={acme}"), "content of a file").await;
    admin.create("webhooks", json!({"name": "W", "url": "https://example.com/hook", "types": ["customer.created"]})).await;
    admin.put("/v1/settings/colours", json!({"value": {"a": 0.1, "b": 1e-9}})).await.ok(201);
    admin.create("orders", json!({"customer_id": acme, "number": "SO-1", "ordered_on": "2026-02-28"})).await;
    for due in ["9999-12-31T23:59:58.953Z", "1950-02-03T04:05:06.789Z"] {
        admin.create("tasks", json!({"subject": "Far away", "due_at": due})).await;
    }
    (server, admin)
}

/// Every list of the tenant, by collection and id.
async fn lists(client: &Client) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for object in registry::objects().into_iter().filter(|object| object.parent.is_none()) {
        let mut path = format!("/v1/{}?limit=200", object.collection);
        loop {
            let page = client.get(&path).await;
            if page.status == 404 {
                break;
            }
            let page = page.ok(200);
            for record in page["data"].as_array().expect("records") {
                found.insert(format!("{} {}", object.collection, record["id"]), record.clone());
            }
            let Some(next) = page["page"]["next"].as_str() else { break };
            path = format!("/v1/{}?limit=200&cursor={next}", object.collection);
        }
    }
    found
}

async fn feed(client: &Client) -> (Vec<Value>, String) {
    let (mut events, mut path) = (Vec::new(), "/v1/changes?limit=200".to_owned());
    loop {
        let page = client.get(&path).await.ok(200);
        events.extend(page["data"].as_array().expect("events").iter().cloned());
        let cursor = page["page"]["next"].as_str().expect("a cursor").to_owned();
        if page["page"]["has_more"] == false {
            return (events, cursor);
        }
        path = format!("/v1/changes?limit=200&cursor={cursor}");
    }
}

/// From SQLite to PostgreSQL and back, a tenant stays what it is.
pub async fn a_tenant_moves_to_the_other_engine_and_back(sqlite: TestDb, postgres: TestDb) {
    let (server, admin) = filled(&sqlite).await;
    let (before, (events, cursor)) = (lists(&admin).await, feed(&admin).await);
    assert!(before.len() > 250 && events.len() > 300, "{} {}", before.len(), events.len());
    // While it is served.
    let (first, first_name) = file("first");
    let said = well(&sqlite, &["export", &first_name]);
    assert!(said.contains("1 files of default"), "{said}");
    badly(&sqlite, &["export", &first_name], "there is such a file already");
    badly(&sqlite, &["export", "--tenant", "nobody", &file("none").1], "there is no tenant nobody");
    drop(server);
    let said = well(&postgres, &["import-all", &first_name]);
    assert!(said.contains("rows and 1 files of default"), "{said}");
    badly(&postgres, &["import-all", &first_name], "in this database already");
    let (second, second_name) = file("second");
    well(&postgres, &["export", &second_name]);
    let (mut there, mut here) = (content(&first), content(&second));
    // The one that has the text indexed anew.
    for jobs in [&mut there, &mut here] {
        jobs.remove("jobs");
    }
    assert_eq!(there.keys().collect::<Vec<_>>(), here.keys().collect::<Vec<_>>());
    for (table, rows) in &there {
        assert_eq!(&here[table], rows, "{table}");
    }
    let back = TestDb::new(Engine::Sqlite);
    well(&back, &["import-all", &second_name]);
    for db in [postgres, back] {
        let server = Server::start(db).await;
        // Passwords, too, have come along.
        let admin = server.admin().await;
        let log_ins = |events: &[Value]| events.iter().filter(|event| event["type"] == "user.logged_in").count();
        let after = lists(&admin).await;
        for (key, record) in &before {
            // Whoever logs in is seen.
            if !key.starts_with("users ") {
                assert_eq!(after.get(key), Some(record), "{key}");
            }
        }
        let (all, _) = feed(&admin).await;
        assert_eq!(&all[..events.len()], &events[..]);
        assert_eq!(log_ins(&all), log_ins(&events) + 1);
        // A cursor from there goes on here.
        let new = admin.get(&format!("/v1/changes?cursor={cursor}&limit=200")).await.ok(200);
        assert!(new["data"].as_array().expect("events").iter().all(|event| !events.contains(event)));
        let files = admin.get("/v1/files?limit=1").await.ok(200);
        let url = format!("/v1/files/{}/content", files["data"][0]["id"].as_str().expect("a file"));
        assert_eq!(admin.get(&url).await.text, "content of a file");
        eventually(|| async {
            let found = admin.get("/v1/search?q=golden").await.ok(200);
            found["data"].as_array().is_some_and(|hits| hits.len() == 1)
        })
        .await;
        let number = |record: &Value| record["number"].as_str().expect("a number").to_owned();
        let latest = before.iter().filter(|(key, _)| key.starts_with("tickets ")).map(|(_, ticket)| number(ticket)).max();
        let made = admin.post("/v1/tickets", json!({"subject": "After the move"})).await.ok(201);
        assert!(Some(number(&made)) > latest);
    }
}

/// Into a database that has tenants of its own, with their own events.
pub async fn a_tenant_moves_in_with_others(db: TestDb) {
    let source = TestDb::new(db.engine);
    let (server, admin) = filled(&source).await;
    let (before, (events, _)) = (lists(&admin).await, feed(&admin).await);
    let (_, name) = file("moving");
    well(&source, &["export", &name]);
    drop(server);
    let server = Server::start(db.clone()).await;
    let resident = server.admin().await;
    resident.create("customers", json!({"name": "Resident"})).await;
    let (residents, cursor) = feed(&resident).await;
    if db.engine == Engine::Sqlite {
        badly(&db, &["import-all", "--slug", "newcomer", &name], "stop the server first");
        server.stop_gracefully().await;
    } else {
        drop(server);
    }
    badly(&db, &["import-all", &name], "there is a tenant default already");
    well(&db, &["import-all", "--slug", "newcomer", &name]);
    let server = Server::start(db).await;
    let login = json!({"email": ADMIN, "password": PASSWORD, "tenant": "newcomer"});
    let newcomer = server.anybody().login(login).await;
    let after = lists(&newcomer).await;
    assert!(before.iter().filter(|(key, _)| !key.starts_with("users ")).all(|(key, record)| after.get(key) == Some(record)));
    let (all, _) = feed(&newcomer).await;
    assert_eq!(&all[..events.len()], &events[..]);
    let resident = server.admin().await;
    let (all, _) = feed(&resident).await;
    assert_eq!(&all[..residents.len()], &residents[..]);
    // Those who were there hear of what they do, and of nothing else.
    resident.create("customers", json!({"name": "Resident still"})).await;
    let heard = resident.get(&format!("/v1/changes?cursor={cursor}&limit=200")).await.each("type");
    assert_eq!(heard.iter().filter(|kind| *kind == "customer.created").count(), 1);
    newcomer.create("customers", json!({"name": "Newcomer"})).await;
    assert_eq!(newcomer.get("/v1/changes?order=newest&limit=1").await.each("type"), ["customer.created"]);
}

/// What is not whole changes nothing.
pub async fn files_that_are_not_whole_are_refused(db: TestDb) {
    well(&db, &["demo", "--customers", "5", "--opportunities", "5", "--tickets", "5"]);
    let (path, name) = file("whole");
    well(&db, &["export", &name]);
    let whole = std::fs::read(&path).expect("the file is there");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).expect("the file is there").permissions());
    assert_eq!(mode & 0o077, 0, "it has secrets");
    let target = TestDb::new(db.engine);
    let (broken, broken_name) = file("broken");
    for length in [0, 10, whole.len() / 2, whole.len() - 20] {
        std::fs::write(&broken, &whole[..length]).expect("it is written");
        assert!(!farley(&target, &["import-all", &broken_name]).0, "{length} bytes");
    }
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(&broken, &changed).expect("it is written");
    assert!(!farley(&target, &["import-all", &broken_name]).0, "one bit");
    badly(&target, &["restore", &name], if db.engine == Engine::Sqlite { "it is no backup" } else { "pg_dump" });
    assert!(!well(&target, &["tenant", "list"]).contains("default"));
    well(&target, &["import-all", &name]);
}

/// A backup has all that was acknowledged before it began, and each write wholly or not at all.
pub async fn a_backup_is_taken_under_load(db: TestDb) {
    let (server, admin) = filled(&db).await;
    let (before, (events, _)) = (lists(&admin).await, feed(&admin).await);
    let (path, name) = file("backup");
    let customer = admin.create("customers", json!({"name": "Buyer"})).await;
    let writing = tokio::spawn({
        let admin = admin.clone();
        async move {
            let mut made = 0;
            while !path.exists() {
                let lines = json!([{"name": "A", "unit_price": {"amount": 100, "currency": "CNY"}}]);
                let order =
                    json!({"customer_id": customer, "number": format!("L-{made}"), "ordered_on": "2026-03-01", "lines": lines});
                admin.create("orders", order).await;
                made += 1;
            }
            made
        }
    });
    let saved = well(&db, &["backup", &name]);
    assert!(saved.contains("and 1 files"), "{saved}");
    let made = writing.await.expect("it writes");
    assert!(made > 3, "only {made} meanwhile");
    badly(&db, &["restore", &name], "there is a database already");
    drop(server);
    let restored = TestDb::new(Engine::Sqlite);
    badly(&restored, &["import-all", &name], "it holds no tenant");
    // The command before has made a database.
    let path = PathBuf::from(restored.url.trim_start_matches("sqlite:"));
    for ending in ["", "-wal", "-shm", ".lock"] {
        let mut file = path.clone().into_os_string();
        file.push(ending);
        drop(std::fs::remove_file(file));
    }
    well(&restored, &["restore", &name]);
    let server = Server::start(restored).await;
    let admin = server.admin().await;
    let after = lists(&admin).await;
    for (key, record) in before.iter().filter(|(key, _)| !key.starts_with("users ")) {
        assert_eq!(after.get(key), Some(record), "{key}");
    }
    let (all, _) = feed(&admin).await;
    assert_eq!(&all[..events.len()], &events[..]);
    let orders = after.iter().filter(|(key, order)| {
        key.starts_with("orders ") && order["number"].as_str().is_some_and(|number| number.starts_with("L-"))
    });
    for (_, order) in orders {
        let lines = admin.get(&format!("/v1/orders/{}/lines", order["id"].as_str().expect("an id"))).await.ok(200);
        assert_eq!(lines["data"].as_array().map(Vec::len), Some(1));
        assert!(all.iter().any(|event| event["record_id"] == order["id"] && event["type"] == "order.created"));
    }
    let files = admin.get("/v1/files?limit=1").await.ok(200);
    let url = format!("/v1/files/{}/content", files["data"][0]["id"].as_str().expect("a file"));
    assert_eq!(admin.get(&url).await.text, "content of a file");
    assert_eq!(admin.get("/v1/search?q=golden").await.ok(200)["data"].as_array().map(Vec::len), Some(1));
}
