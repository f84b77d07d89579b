//! `/v1/leads`: inquiries, who may claim them, and what becomes of them.

mod assign;
mod check_duplicates;
mod claim;
mod convert;
mod forms;
mod past;
mod pools;
mod response;
mod score;
mod status;

use farley::http::clock;
use farley_domain::values::time::Timestamp;
use farley_persistence::TenantKey;
use serde_json::{Value, json};

use crate::{client::Client, server::Server, support::Test, tests};

pub async fn tenant(server: &Server) -> TenantKey {
    let nobody = TenantKey { id: farley_domain::values::id::Id::NIL, number: 0 };
    let read = server.app.store.read::<_, farley_persistence::StoreError>(nobody, |reader| reader.tenants());
    let rows = read.await.expect("tenants");
    rows.first().map(|row| TenantKey { id: row.id, number: row.number }).expect("a tenant")
}

pub fn in_days(days: i64) -> Timestamp {
    clock::now().plus_seconds(days * 24 * 3600)
}

pub async fn pool(admin: &Client, more: Value) -> String {
    let mut body = json!({"name": "公海"});
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    admin.create("pools", body).await
}

pub async fn rep(server: &Server, admin: &Client, name: &str) -> Client {
    server.user(admin, name, "sales_representative", json!({})).await
}

pub async fn types(client: &Client, path: &str) -> Vec<String> {
    client.list(&format!("{path}/history"), "type").await
}

/// The cases of this area.
pub fn tests() -> Vec<Test> {
    tests![
        assign::follows_the_rules,
        check_duplicates::tells_of_similar_records_without_giving_them_away,
        check_duplicates::knows_names_however_they_are_written,
        check_duplicates::takes_converted_leads_for_their_customers,
        claim::is_granted_to_one_alone,
        claim::is_bounded_by_the_quotas_of_the_pool,
        convert::happens_once,
        convert::takes_the_contact_that_is_there,
        forms::become_leads_when_answered,
        forms::are_answered_from_the_sites_they_allow,
        forms::are_read_as_browsers_send_them,
        forms::answer_browsers_with_pages,
        forms::know_the_customers_that_leads_became,
        past::is_loaded_as_it_was,
        pools::show_leads_to_those_entitled,
        pools::take_back_leads_left_alone,
        response::too_late_is_told_once,
        score::follows_the_rules,
        score::learns_from_how_leads_end,
        status::goes_step_by_step
    ]
}
