//! Leads, cadences, pipelines, opportunities and orders.

mod cadences;
mod leads;
mod opportunities;
mod orders;
mod pipelines;

use serde_json::{Value, json};

use crate::{client::Client, support::Test, tests};

/// The default pipeline of a new tenant and its stages, in their order.
pub async fn pipeline(client: &Client) -> (String, Vec<String>) {
    let pipelines = client.get("/v1/pipelines?is_default=true").await.ok(200);
    let id = pipelines["data"][0]["id"].as_str().expect("a pipeline").to_owned();
    let stages = client.list(&format!("/v1/pipelines/{id}/stages?sort=sort_order"), "id").await;
    (id, stages)
}

pub fn yuan(amount: i64) -> Value {
    json!({"amount": amount, "currency": "CNY"})
}

/// The cases of this area.
pub fn tests() -> Vec<Test> {
    let pipelines = tests![
        pipelines::one_is_the_default,
        pipelines::stages_come_in_the_order_of_their_boards,
        pipelines::stages_are_read_across_pipelines
    ];
    let orders = tests![
        orders::an_order_comes_with_its_lines,
        orders::payments_and_refunds_settle_an_order,
        orders::amounts_are_the_sums_of_lines_by_brute_force,
        orders::numbers_are_given_or_made,
        orders::orders_keep_to_rights
    ];
    [cadences::tests(), leads::tests(), opportunities::tests(), orders, pipelines].into_iter().flatten().collect()
}
