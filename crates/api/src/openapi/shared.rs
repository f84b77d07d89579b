//! Schemas that belong to no single object: money, pages, problems, events, filters.

use farley_domain::{
    model::{fault::FaultCode, field::Op, recurring::CONTACT_ID},
    query::{
        list::{ANY, MAX_EXPANDED, MAX_FIELDS, MAX_SORT_KEYS, MERGED, VIEW},
        predicate::{MAX_DEPTH, MAX_TESTS},
    },
};
use serde_json::{Value, json};
use utoipa::PartialSchema as _;
use utoipa::openapi::{
    Array, ObjectBuilder, Ref, RefOr, Schema, Type,
    schema::{AdditionalProperties, AnyOfBuilder, SchemaType},
};

use super::{
    parameters::{VIEW_DOC, cursor, limit, limit_doc, offset, search_text},
    schemas::{EXAMPLE_ID, MONEY, Notes, annotate, format, id, integer, nullable, of_type, text},
};
use crate::{
    http::problem::Code,
    records::{
        ledger::LedgerChange,
        summary::{Summary, SummaryGroup, SummaryRest},
    },
};

/// Every shared schema, by name.
#[must_use]
pub fn schemas() -> Vec<(&'static str, RefOr<Schema>)> {
    vec![
        (MONEY, money().into()),
        ("Page", page().into()),
        ("Problem", problem().into()),
        ("Fault", fault().into()),
        ("FieldChange", field_change().into()),
        ("Event", event().into()),
        ("EventPage", event_page().into()),
        ("LedgerPage", ledger_page().into()),
        ("LedgerChange", LedgerChange::schema()),
        ("Summary", Summary::schema()),
        ("SummaryGroup", SummaryGroup::schema()),
        ("SummaryRest", SummaryRest::schema()),
        ("Actor", actor().into()),
        ("Change", change().into()),
        ("Filter", filter().into()),
        ("FilterAnd", filter_and().into()),
        ("FilterOr", filter_or().into()),
        ("FilterNot", filter_not().into()),
        ("FilterSearch", filter_search().into()),
        ("FilterTest", filter_test().into()),
        ("FilterOperator", operator().into()),
        ("Search", search().into()),
    ]
}

fn object(doc: &str) -> ObjectBuilder {
    of_type(Type::Object).description(Some(doc))
}

fn named(name: &str) -> RefOr<Schema> {
    Ref::from_schema_name(name).into()
}

fn noted(schema: impl Into<RefOr<Schema>>, description: &str) -> RefOr<Schema> {
    annotate(schema.into(), &Notes { description, ..Notes::default() })
}

fn shown(schema: impl Into<RefOr<Schema>>, description: &str, example: Value) -> RefOr<Schema> {
    annotate(schema.into(), &Notes { description, example: Some(&example), ..Notes::default() })
}

fn anything(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some(description))
}

/// What a field of money takes at most, as the schema's builder has its bounds.
#[allow(clippy::cast_possible_truncation, reason = "Farley runs on 64 bits")]
const MAX_AMOUNT: isize = farley_domain::values::money::Money::MAX_AMOUNT as isize;

fn money() -> ObjectBuilder {
    object("An amount of money, in minor units (分, cents), never a float.")
        .property(
            "amount",
            shown(
                integer().minimum(Some(-MAX_AMOUNT)).maximum(Some(MAX_AMOUNT)),
                "Minor units: 1234500 is 12,345.00 yuan.",
                json!(1_234_500),
            ),
        )
        .property("currency", shown(text().pattern(Some("^[A-Z]{3}$")).max_length(Some(3)), "ISO 4217.", json!("CNY")))
        .required("amount")
        .required("currency")
}

fn page() -> ObjectBuilder {
    object("The position of a page in its list.")
        .property("next", noted(nullable(text().into()), "The cursor of the next page; null on the last one."))
        .property("has_more", shown(of_type(Type::Boolean), "Whether there is a next page.", json!(false)))
        .property(
            "total",
            noted(nullable(integer().minimum(Some(0)).into()), "The exact number of matches; null without `total=true`."),
        )
        .required("next")
        .required("has_more")
        .required("total")
}

