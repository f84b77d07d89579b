//! Schemas that belong to no single object: money, pages, problems, events, filters.

use farley_domain::{
    model::{fault::FaultCode, field::Op},
    query::{
        list::{MAX_EXPANDED, MAX_FIELDS, MAX_SORT_KEYS},
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
    parameters::{cursor, limit, limit_doc, offset, search_text},
    schemas::{EXAMPLE_ID, Notes, annotate, format, id, integer, nullable, of_type, text},
};
use crate::{
    http::problem::Code,
    records::{
        ledger::LedgerChange,
        summary::{Summary, SummaryGroup},
    },
};

/// Every shared schema, by name.
#[must_use]
pub fn schemas() -> Vec<(&'static str, RefOr<Schema>)> {
    vec![
        ("Money", money().into()),
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
        .property("currency", shown(text().pattern(Some("^[A-Z]{3}$")), "ISO 4217.", json!("CNY")))
        .required("amount")
        .required("currency")
}

fn page() -> ObjectBuilder {
    object("Where a page stands in its list.")
        .property("next", noted(nullable(text().into()), "The cursor of the next page; null on the last one."))
        .property("has_more", shown(of_type(Type::Boolean), "Whether there is a next page.", json!(false)))
        .property(
            "total",
            noted(nullable(integer().minimum(Some(0)).into()), "The exact number of hits, if `total=true` asked for it."),
        )
        .required("next")
        .required("has_more")
        .required("total")
}

fn problem() -> ObjectBuilder {
    let codes: Vec<String> = Code::ALL.iter().map(|code| format!("`{}`", code.as_str())).collect();
    let doc = format!("The kind of problem, for programs: it never changes. So far: {}.", codes.join(", "));
    object("Why a request was refused (RFC 9457).")
        .property(
            "type",
            shown(format("uri-reference"), "Names the kind of problem.", json!("https://farley.dev/problems/invalid_request")),
        )
        .property("title", shown(text(), "The kind of problem, for people.", json!("Bad request")))
        .property("status", shown(of_type(Type::Integer).minimum(Some(400)).maximum(Some(599)), "The HTTP status.", json!(400)))
        .property("detail", noted(text(), "What is wrong with this request, for people."))
        .property("instance", noted(format("uri-reference"), "The path of the request."))
        .property("code", shown(text(), &doc, json!("invalid_request")))
        .property("request_id", noted(text(), "Names the request in the server's logs."))
        .property(
            "errors",
            noted(Array::new(named("Fault")), "Every member or parameter at fault; the first 100, if there are more."),
        )
        .property("truncated", noted(of_type(Type::Boolean), "There if more is at fault than `errors` tells."))
        .property("existing_id", noted(nullable(id().into()), "The record in the way, if you may know of it (409)."))
        .property("allowed", noted(Array::new(text()), "What is allowed in the present state (409)."))
        .property("base_version", noted(integer(), "The version that `If-Match` named (412)."))
        .property("current_version", noted(integer(), "The version that the record has (412)."))
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
    let doc = format!("Why, for programs. So far: {}.", codes.join(", "));
    object("One member of a request that is wrong, and why.")
        .property("pointer", shown(text(), "JSON pointer into the body, or the name of a parameter.", json!("/amount/currency")))
        .property("code", shown(text(), &doc, json!("unknown_currency")))
        .property("message", shown(text(), "Why, for people.", json!("is not an ISO 4217 currency code")))
        .required("pointer")
        .required("code")
        .required("message")
}

fn field_change() -> ObjectBuilder {
    object("A field that somebody else changed in the meantime.")
        .property("field", shown(text(), "The field; a custom one as `custom.key`.", json!("status")))
        .property("version", noted(integer(), "The version it came with."))
        .property("at", shown(format("date-time"), "When it changed.", json!("2026-03-01T08:00:00.000Z")))
        .property("by", shown(nullable(id().into()), "The user who changed it; null for the system.", json!(EXAMPLE_ID)))
        .property("by_name", shown(nullable(text().into()), "What that user is called, if you may know.", json!("李伟")))
        .property("from", anything("The value before; null if there was none."))
        .property("to", anything("The value after; null if there is none."))
        .required("field")
}

fn event() -> ObjectBuilder {
    let changes = of_type(Type::Object).additional_properties(Some(AdditionalProperties::RefOr(named("Change"))));
    object("What a write left in the log: who did what to which record, and when.")
        .property("id", noted(id(), "A UUIDv7."))
        .property("type", shown(text(), "What happened, as `object.what`.", json!("customer.updated")))
        .property("at", shown(format("date-time"), "When it happened.", json!("2026-03-01T08:00:00.000Z")))
        .property("actor", named("Actor"))
        .property("object", shown(text(), "The kind of the record.", json!("customer")))
        .property("record_id", noted(id(), "The record."))
        .property("version", noted(integer(), "The version of the record after the change."))
        .property("changes", noted(changes, "Each field that changed; a custom one as `custom.key`."))
        .property("request_id", noted(nullable(text().into()), "The request that did it."))
        .required("id")
        .required("type")
        .required("at")
        .required("actor")
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
                text().enum_values(Some(["user", "api_key", "system"])),
                "A person, a program with an API key, or Farley itself.",
                json!("user"),
            ),
        )
        .property(
            "user_id",
            noted(nullable(id().into()), "The user, also the one whom an API key acts for; null for the system."),
        )
        .property("api_key_id", noted(nullable(id().into()), "The API key, if one was used."))
        .required("kind")
}

