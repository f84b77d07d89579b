//! Imports that go on after their server has ended.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use diesel::{Connection, PgConnection, SqliteConnection, connection::SimpleConnection};
use farley::http::clock;
use farley_domain::values::id::Id;
use farley_persistence::{StoreError, TenantKey};
use serde_json::json;

use super::{begin, counts, customers, ended, import, many, total};
use crate::app::{crash::Process, start::eventually};
use crate::{
    client::Client,
    server::{ADMIN, PASSWORD, Server},
    support::{Engine, TestDb},
};

/// A long import keeps none of the short ones waiting.
pub async fn several_run_at_once(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let long = begin(&admin, customers(&many(2_000))).await;
    for number in 0..3 {
        let done = import(&admin, customers(&format!("name\nShort {number}\n"))).await;
        assert_eq!(done["status"], "done");
    }
    let import = admin.get(&format!("/v1/imports/{long}")).await.ok(200);
    assert!(import["rows_done"].as_i64().unwrap() < 2_000, "it is under way: {import}");
    // How far it is can be seen.
    let done = ended(&admin, &long).await;
    assert_eq!((counts(&done), total(&admin).await), ([2_000, 0, 0, 0], 2_003));
    assert_eq!(done["rows_done"], done["rows_total"]);
}

async fn half_done(client: &Client, id: &str) -> i64 {
    for _ in 0..600 {
        let import = client.get(&format!("/v1/imports/{id}")).await.ok(200);
        let done = import["rows_done"].as_i64().unwrap();
        if done >= 60 {
            assert_eq!(import["status"], "running", "it ended too soon");
            return done;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the import never began");
}

/// `kill -9`: the next start goes on behind the last batch that was committed, when the lease has run out.
pub async fn go_on_after_a_kill(db: TestDb) {
    let process = Process::start(&db);
    let admin = process.admin().await;
    let id = begin(&admin, customers(&many(2_000))).await;
    half_done(&admin, &id).await;
    process.kill();
    let process = Process::start(&db);
    let admin = Client::new(&process.url).with_token(admin.token());
    let done = ended(&admin, &id).await;
    assert_eq!((&done["status"], counts(&done), total(&admin).await), (&json!("done"), [2_000, 0, 0, 0], 2_000));
}

/// After an orderly stop the next start goes on at once.
pub async fn go_on_at_once_after_a_stop(db: TestDb) {
    let mut process = Process::start(&db);
    let admin = process.admin().await;
    let id = begin(&admin, customers(&many(2_000))).await;
    let before = half_done(&admin, &id).await;
    process.tell_to_end();
    process.ends_well();
    let process = Process::start(&db);
    let admin = Client::new(&process.url).with_token(admin.token());
    let started = std::time::Instant::now();
    while admin.get(&format!("/v1/imports/{id}")).await.ok(200)["rows_done"].as_i64().unwrap() <= before + 240 {
        assert!(started.elapsed() < Duration::from_secs(10), "it waits for a lease");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let done = ended(&admin, &id).await;
    assert_eq!((&done["status"], counts(&done), total(&admin).await), (&json!("done"), [2_000, 0, 0, 0], 2_000));
}

struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

/// The command line: killed and called again, it goes on, and no row is there twice.
pub async fn the_same_command_goes_on(db: TestDb) {
    let file = Scratch(std::env::temp_dir().join(format!("farley-import-{}.csv", crate::support::new_id())));
    std::fs::write(&file.0, many(2_000)).unwrap();
    let command = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_farley"));
        command.args(["import", "customers"]).arg(&file.0).env("DATABASE_URL", &db.url).env("FARLEY_JOBS", "0");
        command.env("FARLEY_ADMIN_EMAIL", ADMIN).env("FARLEY_ADMIN_PASSWORD", PASSWORD);
        command.current_dir(std::env::temp_dir()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    };
    // A server without workers looks on.
    let server = Server::start_with(db.clone(), |settings| settings.jobs = 0).await;
    let admin = server.admin().await;
    let mut first = command().spawn().unwrap();
    let id = loop {
        if let Some(id) = admin.list("/v1/imports", "id").await.pop() {
            break id;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    half_done(&admin, &id).await;
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(total(&admin).await < 2_000);
    let again = tokio::task::spawn_blocking({
        let mut command = command();
        move || command.output().unwrap()
    });
    let output = again.await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("continuing import") && said.contains("2000 created"), "{said}");
    assert_eq!((total(&admin).await, admin.list("/v1/imports", "id").await.len()), (2_000, 1));
    // Told to end (as by Ctrl-C), it hands its job back, and a server with workers goes on at once.
    std::fs::write(&file.0, many(2_000).replace("external_ids.load", "external_ids.more")).unwrap();
    let mut second = command().spawn().unwrap();
    let id = loop {
        if let Some(id) = admin.list("/v1/imports?status_ne=done", "id").await.pop() {
            break id;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    half_done(&admin, &id).await;
    let told = Command::new("kill").args(["-INT", &second.id().to_string()]).status().unwrap();
    assert!(told.success());
    let ended_with = tokio::task::block_in_place(|| second.wait()).unwrap();
    assert!(!ended_with.success());
    let import = admin.get(&format!("/v1/imports/{id}")).await.ok(200);
    assert!(import["rows_done"].as_i64().unwrap() < 2_000, "{import}");
    // A file has one server.
    server.stop_gracefully().await;
    let worker = Process::start(&db);
    let admin = Client::new(&worker.url).with_token(admin.token());
    let done = ended(&admin, &id).await;
    assert_eq!((counts(&done), total(&admin).await), ([2_000, 0, 0, 0], 4_000));
}

/// SQL past the server.
fn beside(db: &TestDb, sql: &str) {
    match db.engine {
        Engine::Sqlite => {
            let mut conn = SqliteConnection::establish(db.path()).expect("it opens");
            conn.batch_execute(&format!("PRAGMA busy_timeout = 10000; {sql}"))
        }
        Engine::Postgres => PgConnection::establish(&db.url).expect("it opens").batch_execute(sql),
    }
    .expect("SQL");
}

/// The job of the one import.
async fn job(admin: &Client) -> serde_json::Value {
    let jobs = admin.get("/v1/jobs?limit=200").await.ok(200);
    jobs["data"].as_array().unwrap().iter().find(|job| job["kind"] == "import").expect("the job").clone()
}

/// An import that was given up half-way goes on behind its last row; without its file it cannot, and says so.
pub async fn given_up_they_go_on_while_their_file_is_there(db: TestDb) {
    const GIVEN_UP: &str = "UPDATE jobs SET state = 'dead', last_error = 'x', attempts = max_attempts WHERE kind = 'import'; \
         UPDATE imports SET status = 'failed', problem = 'x'";
    let server = Server::start(db.clone()).await;
    let admin = server.admin().await;
    let id = begin(&admin, customers(&many(2_000))).await;
    let before = half_done(&admin, &id).await;
    server.stop_gracefully().await;
    beside(&db, GIVEN_UP);
    let server = Server::start(db.clone()).await;
    let admin = server.admin().await;
    let retry = format!("/v1/jobs/{}/retry", job(&admin).await["id"].as_str().unwrap());
    assert_eq!(admin.post(&retry, json!({})).await.ok(200)["state"], "waiting");
    let done = ended_after(&admin, &id, before).await;
    assert_eq!((&done["status"], counts(&done), total(&admin).await), (&json!("done"), [2_000, 0, 0, 0], 2_000));
    assert_eq!(done["problem"], json!(null));
    // What is done is not done again, and its file is gone.
    eventually(|| async { job(&admin).await["state"] == "done" }).await;
    let refused = admin.post(&retry, json!({})).header("Accept-Language", "zh").await.refused(409, "state_conflict");
    assert!(refused["detail"].as_str().unwrap().contains("已完成"), "{refused}");
    beside(&db, GIVEN_UP);
    for path in [format!("{retry}?validate_only=true"), retry.clone()] {
        let refused = admin.post(&path, json!({})).await.refused(409, "import_file_gone");
        assert!(refused["detail"].as_str().unwrap().contains("Import the file again"), "{refused}");
    }
    assert_eq!((job(&admin).await["state"].clone(), total(&admin).await), (json!("dead"), 2_000));
}

/// The import when it has ended again, having been further than before.
async fn ended_after(admin: &Client, id: &str, before: i64) -> serde_json::Value {
    for _ in 0..1_200 {
        let import = admin.get(&format!("/v1/imports/{id}")).await.ok(200);
        assert!(import["rows_done"].as_i64().unwrap() >= before, "it began anew: {import}");
        if import["status"] == "done" {
            return import;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the import never ended");
}

/// The file of an import that was given up is kept for 30 days, and those of archived imports are not.
pub async fn files_given_up_are_forgotten_in_time(db: TestDb) {
    const DAY: i64 = 24 * 3_600;
    let server = Server::start(db.clone()).await;
    let admin = server.admin().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        let id = begin(&admin, customers("name\nAcme\n")).await;
        for _ in 0..400 {
            if admin.get(&format!("/v1/imports/{id}")).await.ok(200)["status"] == "done" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        ids.push(id);
    }
    // Given up 31 and 29 days ago, under way for long, and archived.
    let (tenant, now) = (tenant_of(&server).await, clock::now());
    let literal = |id: &str| match db.engine {
        Engine::Sqlite => format!("x'{}'", id.replace('-', "")),
        Engine::Postgres => format!("'{id}'"),
    };
    let days_ago = |days: i64| match db.engine {
        Engine::Sqlite => format!("{}", now.plus_seconds(-days * DAY).milliseconds() * 1_000),
        Engine::Postgres => format!("'{}'", now.plus_seconds(-days * DAY)),
    };
    let content = match db.engine {
        Engine::Sqlite => "x'61'",
        Engine::Postgres => "'\\x61'",
    };
    let set = [
        format!("status = 'failed', finished_at = {}", days_ago(31)),
        format!("status = 'failed', finished_at = {}", days_ago(29)),
        format!("status = 'running', finished_at = NULL, created_at = {}", days_ago(90)),
        format!("archived_at = {}", days_ago(1)),
    ];
    for (id, set) in ids.iter().zip(set) {
        let own = literal(id);
        beside(
            &db,
            &format!(
                "INSERT INTO import_files (tenant_id, import_id, content) VALUES ({}, {own}, {content}); UPDATE imports SET {set} WHERE id = {own}",
                literal(&tenant.id.to_string())
            ),
        );
    }
    let due = match db.engine {
        Engine::Sqlite => "0",
        Engine::Postgres => "to_timestamp(0)",
    };
    beside(&db, &format!("UPDATE jobs SET run_at = {due} WHERE kind = 'tidy'"));
    let kept = async || {
        let wanted: Vec<Id> = ids.iter().map(|id| id.parse().unwrap()).collect();
        let reading = server.app.store.read::<_, StoreError>(tenant, move |reader| {
            wanted.iter().map(|id| Ok(reader.import_file(*id)?.is_some())).collect::<Result<Vec<_>, _>>()
        });
        reading.await.expect("they are read")
    };
    eventually(|| async { !kept().await[0] }).await;
    assert_eq!(kept().await, [false, true, true, false]);
}

/// The one tenant there is.
async fn tenant_of(server: &Server) -> TenantKey {
    let everywhere = TenantKey { id: Id::NIL, number: 0 };
    let reading = server.app.store.read::<_, StoreError>(everywhere, move |reader| {
        let tenants = reader.tenants()?;
        Ok(TenantKey { id: tenants[0].id, number: tenants[0].number })
    });
    reading.await.expect("the tenant")
}
