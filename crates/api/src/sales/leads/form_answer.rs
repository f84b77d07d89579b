//! The answers of visitors to web forms, who need not be known: each becomes a lead, or adds to the one that is there.

use std::sync::Arc;

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, http::header, post};
use farley_domain::{
    entity::Entity,
    identity::access::Action,
    record::Record,
    sales::leads::{
        form::{self, added, is_machine},
        lead::Lead,
        origin::with_consent,
        status::LeadStatus,
    },
    time::Timestamp,
};
use farley_persistence::{Loaded, Origin, Work};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{assignment::due, duplicates::alike, form::Found};
use crate::{
    access::{
        principal,
        state::{State, state_of},
    },
    http::{
        clock,
        problem::{Code, Problem},
        request::{json_body, limit_by_address, parameters, read_body, refuse_rest, request_id_of},
    },
    records::{named::Named, write::Writer},
};

/// The thanks for an answer.
#[derive(Serialize, ToSchema)]
pub struct FormThanks {
    #[schema(example = "感谢您的咨询，我们会尽快联系您。")]
    message: Option<String>,
    /// Where to go on.
    redirect_url: Option<String>,
}

/// The answers of a visitor, by the names of the inputs.
#[derive(serde::Deserialize, ToSchema)]
#[schema(example = json!({"name": "李伟", "phone": "13800138000", "need": "六轴机器人报价", "consent": true, "utm_source": "baidu"}))]
#[allow(dead_code, reason = "documents the body; it is read by the form's own fields")]
pub struct FormAnswer {
    /// Whether the visitor consents to the text of the form.
    consent: Option<bool>,
    utm_source: Option<String>,
    utm_medium: Option<String>,
    utm_campaign: Option<String>,
    utm_term: Option<String>,
    utm_content: Option<String>,
    #[serde(flatten)]
    inputs: Map<String, Value>,
}

/// Answer a web form
///
/// Takes the answers of a visitor, as JSON or as an HTML form. They become a lead; with an e-mail address or phone number that an
/// open lead of the last days has (`duplicate_days`), they are added to that one. The answer is the same either way. An HTML
/// form is sent on to `redirect_url` (303), if the form has one.
#[utoipa::path(tag = "lead-forms", operation_id = "answerForm", security(()),
    params(("token" = String, Path, description = "The form's token.")),
    request_body(content((FormAnswer = "application/json"), (FormAnswer = "application/x-www-form-urlencoded"))),
    responses((status = 201, description = "It has been taken.", body = FormThanks),
              (status = 303, description = "It has been taken; the browser goes on to the form's page of thanks."),
              (status = 403, description = "The form may not be shown on this site.")))]
#[post("/v1/forms/{token}")]
pub async fn answer(request: HttpRequest, inputs: Inputs) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let found = Found::of(&request).await?;
    let state = state_of(&request)?;
    let per_minute = found.form.get("submissions_per_minute").as_i64().unwrap_or(i64::MAX);
    let address = request.peer_addr().map(|address| address.ip());
    state.submissions.take((found.form.id(), address), per_minute, clock::now())?;
    if !is_machine(&found.form, &inputs.members) {
        take(&state, &request, &found, inputs.members).await?;
    }
    let redirect_url = found.form.text("redirect_url").map(str::to_owned);
    if let Some(url) = redirect_url.as_ref().filter(|_| inputs.is_html) {
        return Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, url.as_str())).finish());
    }
    let message = found.form.text("thank_you").map(str::to_owned);
    Ok(HttpResponse::Created().json(FormThanks { message, redirect_url }))
}

async fn take(state: &State, request: &HttpRequest, found: &Found, inputs: Map<String, Value>) -> Result<(), Problem> {
    let now = clock::now();
    let origin = Origin { request_id: Some(request_id_of(request)), ..Origin::system(now) };
    let (form, inputs) = (Arc::clone(&found.form), Arc::new(inputs));
    let written = state.store.write::<_, Problem>(found.tenant, origin, move |work| {
        let principal = Arc::new(principal::system(work.reader())?);
        let writer = Writer { principal, object: Lead::object(), now, parent: None, quiet: false };
        let answered = form::read(&form, &writer.shape(), &inputs, &writer.principal.standards(now))?;
        let consent = consent(&form, answered.consented, now);
        match known(work, &writer, &form, &answered.lead)? {
            Some(loaded) => add(work, &writer, &loaded, &answered.lead, &consent),
            None => create(work, &writer, &form, answered.lead, &consent),
        }
    });
    written.await
}

/// What was consented to, as it is kept.
fn consent(form: &Record, consented: bool, now: Timestamp) -> Vec<Value> {
    let text = form.get("consent_text");
    if !consented || text.is_null() {
        return Vec::new();
    }
    vec![json!({"channel": form.get("consent_channel"), "given_at": now, "text": text, "source": form.get("name")})]
}