fn change() -> ObjectBuilder {
    object("One field before and after.")
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
            "A predicate over records: comparisons and searches, joined by `and`, `or` and `not`, at most {MAX_DEPTH} levels deep and \
             {MAX_TESTS} comparisons in all."
        )))
}

fn filters(doc: &str) -> RefOr<Schema> {
    let mut filters = Array::new(named("Filter"));
    filters.max_items = Some(MAX_TESTS);
    noted(filters, doc)
}

fn filter_and() -> ObjectBuilder {
    object("True when all are.").property("and", filters("An empty list is true.")).required("and")
}

fn filter_or() -> ObjectBuilder {
    object("True when at least one is.").property("or", filters("An empty list is false.")).required("or")
}

fn filter_not() -> ObjectBuilder {
    object("True when the other is not.").property("not", named("Filter")).required("not")
}

fn filter_search() -> ObjectBuilder {
    object("True when full-text search finds the record.").property("q", search_text()).required("q")
}

fn filter_test() -> ObjectBuilder {
    let value = anything(
        "What to compare with, of the field's type: money in minor units, a list for `in`, `nin`, `any` and `none`, true or false for `null`. \
         For times also a plain day, which stands for all of it, and `{\"relative\": \"-30d\"}` or `{\"relative\": \"start_of_month\"}` \
         (`now`, `today`, `tomorrow`, `yesterday`, `start_of_` and `end_of_` `day`, `week`, `month`, `quarter` or `year`; offsets in `min`, `h`, `d`, \
         `w`, `mo`, `q`, `y`), in the tenant's time zone. For `any` and `none` \
         of a relation also a filter on the related records.",
    );
    let field = "A field; `custom.key` for a custom one, `relation.field` for one of a related record, `field.currency` for the currency of \
                 money; or, with `any`, `none` and `null`, a relation.";
    object("A comparison of one field with a value. A field without a value is equal to nothing, so that `ne`, `nin` and `none` hit it.")
        .property("field", shown(text(), field, json!("status")))
        .property("op", named("FilterOperator"))
        .property("value", value.examples([json!("active")]))
        .required("field")
        .required("value")
}

fn operator() -> ObjectBuilder {
    text()
        .description(Some(
            "An operator of the predicate language. `any` and `none` are for fields and relations that hold several values.",
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
    object("Which records to list, in which order, and what of each.")
        .property("filter", named("Filter"))
        .property("q", noted(nullable(search_text().into()), "Full-text search."))
        .property(
            "sort",
            shown(texts(MAX_SORT_KEYS), "Fields to sort by, `-` before one that falls.", json!(["-created_at", "name"])),
        )
        .property("limit", noted(limit(), &limit_doc()))
        .property("cursor", noted(nullable(cursor().into()), "Where to go on: `page.next` of the page before."))
        .property("offset", noted(nullable(offset().into()), "How many records to skip, instead of `cursor`."))
        .property(
            "fields",
            shown(
                texts(MAX_FIELDS),
                "The fields to answer with; all but those that are computed on request, if it is absent.",
                json!(["id", "name"]),
            ),
        )
        .property("expand", noted(texts(MAX_EXPANDED), "Relations whose records to add, each as a member of its name."))
        .property("total", noted(flag(), "Whether to count all hits."))
        .property("archived", noted(flag(), "Archived records instead of live ones."))
        .property(
            "as_of",
            noted(
                nullable(text().into()),
                "For objects with a ledger: of the records that may be read now, what their ledger knows of that time. A time, or a relative one.",
            ),
        )
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
}
