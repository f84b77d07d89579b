//! `/v1/imports` and `farley import`: files read into objects, row by row, in the background.

mod b2b_sales;
mod forms;
mod preview;
mod resume;
mod rows;
mod workbooks;

use std::time::Duration;

use serde_json::{Value, json};

use crate::{client::Client, support::Test, tests};

/// Waits until an import has ended, longer than a lease of a dead worker lasts.
pub async fn ended(client: &Client, id: &str) -> Value {
    for _ in 0..600 {
        let import = client.get(&format!("/v1/imports/{id}")).await.ok(200);
        if import["status"] == "done" || import["status"] == "failed" {
            return import;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the import never ended");
}

pub async fn begin(client: &Client, body: Value) -> String {
    let import = client.post("/v1/imports", body).await.ok(201);
    assert_eq!(import["status"], "waiting");
    import["id"].as_str().unwrap().to_owned()
}

pub async fn import(client: &Client, body: Value) -> Value {
    ended(client, &begin(client, body).await).await
}

pub fn customers(content: &str) -> Value {
    json!({"object": "customer", "content": content})
}

/// Created, updated, unchanged, failed.
pub fn counts(import: &Value) -> [i64; 4] {
    ["created_count", "updated_count", "unchanged_count", "failed_count"].map(|name| import[name].as_i64().unwrap())
}

/// Row, column and code of every fault.
pub async fn faults(client: &Client, import: &Value) -> Vec<(i64, String, String)> {
    let path = format!("/v1/imports/{}/faults?limit=200", import["id"].as_str().unwrap());
    let page = client.get(&path).await.ok(200);
    let told = page["data"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    told.map(|fault| (fault["row"].as_i64().unwrap(), text(&fault["column"]), text(&fault["code"]))).collect()
}

pub fn told(faults: &[(i64, &str, &str)]) -> Vec<(i64, String, String)> {
    faults.iter().map(|(row, column, code)| (*row, (*column).to_owned(), (*code).to_owned())).collect()
}

/// Many rows, each with a key of its own.
pub fn many(rows: usize) -> String {
    let mut content = "name,external_ids.load\n".to_owned();
    (0..rows).for_each(|row| content.push_str(&format!("load {row},{row}\n")));
    content
}

pub async fn total(client: &Client) -> i64 {
    client.get("/v1/customers?total=true&limit=1").await.ok(200)["page"]["total"].as_i64().unwrap()
}

/// The cases of this area.
pub fn tests() -> Vec<Test> {
    tests![
        b2b_sales::a_whole_record_answers_as_its_files_do,
        b2b_sales::rows_change_parts_and_warn,
        forms::are_told_from_all_rows,
        forms::of_a_key_are_one_key,
        preview::columns_are_guessed_and_shown,
        preview::rows_are_tried_by_the_rules,
        resume::several_run_at_once,
        resume::go_on_after_a_kill,
        resume::go_on_at_once_after_a_stop,
        resume::the_same_command_goes_on,
        resume::given_up_they_go_on_while_their_file_is_there,
        resume::files_given_up_are_forgotten_in_time,
        rows::match_by_keys_and_by_fields,
        rows::have_their_faults_told,
        rows::are_all_taken_or_none_or_only_tried,
        rows::come_in_files_of_many_shapes,
        rows::need_permission_and_stay_within_the_tenant,
        workbooks::are_read_by_type_below_their_instructions,
        workbooks::count_days_from_their_own_epoch,
        workbooks::are_bounded_and_refused_at_their_place
    ]
}
