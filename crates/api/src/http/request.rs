//! What the headers, parameters and body of a request ask for.

use std::{net::IpAddr, pin::Pin, time::Duration};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse,
    dev::Payload,
    http::{Method, header},
    rt::time::{Instant, timeout},
    web,
};
use farley_domain::{
    model::{
        fault::{Fault, FaultCode, Faults, Language, unknown},
        value::Standards,
    },
    values::time::Timestamp,
};
use serde_json::Value;

use super::{
    limits::{Limits, Standing},
    problem::{Code, Problem},
    stopping::Stopping,
};

/// What the middleware around all handlers knows of a request.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Marks a request that asks for the headers alone, which is answered as if it asked for all.
#[derive(Clone, Copy, Debug)]
pub struct HeadersOnly;

/// The limits of this server.
pub fn limits_of(request: &HttpRequest) -> Result<web::Data<Limits>, Problem> {
    let limits = request.app_data::<web::Data<Limits>>().cloned();
    limits.ok_or_else(|| Problem::internal("the application is not set up"))
}

/// Counts a request without a credential against its address.
pub fn limit_by_address(request: &HttpRequest) -> Result<(), Problem> {
    let standing = limits_of(request)?.take(address_key(request))?;
    request.extensions_mut().insert::<Standing>(standing);
    Ok(())
}

/// The key under which an address is counted. The high bits are no UUID's, so that no credential shares it.
#[must_use]
pub fn address_key(request: &HttpRequest) -> u128 {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
    let address = client_address(request);
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(address);
    u128::from(hash)
}

/// The address that a request comes from; behind trusted proxies the one that they tell.
#[must_use]
pub fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    Some(limits_of(request).map_or(peer, |limits| limits.proxies.client(peer, request.headers())))
}

/// The address of this server as the client has it, for addresses that are given out.
pub fn base_url(request: &HttpRequest) -> Result<String, Problem> {
    let proxies = &limits_of(request)?.proxies;
    if request.peer_addr().is_some_and(|peer| proxies.trusts(peer.ip())) {
        let connection = request.connection_info();
        return Ok(format!("{}://{}", connection.scheme(), connection.host()));
    }
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = named.or_else(|| request.uri().authority().map(|authority| authority.as_str()));
    Ok(format!("http://{}", host.unwrap_or_else(|| request.app_config().host())))
}

#[must_use]
pub fn language_of(request: &HttpRequest) -> Language {
    let header = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    header.map_or(Language::English, Language::from_accept)
}

#[must_use]
pub fn request_id_of(request: &HttpRequest) -> String {
    request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}

/// What a client gives along with a request, to know its own echo in the log of events.
pub fn client_tag_of(request: &HttpRequest) -> Result<Option<String>, Problem> {
    /// The name of the header, and the longest text in it.
    const HEADER: &str = "Client-Tag";
    const LONGEST: usize = 200;
    let Some(tag) = request.headers().get(HEADER) else { return Ok(None) };
    let fault = |code| Problem::from(Fault::new(HEADER, code));
    let tag = std::str::from_utf8(tag.as_bytes()).map_err(|_| fault(FaultCode::InvalidCharacter))?.trim();
    if tag.chars().count() > LONGEST {
        return Err(Fault::new(HEADER, FaultCode::TooLong).with("max", LONGEST).into());
    }
    Ok(Some(tag.to_owned()).filter(|tag| !tag.is_empty()))
}

/// How many parameters a query may have: each is looked for among all.
const MOST_PARAMETERS: usize = 500;

/// The query parameters, percent-decoded, in their order.
pub fn parameters(request: &HttpRequest) -> Result<Vec<(String, String)>, Problem> {
    parameters_of(request.query_string())
}

/// The same of the text of a query.
pub fn parameters_of(query: &str) -> Result<Vec<(String, String)>, Problem> {
    if query.is_empty() {
        return Ok(Vec::new());
    }
    // Lossy decoding would change what was asked for.
    let decoded = percent_encoding::percent_decode_str(query).decode_utf8();
    if decoded.is_err() {
        return Err(Problem::new(Code::MalformedRequest).with("reason", "the query is not UTF-8"));
    }
    if query.bytes().filter(|&byte| byte == b'&').count() >= MOST_PARAMETERS {
        return Err(Fault::new("", FaultCode::TooMany).with("max", MOST_PARAMETERS).into());
    }
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()).into_owned() {
        match pairs.iter_mut().find(|(known, _)| *known == name && takes_list(&name)) {
            // Some clients repeat a list parameter instead of joining its values: each is a line of CSV, and so is all of it.
            Some((_, joined)) => {
                if !joined.is_empty() && !value.is_empty() {
                    joined.push(',');
                }
                joined.push_str(&value);
            }
            None => pairs.push((name, value)),
        }
    }
    if let Some((name, _)) = pairs.iter().find(|(name, value)| name.contains('\0') || value.contains('\0')) {
        return Err(Fault::new(name.replace('\0', ""), FaultCode::InvalidCharacter).into());
    }
    Ok(pairs)
}