/// The open lead of the last days that has the same e-mail address or phone number.
fn known(work: &mut Work<'_>, writer: &Writer, form: &Record, lead: &Map<String, Value>) -> Result<Option<Loaded>, Problem> {
    let days = form.get("duplicate_days").as_i64().unwrap_or(0);
    if days == 0 {
        return Ok(None);
    }
    let points = |name: &str| {
        let items = lead.get(name).and_then(Value::as_array).into_iter().flatten();
        Value::Array(items.map(|item| item["value"].clone()).collect())
    };
    let asked = Map::from_iter(["emails", "phones"].map(|name| (name.to_owned(), points(name))));
    for value in asked.values().filter_map(Value::as_array).flatten().filter_map(Value::as_str) {
        // Two answers of one visitor at once must see each other.
        work.lock(&format!("form answer {value}"))?;
    }
    let since = writer.now.plus_seconds(-days * 24 * 3600);
    let found = alike(work.reader(), Lead::object(), &asked, &writer.principal.standards(writer.now), &|_| true)?;
    let recent = |record: &Record| record.time_of("created_at").is_some_and(|created| created >= since);
    let open = found.into_iter().map(|(record, _)| record).filter(|record| LeadStatus::of(record).is_open() && recent(record));
    match open.max_by_key(|record| record.time_of("created_at")) {
        Some(record) => writer.load(work, &Named::Id(record.id()), Action::Update).map(Some),
        None => Ok(None),
    }
}

/// Adds an answer to the lead that is there.
fn add(
    work: &mut Work<'_>,
    writer: &Writer,
    loaded: &Loaded,
    answered: &Map<String, Value>,
    consent: &[Value],
) -> Result<(), Problem> {
    let mut record = loaded.record.clone();
    for (name, value) in added(&loaded.record, answered) {
        match (name.as_str(), value) {
            ("custom", Value::Object(more)) => {
                let mut custom = record.get("custom").as_object().cloned().unwrap_or_default();
                custom.extend(more);
                record.set("custom", Value::Object(custom));
            }
            (name, value) => record.set(name, value),
        }
    }
    record.set("consent", with_consent(record.get("consent"), consent));
    let record = writer.apply_rules(&writer.shape(), Some(&loaded.record), record)?;
    writer.store(work, loaded, record, "answered_again").map(drop)
}

fn create(
    work: &mut Work<'_>,
    writer: &Writer,
    form: &Record,
    mut lead: Map<String, Value>,
    consent: &[Value],
) -> Result<(), Problem> {
    for (name, value) in [
        ("source", form.get("source")),
        ("campaign_id", form.get("campaign_id")),
        ("pool_id", form.get("pool_id")),
        ("owner_id", form.get("lead_owner_id")),
    ] {
        if !value.is_null() {
            lead.entry(name).or_insert_with(|| value.clone());
        }
    }
    if !consent.is_empty() {
        lead.insert("consent".to_owned(), consent.to_vec().into());
    }
    let assigned = form.get("assign") == true && form.get("lead_owner_id").is_null();
    lead.insert("assign".to_owned(), assigned.into());
    let anonymous = ["name", "company", "person_name"].iter().all(|name| !lead.contains_key(*name));
    if anonymous {
        let point = ["phones", "emails"].iter().find_map(|name| lead.get(*name)?.get(0)?.get("value").cloned());
        let name = point.or(form.text("name").map(Value::from)).unwrap_or(Value::Null);
        lead.insert("name".to_owned(), name);
    }
    writer.create_with(work, &Value::Object(lead), |record| {
        record.set("lead_form_id", form.get("id").clone());
        due(record, form.get("first_response_minutes").as_i64(), writer.now);
    })?;
    Ok(())
}

/// The inputs of an answer, whether sent as JSON or as an HTML form.
pub struct Inputs {
    members: Map<String, Value>,
    is_html: bool,
}

impl FromRequest for Inputs {
    type Error = Problem;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Inputs, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        /// An answer is short; nobody in particular may send more.
        const MAX: usize = 256 * 1024;
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let bytes = read_body(&request, &mut payload, MAX).await?;
            let media_type =
                request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            if media_type.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
                let pairs = form_urlencoded::parse(&bytes).into_owned();
                return Ok(Inputs { members: pairs.map(|(name, value)| (name, value.into())).collect(), is_html: true });
            }
            match json_body(&request, &bytes)? {
                Value::Object(members) => Ok(Inputs { members, is_html: false }),
                _ => Err(Problem::new(Code::MalformedBody).with("reason", "an object is needed")),
            }
        })
    }
}
