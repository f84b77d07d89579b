//! Plays calls, writes down what came of them, and compares that with a golden file.

use std::{collections::HashMap, fmt::Write as _, fs, path::PathBuf};

use farley_domain::values::{id::Id, time::Timestamp};
use farley_persistence::{StoreError, TenantKey};
use serde_json::{Map, Value, json};

use crate::{
    client::{Answer, Client, Request},
    server::Server,
    support::{Engine, TestDb},
};

/// The headers that are part of an answer's meaning.
const HEADERS: &[&str] = &[
    "content-type",
    "etag",
    "location",
    "link",
    "x-total-count",
    "content-language",
    "idempotency-replayed",
    "allow",
    "www-authenticate",
    "cache-control",
];
/// What is never twice the same, and secret besides.
const SECRETS: &[&str] = &["access_token", "refresh_token", "invitation_token", "reset_token", "token", "url"];
/// How long something took, as long as it took no time worth mentioning.
const DURATIONS: &[&str] = &["response_seconds", "seconds_in_former_step"];
/// Texts longer than this stand one member a line.
const WIDTH: usize = 140;
/// How many answers that differ are shown.
const SHOWN: usize = 4;

pub struct Recorder {
    pub server: Server,
    pub admin: Client,
    area: &'static str,
    began: Timestamp,
    /// Where the feed stood when the scenario began.
    cursor: Option<String>,
    /// Whether times that lie some days off depend on the time of day at which this runs.
    pub is_coarse: bool,
    names: HashMap<String, String>,
    counts: HashMap<&'static str, usize>,
    secrets: Vec<(String, String)>,
    entries: Vec<String>,
    messages: Vec<String>,
    /// Records that have a ledger.
    ledgers: Vec<String>,
}

impl Recorder {
    /// A server that does no jobs, and a tenant as it comes.
    pub async fn begin(db: TestDb, area: &'static str) -> Recorder {
        Recorder::begin_with_jobs(db, area, 0).await
    }

    pub async fn begin_with_jobs(db: TestDb, area: &'static str, jobs: usize) -> Recorder {
        let mut recorder = Recorder::at_first(db, area, jobs).await;
        let mut cursor = String::new();
        loop {
            let page = recorder.admin.get(&format!("/v1/changes?limit=200{cursor}")).await.ok(200);
            let next = page["page"]["next"].as_str().expect("a cursor").to_owned();
            cursor = format!("&cursor={next}");
            recorder.cursor = Some(next);
            if page["data"] == json!([]) {
                return recorder;
            }
        }
    }

    /// As `begin`, but the feed is told from the very beginning.
    pub async fn at_first(db: TestDb, area: &'static str, jobs: usize) -> Recorder {
        let began = farley::http::clock::now();
        let server = Server::start_with(db, |settings| settings.jobs = jobs).await;
        let admin = server.admin().await;
        Recorder {
            server,
            admin,
            area,
            began,
            cursor: None,
            is_coarse: false,
            names: HashMap::new(),
            counts: HashMap::new(),
            secrets: Vec::new(),
            entries: Vec::new(),
            messages: Vec::new(),
            ledgers: Vec::new(),
        }
    }