/// Whether a parameter is a list by its name.
fn takes_list(name: &str) -> bool {
    matches!(name, "sort" | "fields" | "expand" | "types" | "objects" | "group_by" | "sum")
        || ["_in", "_nin", "_any", "_none"].iter().any(|suffix| name.ends_with(suffix))
}

/// Takes one parameter out of the list.
pub fn take(parameters: &mut Vec<(String, String)>, name: &str) -> Result<Option<String>, Problem> {
    let mut found = parameters.extract_if(.., |(parameter, _)| parameter == name).map(|(_, value)| value).collect::<Vec<_>>();
    match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => Err(Fault::new(name, FaultCode::DuplicateParameter).into()),
    }
}

/// Takes a parameter that is `true` or `false`.
pub fn take_flag(parameters: &mut Vec<(String, String)>, name: &str) -> Result<bool, Problem> {
    match take(parameters, name)?.as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Fault::new(name, FaultCode::WrongType).with("expected", "true or false").into()),
    }
}

/// Refuses what is left of the parameters; `known` are those that could have been meant.
pub fn refuse_rest(parameters: &[(String, String)], known: &[&str]) -> Result<(), Problem> {
    let mut faults = Faults::default();
    let told = parameters.iter().take(Faults::MOST + 1);
    faults.extend(told.map(|(name, _)| unknown(name.clone(), FaultCode::UnknownParameter, name, known.iter().copied())));
    Ok(faults.into_result(())?)
}

/// The body as JSON. Types: `application/json`, and `application/merge-patch+json` for patches.
#[derive(Clone)]
pub struct Body(pub Value);

impl FromRequest for Body {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Body, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            // Whoever names no credential has none.
            let known = request.headers().contains_key(header::AUTHORIZATION);
            let max = limits_of(&request)?.max_body;
            let bytes = read_body(&request, &mut payload, if known { max } else { max.min(OPEN_BODY) }).await?;
            json_body(&request, &bytes).map(Body)
        })
    }
}

/// How long a node that stops waits for the rest of a body.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// The largest body taken from whom we do not know, in bytes.
pub const OPEN_BODY: usize = 64 * 1024;

/// The body of a request for which no credential is needed: a small one.
pub struct OpenBody(pub Value);

impl FromRequest for OpenBody {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<OpenBody, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let max = limits_of(&request)?.max_body.min(OPEN_BODY);
            let bytes = read_body(&request, &mut payload, max).await?;
            json_body(&request, &bytes).map(OpenBody)
        })
    }
}

/// The slowest line for which a large body is waited, in bytes a second.
const SLOW: usize = 16 * 1024;

/// A body as it arrives: in time, as it is, and no larger than allowed.
pub struct Incoming<'p> {
    payload: &'p mut Payload,
    begun: Instant,
    patience: Duration,
    /// Ends soon after the server has been told to.
    too_late: Pin<Box<dyn Future<Output = ()>>>,
    received: usize,
    max: usize,
}

impl<'p> Incoming<'p> {
    /// A body of at most `max` bytes.
    pub fn of(request: &HttpRequest, payload: &'p mut Payload, max: usize) -> Result<Incoming<'p>, Problem> {
        let encoding = request.headers().get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or_default().trim());
        if encoding.is_some_and(|encoding| !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity")) {
            return Err(Problem::new(Code::UnsupportedMediaType).with("expected", "a body without Content-Encoding"));
        }
        let patience = limits_of(request)?.body_timeout;
        if declared_length(request).is_some_and(|length| length > max) {
            return Err(Problem::new(Code::PayloadTooLarge).with("max", max));
        }
        let stopping = request.app_data::<web::Data<Stopping>>().cloned();
        let too_late = async move {
            match &stopping {
                Some(stopping) => stopping.wait().await,
                None => std::future::pending().await,
            }
            tokio::time::sleep(LAST_WAIT).await;
        };
        Ok(Incoming { payload, begun: Instant::now(), patience, too_late: Box::pin(too_late), received: 0, max })
    }