fn problem() -> ObjectBuilder {
    let codes: Vec<String> = Code::ALL.iter().map(|code| format!("`{}`", code.as_str())).collect();
    let doc = format!("The kind of problem, for programs; codes never change. Currently: {}.", codes.join(", "));
    object(
        "Why a request was rejected (RFC 9457). Texts are in the language of the request's `Accept-Language`: `en` or `zh-CN`.",
    )
    .property(
        "type",
        shown(format("uri-reference"), "Identifies the kind of problem.", json!("https://farley.dev/problems/invalid_request")),
    )
    .property("title", shown(text(), "The kind of problem, in words.", json!("Bad request")))
    .property("status", shown(of_type(Type::Integer).minimum(Some(400)).maximum(Some(599)), "The HTTP status.", json!(400)))
    .property("detail", noted(text(), "What is wrong with this request, in words."))
    .property("instance", noted(format("uri-reference").max_length(Some(65_536)), "The path of the request."))
    .property("code", shown(text(), &doc, json!("invalid_request")))
    .property("request_id", noted(text(), "Identifies the request in the server's logs."))
    .property(
        "errors",
        noted(Array::new(named("Fault")), "Every invalid member or parameter; if there are more than 100, the first 100."),
    )
    .property("truncated", noted(of_type(Type::Boolean), "Present and true if there are more faults than `errors` lists."))
    .property("existing_id", noted(nullable(id().into()), "The conflicting record, if you have access to it (409)."))
    .property("allowed", noted(Array::new(text()), "What is allowed in the current state (409)."))
    .property("base_version", noted(integer(), "The version given in `If-Match` (412)."))
    .property("current_version", noted(integer(), "The current version of the record (412)."))
    .property("changed", noted(Array::new(named("FieldChange")), "The fields that changed between the two versions (412)."))
    .required("type")
    .required("title")
    .required("status")
    .required("code")
    .required("request_id")
}

fn fault() -> ObjectBuilder {
    let codes: Vec<String> = FaultCode::ALL.iter().map(|code| format!("`{}`", code.as_str())).collect();
    // Not an enum: a client generated today must survive a code added tomorrow.
    let doc = format!("The reason, for programs. Currently: {}.", codes.join(", "));
    object("An invalid member of a request, and the reason.")
        .property("pointer", shown(text(), "JSON pointer into the body, or the name of a parameter.", json!("/amount/currency")))
        .property("code", shown(text(), &doc, json!("unknown_currency")))
        .property("message", shown(text(), "The reason, in words.", json!("is not an ISO 4217 currency code")))
        .required("pointer")
        .required("code")
        .required("message")
}

fn field_change() -> ObjectBuilder {
    object("A field that someone else has changed in the meantime.")
        .property("field", shown(text(), "The name of the field; `custom.key` for a custom field.", json!("status")))
        .property("version", noted(integer(), "The version in which it changed."))
        .property("at", shown(format("date-time"), "When it changed.", json!("2026-03-01T08:00:00.000Z")))
        .property("by", shown(nullable(id().into()), "The user who changed it; null for the system.", json!(EXAMPLE_ID)))
        .property("by_name", shown(nullable(text().into()), "The user's name, if you can see it.", json!("李伟")))
        .property("from", anything("The value before; null if there was none."))
        .property("to", anything("The value after; null if there is none."))
        .required("field")
}

fn event() -> ObjectBuilder {
    let changes = of_type(Type::Object).additional_properties(Some(AdditionalProperties::RefOr(named("Change"))));
    object("A recorded change: who did what to which record, and when.")
        .property("id", noted(id(), "A UUID."))
        .property("type", shown(text(), "What happened, as `object.what`.", json!("customer.updated")))
        .property("at", shown(format("date-time"), "When it happened.", json!("2026-03-01T08:00:00.000Z")))
        .property("actor", named("Actor"))
        .property("origin", named("EventOrigin"))
        .property("object", shown(text(), "The object type of the record.", json!("customer")))
        .property("record_id", noted(id(), "The record."))
        .property("version", noted(integer(), "The version of the record after the change."))
        .property("changes", noted(changes, "The fields that changed; custom fields as `custom.key`."))
        .property("request_id", noted(nullable(text().into()), "The id of the request that made the change."))
        .required("id")
        .required("type")
        .required("at")
        .required("actor")
        .required("origin")
        .required("object")
        .required("record_id")
        .required("version")
        .required("changes")
}

