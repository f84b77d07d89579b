//! Shared responses: one component for each problem, and the headers that answers bear.

use serde_json::{Value, json};
use utoipa::openapi::{Content, Header, HeaderBuilder, Ref, RefOr, Response, ResponseBuilder, Schema, Type};

use super::fields::{EXAMPLE_ID, of_type, text};

/// A problem that operations answer with.
pub struct Problem {
    pub status: u16,
    /// The component's name.
    pub name: &'static str,
    title: &'static str,
    /// When it is answered.
    doc: &'static str,
    code: &'static str,
    detail: &'static str,
    /// What the problem of this kind has beside the common members.
    more: fn() -> Value,
}

/// Every problem, by rising status.
pub static PROBLEMS: &[Problem] = &[
    Problem {
        status: 400,
        name: "BadRequest",
        title: "Bad request",
        doc: "The request is malformed, or has a member or parameter that is unknown or has no acceptable value. `errors` lists every fault at once.",
        code: "invalid_request",
        detail: "2 members of the request are at fault.",
        more: || {
            json!({"errors": [
                {"pointer": "/annual_revenue/currency", "code": "unknown_currency", "message": "is not an ISO 4217 currency code"},
                {"pointer": "/nmae", "code": "unknown_member", "message": "is not a member here; did you mean `name`?"}
            ]})
        },
    },
    Problem {
        status: 401,
        name: "Unauthorized",
        title: "Unauthorized",
        doc: "There is no valid credential: the token is missing, expired, revoked or forged.",
        code: "unauthorized",
        detail: "The access token has expired.",
        more: || json!({}),
    },
    Problem {
        status: 403,
        name: "Forbidden",
        title: "Forbidden",
        doc: "You may know of this, but not do it.",
        code: "forbidden",
        detail: "You may not archive customers.",
        more: || json!({}),
    },
    Problem {
        status: 404,
        name: "NotFound",
        title: "Not found",
        doc: "There is nothing here, or nothing that you may know of.",
        code: "not_found",
        detail: "There is no such customer.",
        more: || json!({}),
    },
    Problem {
        status: 409,
        name: "Conflict",
        title: "Conflict",
        doc: "The state of things is against it: a live record already has this value (`errors` names the record in the way), or a request with the same `Idempotency-Key` is still running.",
        code: "duplicate",
        detail: "Another record already has this value.",
        more: || {
            json!({"errors": [
                {"pointer": "/social_credit_code", "code": "taken", "message": format!("is already used by {EXAMPLE_ID}")}
            ]})
        },
    },
    Problem {
        status: 412,
        name: "PreconditionFailed",
        title: "Precondition failed",
        doc: "The record has another version than `If-Match` names. The problem tells both versions and what changed between them, by whom and when.",
        code: "version_mismatch",
        detail: "The record has changed since version 6.",
        more: || {
            json!({
                "base_version": 6,
                "current_version": 7,
                "changed": [{"field": "status", "version": 7, "at": "2026-03-01T08:00:00.000Z", "by": EXAMPLE_ID}]
            })
        },
    },
    Problem {
        status: 413,
        name: "PayloadTooLarge",
        title: "Payload too large",
        doc: "The body is larger than this operation takes.",
        code: "payload_too_large",
        detail: "The body may have at most 1 MiB.",
        more: || json!({}),
    },
    Problem {
        status: 415,
        name: "UnsupportedMediaType",
        title: "Unsupported media type",
        doc: "The body is of a media type that this operation does not read.",
        code: "unsupported_media_type",
        detail: "Send application/json.",
        more: || json!({}),
    },
    Problem {
        status: 422,
        name: "UnprocessableContent",
        title: "Unprocessable content",
        doc: "The request is well formed but breaks a rule, or its `Idempotency-Key` was used with another body.",
        code: "rule_violated",
        detail: "1 member of the request breaks a rule.",
        more: || {
            json!({"errors": [
                {"pointer": "/parent_id", "code": "cycle", "message": "would make a record its own ancestor"}
            ]})
        },
    },
    Problem {
        status: 429,
        name: "TooManyRequests",
        title: "Too many requests",
        doc: "The rate limit of this credential is used up. `Retry-After` says when to come back.",
        code: "rate_limited",
        detail: "Try again in 7 seconds.",
        more: || json!({}),
    },
    Problem {
        status: 503,
        name: "ServiceUnavailable",
        title: "Service unavailable",
        doc: "The server is overloaded or its database cannot be reached. `Retry-After` says when to come back.",
        code: "unavailable",
        detail: "Try again in 2 seconds.",
        more: || json!({}),
    },
];

