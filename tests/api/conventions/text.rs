//! Text: kept as it was typed, compared however it is written.

use std::time::Duration;

use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, connection::SimpleConnection, sql_types::BigInt,
};
use farley::{http::clock, records::reindex};
use farley_domain::{customers::customer::Customer, identity::tag::Tag, model::entity::Entity};
use farley_persistence::{Origin, TenantKey};
use serde_json::{Value, json};

use crate::{
    client::Client,
    integration::imports,
    server::Server,
    support::{Engine, TestDb},
};

pub async fn is_kept_as_it_was_typed(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let body = json!({"name": "  3½ ＡＣＭＥ　工具  m² \u{200b}", "other_names": ["e\u{301}t ①"], "description": "\n a  ²\n\tb \n",
        "external_ids": {"sap": "A²"}, "addresses": [{"city": "臺北"}]});
    let customer = admin.post("/v1/customers", body).await.ok(201);
    assert_eq!(customer["name"], "3½ ＡＣＭＥ　工具  m²");
    assert_eq!((&customer["other_names"], &customer["description"]), (&json!(["ét ①"]), &json!("a  ²\n\tb")));
    assert_eq!((&customer["external_ids"]["sap"], &customer["addresses"][0]["city"]), (&json!("A²"), &json!("臺北")));
    assert_eq!(admin.get("/v1/customers/ext:sap:A²").await.ok(200)["id"], customer["id"]);
    assert_eq!(admin.get("/v1/customers/ext:sap:A2").await.status, 404);
    let product = admin.post("/v1/products", json!({"name": "Ω ﬁlter", "sku": "①²"})).await.ok(201);
    assert_eq!((&product["name"], &product["sku"]), (&json!("Ω ﬁlter"), &json!("①²")));
    // Two lines are no line.
    assert_eq!(admin.post("/v1/tags", json!({"name": "a\r\n\tb"})).await.ok(201)["name"], "a b");
}

/// What was typed of a number is told from what is sent as its value, and stays while the value does.
pub async fn typed_of_a_number_is_derived(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let body = json!({"name": "Acme", "phones": [{"value": "138-0013-8000", "typed": "made up"}],
        "emails": [{"value": "a@example.cn", "typed": "A@evil.example"}]});
    let customer = admin.post("/v1/customers", body).await.ok(201);
    assert_eq!(customer["phones"][0]["typed"], "138-0013-8000");
    assert_eq!(customer["emails"][0]["typed"], Value::Null);
    let path = format!("/v1/customers/{}", customer["id"].as_str().unwrap());
    let mut phones = customer["phones"].clone();
    phones[0]["label"] = json!("work");
    phones[0]["typed"] = json!("other");
    phones.as_array_mut().unwrap().push(json!({"value": "0755 2878 0808"}));
    let customer = admin.patch(&path, json!({"phones": phones})).await.ok(200);
    let typed = |at: usize| customer["phones"][at]["typed"].clone();
    assert_eq!((typed(0), typed(1)), (json!("138-0013-8000"), json!("0755 2878 0808")));
}

pub async fn is_one_however_it_is_written(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for (name, asked) in [
        ("İstanbul Gıda", "istanbul gida"),
        ("Straßenbau", "STRASSEN"),
        ("Smørrebrød", "smorre"),
        ("Łódź", "lodz"),
        ("Müller", "Mueller"),
        ("Goethe", "Göthe"),
        ("華為技術", "华为技术"),
        ("台湾银行", "臺灣銀行"),
        ("Ｗide", "wide"),
    ] {
        admin.create("customers", json!({"name": name})).await;
        for asked in [asked, name] {
            let plus = asked.replace(' ', "%20");
            assert_eq!(admin.names(&format!("/v1/customers?name_contains={plus}")).await, [name], "{asked}");
            assert_eq!(admin.names(&format!("/v1/customers?q={plus}")).await, [name], "{asked}");
        }
    }
    admin.create("customers", json!({"name": "吕布"})).await;
    for q in ["lvbu", "lubu", "lyubu", "lb"] {
        assert_eq!(admin.names(&format!("/v1/customers?q={q}")).await, ["吕布"], "{q}");
    }
    // Unique names.
    for (collection, field, taken, others) in [
        ("tags", "name", "VIP", &["vip", "ＶＩＰ", "Vip "][..]),
        ("tags", "name", "Müller", &["muller", "MUELLER"]),
        ("tags", "name", "臺灣", &["台湾"]),
        ("teams", "name", "Straße", &["STRASSE"]),
        ("pools", "name", "East  pool", &["east pool"]),
    ] {
        let id = admin.create(collection, json!({field: taken})).await;
        for other in others {
            let refused = admin.post(&format!("/v1/{collection}"), json!({field: other})).await.refused(409, "duplicate");
            assert!(refused.to_string().contains(&id), "{other}: {refused}");
        }
    }
    let product = admin.create("products", json!({"name": "One", "sku": "①²"})).await;
    let path = format!("/v1/products/{product}");
    admin.post("/v1/products", json!({"name": "Two", "sku": "12"})).await.refused(409, "duplicate");
    // Its own name in other letters is no other's, and an archived one is free.
    assert_eq!(admin.patch(&path, json!({"name": "ONE", "sku": "12"})).await.ok(200)["sku"], "12");
    admin.delete(&path).await.ok(204);
    admin.create("products", json!({"name": "oné"})).await;
    admin.post(&format!("{path}/restore"), json!({})).await.refused(409, "duplicate");
    // An address and its punycode.
    admin.create("contacts", json!({"name": "Li", "emails": [{"value": "li@XN--fsqu00a.xn--55qx5d"}]})).await;
    for asked in ["li@例子.公司", "li@xn--fsqu00a.xn--55qx5d"] {
        assert_eq!(admin.names(&format!("/v1/contacts?emails_any={asked}")).await, ["Li"], "{asked}");
        assert_eq!(admin.names(&format!("/v1/contacts?q={asked}")).await, ["Li"], "{asked}");
    }
    let pipeline = admin.create("pipelines", json!({"name": "P"})).await;
    let stages = format!("/v1/pipelines/{pipeline}/stages");
    let name = admin.get(&stages).await.ok(200)["data"][0]["name"].as_str().map(str::to_uppercase);
    if let Some(name) = name {
        admin.post(&stages, json!({"name": name, "probability": 5})).await.refused(409, "duplicate");
    }
}

