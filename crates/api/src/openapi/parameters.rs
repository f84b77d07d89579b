//! Parameters that many operations share, as components.

use serde_json::json;
use utoipa::openapi::{Object, Type, path::Parameter};

use super::schemas::{self, text};
pub use crate::records::parameters::{header, limit, limit_doc, list, offset, path, query, search_text, shared};

fn flag() -> Object {
    Object::with_type(Type::Boolean)
}

/// A cursor, which is as long as what it stands for.
#[must_use]
pub fn cursor() -> Object {
    text().max_length(Some(4_000)).build()
}

fn entity_tags() -> Object {
    text().max_length(Some(1_000)).build()
}

/// The shared parameters, by the name of their component.
#[must_use]
pub fn components() -> Vec<(&'static str, Parameter)> {
    let strategies = text().enum_values(Some(["fields"]));
    [
        ("Limit", query("limit", &limit_doc(), limit())),
        (
            "Cursor",
            query("cursor", "Where to go on: `page.next` of the page before, which must have been asked for with the same filter and sort.", cursor()),
        ),
        (
            "Offset",
            query("offset", "How many records to skip, for tables that jump to a page number. Past row 10,000 use the cursor. Not together with `cursor`.", offset()),
        ),
        ("Query", query("q", "Full-text search: names, also in pinyin or its initials, parts of e-mail addresses and phone numbers.", search_text())),
        ("Total", query("total", "Adds the exact number of hits, as `page.total` and as the header `X-Total-Count`.", flag())),
        ("Archived", query("archived", "Archived records instead of live ones; for a single record, also if it is archived.", flag())),
        (
            "AsOf",
            query(
                "as_of",
                "Records as they were at that time, out of their ledger: filters, sort and totals too. Of those that you may read now it tells what the ledger keeps and what never changes; all else is left out, and so are records that were not there yet. A time, or a relative one such as `-30d`.",
                text().max_length(Some(64)),
            )
            .example(Some(json!("2026-09-30T00:00:00Z"))),
        ),
        (
            "ValidateOnly",
            query("validate_only", "Checks everything and writes nothing. What would be refused is refused; else the answer shows what would be written.", flag()),
        ),
        (
            "OnConflict",
            query(
                "on_conflict",
                "With `fields`, a patch whose `If-Match` is out of date still goes through if none of *its* fields changed since that version.",
                strategies,
            ),
        ),
        (
            "IdempotencyKey",
            header(
                "Idempotency-Key",
                "A key of your choice. The same key and body within 24 hours replays the first answer; another body under the same key is a 422, a key whose first request is still running a 409.",
                text().min_length(Some(1)).max_length(Some(255)),
            ),
        ),
        (
            "IfMatch",
            header("If-Match", "The ETag of the version you know, such as `\"v7\"`. If the record has another by now, the answer is 412.", entity_tags()),
        ),
        ("IfNoneMatch", header("If-None-Match", "The ETag of the version you hold. If the record still has it, the answer is 304.", entity_tags())),
        (
            "AcceptLanguage",
            header("Accept-Language", "The language of problem titles, details and messages: `en` or `zh-CN`; `en`, unless given.", text().max_length(Some(200))),
        ),
        ("Id", path("id", "The id of the record, or `ext:{system}:{key}` with its key in another system.", schemas::EXAMPLE_ID)),
        ("System", path("system", "The other system: a lower-case letter, then lower-case letters, digits and `_`.", "sap")),
        ("Key", path("key", "The key of the record in that system.", "10042")),
    ]
    .into_iter()
    .map(|(name, parameter)| (name, parameter.build()))
    .collect()
}
