//! `/v1/files`: uploads, contents, links, and who may read them.

mod content;
mod keeping;
mod links;
mod messages;
mod permissions;
mod s3;
mod scanner;
mod upload;

pub use keeping::tenant;

use reqwest::Method;
use serde_json::Value;

use crate::{
    client::{Client, Request},
    support::Test,
    tests,
};

/// The cases of this collection.
pub fn tests() -> Vec<Test> {
    tests![
        content::ranges_and_conditions_follow_the_book,
        content::nothing_served_acts_within_a_page,
        keeping::a_large_file_takes_little_memory,
        keeping::killed_at_any_instant_no_row_is_without_content,
        keeping::what_no_file_got_is_removed_after_a_day,
        links::a_link_is_read_without_a_credential,
        messages::bring_their_files_along,
        messages::a_converted_lead_takes_its_files_along,
        permissions::a_file_is_read_with_its_record_alone,
        permissions::a_record_has_so_many_files,
        s3::contents_are_kept_in_a_bucket,
        scanner::nothing_is_served_before_it_is_found_clean,
        upload::names_are_kept_as_typed,
        upload::a_form_says_as_much_as_parameters,
        upload::types_are_looked_at,
        upload::what_is_refused_leaves_nothing,
        upload::a_key_replays_the_same_bytes
    ]
}

/// A body as it is, with its parameters.
pub fn raw(client: &Client, query: &str, media_type: &str, body: impl Into<reqwest::Body>) -> Request {
    client.request(Method::POST, &format!("/v1/files?{query}")).body(media_type, body)
}

/// Uploads a text of this name; the file.
pub async fn uploaded(client: &Client, query: &str, body: &str) -> Value {
    raw(client, query, "text/plain", body.to_owned()).await.ok(201)
}

pub fn id(file: &Value) -> &str {
    file["id"].as_str().unwrap_or_else(|| panic!("no id: {file}"))
}

/// How many contents there are in the folder of a server, finished or not.
pub fn stored(folder: &std::path::Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.flatten().map(|entry| if entry.path().is_dir() { stored(&entry.path()) } else { 1 }).sum()
}
