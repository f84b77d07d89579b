//! A tenant that is older than an object learns of it when a newer Farley starts, once: its ready-made roles, and the records to begin
//! with; what it has said itself stays.

use std::collections::BTreeMap;

use diesel::{Connection, PgConnection, SqliteConnection, connection::SimpleConnection};
use serde_json::{Value, json};

use crate::{
    client::Client,
    server::Server,
    support::{Engine, TestDb},
};

/// What the tenant is to have never heard of.
const NEW: [&str; 5] = ["ticket", "queue", "ticket_status", "ticket_category", "sla_policy"];

fn is_new(permission: &Value) -> bool {
    NEW.iter().any(|object| permission["object"] == *object)
}

/// The permissions of each role, by its key, in the order of their text.
async fn permissions(admin: &Client) -> BTreeMap<String, Vec<String>> {
    let roles = admin.get("/v1/roles?limit=200").await.ok(200);
    let mut permissions = BTreeMap::new();
    for role in roles["data"].as_array().unwrap() {
        let mut own: Vec<String> = role["permissions"].as_array().unwrap().iter().map(Value::to_string).collect();
        own.sort();
        if let Some(key) = role["key"].as_str() {
            permissions.insert(key.to_owned(), own);
        }
    }
    permissions
}

/// Changes what a role may do.
async fn change(admin: &Client, key: &str, change: impl Fn(&mut Vec<Value>)) {
    let role = admin.get(&format!("/v1/roles?key={key}")).await.ok(200)["data"][0].clone();
    let mut permissions = role["permissions"].as_array().unwrap().clone();
    change(&mut permissions);
    let path = format!("/v1/roles/{}", role["id"].as_str().unwrap());
    admin.patch(&path, json!({"permissions": permissions})).await.ok(200);
}

fn beside(db: &TestDb, sql: &str) {
    match db.engine {
        Engine::Sqlite => SqliteConnection::establish(db.path()).expect("it opens").batch_execute(sql),
        Engine::Postgres => PgConnection::establish(&db.url).expect("it opens").batch_execute(sql),
    }
    .expect("SQL");
}

async fn statuses(admin: &Client) -> Vec<String> {
    admin.names("/v1/ticket-statuses?limit=200&sort=sort_order").await
}

pub async fn what_is_new_is_learnt_once(db: TestDb) {
    let server = Server::start(db.clone()).await;
    let admin = server.admin().await;
    let (whole, first) = (permissions(&admin).await, statuses(&admin).await);
    assert!(!first.is_empty() && whole["service_agent"].iter().any(|permission| permission.contains("\"ticket\"")));
    // As the tenant was before there were tickets: but one role was given some already, and one is archived.
    for key in ["sales_manager", "service_agent", "read_only", "integration", "sales_representative"] {
        change(&admin, key, |permissions| permissions.retain(|permission| !is_new(permission))).await;
    }
    let own = json!({"object": "ticket", "action": "read", "scope": "own"});
    change(&admin, "sales_representative", |permissions| permissions.push(own.clone())).await;
    let archived = admin.role("marketer").await;
    admin.delete(&format!("/v1/roles/{archived}")).await.ok(204);
    let mine = json!({"name": "Own", "permissions": [{"object": "customer", "action": "read", "scope": "all"}]});
    let mine = format!("/v1/roles/{}", admin.post("/v1/roles", mine).await.ok(201)["id"].as_str().unwrap());
    let before = permissions(&admin).await;
    let cursor = admin.get("/v1/changes?cursor=now").await.ok(200)["page"]["next"].as_str().unwrap().to_owned();
    server.stop_gracefully().await;
    let names: Vec<String> = NEW.iter().map(|object| format!("'{object}'")).collect();
    beside(
        &db,
        &format!(
            "DELETE FROM known_objects WHERE object IN ({}); DELETE FROM ticket_status_moves; DELETE FROM ticket_statuses; \
             DELETE FROM roles WHERE key = 'service_manager'",
            names.join(", ")
        ),
    );

    let server = Server::start(db.clone()).await;
    let admin = server.admin().await;
    let learnt = permissions(&admin).await;
    for key in ["sales_manager", "service_agent", "read_only", "integration", "service_manager", "administrator"] {
        assert_eq!(learnt[key], whole[key], "{key}");
    }
    // Of what a role was told itself, nothing is said anew; what else is new is added.
    let mut expected = before["sales_representative"].clone();
    expected.extend(
        whole["sales_representative"]
            .iter()
            .filter(|permission| is_new(&serde_json::from_str(permission).unwrap()) && !permission.contains("\"ticket\""))
            .cloned(),
    );
    expected.sort();
    assert_eq!(learnt["sales_representative"], expected);
    assert_eq!(admin.get(&mine).await.ok(200)["permissions"], json!([{"object": "customer", "action": "read", "scope": "all"}]));
    assert!(!learnt.contains_key("marketer"));
    assert_eq!(statuses(&admin).await, first);
    // It is Farley that did it, and the log says so.
    let events = async |admin: &Client, kinds: &str| {
        let page = admin.get(&format!("/v1/changes?limit=200&cursor={cursor}&types={kinds}")).await.ok(200);
        let events = page["data"].as_array().unwrap().clone();
        assert!(events.iter().all(|event| event["actor"]["kind"] == "system"), "{events:?}");
        events.len()
    };
    assert_eq!(events(&admin, "role.updated").await, 5);
    assert_eq!(events(&admin, "role.created").await, 1);
    assert_eq!(events(&admin, "ticket_status.created").await, first.len());

    // From then on it is the tenant's own: what it takes away stays away, and nothing comes twice.
    change(&admin, "service_agent", |permissions| permissions.retain(|permission| !is_new(permission))).await;
    let status = admin.get("/v1/ticket-statuses?limit=1").await.each("id")[0].clone();
    admin.patch(&format!("/v1/ticket-statuses/{status}"), json!({"name": "Our own"})).await.ok(200);
    let (kept, left) = (permissions(&admin).await, statuses(&admin).await);
    server.stop_gracefully().await;
    let server = Server::start(db).await;
    let admin = server.admin().await;
    assert_eq!((permissions(&admin).await, statuses(&admin).await), (kept, left));
}
