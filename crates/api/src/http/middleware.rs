//! What surrounds every handler: request ids, problems in the asker's language, rate-limit headers, metrics and the access log.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use actix_cors::CorsError;
use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::UrlencodedError,
    http::{
        Method, StatusCode,
        header::{
            ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH,
            VARY, X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
};
use farley_domain::model::fault::Language;
use tracing::Instrument;

use super::{
    clock, compression,
    limits::{RATE_LIMIT, RATE_LIMIT_POLICY, Standing},
    page,
    problem::{Code, Problem},
    request::{HeadersOnly, RequestId, address_key, language_of, limits_of},
    telemetry::{self, TRACED},
    template::matched,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// W3C Trace Context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The longest of the headers that requests are read by, in bytes.
pub const MAX_HEADER: usize = 1_000;
/// These headers.
const READ: [HeaderName; 3] = [ACCEPT_LANGUAGE, IF_MATCH, IF_NONE_MATCH];

/// What a request is refused for before anything else of it is read.
fn overlong(headers: &HeaderMap) -> Option<Problem> {
    let name = READ.iter().find(|name| headers.get(*name).is_some_and(|value| value.len() > MAX_HEADER))?;
    Some(Problem::new(Code::MalformedRequest).with("reason", format!("{name} has more than {MAX_HEADER} bytes")))
}

/// Serves one request.
pub async fn serve<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let begun = Instant::now();
    let id = request_id(request.headers());
    let writes = !(request.method().is_safe());
    if request.method() == Method::HEAD {
        // Answered as GET; the connection leaves the body out.
        request.head_mut().method = Method::GET;
        request.extensions_mut().insert(HeadersOnly);
    }
    request.extensions_mut().insert(RequestId(id.clone()));
    if let Some(problem) = overlong(request.headers()) {
        let mut answer = problem.respond(Language::English, request.path(), &id);
        if let Ok(value) = HeaderValue::from_str(&id) {
            answer.headers_mut().insert(REQUEST_ID, value);
        }
        rate_limit_headers(request.request(), answer.headers_mut());
        return Ok(request.into_response(answer).map_into_right_body());
    }
    let traced = tracing::trace_span!(
        target: TRACED,
        "request",
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        http.request.method = %request.method(),
        http.route = tracing::field::Empty,
        http.response.status_code = tracing::field::Empty,
        farley.request_id = %id
    );
    let traceparent = request.headers().get(TRACEPARENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    if !traced.is_disabled() {
        telemetry::follow(&traced, traceparent.as_deref());
    }
    let outer = traced.enter();
    let span = tracing::info_span!("request", id = %id, tenant = tracing::field::Empty, user = tracing::field::Empty);
    drop(outer);
    // Problems of handlers and extractors come as responses; the request itself must not be held meanwhile.
    let detached = outlives_its_client(&request);
    let serving = next.call(request).instrument(span.clone()).instrument(traced.clone());
    let response = if detached { to_its_end(serving).await? } else { serving.await? };
    let mut response = match problem_of(&response) {
        Some(problem) => {
            span.in_scope(|| log_inside(&problem));
            let language = language_of(response.request());
            replaced(response, &problem, language, &id)
        }
        None => response.map_into_left_body(),
    };
    let http = response.request().clone();
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    let answered = telemetry::answered(&traced, traceparent.as_deref());
    if let Some(value) = answered.and_then(|answered| HeaderValue::from_str(&answered).ok()) {
        headers.insert(TRACEPARENT, value);
    }
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    say_how_to_keep(http.path(), headers);
    rate_limit_headers(&http, headers);
    let status = response.status().as_u16();
    let seconds = begun.elapsed().as_secs_f64();
    let route = matched(&http).map_or_else(|| "none".to_owned(), |path| path.to_string());
    let labels = [("method", http.method().to_string()), ("route", route.clone()), ("status", status.to_string())];
    metrics::histogram!("farley_http_request_duration_seconds", &labels).record(seconds);
    if !traced.is_disabled() {
        telemetry::rename(&traced, format!("{} {route}", http.method()));
        traced.record("http.route", &route);
        traced.record("http.response.status_code", status);
        if status >= 500 {
            traced.record("otel.status_code", "ERROR");
        }
    }
    span.in_scope(|| {
        let method = http.method();
        let milliseconds = (seconds * 100_000.0).round() / 100.0;
        if writes {
            tracing::info!(%method, route, status, milliseconds, "served");
        } else {
            tracing::debug!(%method, route, status, milliseconds, "served");
        }
    });
    Ok(compression::apply(response))
}

/// Whether a request is worked on when its client has hung up: what writes is, so that what follows a write always does. What only
/// reads is dropped, and its statement with it.
fn outlives_its_client(request: &ServiceRequest) -> bool {
    !request.method().is_safe() && !request.path().ends_with("/search")
}

/// Awaits a task of its own, which goes on without whoever awaits it.
async fn to_its_end<T: 'static>(serving: impl Future<Output = T> + 'static) -> T {
    match actix_web::rt::spawn(serving).await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is coming to its end, and everything with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// The id the client gave, if it is a decent one; else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let decent = |id: &&str| {
        (1..=100).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    given.filter(decent).map_or_else(|| clock::new_id().to_string(), str::to_owned)
}

/// The problem a response stands for, if it stands for one.
fn problem_of<B>(response: &ServiceResponse<B>) -> Option<Problem> {
    if let Some(error) = response.response().error() {
        return Some(problem_of_error(error));
    }
    // The framework's own answers have neither error nor body.
    match response.status() {
        StatusCode::NOT_FOUND => Some(Problem::not_found()),
        StatusCode::METHOD_NOT_ALLOWED => Some(Problem::new(Code::MethodNotAllowed)),
        _ => None,
    }
}

fn problem_of_error(error: &Error) -> Problem {
    if let Some(problem) = error.as_error::<Problem>() {
        return problem.clone();
    }
    if let Some(UrlencodedError::Overflow { limit, .. }) = error.as_error() {
        return Problem::new(Code::PayloadTooLarge).with("max", limit);
    }
    let response = error.as_response_error();
    let reason = || match error.as_error() {
        // Whoever sets up a frontend looks here first.
        Some(CorsError::OriginNotAllowed) => "its origin is not one of FARLEY_CORS_ORIGINS".to_owned(),
        _ => response.to_string(),
    };
    match response.status_code() {
        StatusCode::NOT_FOUND => Problem::not_found(),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(Code::MethodNotAllowed),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Code::PayloadTooLarge),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::new(Code::UnsupportedMediaType).with("expected", "application/json"),
        status if status.is_client_error() => Problem::new(Code::MalformedRequest).with("reason", reason()),
        _ => Problem::internal(reason()),
    }
}

