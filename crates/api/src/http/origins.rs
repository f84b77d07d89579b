//! Browsers at what needs no log-in: which sites may read it is told by the records themselves, whatever the server's own list says.

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::ServiceResponse,
    http::header::{self, HeaderMap, HeaderValue},
};

/// The origin that may read the answer.
#[derive(Clone)]
struct Allowed(String);

/// Where a browser's request comes from.
#[must_use]
pub fn origin_of(headers: &HeaderMap) -> Option<String> {
    headers.get(header::ORIGIN)?.to_str().ok().map(str::to_owned)
}

/// Whether an origin is on a list; on an empty one all are.
#[must_use]
pub fn allows(allowed: &[String], origin: &str) -> bool {
    allowed.is_empty() || allowed.iter().any(|known| known.trim_end_matches('/').eq_ignore_ascii_case(origin))
}

/// Lets an origin read the answer to a request.
pub fn allow(request: &HttpRequest, origin: String) {
    request.extensions_mut().insert(Allowed(origin));
}

/// The headers that pages send that need no log-in.
pub const HEADERS: &str = "content-type, accept-language, if-none-match";

/// What a browser is told that asks whether it may send something, with these headers.
#[must_use]
pub fn preflight(allowed: Option<String>, headers: &'static str) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    response.insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"));
    response.insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, headers));
    response.insert_header((header::ACCESS_CONTROL_MAX_AGE, "3600"));
    response.insert_header((header::VARY, "Origin"));
    if let Some(origin) = allowed {
        response.insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, origin));
    }
    response.finish()
}

/// Says in an answer that its origin may read it, if it may.
pub fn say_allowed<B: MessageBody>(response: &mut ServiceResponse<B>) {
    let allowed = response.request().extensions().get::<Allowed>().cloned();
    if let Some(value) = allowed.and_then(|Allowed(origin)| HeaderValue::from_str(&origin).ok()) {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value);
        response.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
    }
}