pub async fn of_tags_is_one_at_once(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let names = ["VIP", "vip", "Vip", "vIP", "ＶＩＰ", "vİp"];
    let requests = names.map(|name| {
        let request = admin.post("/v1/tags", json!({"name": name}));
        tokio::spawn(async move { request.await.status })
    });
    let mut made = 0;
    for request in requests {
        let status = request.await.unwrap();
        assert!(status == 201 || status == 409, "{status}");
        made += u32::from(status == 201);
    }
    assert_eq!((made, admin.names("/v1/tags").await.len()), (1, 1));
}

async fn tenant(server: &Server) -> TenantKey {
    let nobody = TenantKey { id: farley_domain::values::id::Id::NIL, number: 0 };
    let read = server.app.store.read::<_, farley_persistence::StoreError>(nobody, |reader| reader.tenants());
    read.await.expect("tenants").first().map(|row| TenantKey { id: row.id, number: row.number }).expect("a tenant")
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// A database from before is indexed again in the background.
pub async fn of_old_databases_is_indexed_again(db: TestDb) {
    let (engine, url) = (db.engine, db.url.clone());
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for number in 0..120 {
        admin.create("customers", json!({"name": format!("華為 {number} GmbH")})).await;
    }
    admin.create("tags", json!({"name": "VIP"})).await;
    // What records were found by before, as an older folding had it, and one of a record that is gone.
    let forget = "UPDATE lookup_values SET value = 'past ' || value; DELETE FROM search_documents;";
    match engine {
        Engine::Sqlite => {
            let path = url.strip_prefix("sqlite:").unwrap_or(&url);
            let mut connection = SqliteConnection::establish(path).expect("it opens");
            connection.batch_execute("PRAGMA busy_timeout = 10000; DELETE FROM search_terms;").expect("forgotten");
            connection.batch_execute(forget).expect("forgotten");
        }
        Engine::Postgres => PgConnection::establish(&url).expect("it opens").batch_execute(forget).expect("forgotten"),
    }
    assert!(admin.names("/v1/customers?q=华为").await.is_empty());
    let asked = server.app.store.write::<_, farley::http::problem::Problem>(
        tenant(&server).await,
        Origin::system(clock::now()),
        |work| {
            reindex::ask(work, Customer::object(), clock::now())?;
            reindex::ask(work, Tag::object(), clock::now())
        },
    );
    asked.await.expect("asked for");
    at_rest(&admin).await;
    assert_eq!(admin.get("/v1/customers?q=华为&total=true&limit=1").await.ok(200)["page"]["total"], 120);
    admin.post("/v1/tags", json!({"name": "vip"})).await.refused(409, "duplicate");
    let found = admin.post("/v1/leads/check-duplicates", json!({"company": "华为 7"})).await.ok(200);
    assert_eq!(found["matches"][0]["score"], 1.0, "{found}");
    let past = "SELECT count(*) AS count FROM lookup_values WHERE object IN ('customer', 'tag') AND value LIKE 'past %'";
    let left = match engine {
        Engine::Sqlite => {
            let path = url.strip_prefix("sqlite:").unwrap_or(&url);
            diesel::sql_query(past).get_result::<Count>(&mut SqliteConnection::establish(path).expect("it opens"))
        }
        Engine::Postgres => diesel::sql_query(past).get_result(&mut PgConnection::establish(&url).expect("it opens")),
    };
    assert_eq!(left.expect("counted").count, 0, "values of the past are left");
}

/// Waits until no job of indexing is left.
async fn at_rest(admin: &Client) {
    for _ in 0..300 {
        let jobs = admin.get("/v1/jobs?limit=200").await.ok(200);
        let mut kinds = jobs["data"].as_array().unwrap().iter().filter(|job| job["kind"] == reindex::KIND);
        if kinds.all(|job| job["state"] == "done") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it is still being indexed");
}

/// The matching of imports.
pub async fn of_imports_is_matched_however_it_is_written(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let vip = admin.create("tags", json!({"name": "VIP"})).await;
    let parent = admin.create("customers", json!({"name": "華為技術"})).await;
    let known = admin.create("customers", json!({"name": "Müller Söhne"})).await;
    let content = "name,tags,parent_id,region\nmueller soehne,vip,华为技术,华东\n";
    let body = json!({"object": "customer", "match_by": "name", "content": content,
        "mapping": {"columns": [{"column": "tags", "field": "tag_ids"}]}});
    let done = imports::import(&admin, body).await;
    assert_eq!(imports::counts(&done), [0, 1, 0, 0], "{:?}", imports::faults(&admin, &done).await);
    let customer = admin.get(&format!("/v1/customers/{known}")).await.ok(200);
    assert_eq!((&customer["tag_ids"], &customer["parent_id"]), (&json!([vip]), &json!(parent)));
}
