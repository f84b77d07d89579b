//! Both engines give the same answers to the same calls, to the byte.

use std::collections::HashMap;

use serde_json::json;

use crate::{
    client::{Answer, Client},
    server::Server,
    support::TestDb,
};

/// What was said, with ids, times and secrets replaced in the order in which they appear.
#[derive(Default)]
struct Transcript {
    lines: Vec<String>,
    names: HashMap<String, String>,
}

impl Transcript {
    fn note(&mut self, what: &str, answer: &Answer) {
        let mut headers = String::new();
        for name in
            ["etag", "location", "link", "content-type", "x-total-count", "content-language", "idempotency-replayed", "allow"]
        {
            headers.push_str(&format!("{name}={} ", answer.header(name)));
        }
        let line = self.neutral(&format!("{what}: {} {headers}{}", answer.status, answer.text));
        self.lines.push(line);
    }

    /// Runs of characters that ids, times and cursors are made of, if they look like one.
    fn neutral(&mut self, text: &str) -> String {
        let mut neutral = String::with_capacity(text.len());
        let belongs = |character: char| character.is_ascii_alphanumeric() || "-_:.".contains(character);
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|character| !belongs(character)).unwrap_or(rest.len());
            if end == 0 {
                neutral.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            }
            let (run, after) = rest.split_at(end);
            let word = run.trim_end_matches(':');
            neutral.push_str(&self.name(word));
            neutral.push_str(&run[word.len()..]);
            rest = after;
        }
        neutral
    }

    fn name(&mut self, run: &str) -> String {
        let is_id = run.len() == 36 && run.matches('-').count() == 4;
        let is_time = run.len() == 24 && run.ends_with('Z') && run.as_bytes()[10] == b'T';
        let is_secret = ["fk_", "ft_", "fr_"].iter().any(|prefix| run.starts_with(prefix)) && run.len() > 8;
        // A storage key ends in a part of an id; a cursor holds ids and times.
        let is_cursor = run.len() > 40;
        let is_storage_key =
            run.rsplit_once('_').is_some_and(|(_, end)| end.len() == 8 && end.chars().all(|digit| digit.is_ascii_hexdigit()));
        if !(is_id || is_time || is_secret || is_cursor || is_storage_key) {
            return run.to_owned();
        }
        if is_time {
            // Which of two writes fell into the same millisecond is chance.
            return "TIME".to_owned();
        }
        let next = format!("N{}", self.names.len());
        self.names.entry(run.to_owned()).or_insert(next).clone()
    }
}

pub async fn the_same_calls_get_the_same_answers(sqlite: TestDb, postgres: TestDb) {
    let (here, there) = (play(sqlite).await, play(postgres).await);
    for (here, there) in here.iter().zip(&there) {
        assert_eq!(here, there);
    }
    assert_eq!(here.len(), there.len());
    assert!(here.len() > 100, "only {} calls", here.len());
}