    /// Sends a request and writes down the answer, and what a refusal says in both languages.
    pub async fn play(&mut self, request: Request) -> Answer {
        let again = request.again();
        let (what, by, headers, sent) = (request.what.clone(), request.by.clone(), request.headers.clone(), request.sent.clone());
        let answer = request.await;
        let mut entry = Map::new();
        entry.insert("call".to_owned(), json!(what));
        if by != self.admin.id {
            entry.insert("by".to_owned(), json!(by));
        }
        for (name, value) in headers {
            entry.insert(name, json!(value));
        }
        if !sent.is_null() {
            entry.insert("sent".to_owned(), sent);
        }
        entry.insert("status".to_owned(), json!(answer.status));
        for name in HEADERS {
            let value = answer.header(name);
            let expected = match *name {
                "content-type" if answer.status >= 400 => "application/problem+json",
                "content-type" => "application/json",
                "cache-control" => "no-store",
                _ => "",
            };
            if value != expected {
                entry.insert((*name).to_owned(), json!(value));
            }
        }
        self.name_call(answer.header("x-request-id"));
        if answer.status >= 400 {
            self.note_words(&what, &answer, again).await;
            entry.insert("body".to_owned(), without_words(&answer.body));
        } else if answer.body.is_null() && !answer.text.is_empty() {
            entry.insert("text".to_owned(), json!(answer.text));
        } else if !answer.text.is_empty() {
            entry.insert("body".to_owned(), without_words(&answer.body));
        }
        self.note(Value::Object(entry));
        if ["opportunities", "leads"].iter().any(|collection| what == format!("POST /v1/{collection}")) && answer.status == 201 {
            self.ledgers.push(format!("{}/{}", &what[5..], answer.body["id"].as_str().expect("an id")));
        }
        answer
    }

    /// Creates a record and gives its id.
    pub async fn create(&mut self, collection: &str, body: Value) -> String {
        let answer = self.play(self.admin.post(&format!("/v1/{collection}"), body)).await;
        answer.ok(201)["id"].as_str().expect("an id").to_owned()
    }

    /// The tenant, for jobs that are done when the scenario says so.
    pub async fn tenant(&self) -> TenantKey {
        let nobody = TenantKey { id: Id::NIL, number: 0 };
        let read = self.server.app.store.read::<_, StoreError>(nobody, |reader| reader.tenants());
        let row = read.await.expect("tenants").into_iter().next().expect("a tenant");
        TenantKey { id: row.id, number: row.number }
    }

    pub async fn get(&mut self, path: &str) -> Value {
        self.play(self.admin.get(path)).await.body
    }

    pub async fn post(&mut self, path: &str, body: Value) -> Value {
        self.play(self.admin.post(path, body)).await.body
    }

    pub async fn patch(&mut self, path: &str, body: Value) -> Value {
        self.play(self.admin.patch(path, body)).await.body
    }

    pub async fn delete(&mut self, path: &str) -> Value {
        self.play(self.admin.delete(path)).await.body
    }

    /// Each page of a list, to its end.
    pub async fn pages(&mut self, path: &str) {
        let mut next = path.to_owned();
        loop {
            let page = self.get(&next).await;
            let Some(cursor) = page["page"]["next"].as_str() else { return };
            next = format!("{path}{}cursor={cursor}", if path.contains('?') { "&" } else { "?" });
        }
    }

    /// Adds the feed and the ledgers, and compares it all with what is checked in.
    pub async fn end(mut self) -> Result<(), Failure> {
        let mut cursor = self.cursor.take().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        loop {
            let page = self.admin.get(&format!("/v1/changes?limit=200{cursor}")).await.ok(200);
            let events = page["data"].as_array().expect("events");
            events.iter().for_each(|event| self.note(json!({"event": event})));
            if events.is_empty() {
                break;
            }
            cursor = format!("&cursor={}", page["page"]["next"].as_str().expect("a cursor"));
        }
        for path in std::mem::take(&mut self.ledgers) {
            let ledger = self.admin.get(&format!("{path}/ledger?limit=200")).await.body;
            self.note(json!({"ledger": path, "entries": ledger["data"]}));
        }
        let engine = self.server.db.engine;
        let structure = compare(&format!("{}.json", self.area), &self.entries, engine);
        let words = compare(&format!("messages/{}.json", self.area), &self.messages, engine);
        structure.and(words)
    }

