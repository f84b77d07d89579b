//! Shared responses: one component for each status of a problem, and the headers that answers bear.

use farley_domain::{
    customers::customer::Customer,
    model::{
        fault::{Fault, FaultCode, Faults, Language},
        object::Object,
        recurring,
    },
    values::id::Id,
};
use serde_json::{Value, json};
use utoipa::openapi::{Content, Header, HeaderBuilder, Ref, RefOr, Response, ResponseBuilder, Schema, Type, example::Example};

use super::{
    names, records,
    schemas::{EXAMPLE_ID, of_type, text},
};
use crate::http::problem::{Code, Problem};

/// A status that problems have.
pub struct Refusal {
    pub status: u16,
    /// The component's name.
    pub name: &'static str,
    /// When it is answered.
    doc: &'static str,
    /// A problem of this status, to show.
    shown: fn() -> Problem,
}

/// Every status of a problem, ascending.
pub static REFUSALS: &[Refusal] = &[
    Refusal {
        status: 400,
        name: "BadRequest",
        doc: "The request is malformed, or contains an unknown member or parameter or an invalid value. `errors` lists all faults at once.",
        shown: || {
            let mut faults = Faults::default();
            faults.add(Fault::new("/annual_revenue/currency", FaultCode::UnknownCurrency));
            faults.add(Fault::new("/nmae", FaultCode::UnknownMember).with("nearest", "name"));
            faults.into()
        },
    },
    Refusal {
        status: 401,
        name: "Unauthorized",
        doc: "No valid credentials: the token is missing, expired, revoked or invalid.",
        shown: || Problem::new(Code::TokenExpired),
    },
    Refusal {
        status: 403,
        name: "Forbidden",
        doc: "You do not have permission to do this.",
        shown: || Problem::forbidden("update", "customer"),
    },
    Refusal {
        status: 404,
        name: "NotFound",
        doc: "The resource does not exist, or you do not have access to it.",
        shown: Problem::not_found,
    },
    Refusal {
        status: 408,
        name: "RequestTimeout",
        doc: "The body did not arrive in time (`FARLEY_BODY_TIMEOUT`).",
        shown: || Problem::new(Code::RequestTimeout),
    },
    Refusal {
        status: 409,
        name: "Conflict",
        doc: "The request conflicts with the current state: another live record already has the value (`existing_id`), the record does not allow this in its current state (`allowed`), a bulk change is about another number of records than expected (`count_changed`), or a request with the same `Idempotency-Key` is still running.",
        shown: || Problem::duplicate(&Customer::social_credit_code.pointer(), EXAMPLE_ID.parse().unwrap_or(Id::NIL)),
    },
    Refusal {
        status: 410,
        name: "Gone",
        doc: "The cursor has expired: it points to events that are no longer kept.",
        shown: || Problem::new(Code::CursorGone),
    },
    Refusal {
        status: 412,
        name: "PreconditionFailed",
        doc: "The record's version does not match `If-Match`. The problem reports both versions and what changed between them, by whom and when.",
        shown: || {
            let changed = json!([{
                "field": "status", "from": "active", "to": "inactive", "version": 7, "at": "2026-03-01T08:00:00.000Z",
                "by": EXAMPLE_ID, "by_name": "李伟"
            }]);
            let told = " Since version 6: 李伟 changed Status from “Active” to “Inactive”.";
            let problem = Problem::new(Code::VersionMismatch).with("current", 7).with("changes_en", told);
            problem.member("base_version", 6).member("current_version", 7).member("changed", changed)
        },
    },
    Refusal {
        status: 413,
        name: "PayloadTooLarge",
        doc: "The body is larger than this operation allows.",
        shown: || Problem::new(Code::PayloadTooLarge).with("max", 1_048_576),
    },
    Refusal {
        status: 415,
        name: "UnsupportedMediaType",
        doc: "This operation does not support the media type of the body.",
        shown: || Problem::new(Code::UnsupportedMediaType).with("expected", "application/json"),
    },
    Refusal {
        status: 416,
        name: "RangeNotSatisfiable",
        doc: "The range lies outside of the content. `Content-Range` says how long that is.",
        shown: || Problem::new(Code::RangeNotSatisfiable).with("size", 48_213),
    },
    Refusal {
        status: 422,
        name: "UnprocessableContent",
        doc: "The request is well formed but violates a rule, all of it was undone as a part failed (`batch_rolled_back`), or its `Idempotency-Key` was already used for a different request.",
        shown: || Problem::rule(Fault::new(recurring::PARENT_ID.pointer(), FaultCode::Cycle).into()),
    },
    Refusal {
        status: 428,
        name: "PreconditionRequired",
        doc: "`on_conflict` requires the version that the edit was based on: send `If-Match`.",
        shown: || Problem::new(Code::PreconditionRequired),
    },
    Refusal {
        status: 429,
        name: "TooManyRequests",
        doc: "The rate limit for these credentials is exceeded. `Retry-After` says when to retry.",
        shown: || Problem::new(Code::RateLimited).retry_after(7),
    },
    Refusal {
        status: 500,
        name: "InternalError",
        doc: "An unexpected error occurred in the server. It was logged under the request id.",
        shown: || Problem::new(Code::Internal),
    },
    Refusal {
        status: 503,
        name: "ServiceUnavailable",
        doc: "The server is overloaded (`unavailable`, `busy`), its database cannot be reached (`unavailable`), or the query exceeded the time limit (`query_too_slow`). `Retry-After` says when to retry.",
        shown: || Problem::new(Code::Unavailable).retry_after(2),
    },
];

