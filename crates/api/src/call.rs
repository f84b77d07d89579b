//! One request by a known caller, and what its headers and parameters ask for.

use std::{pin::Pin, sync::Arc};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header, web};
use farley_domain::{
    fault::{Fault, FaultCode, Faults, Language},
    id::Id,
    identity::access::{Action, AskerView},
    object::Object,
    predicate::Predicate,
    time::Timestamp,
};
use farley_persistence::{Origin, TenantKey};
use serde_json::Value;

use crate::{
    app::App,
    caller::Caller,
    clock,
    limits::Standing,
    problem::{Code, Problem},
};

/// What the frame around all handlers knows of a request.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

pub struct Call {
    pub app: Arc<App>,
    pub caller: Arc<Caller>,
    pub language: Language,
    pub request_id: String,
    pub now: Timestamp,
}

impl FromRequest for Call {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Call, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Call::of(&request).await })
    }
}

impl Call {
    async fn of(request: &HttpRequest) -> Result<Call, Problem> {
        let app = app_of(request)?;
        let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let caller = app.callers.resolve(&app, authorization).await?;
        let standing = app.limits.take(caller.credential.0.as_u128())?;
        request.extensions_mut().insert(standing);
        let span = tracing::Span::current();
        span.record("tenant", tracing::field::display(caller.key.id));
        span.record("user", tracing::field::display(caller.user_id()));
        Ok(Call { caller, language: language_of(request), request_id: request_id_of(request), now: clock::now(), app })
    }

    #[must_use]
    pub fn tenant(&self) -> TenantKey {
        self.caller.key
    }

    #[must_use]
    pub fn view(&self) -> AskerView<'_> {
        self.caller.view(self.now)
    }

    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin { actor: self.caller.actor.clone(), request_id: Some(self.request_id.clone()), now: self.now }
    }

    /// Which rows an action reaches, or the problem of not being permitted it at all.
    pub fn rows(&self, object: &'static Object, action: Action) -> Result<Predicate, Problem> {
        self.caller.asker.rows(object, action).ok_or_else(|| Problem::forbidden(action.as_str(), object.name))
    }

    /// Demands a permission on all records of an object.
    pub fn demand_all(&self, object: &'static Object, action: Action) -> Result<(), Problem> {
        match self.caller.asker.grants.scope(object.name, action) {
            Some(farley_domain::identity::access::Scope::All) => Ok(()),
            Some(_) | None => Err(Problem::forbidden(action.as_str(), object.name)),
        }
    }
}

pub fn app_of(request: &HttpRequest) -> Result<Arc<App>, Problem> {
    let app = request.app_data::<web::Data<App>>().map(|app| Arc::clone(app));
    app.ok_or_else(|| Problem::internal("the application is not set up"))
}

/// Counts a request without a credential against its address.
pub fn limit_by_address(request: &HttpRequest) -> Result<(), Problem> {
    let standing = app_of(request)?.limits.take(address_key(request))?;
    request.extensions_mut().insert::<Standing>(standing);
    Ok(())
}