    /// The next bytes; none at the end.
    pub async fn next(&mut self) -> Result<Option<web::Bytes>, Problem> {
        use futures_util::StreamExt;
        // A large body that keeps coming has the time that it needs on a slow line.
        let more = Duration::from_secs(u64::try_from(self.received / SLOW).unwrap_or(u64::MAX));
        let deadline = self.begun + self.patience + more;
        let next = timeout(deadline.saturating_duration_since(Instant::now()), self.payload.next());
        let chunk = tokio::select! {
            biased;
            chunk = next => chunk.map_err(|_| Problem::new(Code::RequestTimeout))?,
            () = &mut self.too_late => return Err(Problem::new(Code::Unavailable).retry_after(2)),
        };
        let Some(chunk) = chunk else { return Ok(None) };
        let chunk = chunk.map_err(|error| Problem::new(Code::MalformedRequest).with("reason", error))?;
        self.received += chunk.len();
        if self.received > self.max {
            return Err(Problem::new(Code::PayloadTooLarge).with("max", self.max));
        }
        Ok(Some(chunk))
    }
}

/// How long a body is, by its header.
#[must_use]
pub fn declared_length(request: &HttpRequest) -> Option<usize> {
    request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok())
}

/// Reads a body of at most `max` bytes, which must arrive in time and as it is.
pub async fn read_body(request: &HttpRequest, payload: &mut Payload, max: usize) -> Result<web::BytesMut, Problem> {
    let mut incoming = Incoming::of(request, payload, max)?;
    let mut bytes = web::BytesMut::with_capacity(declared_length(request).unwrap_or(0).min(max));
    while let Some(chunk) = incoming.next().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

pub fn json_body(request: &HttpRequest, bytes: &[u8]) -> Result<Value, Problem> {
    let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = matches!(essence.as_str(), "application/json" | "application/merge-patch+json");
    if bytes.is_empty() && (is_json || essence.is_empty()) && request.method() != Method::PATCH {
        // An action without arguments may come without a body; a change is one by its body.
        return Ok(Value::Object(serde_json::Map::new()));
    }
    if !is_json {
        return Err(Problem::new(Code::UnsupportedMediaType).with("expected", "application/json"));
    }
    farley_domain::values::json::read(bytes).map_err(|error| Problem::new(Code::MalformedBody).with("reason", error))
}

/// Sends JSON under an entity tag, or says that who asks holds it already.
pub fn unless_held(request: &HttpRequest, tag: &str, text: impl FnOnce() -> web::Bytes) -> HttpResponse {
    let held = request.headers().get(header::IF_NONE_MATCH).and_then(|held| held.to_str().ok()).unwrap_or_default();
    let is_held = held.split(',').map(str::trim).any(|held| held == "*" || held.trim_start_matches("W/") == tag);
    // A weak tag: compressed it is the same to whoever reads it.
    let mut response = if is_held { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::ETAG, format!("W/{tag}"))).insert_header((header::CACHE_CONTROL, "no-cache"));
    if is_held { response.finish() } else { response.content_type("application/json").body(text()) }
}

/// Sends what is for everybody and may be kept by caches for some seconds, or says that who asks holds it already.
pub fn served_from_caches(request: &HttpRequest, value: &impl serde::Serialize, seconds: u32) -> Result<HttpResponse, Problem> {
    let mut response = json_unless_held(request, value)?;
    let fresh = header::HeaderValue::from_str(&format!("public, max-age={seconds}")).map_err(Problem::internal)?;
    response.headers_mut().insert(header::CACHE_CONTROL, fresh);
    Ok(response)
}

/// The same of something that is written as JSON; its tag is told from its text.
pub fn json_unless_held(request: &HttpRequest, value: &impl serde::Serialize) -> Result<HttpResponse, Problem> {
    let text = web::Bytes::from(serde_json::to_vec(value)?);
    Ok(unless_held(request, &tag_of(&text), || text.clone()))
}

/// An entity tag that is told from a text.
#[must_use]
pub fn tag_of(text: &[u8]) -> String {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(text);
    let digits: Vec<String> = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{}\"", digits.concat())
}

/// How values are read where no tenant is known.
#[must_use]
pub fn standards(now: Timestamp) -> Standards<'static> {
    Standards { country: "CN", currency: farley_domain::values::money::Currency::CNY, zone: chrono_tz::UTC, now, user: None }
}