fn replaced<B: MessageBody + 'static>(
    response: ServiceResponse<B>,
    problem: &Problem,
    language: Language,
    id: &str,
) -> ServiceResponse<EitherBody<B, BoxBody>> {
    let (request, former) = response.into_parts();
    let mut answer: HttpResponse = problem.respond(language, request.path(), id);
    if let Some(shown) = request.extensions().get::<page::Shown>() {
        answer = shown.answer(answer, problem, language);
    }
    // What inner layers added (CORS) stays; what the framework says of the body does not.
    for (name, value) in former.headers() {
        let known = answer.headers().contains_key(name) && name != VARY;
        if !known && name != "content-length" && name != "content-type" {
            answer.headers_mut().append(name.clone(), value.clone());
        }
    }
    ServiceResponse::new(request, answer).map_into_right_body()
}

/// How often requests are refused, by code.
static REFUSALS: Refusals = Refusals(Mutex::new(Vec::new()));

struct Refusals(Mutex<Vec<(&'static str, Instant, u64)>>);

impl Refusals {
    /// How long the log waits between two lines of a code.
    const EVERY: Duration = Duration::from_secs(5);

    /// How many refusals a line is to tell of; none if it is too soon for another.
    fn count(&self, code: &'static str, now: Instant) -> Option<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, told, times)) = all.iter_mut().find(|(known, _, _)| *known == code) else {
            all.push((code, now, 0));
            return Some(1);
        };
        *times += 1;
        if now.duration_since(*told) < Refusals::EVERY {
            return None;
        }
        *told = now;
        Some(std::mem::take(times))
    }
}

/// Says once in the log what the client is not told.
fn log_inside(problem: &Problem) {
    if matches!(problem.code, Code::Busy | Code::QueryTooSlow | Code::Unavailable) {
        // An overload or an outage is one event, however many it meets.
        if let Some(times) = REFUSALS.count(problem.code.as_str(), Instant::now()) {
            let error = problem.inside().map(tracing::field::display);
            tracing::warn!(code = problem.code.as_str(), times, error, "refused");
        }
    } else if problem.code.status() >= 500 {
        match problem.inside() {
            Some(inside) => tracing::error!(code = problem.code.as_str(), error = %inside, "failed"),
            None => tracing::error!(code = problem.code.as_str(), "failed"),
        }
    }
}

/// Data is nobody's to keep but the client's; the documentation runs its own scripts only, and in no frame.
fn say_how_to_keep(path: &str, headers: &mut HeaderMap) {
    const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; \
                          base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
    if path.starts_with("/v1/") && !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if path == "/docs" || path.starts_with("/docs/") {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
}

fn rate_limit_headers(request: &actix_web::HttpRequest, headers: &mut HeaderMap) {
    let Ok(limits) = limits_of(request) else { return };
    let standing = request.extensions().get::<Standing>().cloned();
    let standing = standing.or_else(|| limits.take(address_key(request)).ok()).unwrap_or(Standing { remaining: 0, reset: 60 });
    let mut text = String::with_capacity(32);
    text.push_str("\"default\";r=");
    text.push_str(&standing.remaining.to_string());
    text.push_str(";t=");
    text.push_str(&standing.reset.to_string());
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(RATE_LIMIT, value);
    }
    headers.insert(RATE_LIMIT_POLICY, limits.policy());
}

#[cfg(test)]
mod tests {
    use std::{
        sync::Mutex,
        time::{Duration, Instant},
    };

    use super::Refusals;

    #[test]
    fn many_refusals_are_one_line() {
        let (refusals, begun) = (Refusals(Mutex::new(Vec::new())), Instant::now());
        let at = |milliseconds| begun + Duration::from_millis(milliseconds);
        let lines: Vec<_> = (0..100).filter_map(|number| refusals.count("busy", at(number * 100))).collect();
        assert_eq!(lines, [1, 50]);
        assert_eq!(refusals.count("unavailable", at(0)), Some(1));
    }
}
