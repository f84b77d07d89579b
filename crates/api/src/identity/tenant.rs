//! Tenants, for the operator of the server: made and listed with the operator key, which belongs to no tenant.

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse, get, http::header, post};
use farley_domain::{
    fault::Faults,
    field::{Field, FieldType},
    id::Id,
    text::clean_line,
    time::Timestamp,
};
use farley_persistence::Origin;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{
    auth::{check_strength, password_field},
    bootstrap::{FirstUser, NewTenant, create_tenant},
};
use crate::{
    access::{
        state::{State, state_of},
        tokens::NO_TENANT,
    },
    http::{
        clock,
        problem::{Code, Problem},
        request::{Body, limit_by_address, parameters, read_form, refuse_rest, request_id_of, text},
    },
    settings::Settings,
};

/// A tenant to be made, with its first administrator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "documentation; the body is read by its fields")]
pub struct TenantCreate {
    /// What people type at log-in: 2 to 40 lower-case letters, digits and hyphens.
    #[schema(example = "acme")]
    slug: String,
    #[schema(example = "Acme 贸易有限公司")]
    name: String,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "CN")]
    country: Option<String>,
    /// ISO 4217.
    #[schema(example = "CNY")]
    currency: Option<String>,
    /// IANA time zone.
    #[schema(example = "Asia/Shanghai")]
    time_zone: Option<String>,
    #[schema(example = "admin@acme.example.com", format = "email")]
    admin_email: String,
    #[schema(format = "password", min_length = 10, max_length = 200)]
    admin_password: String,
}

/// A company using Farley.
#[derive(Serialize, ToSchema)]
pub struct TenantInfo {
    #[schema(value_type = String, format = "uuid")]
    id: Id,
    #[schema(example = "acme")]
    slug: String,
    #[schema(example = "Acme 贸易有限公司")]
    name: String,
    #[schema(example = "CN")]
    country: String,
    #[schema(example = "CNY")]
    currency: String,
    #[schema(example = "Asia/Shanghai")]
    time_zone: String,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

/// Every tenant of the server.
#[derive(Serialize, ToSchema)]
pub struct TenantList {
    data: Vec<TenantInfo>,
}

static FIELDS: LazyLock<[Field; 7]> = LazyLock::new(|| {
    let line = |name: &'static str, max| Field::new(name, FieldType::Text { max });
    [
        line("slug", 40).required(),
        line("name", 200).required(),
        Field::new("country", FieldType::Country),
        line("currency", 3),
        Field::new("time_zone", FieldType::TimeZone),
        Field::new("admin_email", FieldType::Email).required(),
        password_field("admin_password"),
    ]
});

/// Demands the operator key, compared by its hash so that the time taken tells nothing.
fn operator(state: &State, request: &HttpRequest) -> Result<(), Problem> {
    let refused = || Problem::new(Code::Unauthorized);
    let key = state.settings.operator_key.as_ref().ok_or_else(refused)?;
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(refused)?;
    let hash = |secret: &str| Sha256::digest(secret.as_bytes());
    if hash(given.trim()) == hash(key.expose_secret()) { Ok(()) } else { Err(refused()) }
}

/// The tenant that a body describes, and the body's members; every fault at once.
fn read(settings: &Settings, body: &Value) -> Result<(NewTenant, Map<String, Value>), Problem> {
    let (form, mut faults) = match read_form(&*FIELDS, body) {
        Ok(form) => (form, Faults::default()),
        Err(problem) => {
            // What is not at fault by its type is looked at all the same.
            let Some(members) = body.as_object() else { return Err(problem) };
            let sound = members.iter().filter_map(|(name, value)| {
                let is_sound = !problem.faults.0.iter().any(|fault| fault.pointer == format!("/{name}"));
                Some((name.clone(), clean_line(value.as_str().filter(|_| is_sound)?).into()))
            });
            (sound.collect(), problem.faults)
        }
    };
    let or = |name: &str, default: &str| form.get(name).and_then(Value::as_str).unwrap_or(default).to_owned();
    let tenant = NewTenant {
        slug: text(&form, "slug").to_owned(),
        name: text(&form, "name").to_owned(),
        country: or("country", &settings.default_country).to_uppercase(),
        currency: or("currency", &settings.default_currency).to_uppercase(),
        time_zone: or("time_zone", &settings.default_time_zone),
    };
    let untold = |faults: &Faults, pointer: &str| !faults.0.iter().any(|known| known.pointer == pointer);
    for fault in tenant.check().err().unwrap_or_default().0 {
        if untold(&faults, &fault.pointer) {
            faults.add(fault);
        }
    }
    let weak = check_strength(text(&form, "admin_password"), text(&form, "admin_email"), "/admin_password").err();
    match weak.filter(|_| untold(&faults, "/admin_password")) {
        Some(weak) if faults.is_empty() => return Err(weak),
        Some(weak) => faults.0.extend(weak.faults.0),
        None => {}
    }
    Ok(faults.into_result((tenant, form))?)
}

/// Make a tenant
///
/// For the operator of the server: send the operator key (`FARLEY_OPERATOR_KEY`) as the bearer token.
#[utoipa::path(tag = "tenants", operation_id = "createTenant", request_body = TenantCreate,
    responses((status = 201, description = "Made, with the ready-made roles and an administrator.", body = TenantInfo)))]
#[post("/v1/tenants")]
pub async fn create(request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    let state = state_of(&request)?;
    operator(&state, &request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let (tenant, form) = read(&state.settings, &body.0)?;
    let email = text(&form, "admin_email").to_owned();
    let password_hash = state.passwords.hash(text(&form, "admin_password")).await?;
    let administrator = FirstUser { name: "Administrator".to_owned(), email, password_hash };
    let origin = Origin { request_id: Some(request_id_of(&request)), ..Origin::system(clock::now()) };
    let info = state
        .store
        .write::<_, Problem>(NO_TENANT, origin, move |work| {
            let key = create_tenant(work, &tenant, Some(&administrator))?;
            let made = work.reader().own_tenant()?.ok_or_else(Problem::not_found)?;
            debug_assert_eq!(made.id, key.id, "the work entered the new tenant");
            Ok(describe(made))
        })
        .await?;
    Ok(HttpResponse::Created().json(info))
}

/// The tenants
///
/// For the operator of the server: send the operator key (`FARLEY_OPERATOR_KEY`) as the bearer token.
#[utoipa::path(tag = "tenants", operation_id = "listTenants",
    responses((status = 200, description = "Every tenant, the oldest first.", body = TenantList)))]
#[get("/v1/tenants")]
pub async fn list(request: HttpRequest) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    let state = state_of(&request)?;
    operator(&state, &request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let rows = state.store.read::<_, Problem>(NO_TENANT, |reader| Ok(reader.tenants()?)).await?;
    let data = rows.iter().map(|row| Ok(describe(row.to_tenant()?))).collect::<Result<_, Problem>>()?;
    Ok(HttpResponse::Ok().json(TenantList { data }))
}

fn describe(tenant: farley_domain::identity::tenant::Tenant) -> TenantInfo {
    TenantInfo {
        id: tenant.id,
        slug: tenant.slug,
        name: tenant.name,
        country: tenant.country,
        currency: tenant.currency.to_string(),
        time_zone: tenant.time_zone,
        created_at: tenant.created_at,
    }
}
