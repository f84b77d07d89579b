//! Activities, tasks, and what follows from them.

mod activities;
mod calendar;
mod calls;
mod notifications;
mod tasks;

use serde_json::{Value, json};

use crate::{client::Client, support::Test, tests};

/// A time so many seconds from now.
pub fn later(seconds: i64) -> String {
    farley::http::clock::now().plus_seconds(seconds).to_string()
}

pub async fn field(client: &Client, path: &str, name: &str) -> Value {
    client.get(path).await.ok(200)[name].clone()
}

/// The first stage of the default pipeline, with the pipeline.
pub async fn opportunity(client: &Client, name: &str, customer: &str) -> String {
    client.create("opportunities", json!({"name": name, "customer_id": customer})).await
}

/// The cases of this area.
pub fn tests() -> Vec<Test> {
    tests![
        activities::concern_several_records,
        activities::are_read_with_what_they_concern,
        activities::keep_last_activity_and_next_task_of_records,
        activities::keep_them_exactly_under_load,
        calls::a_call_is_one_activity,
        calls::calls_follow_merged_tickets,
        calls::a_number_leads_to_what_is_open,
        calendar::shows_what_may_be_known,
        calendar::is_fed_to_other_programs,
        notifications::are_given_to_those_concerned,
        notifications::are_given_once_for_each_task,
        notifications::are_streamed,
        notifications::are_mailed_where_wanted,
        tasks::are_completed_snoozed_and_delegated,
        tasks::are_found_by_their_day,
        tasks::recur_when_completed
    ]
}
