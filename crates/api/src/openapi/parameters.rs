//! Parameters that many operations share, as components, and references to them.

use farley_domain::query::{
    list::{DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET},
    predicate::parse::MAX_QUERY,
};
use serde_json::json;
use utoipa::openapi::{
    Array, Object, Ref, RefOr, Required, Schema, Type,
    path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle},
};

use super::schemas::{of_type, text};

/// A reference to a shared parameter.
#[must_use]
pub fn shared(name: &str) -> Ref {
    Ref::new(format!("#/components/parameters/{name}"))
}

fn parameter(place: ParameterIn, name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    // In this order: the builder makes whatever is in the path required, and the path is where it begins.
    ParameterBuilder::new()
        .parameter_in(place)
        .required(Required::False)
        .name(name)
        .description(Some(description))
        .schema(Some(schema))
}

#[must_use]
pub fn query(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    parameter(ParameterIn::Query, name, description, schema)
}

fn header(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    parameter(ParameterIn::Header, name, description, schema)
}

/// A parameter in the path, with the value that the documentation shows.
#[must_use]
pub fn path(name: &str, description: &str, example: &str) -> ParameterBuilder {
    parameter(ParameterIn::Path, name, description, text()).example(Some(json!(example)))
}

/// A list in one parameter: `a,b`.
#[must_use]
pub fn list(name: &str, description: &str, item: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    query(name, description, Array::new(item)).style(Some(ParameterStyle::Form)).explode(Some(false))
}

/// How many records to skip.
#[must_use]
pub fn offset() -> Object {
    of_type(Type::Integer).minimum(Some(0)).maximum(usize::try_from(MAX_OFFSET).ok()).build()
}

/// A text to search for.
#[must_use]
pub fn search_text() -> Object {
    text().max_length(Some(MAX_QUERY)).build()
}

fn flag() -> Object {
    Object::with_type(Type::Boolean)
}

/// How many records a page has.
#[must_use]
pub fn limit() -> Object {
    of_type(Type::Integer).minimum(Some(1)).maximum(Some(MAX_LIMIT)).default(Some(json!(DEFAULT_LIMIT))).build()
}

/// The shared parameters, by the name of their component.
#[must_use]
pub fn components() -> Vec<(&'static str, Parameter)> {
    let strategies = text().enum_values(Some(["fields"]));
    [
        ("Limit", query("limit", "How many records a page has at most.", limit())),
        (
            "Cursor",
            query("cursor", "Where to go on: `page.next` of the page before, which must have been asked for with the same filter and sort.", text()),
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
                text(),
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
            header("If-Match", "The ETag of the version you know, such as `\"v7\"`. If the record has another by now, the answer is 412.", text()),
        ),
        ("IfNoneMatch", header("If-None-Match", "The ETag of the version you hold. If the record still has it, the answer is 304.", text())),
        (
            "AcceptLanguage",
            header("Accept-Language", "The language of problem titles, details and messages: `en` or `zh-CN`.", text().default(Some(json!("en")))),
        ),
        ("Id", path("id", "The id of the record, or `ext:{system}:{key}` with its key in another system.", super::schemas::EXAMPLE_ID)),
        ("System", path("system", "The other system: a lower-case letter, then lower-case letters, digits and `_`.", "sap")),
        ("Key", path("key", "The key of the record in that system.", "10042")),
    ]
    .into_iter()
    .map(|(name, parameter)| (name, parameter.build()))
    .collect()
}