impl Refusal {
    /// The refusal of this status.
    #[must_use]
    pub fn of(status: u16) -> Option<&'static Refusal> {
        REFUSALS.iter().find(|refusal| refusal.status == status)
    }

    /// What its body is.
    #[must_use]
    pub fn content(&self) -> Content {
        problems([self])
    }

    fn example(&self) -> Value {
        (self.shown)().to_json(Language::English, "/v1/customers", EXAMPLE_ID)
    }

    fn response(&self) -> Response {
        rate_limited(Response::builder().description(self.doc)).content(PROBLEM, self.content()).build()
    }
}

/// A problem, with an example of each kind by its name.
fn problems<'a>(shown: impl IntoIterator<Item = &'a Refusal>) -> Content {
    let shown = shown.into_iter().map(|refusal| (refusal.name, example_of(refusal.name)));
    Content::builder().schema(Some(Ref::from_schema_name("Problem"))).examples_from_iter(shown).build()
}

/// The examples of problems, by the name of their component.
pub fn examples() -> impl Iterator<Item = (String, Value)> {
    REFUSALS.iter().map(|refusal| (refusal.name.to_owned(), refusal.example()))
}

/// The media type of problems.
pub const PROBLEM: &str = "application/problem+json";

/// The problem responses, by the name of their component.
#[must_use]
pub fn components() -> Vec<(&'static str, Response)> {
    let each = REFUSALS.iter().map(|refusal| (refusal.name, refusal.response()));
    each.chain(SEVERAL.iter().map(|several| (several.name, several.response()))).collect()
}

/// How an operation declares the statuses that it can refuse a request with, those that any operation has included: by the one shared
/// response that tells them all, and each that this does not tell beside it.
pub fn refusals(statuses: &[u16]) -> impl Iterator<Item = (String, RefOr<Response>)> {
    let is_told = |several: &Several| several.told.iter().all(|status| statuses.contains(status));
    // The last of them tells most.
    let several = SEVERAL.iter().rfind(|several| several.key == REFUSED && is_told(several));
    let told = several.map_or(&[][..], |several| several.told);
    let beside = statuses.iter().filter(|status| !told.contains(status)).filter_map(|status| Refusal::of(*status));
    let beside: Vec<(String, &str)> = beside.map(|refusal| (refusal.status.to_string(), refusal.name)).collect();
    let failed = SEVERAL.iter().filter(|several| several.key != REFUSED);
    let shared = several.into_iter().chain(failed).map(|several| (several.key.to_owned(), several.name));
    beside.into_iter().chain(shared).map(|(key, name)| (key, Ref::from_response_name(name).into()))
}

/// The response that shows a record as a read does.
#[must_use]
pub fn some(object: &Object) -> String {
    format!("Some{}", names::record(object))
}

/// The response that shows a new record.
#[must_use]
pub fn created(object: &Object) -> String {
    format!("{}Created", names::record(object))
}

/// The answers that the generic endpoints of an object share, by the name of their component.
#[must_use]
pub fn of_object(object: &Object) -> Vec<(String, Response)> {
    let one = names::one(object);
    let whole = |doc: String, content: Content| headed(answer(&doc), &["ETag"]).content(JSON, content);
    let record = |doc: String| replayable(whole(doc, content(&names::record(object))));
    // Its example would be that of a record in a frame.
    let rows = Content::builder().schema(Some(Ref::from_schema_name(names::page(object)))).build();
    let page = headed(answer("A page."), &["Link", "X-Total-Count"]).content(JSON, rows);
    let some_content =
        Content::builder().schema(Some(records::some(object))).examples_from_iter(only_example(&names::record(object))).build();
    vec![
        (
            names::record(object),
            record(format!("The {one} after the change. With `validate_only`, as it would be; nothing was written.")).build(),
        ),
        (created(object), headed(record(format!("The new {one}.")), &["Location"]).build()),
        (some(object), whole(format!("The {one}; with `fields`, only the selected fields."), some_content).build()),
        (names::page(object), page.build()),
    ]
}

/// The answers that the generic endpoints of all objects share.
#[must_use]
pub fn of_all() -> Vec<(&'static str, Response)> {
    let page = |doc: &str, name: &str| headed(answer(doc), &["Link"]).content(JSON, content(name)).build();
    let unchanged = headed(answer("The version is still the one given in `If-None-Match`."), &["ETag"]);
    let archived = "The record was archived. With `validate_only`, it could be archived; nothing was written.";
    vec![
        ("NotModified", unchanged.build()),
        ("Archived", replayable(answer(archived)).build()),
        ("Summary", answer("The groups.").content(JSON, content("Summary")).build()),
        ("EventPage", page("A page of events.", "EventPage")),
        ("LedgerPage", page("A page of the ledger.", "LedgerPage")),
    ]
}