fn event_page() -> ObjectBuilder {
    object("A page of events.")
        .property("data", Array::new(named("Event")))
        .property("page", named("Page"))
        .required("data")
        .required("page")
}

/// A page of events to show.
#[must_use]
pub fn event_page_example() -> Value {
    let event = json!({
        "id": EXAMPLE_ID,
        "type": "customer.updated",
        "at": "2026-03-01T08:00:00.000Z",
        "actor": {"kind": "user", "user_id": EXAMPLE_ID, "api_key_id": null},
        "origin": {"kind": "user", "id": EXAMPLE_ID},
        "object": "customer",
        "record_id": EXAMPLE_ID,
        "version": 7,
        "changes": {"status": {"from": "active", "to": "inactive"}},
        "request_id": null
    });
    json!({"data": [event], "page": {"next": null, "has_more": false, "total": null}})
}

fn ledger_page() -> ObjectBuilder {
    object("A page of a ledger.")
        .property("data", Array::new(named("LedgerChange")))
        .property("page", named("Page"))
        .required("data")
        .required("page")
}

/// A page of a ledger to show.
#[must_use]
pub fn ledger_page_example() -> Value {
    let change = json!({
        "at": "2026-03-01T08:00:00.000Z",
        "user_id": EXAMPLE_ID,
        "changes": {"probability": {"from": 25, "to": 50}},
        "seconds_in_former_step": 86_400
    });
    json!({"data": [change], "page": {"next": null, "has_more": false, "total": null}})
}

/// A summary to show.
#[must_use]
pub fn summary_example() -> Value {
    let list = "/v1/customers?created_at_gte=2026-02-28T16:00:00.000Z&created_at_lt=2026-03-31T16:00:00.000Z";
    json!({"data": [{"group": {"created_at.month": "2026-03"}, "count": 42, "sums": {}, "list": list}]})
}

fn actor() -> ObjectBuilder {
    object("Who did something.")
        .property(
            "kind",
            shown(
                text().enum_values(Some(["user", "api_key", "contact", "system"])),
                "A person, a program with an API key, a contact in a customer portal, or Farley itself.",
                json!("user"),
            ),
        )
        .property("user_id", noted(nullable(id().into()), "The user, or the user an API key acts for; null for the system."))
        .property("api_key_id", noted(nullable(id().into()), "The API key, if one was used."))
        .property(
            CONTACT_ID.name(),
            noted(nullable(id().into()), "The contact, if it was done in a customer portal; otherwise absent."),
        )
        .required("kind")
}

fn change() -> ObjectBuilder {
    object("The old and new value of a field.")
        .property("from", anything("The value before; null if there was none."))
        .property("to", anything("The value after; null if there is none."))
}

fn filter() -> AnyOfBuilder {
    AnyOfBuilder::new()
        .item(named("FilterAnd"))
        .item(named("FilterOr"))
        .item(named("FilterNot"))
        .item(named("FilterSearch"))
        .item(named("FilterTest"))
        .description(Some(format!(
            "A predicate on records: comparisons and searches, combined with `and`, `or` and `not`, at most {MAX_DEPTH} levels deep and with at most {MAX_TESTS} comparisons."
        )))
}

fn filters(doc: &str) -> RefOr<Schema> {
    let mut filters = Array::new(named("Filter"));
    filters.max_items = Some(MAX_TESTS);
    noted(filters, doc)
}

fn filter_and() -> ObjectBuilder {
    object("True if all of the predicates are true.").property("and", filters("An empty list is true.")).required("and")
}

