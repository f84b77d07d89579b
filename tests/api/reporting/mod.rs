//! Summaries, forecasts and the funnel: each figure is what its own list counts.

mod charts;
mod cohorts;
mod figures;
mod forecast_accuracy;
mod forecasts;
mod funnel;
mod handed_over;
mod queries;
mod saved;
mod segments;
mod service;
mod summaries;
mod velocity;

use serde_json::{Value, json};

use crate::{client::Client, support::Test, tests};

pub fn yuan(amount: i64) -> Value {
    json!({"amount": amount, "currency": "CNY"})
}

/// Sales of another system: name, month of 2017 in which it began, the stages it was in (0 to 3 open, 4 won, 5 lost), amount.
pub const SALES: &[(&str, u32, &[usize], i64)] = &[
    ("A", 1, &[0, 1, 2, 4], 100),
    ("B", 1, &[0, 1, 5], 200),
    ("C", 2, &[0, 2, 3, 4], 400),
    ("D", 2, &[0], 800),
    ("E", 3, &[1, 0, 1], 1_600),
    ("F", 3, &[0, 1, 2, 5], 3_200),
];

/// The default pipeline with these sales in it; each stage lasts ten days.
pub async fn sales(client: &Client) -> (String, Vec<String>) {
    let pipelines = client.get("/v1/pipelines?is_default=true").await.ok(200);
    let pipeline = pipelines["data"][0]["id"].as_str().expect("a pipeline").to_owned();
    let stages = client.list(&format!("/v1/pipelines/{pipeline}/stages?sort=sort_order"), "id").await;
    for (name, month, path, amount) in SALES {
        let time = |place: usize| format!("2017-{:02}-{:02}T04:00:00Z", *month as usize + place / 3, 1 + 10 * (place % 3));
        let history = path.iter().enumerate().filter(|(_, stage)| **stage < 4);
        let history: Vec<Value> =
            history.map(|(place, stage)| json!({"stage_id": stages[*stage], "entered_at": time(place)})).collect();
        let last = path[path.len() - 1];
        let mut body = json!({
            "name": name, "stage_id": stages[last], "amount": yuan(*amount), "opened_at": time(0),
            "stage_history": history, "source": if *amount > 300 { "web" } else { "fair" },
        });
        if last >= 4 {
            body["closed_at"] = json!(time(path.len() - 1));
            body["close_reason"] = json!("price");
        }
        client.create("opportunities", body).await;
    }
    (pipeline, stages)
}

/// The records that a figure's filter lists are as many as the figure says, and worth as much.
pub async fn is_listed(client: &Client, figure: &Value) {
    let list =
        client.post("/v1/opportunities/search", json!({"filter": figure["filter"], "total": true, "limit": 200})).await.ok(200);
    assert_eq!(list["page"]["total"], figure["count"], "{figure}");
    let sum: i64 = list["data"].as_array().unwrap().iter().filter_map(|one| one["amount"]["amount"].as_i64()).sum();
    assert_eq!(
        figure["amounts"].as_array().unwrap().iter().filter_map(|one| one["amount"].as_i64()).sum::<i64>(),
        sum,
        "{figure}"
    );
}

/// The cases of this area.
pub fn tests() -> Vec<Test> {
    tests![
        charts::workbooks_have_the_figures_of_the_answer,
        charts::workbooks_have_pivot_tables,
        charts::charts_draw_the_figures_of_the_answer,
        charts::formats_are_asked_for_by_parameter_or_header,
        charts::faults_of_charts_are_named_at_their_place,
        cohorts::retention_is_that_of_the_orders,
        cohorts::lifecycles_are_those_of_the_orders,
        figures::are_defined_in_two_languages,
        figures::are_rounded_once,
        figures::are_what_the_records_come_to,
        forecast_accuracy::errors_are_those_of_the_records_of_then,
        forecasts::stand_beside_quotas,
        funnel::counts_a_cohort,
        funnel::shows_a_snapshot,
        service::figures_are_what_their_lists_count,
        service::backlogs_are_those_of_their_time,
        service::satisfaction_is_what_the_answers_come_to,
        service::what_may_not_be_seen_is_not_counted,
        queries::figures_are_what_the_records_come_to,
        queries::buckets_have_keys_and_labels,
        queries::figures_are_worked_out_of_others,
        queries::rights_are_those_of_the_asker,
        queries::faults_are_named_at_their_place,
        queries::the_past_is_that_of_the_ledger,
        queries::answers_are_files_for_spreadsheets,
        saved::amounts_are_converted_at_the_rate_of_the_day,
        saved::ready_reports_are_what_their_records_come_to,
        saved::saved_reports_are_run_with_what_is_chosen,
        saved::dashboards_answer_each_widget,
        saved::lists_are_seen_by_views,
        segments::members_are_those_who_meet_the_filter,
        segments::rights_are_those_of_the_asker,
        segments::who_enters_and_leaves_is_told,
        segments::fixed_segments_hold_what_was_put_in,
        handed_over::count_for_their_new_owner_and_team,
        velocity::is_that_of_each_cohort,
        summaries::count_and_add_up,
        summaries::have_no_sums_too_large,
        summaries::keep_what_is_hidden,
        summaries::measure_by_hand,
        summaries::are_sorted_and_cut,
        summaries::say_what_the_rest_comes_to,
        summaries::are_cut_by_days_far_apart,
        summaries::count_once_in_each_of_many
    ]
}