impl Problem {
    /// The answer of this kind that the documentation shows.
    #[must_use]
    pub fn example(&self) -> Value {
        let mut example = json!({
            "type": format!("/problems/{}", self.code),
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": "/v1/customers",
            "code": self.code,
            "request_id": EXAMPLE_ID
        });
        if let (Some(members), Value::Object(more)) = (example.as_object_mut(), (self.more)()) {
            members.extend(more);
        }
        example
    }

    fn response(&self) -> Response {
        let content = Content::builder().schema(Some(Ref::from_schema_name("Problem"))).example(Some(self.example()));
        let response =
            rate_limited(Response::builder().description(self.doc)).content("application/problem+json", content.build());
        match self.status {
            429 | 503 => response.header_ref("Retry-After", header_ref("Retry-After")).build(),
            _ => response.build(),
        }
    }
}

/// The problem responses, by the name of their component.
#[must_use]
pub fn components() -> Vec<(&'static str, Response)> {
    PROBLEMS.iter().map(|problem| (problem.name, problem.response())).collect()
}

/// A reference to the response of a problem, by its status.
#[must_use]
pub fn problem(status: u16) -> Option<(String, RefOr<Response>)> {
    let problem = PROBLEMS.iter().find(|problem| problem.status == status)?;
    Some((status.to_string(), Ref::from_response_name(problem.name).into()))
}

/// A reference to a shared header.
#[must_use]
pub fn header_ref(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

/// Adds the headers that every answer has.
#[must_use]
pub fn rate_limited(response: ResponseBuilder) -> ResponseBuilder {
    RATE_HEADERS.iter().fold(response, |response, name| response.header_ref(*name, header_ref(name)))
}

/// The headers that every answer has.
pub const RATE_HEADERS: [&str; 2] = ["RateLimit", "RateLimit-Policy"];

/// The shared headers, by name.
#[must_use]
pub fn headers() -> Vec<(&'static str, Header)> {
    let header = |description: &str, schema: RefOr<Schema>, example: Value| {
        HeaderBuilder::new().schema(Some(schema)).description(Some(description)).example(Some(example)).build()
    };
    let seconds = || of_type(Type::Integer).minimum(Some(0)).into();
    vec![
        ("ETag", header("The version of the record, for `If-Match` and `If-None-Match`.", text().into(), json!("\"v7\""))),
        ("Location", header("Where the new record is.", text().into(), json!(format!("/v1/customers/{EXAMPLE_ID}")))),
        (
            "Link",
            header(
                "The next page (RFC 8288), if there is one.",
                text().into(),
                json!("</v1/customers?cursor=eyJ2IjoxfQ>; rel=\"next\""),
            ),
        ),
        ("X-Total-Count", header("How many records there are in all; only with `total=true`.", seconds(), json!(1284))),
        (
            "RateLimit",
            header(
                "What is left of the rate limit, and the seconds until it is full again.",
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
                "`true` if this is the first answer to this `Idempotency-Key`, replayed.",
                of_type(Type::Boolean).into(),
                json!(true),
            ),
        ),
        ("Retry-After", header("After how many seconds to try again.", seconds(), json!(7))),
    ]
}