fn filter_or() -> ObjectBuilder {
    object("True if at least one of the predicates is true.").property("or", filters("An empty list is false.")).required("or")
}

fn filter_not() -> ObjectBuilder {
    object("True if the predicate is not true.").property("not", named("Filter")).required("not")
}

fn filter_search() -> ObjectBuilder {
    object("True if full-text search finds the record.").property("q", search_text()).required("q")
}

fn filter_test() -> ObjectBuilder {
    let value = anything(
        "What to compare with, of the field's type: money in minor units, a list for `in`, `nin`, `any` and `none`, true or false for `null`. \
         For times also a plain date, which stands for the whole day, and `{\"relative\": \"-30d\"}` or `{\"relative\": \"start_of_month\"}` \
         (`now`, `today`, `tomorrow`, `yesterday`, `start_of_` and `end_of_` `day`, `week`, `month`, `quarter` or `year`; offsets in `min`, `h`, `d`, \
         `w`, `mo`, `q`, `y`), in the tenant's time zone. For users also `me`, the caller (not in saved filters). For `any` and `none` \
         of a relation also a filter on the related records.",
    );
    let field = "A field; `custom.key` for a custom field, `relation.field` for a field of a related record, `field.currency` for the currency of a money field; or, with `any`, `none` and `null`, a relation.";
    object("Compares a field with a value. A field without a value equals nothing, so `ne`, `nin` and `none` match it.")
        .property("field", shown(text(), field, json!("status")))
        .property("op", named("FilterOperator"))
        .property("value", value.examples([json!("active")]))
        .required("field")
        .required("value")
}

fn operator() -> ObjectBuilder {
    text()
        .description(Some(
            "An operator of the predicate language. `any` and `none` are for fields and relations with several values.",
        ))
        .enum_values(Some(Op::ALL.iter().map(|op| op.as_str())))
        .default(Some(json!(Op::Eq.as_str())))
}

fn search() -> ObjectBuilder {
    let flag = || of_type(Type::Boolean);
    let texts = |most: usize| {
        let mut texts = Array::new(text().max_length(Some(300)));
        texts.max_items = Some(most);
        texts
    };
    object("Which records to list, in which order, and with which fields.")
        .property("filter", named("Filter"))
        .property(VIEW, noted(nullable(text().max_length(Some(300)).into()), VIEW_DOC))
        .property("q", noted(nullable(search_text().into()), "Full-text search."))
        .property(
            "sort",
            shown(texts(MAX_SORT_KEYS), "Fields to sort by, also of the one record that a reference leads to (`relation.field`); prefix a field with `-` for descending order. Records without a value come last.", json!(["-created_at", "name"])),
        )
        .property("limit", noted(limit(), &limit_doc()))
        .property("cursor", noted(nullable(cursor().into()), "The `page.next` of the previous page, to continue from there."))
        .property("offset", noted(nullable(offset().into()), "The number of records to skip; an alternative to `cursor`."))
        .property(
            "fields",
            shown(
                texts(MAX_FIELDS),
                "The fields to return; `*` stands for all fields except those computed on request, which is also the default. `relation.field` expands the relation with that field alone.",
                json!(["id", "name"]),
            ),
        )
        .property("expand", noted(texts(MAX_EXPANDED), "Relations to include, each as a member named after the relation. Archived records that a record itself refers to are included."))
        .property("total", noted(flag(), "Whether to count all matches."))
        .property(
            "archived",
            noted(
                AnyOfBuilder::new().item(flag()).item(text().enum_values(Some([ANY]))),
                "`true` returns archived records instead of live ones, `any` both together: those with an `archived_at` are archived.",
            ),
        )
        .property(
            MERGED,
            noted(
                AnyOfBuilder::new().item(flag()).item(text().enum_values(Some([ANY]))),
                "For objects whose records can be merged: `true` returns only records that were merged into others, which are left out otherwise; `any` returns all.",
            ),
        )
        .property(
            "as_of",
            noted(
                nullable(text().into()),
                "For objects with a ledger: returns the records that you can read now as the ledger recorded them at that time. A time, or a relative time.",
            ),
        )
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
}