async fn play(db: TestDb) -> Vec<String> {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let mut said = Transcript::default();
    let tag = admin.create("tags", json!({"name": "重点"})).await;
    for (key, kind, more) in [
        ("tier", "choice", json!({"choices": [{"value": "gold"}, {"value": "silver"}]})),
        ("rank", "decimal", json!({"indexed": true})),
        ("since", "date", json!({})),
        ("motto", "text", json!({"searchable": true})),
        ("worth", "money", json!({})),
        ("langs", "multi_choice", json!({"choices": [{"value": "zh"}, {"value": "en"}]})),
        ("ref", "reference", json!({"reference_object": "customer"})),
    ] {
        admin.custom_field(key, kind, more).await;
    }
    let mut ids: Vec<String> = Vec::new();
    let names = [
        "Alpha",
        "alpha",
        "ÄPFEL",
        "äpfel",
        "华为技术",
        "华润",
        "100%",
        "a_b",
        "Zeta",
        "éclair",
        "ｆｕｌｌ",
        "😀 emoji",
        "中-兴",
        "O'Neil",
        "  x  y ",
        "ß",
        "İstanbul",
        "\u{10ffff}",
    ];
    for (number, name) in names.into_iter().enumerate() {
        let body = json!({
            "name": name, "industry": (number % 3 > 0).then_some(["IT", "it"][number % 2]), "employee_count": (number % 4 > 0).then_some(number * 7),
            "annual_revenue": (number % 2 > 0).then(|| json!({"amount": number * 100, "currency": "CNY"})),
            "birthday": (number % 5 > 0).then(|| format!("20{:02}-01-31", number)), "tag_ids": if number % 6 == 0 { json!([tag]) } else { json!([]) },
            "phones": [{"value": format!("1380013{:04}", 8000 + number)}], "emails": [{"value": format!("n{number}@example.com")}],
            "parent_id": ids.last().filter(|_| number % 4 == 2), "external_ids": {"sap": number.to_string()},
            "custom": {"tier": if number % 2 == 0 { json!("gold") } else { json!(null) }, "rank": 0.5 * number as f64, "since": "2026-01-31",
                "motto": format!("motto {number}"), "worth": {"amount": number, "currency": "USD"}, "langs": ["zh"], "ref": ids.first()},
        });
        let answer = admin.post("/v1/customers", body).await;
        said.note(&format!("create {name:?}"), &answer);
        ids.push(answer.ok(201)["id"].as_str().unwrap().to_owned());
    }
    for number in 0..4 {
        let body = json!({"name": format!("Contact {number}"), "customers": [{"customer_id": ids[number], "buying_role": "champion"}, {"customer_id": ids[number + 1]}]});
        said.note("contact", &admin.post("/v1/contacts", body).await);
    }
    for path in READS {
        let path = path.replace("{id}", &ids[0]).replace("{tag}", &tag);
        said.note(&path, &admin.get(&path).await);
    }
    for body in SEARCHES {
        let body = serde_json::from_str(body).expect("JSON");
        said.note("search", &admin.post("/v1/customers/search", body).await);
    }
    writes(&mut said, &admin, &ids).await;
    for sort in [
        "name",
        "-name",
        "industry",
        "-employee_count",
        "annual_revenue",
        "birthday",
        "custom.rank",
        "-custom.tier",
        "custom.worth",
        "updated_at",
    ] {
        let mut path = format!("/v1/customers?sort={sort}&limit=5&fields=name");
        loop {
            let answer = admin.get(&path).await;
            said.note(sort, &answer);
            let next = answer.ok(200)["page"]["next"].as_str().map(str::to_owned);
            let Some(next) = next else { break };
            path = format!("/v1/customers?sort={sort}&limit=5&fields=name&cursor={next}");
        }
    }
    said.lines
}

async fn writes(said: &mut Transcript, admin: &Client, ids: &[String]) {
    let path = format!("/v1/customers/{}", ids[0]);
    for body in [
        json!({"name": "Renamed", "custom": {"rank": null}}),
        json!({"nmae": 1, "status": "x", "annual_revenue": {"amount": 1.5}}),
        json!({}),
        json!({"parent_id": ids[2]}),
        json!({"parent_id": ids[0]}),
        json!({"custom": {"worth": {"amount": 1}}}),
        json!({"name": "a\u{0}b"}),
        json!({"tag_ids": [ids[0]]}),
    ] {
        said.note(&format!("patch {body}"), &admin.patch(&path, body).await);
    }
    said.note("stale", &admin.patch(&path, json!({"name": "x"})).header("If-Match", "\"v1\"").await);
    said.note(
        "by fields",
        &admin.patch(&format!("{path}?on_conflict=fields"), json!({"source": "x"})).header("If-Match", "\"v1\"").await,
    );
    for _ in 0..2 {
        said.note("keyed", &admin.post("/v1/customers", json!({"name": "Keyed"})).header("Idempotency-Key", "k").await);
    }
    said.note("keyed", &admin.post("/v1/customers", json!({"name": "Other"})).header("Idempotency-Key", "k").await);
    said.note("taken", &admin.post("/v1/customers", json!({"name": "x", "external_ids": {"sap": "1"}})).await);
    said.note("upsert", &admin.put("/v1/customers/ext:sap:1", json!({"source": "y"})).await);
    said.note("upsert", &admin.put("/v1/customers/ext:sap:new", json!({"name": "Upserted"})).await);
    said.note("delete", &admin.delete(&path).await);
    said.note("archived", &admin.get("/v1/customers?archived=true").await);
    said.note("gone", &admin.get(&path).await);
    said.note("restore", &admin.post(&format!("{path}/restore"), json!({})).await);
    said.note("duplicate", &admin.post("/v1/tags", json!({"name": "重点"})).await);
    said.note("history", &admin.get(&format!("{path}/history")).await);
    said.note("timeline", &admin.get(&format!("{path}/timeline")).await);
    said.note("feed", &admin.get("/v1/changes?limit=200").await);
}

