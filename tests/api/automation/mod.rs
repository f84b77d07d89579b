//! Automation: rules that act by themselves, and macros.

mod dry_runs;
mod macros;
mod rules;
mod times;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{client::Client, support::Test, tests};

/// The cases of this area.
pub fn tests() -> Vec<Test> {
    tests![
        rules::every_action_is_done_and_noted,
        rules::a_later_rule_sees_what_an_earlier_one_did,
        rules::rules_that_set_each_other_off_come_to_an_end,
        rules::a_run_that_fails_leaves_nothing_and_stops_nobody,
        rules::what_does_not_fit_is_told_at_its_place,
        rules::nobody_has_done_what_they_may_not_do,
        rules::what_happens_while_a_rule_is_inactive_is_not_made_up_for,
        rules::killed_in_between_each_event_is_worked_off_once,
        times::what_waits_is_reminded_of_and_then_solved,
        times::what_is_repeated_is_bounded_and_outlives_a_stop,
        times::business_time_days_and_times_to_come_are_counted,
        dry_runs::a_dry_run_tells_what_then_happens,
        dry_runs::a_dry_run_tells_what_comes_due,
        macros::macros_are_applied_as_whoever_applies_them,
        macros::what_a_macro_would_do_is_told_first,
    ]
}

/// A record once it is as it should be; as it is, after longer than anything promised.
pub async fn once(client: &Client, path: &str, so: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let record = client.get(path).await.ok(200);
        if so(&record) || begun.elapsed() > Duration::from_secs(60) {
            return record;
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

/// The rule, once it has been set off so many times.
pub async fn ran(client: &Client, rule: &str, times: i64) -> Value {
    let rule = once(client, &format!("/v1/rules/{rule}"), |rule| rule["run_count"].as_i64() >= Some(times)).await;
    assert_eq!(rule["run_count"], times, "{rule}");
    rule
}

/// The runs of a rule, the first one first.
pub async fn runs(client: &Client, rule: &str) -> Vec<Value> {
    let page = client.get(&format!("/v1/rule-runs?rule_id={rule}&sort=created_at&limit=200")).await.ok(200);
    page["data"].as_array().unwrap().clone()
}
