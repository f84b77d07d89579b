//! Faults to survive: the process killed, the connection to PostgreSQL lost, the disk full.

use std::{
    collections::{HashMap, HashSet},
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use diesel::{Connection, PgConnection, SqliteConnection, connection::SimpleConnection};
use serde_json::json;

use crate::{
    app::start::eventually,
    client::Client,
    server::{ADMIN, PASSWORD, Server},
    support::TestDb,
};

/// The real binary, as a process that can be killed.
pub struct Process {
    child: Child,
    pub url: String,
}

impl Process {
    pub fn start(db: &TestDb) -> Process {
        Process::run(db, Command::new(env!("CARGO_BIN_EXE_farley")))
    }

    pub fn run(db: &TestDb, mut command: Command) -> Process {
        command.env("DATABASE_URL", &db.url).env("FARLEY_LISTEN", "127.0.0.1:0").env("FARLEY_RATE_LIMIT", "0");
        command.env("FARLEY_ADMIN_EMAIL", ADMIN).env("FARLEY_ADMIN_PASSWORD", PASSWORD).env("FARLEY_LOG", "warn");
        command.current_dir(std::env::temp_dir()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let mut lines = BufReader::new(child.stderr.take().expect("its errors")).lines();
        let mut said = Vec::new();
        let url = loop {
            let line = lines.next().unwrap_or_else(|| panic!("it ended: {said:?}")).expect("a line");
            if let Some(rest) = line.strip_prefix("listening on ") {
                break rest.split(' ').next().unwrap_or_default().to_owned();
            }
            said.push(line);
        };
        // Somebody must read on, or it would wait for them one day.
        std::thread::spawn(move || lines.for_each(drop));
        Process { child, url }
    }

    pub async fn admin(&self) -> Client {
        Client::new(&self.url).login(json!({"email": ADMIN, "password": PASSWORD})).await
    }

    /// The number that the system gave it.
    pub fn number(&self) -> u32 {
        self.child.id()
    }

    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    pub fn tell_to_end(&self) {
        let told = Command::new("kill").arg(self.child.id().to_string()).status().expect("kill runs");
        assert!(told.success());
    }

    pub fn ends_well(&mut self) {
        let ended = tokio::task::block_in_place(|| self.child.wait()).expect("it ends");
        assert!(ended.success(), "{ended}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Key of the write and id of the record, for every write that was answered.
type Acknowledged = HashMap<String, String>;

/// Many clients write until no answer comes any more; `count` tells how many writes were answered so far.
async fn write_until_it_ends(client: &Client, clients: usize, count: &Arc<AtomicUsize>) -> Acknowledged {
    let writers = (0..clients).map(|writer| {
        let (client, count) = (client.clone(), Arc::clone(count));
        tokio::spawn(async move {
            let mut acknowledged = Acknowledged::new();
            for number in 0.. {
                let key = format!("w{writer}n{number:05}");
                let body = json!({"name": format!("load {key}"), "external_ids": {"load": key}});
                let Ok(answer) = client.post("/v1/customers", body).header("Idempotency-Key", &key).try_send().await else {
                    break;
                };
                acknowledged.insert(key, answer.ok(201)["id"].as_str().unwrap().to_owned());
                count.fetch_add(1, Ordering::SeqCst);
            }
            acknowledged
        })
    });
    let mut all = Acknowledged::new();
    for writer in writers.collect::<Vec<_>>() {
        all.extend(writer.await.unwrap());
    }
    all
}

/// Every record there is has its event, its search text and its lookup, and none of these is there without it.
async fn nothing_is_there_by_halves(client: &Client, acknowledged: &Acknowledged) {
    let mut records = HashMap::new();
    let mut path = "/v1/customers?limit=200&sort=created_at&fields=name,external_ids".to_owned();
    loop {
        let page = client.get(&path).await.ok(200);
        for record in page["data"].as_array().unwrap() {
            records
                .insert(record["external_ids"]["load"].as_str().unwrap().to_owned(), record["id"].as_str().unwrap().to_owned());
        }
        let Some(next) = page["page"]["next"].as_str() else { break };
        path = format!("/v1/customers?limit=200&sort=created_at&fields=name,external_ids&cursor={next}");
    }
    for (key, id) in acknowledged {
        assert_eq!(records.get(key), Some(id), "{key} was answered, and is not there");
    }
    let ids: HashSet<&String> = records.values().collect();
    let (mut told, mut cursor) = (HashSet::new(), String::new());
    loop {
        let page = client.get(&format!("/v1/changes?limit=200&types=customer.created{cursor}")).await.ok(200);
        told.extend(page["data"].as_array().unwrap().iter().map(|event| event["record_id"].as_str().unwrap().to_owned()));
        cursor = format!("&cursor={}", page["page"]["next"].as_str().unwrap());
        if page["page"]["has_more"] == false {
            break;
        }
    }
    assert_eq!(told.iter().collect::<HashSet<_>>(), ids, "events and records differ");
    let found = client.get("/v1/customers?q=load&total=true&limit=1").await.ok(200);
    assert_eq!(found["page"]["total"], records.len(), "search texts and records differ");
    for (key, id) in records.iter().take(50) {
        assert_eq!(client.get(&format!("/v1/customers/ext:load:{key}")).await.ok(200)["id"], id.as_str());
        assert_eq!(client.list(&format!("/v1/customers?q={key}"), "id").await, std::slice::from_ref(id));
    }
    // Who asks again under their key gets the record there is, answered before or not.
    for (key, id) in &records {
        let body = json!({"name": format!("load {key}"), "external_ids": {"load": key}});
        let again = client.post("/v1/customers", body).header("Idempotency-Key", key).await;
        assert_eq!((again.header("idempotency-replayed"), &again.body["id"]), ("true", &json!(id)), "{key}");
    }
}

/// `kill -9` under load: what was answered is there, and nothing is there by halves.
pub async fn killed_under_load_nothing_is_lost(db: TestDb) {
    let process = Process::start(&db);
    let admin = process.admin().await;
    let count = Arc::new(AtomicUsize::new(0));
    let writing = {
        let (admin, count) = (admin.clone(), Arc::clone(&count));
        tokio::spawn(async move { write_until_it_ends(&admin, 8, &count).await })
    };
    eventually(|| async { count.load(Ordering::SeqCst) > 150 }).await;
    process.kill();
    let acknowledged = writing.await.unwrap();
    let process = Process::start(&db);
    // The token of before still holds.
    let admin = Client::new(&process.url).with_token(admin.token());
    nothing_is_there_by_halves(&admin, &acknowledged).await;
}

/// Told to end, the process finishes what it accepted and says that it went well.
pub async fn told_to_end_it_ends_well(db: TestDb) {
    let mut process = Process::start(&db);
    let admin = process.admin().await;
    let count = Arc::new(AtomicUsize::new(0));
    let writing = {
        let (admin, count) = (admin.clone(), Arc::clone(&count));
        tokio::spawn(async move { write_until_it_ends(&admin, 4, &count).await })
    };
    eventually(|| async { count.load(Ordering::SeqCst) > 30 }).await;
    process.tell_to_end();
    let acknowledged = writing.await.unwrap();
    process.ends_well();
    let process = Process::start(&db);
    nothing_is_there_by_halves(&Client::new(&process.url).with_token(admin.token()), &acknowledged).await;
}

/// An open stream and a body that never ends do not keep the process from ending.
pub async fn told_to_end_it_ends_soon(db: TestDb) {
    use std::io::Write;
    let mut process = Process::start(&db);
    let admin = process.admin().await;
    let mut stream = admin.stream("/v1/notifications/stream", None).await;
    stream.event().await;
    let mut half = std::net::TcpStream::connect(process.url.trim_start_matches("http://")).expect("it listens");
    let head = format!(
        "POST /v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: 100\r\n\r\n{{\"name\": ",
        admin.token()
    );
    half.write_all(head.as_bytes()).expect("it reads");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begun = Instant::now();
    process.tell_to_end();
    process.ends_well();
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

/// What a process says that does not start.
fn refused(db: &TestDb) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farley"));
    command.env("DATABASE_URL", &db.url).env("FARLEY_LISTEN", "127.0.0.1:0").env("FARLEY_LOG", "warn");
    let ended = command.current_dir(std::env::temp_dir()).output().expect("the binary starts");
    assert!(!ended.status.success());
    String::from_utf8(ended.stderr).expect("text")
}

/// A database that a newer Farley has migrated is refused, in one line.
pub async fn a_newer_database_is_refused(db: TestDb) {
    Process::start(&db).kill();
    let later = "INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')";
    if db.url.starts_with("postgres") {
        PgConnection::establish(&db.url).expect("it opens").batch_execute(later).expect("SQL");
    } else {
        SqliteConnection::establish(db.path()).expect("it opens").batch_execute(later).expect("SQL");
    }
    let said = refused(&db);
    assert!(said.lines().count() == 1 && said.contains("newer Farley") && said.contains("9999"), "{said}");
}

/// A file has one server: a second is refused, in one line, until the first has gone.
pub async fn a_file_has_one_server(db: TestDb) {
    let first = Process::start(&db);
    let said = refused(&db);
    assert!(said.lines().count() == 1 && said.contains("served by another Farley"), "{said}");
    first.kill();
    Process::start(&db).admin().await;
}

/// Runs SQL as the cluster's owner, from beside the test's database.
fn beside(db: &TestDb, sql: &str) {
    let url = db.url.replacen(db.name(), "postgres", 1);
    PgConnection::establish(&url).expect("the cluster answers").batch_execute(sql).expect("SQL");
}

/// Every connection broken, and for a while none to be had: 503 with Retry-After, then all is well without a restart.
pub async fn a_lost_connection_comes_back(db: TestDb) {
    let server = Server::start(db.clone()).await;
    let admin = server.admin().await;
    let name = db.name().to_owned();
    let terminate =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid();");
    let create = |key: &str| admin.post("/v1/customers", json!({"name": key})).header("Idempotency-Key", key);
    create("before").await.ok(201);
    // Connections that broke while they were idle cost no request.
    beside(&db, &terminate);
    tokio::time::sleep(Duration::from_millis(400)).await;
    create("after a break").await.ok(201);
    // None to be had: what lives says so, what cannot be done is refused.
    beside(&db, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false; {terminate}"));
    eventually(|| async { server.anybody().get("/readyz").await.status == 503 }).await;
    server.anybody().get("/healthz").await.ok(200);
    for _ in 0..10 {
        for answer in [create("during").await, server.anybody().get("/readyz").await] {
            assert_eq!(answer.header("retry-after"), "2");
            let problem = answer.refused(503, "unavailable").to_string();
            assert!(!problem.contains("connection to server") && !problem.contains(&name), "{problem}");
        }
    }
    beside(&db, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
    eventually(|| async { server.anybody().get("/readyz").await.status == 200 }).await;
    eventually(|| async { create("during").await.status == 201 }).await;
    let mut names = admin.names("/v1/customers").await;
    names.sort();
    assert_eq!(names, ["after a break", "before", "during"]);
}

/// A server with a small disk. The limit on the size of files stands for it: no rights are needed, and it can be lifted.
fn with_a_small_disk(db: &TestDb) -> Process {
    let mut command = Command::new("prlimit");
    command.args(["--fsize=16000000:unlimited", "sh", "-c", "trap '' XFSZ; exec \"$0\"", env!("CARGO_BIN_EXE_farley")]);
    Process::run(db, command)
}

impl Process {
    /// Gives it all the room there is.
    fn with_room(&self) {
        let pid = self.child.id().to_string();
        let lifted = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited:unlimited"]).status().expect("prlimit runs");
        assert!(lifted.success());
    }
}

/// No room for another page: writes are refused with 503, reads go on, and with room again writes do.
pub async fn a_full_disk_refuses_writes_alone(db: TestDb) {
    let process = with_a_small_disk(&db);
    let admin = process.admin().await;
    let mut acknowledged = Acknowledged::new();
    let mut refused = 0;
    for number in 0..5000 {
        let key = format!("n{number}");
        let body = json!({"name": format!("load {key}"), "external_ids": {"load": key}, "description": "x".repeat(10_000)});
        let answer = admin.post("/v1/customers", body).header("Idempotency-Key", &key).await;
        if answer.status == 201 {
            acknowledged.insert(key, answer.ok(201)["id"].as_str().unwrap().to_owned());
            continue;
        }
        assert_eq!(answer.header("retry-after"), "2");
        answer.refused(503, "unavailable");
        refused += 1;
        if refused == 20 {
            break;
        }
    }
    assert_eq!(refused, 20, "the disk was never full");
    assert!(acknowledged.len() > 10, "only {} writes fitted", acknowledged.len());
    let total = |answer: serde_json::Value| usize::try_from(answer["page"]["total"].as_i64().unwrap()).unwrap();
    assert_eq!(total(admin.get("/v1/customers?total=true&limit=1").await.ok(200)), acknowledged.len());
    process.with_room();
    let id = admin.create("customers", json!({"name": "load again", "external_ids": {"load": "again"}})).await;
    assert_eq!(admin.get("/v1/customers/ext:load:again").await.ok(200)["id"], id.as_str());
    assert_eq!(total(admin.get("/v1/customers?total=true&limit=1").await.ok(200)), acknowledged.len() + 1);
    for (key, id) in &acknowledged {
        assert_eq!(admin.get(&format!("/v1/customers/ext:load:{key}")).await.ok(200)["id"], id.as_str());
    }
}

/// Writes until nothing more fits.
async fn fill(client: &Client) {
    for size in [10_000, 1] {
        let mut refused = 0;
        for number in 0..5000 {
            let body = json!({"name": format!("load {number}"), "description": "x".repeat(size)});
            refused = if client.post("/v1/customers", body).await.status == 503 { refused + 1 } else { 0 };
            if refused == 20 {
                break;
            }
        }
        assert_eq!(refused, 20, "the disk was never full");
    }
}

/// Who comes where nothing can be written reads, and is asked to come again when the access token has expired.
async fn comes_in_to_read(url: &str) -> Client {
    let come = async || Client::new(url).login(json!({"email": ADMIN, "password": PASSWORD})).await;
    let mut client = come().await;
    // For a session there may have been room.
    for _ in 0..50 {
        if client.tokens["refresh_token"].is_null() {
            break;
        }
        client = come().await;
    }
    assert_eq!((&client.tokens["refresh_token"], &client.tokens["refresh_expires_in"]), (&json!(null), &json!(null)));
    assert_eq!(client.tokens["expires_in"], 900);
    assert!(!client.names("/v1/customers").await.is_empty());
    client.post("/v1/customers", json!({"name": "x", "description": "x".repeat(10_000)})).await.refused(503, "unavailable");
    client
}

/// Nobody need wait for room on the disk to read: a log-in works, also after a restart, and so does what slows guesses down.
pub async fn a_full_disk_lets_people_in(db: TestDb) {
    let process = with_a_small_disk(&db);
    let before = process.admin().await;
    fill(&before).await;
    let brief = comes_in_to_read(&process.url).await;
    let ended = comes_in_to_read(&process.url).await;
    ended.post("/v1/auth/logout", json!({})).await.ok(204);
    ended.get("/v1/me").await.refused(401, "session_ended");
    brief.get("/v1/me").await.ok(200);
    process.kill();
    // The next process knows what is stored, and can be logged in to.
    let process = with_a_small_disk(&db);
    let [before, brief] = [before, brief].map(|client| Client::new(&process.url).with_token(client.token()));
    brief.get("/v1/me").await.refused(401, "session_ended");
    before.get("/v1/me").await.ok(200);
    fill(&before).await;
    let brief = comes_in_to_read(&process.url).await;
    let guess = || Client::new(&process.url).post("/v1/auth/login", json!({"email": ADMIN, "password": "wrong"}));
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(guess().await.status);
    }
    // Some may have been counted in the database, while there was room for that.
    assert!(statuses.is_sorted() && statuses[0] == 401 && statuses[11] == 429, "{statuses:?}");
    // With room all is as ever, and who came in meanwhile stays.
    process.with_room();
    brief.create("customers", json!({"name": "again"})).await;
    let stored = process.admin().await;
    assert!(stored.tokens["refresh_token"].is_string());
    // Whoever changes the password ends all sessions but their own.
    let changed = json!({"current_password": PASSWORD, "new_password": "an entirely new passphrase"});
    stored.post("/v1/me/password", changed).await.ok(204);
    brief.get("/v1/me").await.refused(401, "session_ended");
}

/// A folder in which nobody can write any more.
struct ReadOnly(std::path::PathBuf);

impl ReadOnly {
    /// With a copy of a database, and of the binary, as whoever may not write may not read everywhere either.
    fn copy_of(db: &TestDb) -> ReadOnly {
        use std::{fs, os::unix::fs::PermissionsExt};
        let folder = ReadOnly(std::env::temp_dir().join(format!("farley-read-only-{}", crate::support::new_id())));
        fs::create_dir(&folder.0).expect("a folder");
        for ending in ["", "-wal", "-shm"] {
            let file = folder.0.join(format!("db{ending}"));
            if fs::copy(format!("{}{ending}", db.path()), &file).is_ok() {
                fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).expect("rights");
            }
        }
        fs::copy(env!("CARGO_BIN_EXE_farley"), folder.0.join("farley")).expect("the binary");
        fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o555)).expect("rights");
        folder
    }

    /// A server that may not write there, whoever runs the tests.
    fn serve(&self, db: &TestDb) -> Process {
        use std::os::unix::fs::MetadataExt;
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        let mut command = Command::new(if is_root { "setpriv".into() } else { self.0.join("farley") });
        if is_root {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(self.0.join("farley"));
        }
        let mut own = db.clone();
        own.url = format!("sqlite:{}", self.0.join("db").display());
        Process::run(&own, command)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        use std::os::unix::fs::PermissionsExt;
        drop(std::fs::set_permissions(&self.0, std::fs::Permissions::from_mode(0o755)));
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A disk that can only be read is read: also one whose last server did not end well.
pub async fn a_read_only_disk_is_read(db: TestDb) {
    let mut process = Process::start(&db);
    let admin = process.admin().await;
    admin.create("customers", json!({"name": "stored"})).await;
    let killed = ReadOnly::copy_of(&db);
    process.tell_to_end();
    process.ends_well();
    let ended = ReadOnly::copy_of(&db);
    for (folder, has_log) in [(&killed, true), (&ended, false)] {
        assert_eq!(folder.0.join("db-wal").exists(), has_log);
        let process = folder.serve(&db);
        let client = comes_in_to_read(&process.url).await;
        assert_eq!(client.names("/v1/customers").await, ["stored"]);
        assert_eq!(client.get("/v1/search?q=stored").await.each("title"), ["stored"]);
        Client::new(&process.url)
            .post("/v1/auth/login", json!({"email": ADMIN, "password": "wrong"}))
            .await
            .refused(401, "wrong_credentials");
        // Sessions that were stored go on, but nothing of them changes.
        Client::new(&process.url).with_token(admin.token()).get("/v1/me").await.ok(200);
        let refresh = json!({"refresh_token": admin.tokens["refresh_token"]});
        Client::new(&process.url).post("/v1/auth/refresh", refresh).await.refused(503, "unavailable");
    }
}

/// A server that restarts again and again costs an import no attempt.
pub async fn an_import_survives_restarts(db: TestDb) {
    let server = Server::start(db.clone()).await;
    let admin = server.admin().await;
    let rows: String = (0..1_500).map(|number| format!("Acme {number}\n")).collect();
    let body = json!({"object": "customers", "content": format!("name\n{rows}")});
    let path = format!("/v1/imports/{}", admin.create("imports", body).await);
    let terminate = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid();",
        db.name()
    );
    for _ in 0..8 {
        beside(&db, &terminate);
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    let begun = Instant::now();
    while !matches!(admin.get(&path).await.body["status"].as_str(), Some("done" | "failed")) {
        assert!(begun.elapsed() < Duration::from_secs(90), "the import never ends");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let import = admin.get(&path).await.ok(200);
    assert_eq!((&import["status"], &import["created_count"]), (&json!("done"), &json!(1_500)), "{import}");
    assert_eq!(admin.get("/v1/customers?total=true&limit=1").await.ok(200)["page"]["total"], 1_500);
}

/// An import that was given up goes on when its job is tried again.
pub async fn an_import_given_up_goes_on(db: TestDb) {
    let server = Server::start(db.clone()).await;
    let admin = server.admin().await;
    let own = |sql: &str| PgConnection::establish(&db.url).expect("it opens").batch_execute(sql).expect("SQL");
    own("ALTER TABLE customers RENAME TO taken_away");
    let body = json!({"object": "customers", "content": "name\nAcme\nBeta\n"});
    let path = format!("/v1/imports/{}", admin.create("imports", body).await);
    let job = async |state: &str| {
        let jobs = admin.get(&format!("/v1/jobs?state={state}&limit=200")).await.ok(200);
        jobs["data"].as_array().unwrap().iter().find(|job| job["kind"] == "import").cloned()
    };
    eventually(|| async { job("waiting").await.is_some_and(|job| job["last_error"].is_string()) }).await;
    own("UPDATE jobs SET attempts = max_attempts - 1, run_at = now() WHERE kind = 'import'");
    eventually(|| async { job("dead").await.is_some() }).await;
    assert_eq!(admin.get(&path).await.ok(200)["status"], "failed");
    own("ALTER TABLE taken_away RENAME TO customers");
    let id = job("dead").await.expect("the job")["id"].as_str().unwrap().to_owned();
    admin.post(&format!("/v1/jobs/{id}/retry"), json!({})).await.ok(200);
    eventually(|| async { admin.get(&path).await.ok(200)["status"] == "done" }).await;
    let import = admin.get(&path).await.ok(200);
    assert_eq!((&import["created_count"], &import["problem"]), (&json!(2), &json!(null)), "{import}");
}
