//! The benchmark's database, and a look around in it: ids, a deep cursor, fragments to search for.

use farley_domain::{
    customers::customer::Customer, identity::tenant::Tenant, model::entity::Entity, query::predicate::Predicate, values::id::Id,
};
use farley_persistence::{Settings, Store, StoreError, TenantKey, bare::Bare};
use serde_json::Value;

use super::{
    CREDENTIALS, Error,
    client::{Client, escaped, get, post},
    server::Server,
    works::{LIST, Work, search_path},
};
use crate::demo;

/// Fills the database with demo customers, unless an earlier run has. It must be empty, or made by the benchmark.
pub async fn database(url: &str, customers: u64, opportunities: u64) -> Result<TenantKey, Error> {
    let server = Server::farley(url, CREDENTIALS).await?;
    token(&server).await.map_err(|_| Error::NotOurs)?;
    drop(server);
    let settings =
        Settings { url: url.to_owned(), connections: 16, heavy: 1, statement_limit: None, new_id: crate::http::clock::new_id };
    let store =
        tokio::task::spawn_blocking(move || Store::open(&settings)).await.map_err(|error| Error::Server(error.to_string()))??;
    let (key, tenant) = first_tenant(&store).await?;
    let there = store.read::<_, StoreError>(key, |reader| reader.count(Customer::object(), &Predicate::all())).await?;
    if there == 0 {
        fill(&store, key, &tenant, customers, opportunities).await?;
    }
    let url = url.to_owned();
    let settled = tokio::task::spawn_blocking(move || {
        store.close();
        // As a database is that has been in use for some time.
        Bare::open(&url, Customer::object())?.settle()
    });
    settled.await.map_err(|error| Error::Server(error.to_string()))??;
    Ok(key)
}

async fn first_tenant(store: &Store) -> Result<(TenantKey, Tenant), Error> {
    let nobody = TenantKey { id: Id::NIL, number: 0 };
    let tenants = store.read::<_, StoreError>(nobody, |reader| reader.tenants()).await?;
    let row = tenants.first().ok_or(Error::NotOurs)?;
    Ok((TenantKey { id: row.id, number: row.number }, row.to_tenant()?))
}

async fn fill(store: &Store, key: TenantKey, tenant: &Tenant, customers: u64, opportunities: u64) -> Result<(), Error> {
    let options = demo::Options { customers, opportunities, tickets: 0, seed: 1, now: crate::http::clock::now() };
    let bar = demo::progress_bar(&options);
    let filled = demo::fill(store, key, tenant, &options, |there| bar.set_position(there)).await;
    bar.finish_and_clear();
    let summary = filled?;
    eprintln!(
        "filled with {} customers, {} contacts and {} opportunities in {:.1} s",
        summary.customers,
        summary.contacts,
        summary.opportunities,
        bar.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Logs in as the benchmark's administrator.
pub async fn token(server: &Server) -> Result<String, Error> {
    let (email, password) = CREDENTIALS;
    let body = serde_json::json!({"email": email, "password": password}).to_string();
    let mut client = Client::connect(server.address).await?;
    let answer = json(&mut client, &post("/v1/auth/login", "", &body)).await?;
    let token = answer["access_token"].as_str();
    token.map(str::to_owned).ok_or_else(|| Error::Answer("the log-in gave no token".to_owned()))
}

/// Walks down the list; the ids seen, and the cursor at the end of the walk.
pub async fn walk(server: &Server, token: &str, rows: usize) -> Result<(Vec<Id>, String), Error> {
    let mut client = Client::connect(server.address).await?;
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    let list = LIST.replace("limit=50", "limit=200&fields=id,created_at");
    while ids.len() < rows {
        let after = if cursor.is_empty() { String::new() } else { format!("&cursor={}", escaped(&cursor)) };
        let page = json(&mut client, &get(&format!("{list}{after}"), Some(token))).await?;
        let rows = page["data"].as_array().into_iter().flatten();
        ids.extend(rows.filter_map(|row| row["id"].as_str()?.parse::<Id>().ok()));
        match page["page"]["next"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    if ids.is_empty() {
        return Err(Error::Answer("the list is empty".to_owned()));
    }
    Ok((ids, cursor))
}

/// Parts of Chinese names, of their sound, and of phone numbers. Of each kind that with the fewest hits that fill a page is taken.
const FRAGMENTS: [&[&str]; 3] = [
    &["恒远", "鑫盛", "博润", "华瑞", "海天", "达海", "精密机械"],
    &["hengyuan", "xinsheng", "borun", "huarui", "haitian", "shenzhen"],
    &["80235", "55771", "13888", "6102", "8888", "1388", "138"],
];
/// What very many names contain.
const BROAD: &str = "有限公司";

/// The searches to measure.
pub async fn searches(server: &Server, token: &str) -> Result<Vec<Work>, Error> {
    let mut client = Client::connect(server.address).await?;
    let mut searches = Vec::new();
    for kind in FRAGMENTS {
        let mut fewest: Option<(u64, &str)> = None;
        for fragment in kind {
            let hits = hits(&mut client, token, fragment).await?;
            if hits >= 50 && fewest.is_none_or(|(fewest, _)| hits < fewest) {
                fewest = Some((hits, fragment));
            }
        }
        searches.extend(fewest.map(|(hits, fragment)| Work::Search { fragment: fragment.to_owned(), hits, few: true }));
    }
    let hits = hits(&mut client, token, BROAD).await?;
    searches.push(Work::Search { fragment: BROAD.to_owned(), hits, few: false });
    Ok(searches)
}

async fn hits(client: &mut Client, token: &str, fragment: &str) -> Result<u64, Error> {
    let page = json(client, &get(&format!("{}&total=true", search_path(fragment)), Some(token))).await?;
    page["page"]["total"].as_u64().ok_or_else(|| Error::Answer("the search tells no total".to_owned()))
}

/// What a server answers with 200, as JSON.
pub async fn json(client: &mut Client, request: &[u8]) -> Result<Value, Error> {
    let (status, body) = client.send(request).await?;
    if status != 200 {
        return Err(Error::Answer(format!("status {status}: {}", String::from_utf8_lossy(body))));
    }
    serde_json::from_slice(body).map_err(|error| Error::Answer(error.to_string()))
}