/// The key under which an address is counted. The high bits are no UUID's, so that no credential shares it.
#[must_use]
pub fn address_key(request: &HttpRequest) -> u128 {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
    let address = request.peer_addr().map(|address| address.ip());
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(address);
    u128::from(hash)
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

/// The query parameters, percent-decoded, in their order.
pub fn parameters(request: &HttpRequest) -> Result<Vec<(String, String)>, Problem> {
    if request.query_string().is_empty() {
        return Ok(Vec::new());
    }
    // Lossy decoding would change what was asked for.
    let decoded = percent_encoding::percent_decode_str(request.query_string()).decode_utf8();
    if decoded.is_err() {
        return Err(Problem::new(Code::MalformedRequest).with("reason", "the query is not UTF-8"));
    }
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (name, value) in form_urlencoded::parse(request.query_string().as_bytes()).into_owned() {
        match pairs.iter_mut().find(|(known, _)| *known == name && takes_list(&name)) {
            // Some clients repeat a list parameter instead of joining its values.
            Some((_, joined)) => {
                joined.push(',');
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

/// Takes a number between two bounds.
pub fn take_number(
    parameters: &mut Vec<(String, String)>,
    name: &str,
    default: i64,
    (min, max): (i64, i64),
) -> Result<i64, Problem> {
    let Some(text) = take(parameters, name)? else { return Ok(default) };
    let number: i64 = text.parse().map_err(|_| Fault::new(name, FaultCode::WrongType).with("expected", "an integer"))?;
    if number < min {
        return Err(Fault::new(name, FaultCode::TooSmall).with("min", min).into());
    }
    if number > max {
        return Err(Fault::new(name, FaultCode::TooLarge).with("max", max).into());
    }
    Ok(number)
}

/// Takes a parameter that must be there; without it, unknown ones are told as well, as it may be among them under a wrong name.
pub fn take_required(parameters: &mut Vec<(String, String)>, name: &str, known: &[&str]) -> Result<String, Problem> {
    if let Some(value) = take(parameters, name)? {
        return Ok(value);
    }
    let mut faults = Faults::from(Fault::new(name, FaultCode::Required));
    let unknown: Vec<(String, String)> = parameters.iter().filter(|(name, _)| !known.contains(&name.as_str())).cloned().collect();
    if let Err(problem) = refuse_rest(&unknown, known) {
        faults.0.extend(problem.faults.0);
    }
    Err(faults.into())
}

/// Refuses what is left of the parameters; `known` are those that could have been meant.
pub fn refuse_rest(parameters: &[(String, String)], known: &[&str]) -> Result<(), Problem> {
    let faults: Vec<Fault> = parameters
        .iter()
        .map(|(name, _)| {
            let near = if name.len() > 100 { "" } else { name };
            farley_domain::fault::unknown(name.clone(), FaultCode::UnknownParameter, near, known.iter().copied())
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(farley_domain::fault::Faults(faults).into()) }
}

/// How a path names a record: by id, or by the key of another system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    Id(Id),
    External { system: String, key: String },
}

impl Named {
    /// A name that is neither names nothing.
    pub fn parse(text: &str) -> Result<Named, Problem> {
        // The router leaves escaped slashes, plus and percent signs as they are.
        let text = percent_encoding::percent_decode_str(text).decode_utf8().map_err(|_| Problem::not_found())?;
        if let Some(pair) = text.strip_prefix("ext:") {
            let (system, key) = pair.split_once(':').ok_or_else(Problem::not_found)?;
            return Ok(Named::External { system: system.to_owned(), key: farley_domain::text::clean_line(key) });
        }
        text.parse().map(Named::Id).map_err(|_| Problem::not_found())
    }

    /// The id; none if no live record has the key, or the caller may not see keys.
    pub fn find(
        &self,
        reader: &mut farley_persistence::Reader<'_>,
        caller: &Caller,
        object: &'static Object,
    ) -> Result<Option<Id>, Problem> {
        match self {
            Named::Id(id) => Ok(Some(*id)),
            Named::External { system, .. } if !farley_domain::value::external_ids::is_system(system) => Ok(None),
            Named::External { .. } if object.field("external_ids").is_some_and(|field| !caller.asker.sees(object, field)) => {
                Ok(None)
            }
            Named::External { system, key } => Ok(reader.by_external_id(object.name, system, key)?),
        }
    }
}

/// What `If-Match` and `If-None-Match` name: versions, or anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Versions {
    Any,
    Of(Vec<i64>),
}

impl Versions {
    /// Reads a header of entity tags; a tag that is none of ours is the version of nothing.
    #[must_use]
    pub fn of(request: &HttpRequest, name: header::HeaderName) -> Option<Versions> {
        let text = request.headers().get(name)?.to_str().unwrap_or_default();
        if text.trim() == "*" {
            return Some(Versions::Any);
        }
        let version = |tag: &str| -> i64 {
            let tag = tag.trim();
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            tag.strip_prefix("\"v").and_then(|tag| tag.strip_suffix('"')).and_then(|number| number.parse().ok()).unwrap_or(-1)
        };
        Some(Versions::Of(text.split(',').map(version).collect()))
    }

    #[must_use]
    pub fn includes(&self, version: i64) -> bool {
        match self {
            Versions::Any => true,
            Versions::Of(versions) => versions.contains(&version),
        }
    }
}

/// The body as JSON. Types: `application/json`, and `application/merge-patch+json` for patches.
pub struct Body(pub Value);

impl FromRequest for Body {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Body, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let app = app_of(&request)?;
            let bytes = read_body(&request, &mut payload, app.settings.max_body).await?;
            json_body(&request, &bytes).map(Body)
        })
    }
}

/// Reads a body of at most `max` bytes.
pub async fn read_body(request: &HttpRequest, payload: &mut Payload, max: usize) -> Result<web::BytesMut, Problem> {
    use futures_util::StreamExt;
    let too_large = || Problem::new(Code::PayloadTooLarge).with("max", max);
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > max) {
        return Err(too_large());
    }
    let mut bytes = web::BytesMut::with_capacity(declared.unwrap_or(0).min(max));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| Problem::new(Code::MalformedRequest).with("reason", error))?;
        if bytes.len() + chunk.len() > max {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

pub fn json_body(request: &HttpRequest, bytes: &[u8]) -> Result<Value, Problem> {
    let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = matches!(essence.as_str(), "application/json" | "application/merge-patch+json");
    if bytes.is_empty() && (is_json || essence.is_empty()) {
        // An action without arguments may come without a body.
        return Ok(Value::Object(serde_json::Map::new()));
    }
    if !is_json {
        return Err(Problem::new(Code::UnsupportedMediaType).with("expected", "application/json"));
    }
    serde_json::from_slice(bytes).map_err(|error| Problem::new(Code::MalformedBody).with("reason", error))
}