const READS: &[&str] = &[
    "/v1/customers",
    "/v1/customers/{id}",
    "/v1/customers/{id}?expand=owner,contacts,children,tags&fields=name,contact_count,child_count",
    "/v1/customers?expand=parent,contacts&fields=name&limit=7&total=true",
    "/v1/customers?name=Alpha",
    "/v1/customers?name_contains=ä",
    "/v1/customers?name_contains=%25",
    "/v1/customers?name_contains=FULL",
    "/v1/customers?name_starts=华",
    "/v1/customers?name_gt=a&sort=name",
    "/v1/customers?industry=IT",
    "/v1/customers?industry_ne=IT",
    "/v1/customers?industry_nin=IT,it",
    "/v1/customers?industry_null=true",
    "/v1/customers?annual_revenue_gte=500&sort=annual_revenue",
    "/v1/customers?birthday_lt=2010-01-01",
    "/v1/customers?tags_any={tag}",
    "/v1/customers?tags_none={tag}&limit=3",
    "/v1/customers?custom.tier=gold",
    "/v1/customers?custom.rank_gt=0.5&sort=custom.rank",
    "/v1/customers?custom.langs_any=zh&limit=2",
    "/v1/customers?custom.ref={id}&limit=2",
    "/v1/customers?contacts.name=Contact 1",
    "/v1/customers?parent.name=alpha",
    "/v1/customers?children_null=false",
    "/v1/customers?emails_any=n3@example.com",
    "/v1/customers?phones_any=13800138003",
    "/v1/customers?q=华",
    "/v1/customers?q=huawei",
    "/v1/customers?q=hw",
    "/v1/customers?q=apfel",
    "/v1/customers?q=motto",
    "/v1/customers?q=0013800",
    "/v1/customers?q=example.com&limit=3",
    "/v1/customers?q=emoji",
    "/v1/customers?q=",
    "/v1/search?q=a",
    "/v1/search?q=contact",
    "/v1/search?q=华",
    "/v1/customers?offset=3&limit=2",
    "/v1/customers?created_at_gte=start_of_day&limit=1",
    "/v1/contacts?customer.industry=it",
    "/v1/contacts?sort=-name&expand=customer",
    "/v1/users",
    "/v1/roles?sort=key",
    "/v1/teams",
    "/v1/tags?q=zd",
    "/v1/custom-fields?sort=key",
    "/v1/api-keys",
    "/v1/metadata/objects",
    "/v1/me",
    "/v1/customers?nonsense=1",
    "/v1/customers?sort=nonsense",
    "/v1/customers?limit=0",
    "/v1/customers/x",
    "/v1/customers/ext:sap:3",
    "/v1/nonsense",
    "/v1/jobs",
    "/healthz",
];

const SEARCHES: &[&str] = &[
    r#"{"filter": {"not": {"field": "industry", "value": "IT"}}, "sort": ["name"]}"#,
    r#"{"filter": {"or": [{"field": "name", "op": "contains", "value": "Ä"}, {"field": "employee_count", "op": "gte", "value": 60}]}, "sort": "name", "total": true}"#,
    r#"{"filter": {"not": {"or": [{"field": "custom.tier", "op": "null", "value": true}, {"field": "birthday", "op": "gt", "value": {"relative": "today"}}]}}}"#,
    r#"{"filter": {"field": "contacts", "op": "any", "value": {"field": "name", "op": "starts", "value": "contact"}}, "fields": ["name", "contact_count"]}"#,
    r#"{"filter": {"field": "nmae", "op": "is", "value": 1}, "sort": ["x"], "limit": 0}"#,
    r#"{"filter": {"and": [{"q": "华"}, {"field": "custom.worth", "op": "lt", "value": 5}]}}"#,
];
