//! Parameters that many operations share, as components.

use farley_domain::query::list::VIEW;
use serde_json::json;
use utoipa::openapi::{
    Object, Type,
    path::{Parameter, ParameterBuilder},
};

use super::schemas::{self, text};
use crate::http::middleware::MAX_HEADER;
pub use crate::records::parameters::{header, limit, limit_doc, list, offset, path, query, search_text, shared};

/// What a path names a record by.
pub const ID: &str = "id";

/// What `view` is, in lists and searches.
pub const VIEW_DOC: &str = "A saved view of the object (see `/v1/views`), by its id or `ext:{system}:{key}`: its filter applies beside yours, and its sort order where you give none.";

fn flag() -> Object {
    Object::with_type(Type::Boolean)
}

/// A cursor, which is as long as what it stands for.
#[must_use]
pub fn cursor() -> Object {
    text().max_length(Some(4_000)).build()
}

fn entity_tags() -> Object {
    text().max_length(Some(MAX_HEADER)).build()
}

fn measured(name: &str, description: &str) -> ParameterBuilder {
    list(name, description, text().max_length(Some(300)), 4).example(Some(json!(["version"])))
}

/// The shared parameters, by the name of their component.
#[must_use]
pub fn components() -> Vec<(&'static str, Parameter)> {
    let strategies = text().enum_values(Some(["fields"]));
    [
        ("Limit", query("limit", &limit_doc(), limit())),
        (
            "Cursor",
            query("cursor", "The `page.next` of the previous page, to continue from there; use the same filter and sort.", cursor()),
        ),
        (
            "Offset",
            query("offset", "The number of records to skip, for tables that jump to a page number. Beyond row 10,000, use the cursor. Cannot be combined with `cursor`.", offset()),
        ),
        ("Query", query("q", "Full-text search: names, also by pinyin or its initials, and parts of e-mail addresses and phone numbers.", search_text())),
        ("Total", query("total", "Returns the exact number of matches, as `page.total` and in the header `X-Total-Count`.", flag())),
        ("Archived", query("archived", "For lists: with `true`, returns archived records instead of live ones; with `any`, both together: those with an `archived_at` are archived. For a single record, `true` returns it even if it is archived.", text().enum_values(Some(["false", "true", "any"])))),
        ("View", query(VIEW, VIEW_DOC, text().max_length(Some(300)))),
        ("Merged", query("merged", "Records that were merged into others are left out; with `true`, only those are returned, with `any`, all.", text().enum_values(Some(["false", "true", "any"])))),
        ("Average", measured("avg", "Fields to average over the records that have a value, at most 4: those that `sum` takes. Money is averaged per currency.")),
        ("Minimum", measured("min", "Fields of which to return the least value, at most 4: those that `sum` takes, and dates and times. For money, per currency.")),
        ("Maximum", measured("max", "Fields of which to return the greatest value, at most 4: those that `sum` takes, and dates and times. For money, per currency.")),
        ("GroupSort", query("sort", "What to sort the groups by, with `-` for descending: `count`, or a requested measure (`sum.probability`, `max.created_at`); for money, with its currency (`-sum.amount.CNY`). Groups without a value are last; equal ones are sorted by their group values.", text().max_length(Some(300))).example(Some(json!("-count")))),
        ("GroupLimit", query("limit", "The number of groups to return: the first in the order of `sort`, out of at most 50,000; `rest` has what the others come to. If absent, all groups are returned, at most 2,000.", schemas::of_type(Type::Integer).minimum(Some(1)).maximum(Some(2_000)))),
        (
            "AsOf",
            query(
                "as_of",
                "Returns records as they were at that time, according to their ledger; filters, sort and totals apply to that state too. Only records that you can read now are included, with the fields that the ledger keeps and those that never change. Other fields, and records that did not exist yet, are left out. A time, or a relative time such as `-30d`.",
                text().max_length(Some(64)),
            )
            .example(Some(json!("2026-09-30T00:00:00Z"))),
        ),
        (
            "ValidateOnly",
            query("validate_only", "Validates the request without writing anything. Invalid requests are rejected as usual; otherwise the response shows what would be written.", flag()),
        ),
        (
            "OnConflict",
            query(
                "on_conflict",
                "With `fields`, a patch with an outdated `If-Match` still succeeds if none of *its* fields has changed since that version.",
                strategies,
            ),
        ),
        (
            "IdempotencyKey",
            header(
                "Idempotency-Key",
                "A key of your choice. Repeating the same key and body within 24 hours returns the first response again. The same key with a different body returns 422; if the first request is still running, 409.",
                text().min_length(Some(1)).max_length(Some(255)),
            ),
        ),
        (
            "IfMatch",
            header("If-Match", "The ETag of the version you have, such as `\"v7\"`. If the record has changed since, the response is 412.", entity_tags()),
        ),
        ("IfNoneMatch", header("If-None-Match", "The ETag of the version you have. If the record has not changed, the response is 304.", entity_tags())),
        ("Id", path(ID, "The id of the record, or `ext:{system}:{key}` with its key in an external system.", schemas::EXAMPLE_ID)),
        ("System", path("system", "The external system: a lower-case letter, followed by lower-case letters, digits and `_`.", "sap")),
        ("Key", path("key", "The key of the record in the external system.", "10042")),
    ]
    .into_iter()
    .map(|(name, parameter)| (name, parameter.build()))
    .collect()
}