    async fn note_words(&mut self, what: &str, answer: &Answer, again: Option<Request>) {
        let mut words = json!({"call": what, "en": words_of(&answer.body)});
        // Asked again for the same, a refusal refuses again; a replayed answer keeps its language.
        let again = again.filter(|request| request.headers.iter().all(|(name, _)| name != "Accept-Language"));
        if let Some(request) = again.filter(|request| !request.what.contains("/auth/")) {
            let chinese = request.header("Accept-Language", "zh-CN").await;
            assert_eq!(chinese.status, answer.status, "{what} in Chinese");
            self.name_call(chinese.header("x-request-id"));
            words["zh-CN"] = words_of(&chinese.body);
        }
        let text = layout(&self.neutral(&words, ""), 0);
        if !self.messages.contains(&text) {
            self.messages.push(text);
        }
    }

    fn note(&mut self, entry: Value) {
        let text = layout(&self.neutral(&entry, ""), 0);
        self.entries.push(text);
    }

    fn name_call(&mut self, request_id: &str) {
        let name = format!("call {}", self.entries.len() + 1);
        self.names.insert(request_id.to_owned(), name);
    }

    /// The value with everything replaced that is different each time.
    fn neutral(&mut self, value: &Value, name: &str) -> Value {
        match value {
            _ if name == "example" => value.clone(),
            Value::Object(members) => {
                let neutral = members.iter().map(|(member, value)| {
                    // What an event changes is named above what it was and is.
                    let name = if ["from", "to"].contains(&member.as_str()) { name } else { member };
                    let value = self.neutral(value, name);
                    (self.text(member), value)
                });
                Value::Object(neutral.collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(|item| self.neutral(item, name)).collect()),
            Value::Number(number) if DURATIONS.contains(&name) && number.as_i64().is_some_and(|seconds| seconds < 300) => {
                json!("<seconds>")
            }
            Value::String(text) => Value::String(self.named_text(text, name)),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    fn named_text(&mut self, text: &str, name: &str) -> String {
        let is_secret = SECRETS.contains(&name) || ["fk_", "ft_", "fr_"].iter().any(|prefix| text.starts_with(prefix));
        if is_secret && text.len() > 20 && self.secrets.iter().all(|(secret, _)| secret != text) {
            let kind = SECRETS.iter().find(|secret| **secret == name).copied().unwrap_or("secret");
            let name = self.next_name(kind);
            self.secrets.push((text.to_owned(), name));
        }
        match name {
            "next" => return self.name("cursor", text),
            "position" => return self.name("position", text),
            "storage_key" => return self.name("storage_key", text),
            "prefix" => return self.name("prefix", text),
            // The hash of all that is shown: what it is made of stands below it.
            "etag" if text.starts_with("W/") => return "W/\"<hash>\"".to_owned(),
            // On PostgreSQL what is refused or only validated may use up a number.
            "number" => return text.trim_end_matches(|digit: char| digit.is_ascii_digit()).to_owned() + "<number>",
            _ => {}
        }
        let text = self.secrets.iter().fold(text.to_owned(), |text, (secret, name)| text.replace(secret.as_str(), name));
        self.text(&text)
    }

    /// The text with its ids, times and cursors replaced.
    fn text(&mut self, text: &str) -> String {
        let text = text.replace(&self.server.url, "<server>");
        let mut neutral = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(first) = rest.chars().next() {
            let (name, length) = if let Some(id) = rest.get(..36).filter(|text| is_id(text)) {
                (self.name("id", id), 36)
            } else if let Some(time) = rest.get(..24).and_then(Timestamp::parse).filter(|_| rest.as_bytes()[10] == b'T') {
                (self.time(&rest[..24], time), 24)
            } else if let Some(cursor) = rest.strip_prefix("cursor=") {
                let end = cursor.find(|end: char| !(end.is_ascii_alphanumeric() || "-_".contains(end))).unwrap_or(cursor.len());
                let name = if end > 8 { self.name("cursor", &cursor[..end]) } else { cursor[..end].to_owned() };
                (format!("cursor={name}"), 7 + end)
            } else {
                (first.to_string(), first.len_utf8())
            };
            neutral.push_str(&name);
            rest = &rest[length..];
        }
        neutral
    }

    /// Times of this run by how far off they are; those that a scenario gives (long ago or far ahead) as they are.
    fn time(&self, text: &str, time: Timestamp) -> String {
        let year: u32 = text[..4].parse().expect("a year");
        if !(2025..2036).contains(&year) {
            return text.to_owned();
        }
        let quarters = (time.milliseconds() - self.began.milliseconds()).div_euclid(900_000);
        match quarters {
            -1 | 0 => "<now>".to_owned(),
            _ if self.is_coarse => "<time>".to_owned(),
            quarters if quarters % 96 == 0 => format!("<now{:+}d>", quarters / 96),
            quarters => format!("<now{:+}min>", quarters * 15),
        }
    }

    fn name(&mut self, kind: &'static str, text: &str) -> String {
        if let Some(name) = self.names.get(text) {
            return name.clone();
        }
        let name = self.next_name(kind);
        self.names.insert(text.to_owned(), name.clone());
        name
    }

    fn next_name(&mut self, kind: &'static str) -> String {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        format!("{kind}-{count}")
    }
}

fn is_id(text: &str) -> bool {
    text.bytes().enumerate().all(|(place, byte)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

/// What a problem says to people.
fn words_of(problem: &Value) -> Value {
    let faults = problem["errors"].as_array().into_iter().flatten();
    let faults: Vec<Value> = faults.map(|fault| json!([fault["pointer"], fault["code"], fault["message"]])).collect();
    let mut words = json!({"title": problem["title"], "detail": problem["detail"]});
    if !faults.is_empty() {
        words["errors"] = Value::Array(faults);
    }
    words
}

/// The same without words for people: they have files of their own.
fn without_words(body: &Value) -> Value {
    match body {
        Value::Object(members) => {
            let is_problem = members.contains_key("type") && members.contains_key("detail");
            let is_fault = members.contains_key("code") && members.contains_key("message");
            let kept = members.iter().filter(|(name, _)| {
                let is_word = is_problem && ["title", "detail", "request_id", "status"].contains(&name.as_str());
                !(is_word || is_fault && name.as_str() == "message")
            });
            Value::Object(kept.map(|(name, value)| (name.clone(), without_words(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_words).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => body.clone(),
    }
}

/// JSON to be read by people: what fits stands on a line, and so do members that are null together.
fn layout(value: &Value, depth: usize) -> String {
    let flat = value.to_string();
    let indent = " ".repeat(depth + 1);
    let is_small = depth > 0 && flat.chars().count() + depth < WIDTH;
    match value {
        Value::Array(items) if !is_small && !items.is_empty() => {
            let lines: Vec<String> = items.iter().map(|item| format!("{indent}{}", layout(item, depth + 1))).collect();
            format!("[\n{}\n{}]", lines.join(",\n"), " ".repeat(depth))
        }
        Value::Object(members) if !is_small && !members.is_empty() => {
            let mut lines: Vec<String> = Vec::new();
            let mut after_null = false;
            for (name, value) in members {
                let member = format!("{}: {}", Value::String(name.clone()), layout(value, depth + 1));
                match lines.last_mut().filter(|line| after_null && value.is_null() && line.chars().count() < WIDTH - 40) {
                    Some(line) => write!(line, ", {member}").expect("a text takes more"),
                    None => lines.push(format!("{indent}{member}")),
                }
                after_null = value.is_null();
            }
            format!("{{\n{}\n{}}}", lines.join(",\n"), " ".repeat(depth))
        }
        _ => flat,
    }
}

/// What is different, shown as a test's failure.
pub struct Failure(String);

impl std::fmt::Debug for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn compare(name: &str, entries: &[String], engine: Engine) -> Result<(), Failure> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden")).join(name);
    let now = format!("[\n{}\n]\n", entries.join(",\n"));
    if std::env::var("FARLEY_TEST_UPDATE_GOLDEN").is_ok_and(|value| value == "1") {
        // One engine writes; the next run compares the other with it.
        if engine == Engine::Sqlite {
            fs::create_dir_all(path.parent().expect("a folder")).expect("the folder of golden files");
            fs::write(&path, now).expect("the golden file is written");
        }
        return Ok(());
    }
    let golden = fs::read_to_string(&path).unwrap_or_else(|_| "[\n\n]\n".to_owned());
    if golden == now {
        return Ok(());
    }
    let inner = golden.strip_prefix("[\n").and_then(|text| text.strip_suffix("\n]\n")).unwrap_or(&golden);
    let pinned: Vec<String> =
        inner.split("\n},\n").map(|entry| format!("{}\n}}", entry.strip_suffix("\n}").unwrap_or(entry))).collect();
    let mut text = format!("{} differs, on {} (FARLEY_TEST_UPDATE_GOLDEN=1 rewrites it):\n", path.display(), engine.name());
    let changed: Vec<(usize, &String, &String)> = pinned
        .iter()
        .zip(entries)
        .enumerate()
        .filter(|(_, (then, now))| then != now)
        .map(|(place, (then, now))| (place, then, now))
        .collect();
    for (place, then, now) in changed.iter().take(SHOWN) {
        write!(text, "\n@@ {} of {} @@\n{}", place + 1, pinned.len(), difference(then, now)).expect("a text takes more");
    }
    if pinned.len() != entries.len() {
        write!(text, "\n{} entries became {}", pinned.len(), entries.len()).expect("a text takes more");
    }
    write!(text, "\n{} entries differ", changed.len()).expect("a text takes more");
    Err(Failure(text))
}

/// The lines of both in their order: what is common with its surroundings, what only one has with its sign.
fn difference(then: &str, now: &str) -> String {
    const AROUND: usize = 3;
    /// So many lines are compared each with each.
    const MOST: usize = 3_000;
    let (then, now): (Vec<&str>, Vec<&str>) = (then.lines().collect(), now.lines().collect());
    // What is alike at both ends need not be compared each with each.
    let alike = then.iter().zip(&now).take_while(|(then, now)| then == now).count();
    let from = alike.saturating_sub(AROUND);
    let (then, now) = (&then[from..], &now[from..]);
    let alike = then.iter().rev().zip(now.iter().rev()).take_while(|(then, now)| then == now).count();
    let after = alike.saturating_sub(AROUND);
    let (then, now) = (&then[..then.len() - after], &now[..now.len() - after]);
    let (then, now) = (&then[..then.len().min(MOST)], &now[..now.len().min(MOST)]);
    // The longest common run of lines from each place on.
    let mut common = vec![vec![0_usize; now.len() + 1]; then.len() + 1];
    for left in (0..then.len()).rev() {
        for right in (0..now.len()).rev() {
            common[left][right] = if then[left] == now[right] {
                common[left + 1][right + 1] + 1
            } else {
                common[left + 1][right].max(common[left][right + 1])
            };
        }
    }
    let (mut left, mut right, mut lines) = (0, 0, Vec::new());
    while left < then.len() || right < now.len() {
        if left < then.len() && right < now.len() && then[left] == now[right] {
            lines.push((' ', then[left]));
            (left, right) = (left + 1, right + 1);
        } else if right == now.len() || left < then.len() && common[left + 1][right] >= common[left][right + 1] {
            lines.push(('-', then[left]));
            left += 1;
        } else {
            lines.push(('+', now[right]));
            right += 1;
        }
    }
    let is_near = |place: usize| {
        let from = place.saturating_sub(AROUND);
        lines[from..(place + AROUND + 1).min(lines.len())].iter().any(|(sign, _)| *sign != ' ')
    };
    // The call itself says where one is.
    let shown = (0..lines.len()).filter(|place| *place < 3 || is_near(*place));
    shown.map(|place| format!("{}{}\n", lines[place].0, lines[place].1)).collect()
}