const JSON: &str = "application/json";

fn answer(doc: &str) -> ResponseBuilder {
    rate_limited(Response::builder().description(doc))
}

fn replayable(response: ResponseBuilder) -> ResponseBuilder {
    headed(response, &["Idempotency-Replayed"])
}

fn headed(response: ResponseBuilder, headers: &[&str]) -> ResponseBuilder {
    headers.iter().fold(response, |response, name| response.header_ref(*name, header_ref(name)))
}

/// What answers with a schema and the example of the same name.
#[must_use]
pub fn content(schema: &str) -> Content {
    Content::builder().schema(Some(Ref::from_schema_name(schema))).examples_from_iter(only_example(schema)).build()
}

/// A reference to a shared example.
fn example_of(name: &str) -> RefOr<Example> {
    RefOr::Ref(Ref::new(format!("#/components/examples/{name}")))
}

fn only_example(name: &str) -> [(&'static str, RefOr<Example>); 1] {
    [("example", example_of(name))]
}

/// Several statuses told as one response.
struct Several {
    /// The key among the responses of an operation.
    key: &'static str,
    name: &'static str,
    /// What is told beside what any request can meet.
    told: &'static [u16],
}

const REFUSED: &str = "4XX";
/// The faults of a client that any operation can meet.
const ANY: &[u16] = &[400, 401, 403, 408, 413, 415, 429];

/// By what operations do: each tells more than those before it.
static SEVERAL: &[Several] = &[
    Several { key: REFUSED, name: "Refused", told: &[] },
    Several { key: REFUSED, name: "RefusedRead", told: &[404] },
    Several { key: REFUSED, name: "RefusedCreate", told: &[409, 422] },
    Several { key: REFUSED, name: "RefusedAction", told: &[404, 409, 422] },
    Several { key: REFUSED, name: "RefusedChange", told: &[404, 409, 412, 422, 428] },
    Several { key: "default", name: "Failed", told: &[] },
];

impl Several {
    /// All of them, each with when it is answered and an example.
    fn response(&self) -> Response {
        let any = if self.key == REFUSED { ANY } else { &[500, 503] };
        let of = |statuses: &[u16]| statuses.iter().filter_map(|status| Refusal::of(*status)).collect::<Vec<_>>();
        let mut told = of(any);
        told.extend(of(self.told));
        told.sort_by_key(|refusal| refusal.status);
        let docs: Vec<String> = told.iter().map(|refusal| format!("- **{}** {}", refusal.status, refusal.doc)).collect();
        let response =
            headed(rate_limited(Response::builder().description(docs.join("\n"))), &["RateLimit-Policy", "Retry-After"]);
        response.content(PROBLEM, problems(told)).build()
    }
}

/// A reference to a shared header.
#[must_use]
pub fn header_ref(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

/// Adds the header that every answer has.
#[must_use]
pub fn rate_limited(response: ResponseBuilder) -> ResponseBuilder {
    headed(response, &[RATE_LIMIT])
}

/// The header that every answer has; it also says what else they all have.
pub const RATE_LIMIT: &str = "RateLimit";

/// The shared headers, by name.
#[must_use]
pub fn headers() -> Vec<(&'static str, Header)> {
    let header = |description: &str, schema: RefOr<Schema>, example: Value| {
        HeaderBuilder::new().schema(Some(schema)).description(Some(description)).example(Some(example)).build()
    };
    let seconds = || of_type(Type::Integer).minimum(Some(0)).into();
    vec![
        ("ETag", header("The version of the record, for `If-Match` and `If-None-Match`.", text().into(), json!("\"v7\""))),
        ("Location", header("The path of the new record.", text().into(), json!(format!("/v1/customers/{EXAMPLE_ID}")))),
        (
            "Link",
            header(
                "The next page (RFC 8288), if there is one.",
                text().into(),
                json!("</v1/customers?cursor=eyJ2IjoxfQ>; rel=\"next\""),
            ),
        ),
        ("X-Total-Count", header("The total number of records; only with `total=true`.", seconds(), json!(1284))),
        (
            "RateLimit",
            header(
                "The remaining requests, and the seconds until the full limit is available again. `RateLimit-Policy`, in every response too, has the limit.",
                text().into(),
                json!("\"default\";r=598;t=1"),
            ),
        ),
        (
            "RateLimit-Policy",
            header("The rate limit of this credential: requests and seconds.", text().into(), json!("\"default\";q=600;w=60")),
        ),
        (
            "Idempotency-Replayed",
            header(
                "`true` if this is a replay of the first response to this `Idempotency-Key`.",
                of_type(Type::Boolean).into(),
                json!(true),
            ),
        ),
        ("Retry-After", header("The number of seconds to wait before retrying.", seconds(), json!(7))),
    ]
}
