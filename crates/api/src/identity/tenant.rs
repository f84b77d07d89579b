//! Tenants, for the operator of the server: made and listed with the operator key, which belongs to no tenant.

use actix_web::{HttpRequest, HttpResponse, get, http::header, post};
use farley_domain::{
    identity::password,
    model::{entity::Entity, fault::Faults, field::Hint, record::Record},
    values::{id::Id, text::clean_line, time::Timestamp},
};
use farley_persistence::Origin;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{
    auth::check_strength,
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
        request::{Body, limit_by_address, parameters, refuse_rest, request_id_of},
    },
    records::body::read_plain,
    settings::Settings,
};

crate::body! {
    /// A new tenant, with its first administrator.
    pub struct TenantCreate {
        /// The short name used at log-in: 2 to 40 lower-case letters, digits and hyphens.
        slug: String => text(40).required().example("acme"),
        /// The name of the company.
        name: String => text(200).required().example("Acme 贸易有限公司"),
        /// ISO 3166-1 alpha-2.
        country: Option<String> => country().example("CN"),
        /// ISO 4217.
        currency: Option<String> => text(3).example("CNY"),
        /// IANA time zone.
        time_zone: Option<String> => time_zone().example("Asia/Shanghai"),
        /// The administrator's e-mail address for log-in.
        admin_email: String => email().required().example("admin@acme.example.com"),
        /// The administrator's password: at least 10 characters; common passwords are rejected.
        admin_password: String => long_text(password::MAX_LENGTH).required().hint(Hint::NewPassword),
    }
    example Value::Null
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

/// Demands the operator key, compared by its hash so that the time taken tells nothing.
fn operator(state: &State, request: &HttpRequest) -> Result<(), Problem> {
    let refused = || Problem::new(Code::Unauthorized);
    let key = state.settings.operator_key.as_ref().ok_or_else(refused)?;
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(refused)?;
    let hash = |secret: &str| Sha256::digest(secret.as_bytes());
    if hash(given.trim()) == hash(key.expose_secret()) { Ok(()) } else { Err(refused()) }
}

/// The tenant that a body describes, and what the body says; every fault at once.
fn read(settings: &Settings, body: &Value) -> Result<(NewTenant, Record<TenantCreate>), Problem> {
    let (form, mut faults) = match read_plain::<TenantCreate>(body) {
        Ok(form) => (form, Faults::default()),
        Err(problem) => {
            // What is not at fault by its type is looked at all the same.
            let Some(members) = body.as_object() else { return Err(problem) };
            let sound = members.iter().filter_map(|(name, value)| {
                let is_sound = !problem.faults.0.iter().any(|fault| fault.pointer == format!("/{name}"));
                Some((name.clone(), Value::from(clean_line(value.as_str().filter(|_| is_sound)?))))
            });
            let sound = Value::Object(sound.collect());
            (Record::from_json(TenantCreate::object(), &sound).into_entity(), problem.faults)
        }
    };
    let tenant = NewTenant {
        slug: form.get(TenantCreate::slug).to_owned(),
        name: form.get(TenantCreate::name).to_owned(),
        country: form.get(TenantCreate::country).unwrap_or(&settings.default_country).to_uppercase(),
        currency: form.get(TenantCreate::currency).unwrap_or(&settings.default_currency).to_uppercase(),
        time_zone: form.get(TenantCreate::time_zone).unwrap_or(&settings.default_time_zone).to_owned(),
    };
    let untold = |faults: &Faults, pointer: &str| !faults.0.iter().any(|known| known.pointer == pointer);
    for fault in tenant.check().err().unwrap_or_default().0 {
        if untold(&faults, &fault.pointer) {
            faults.add(fault);
        }
    }
    let (email, password) = (form.get(TenantCreate::admin_email), form.get(TenantCreate::admin_password));
    let pointer = TenantCreate::admin_password.pointer();
    let weak = check_strength(password, email, &pointer).err();
    match weak.filter(|_| untold(&faults, &pointer)) {
        Some(weak) if faults.is_empty() => return Err(weak),
        Some(weak) => faults.extend(weak.faults.0),
        None => {}
    }
    Ok(faults.into_result((tenant, form))?)
}

/// Create a tenant
///
/// For the server operator: send the operator key (`FARLEY_OPERATOR_KEY`) as the bearer token.
#[utoipa::path(tag = "tenants", operation_id = "createTenant", request_body = TenantCreate,
    responses((status = 201, description = "The tenant was created, with the built-in roles and an administrator.", body = TenantInfo)))]
#[post("/v1/tenants")]
pub async fn create(request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    let state = state_of(&request)?;
    operator(&state, &request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let (tenant, form) = read(&state.settings, &body.0)?;
    let email = form.get(TenantCreate::admin_email).to_owned();
    let password_hash = state.passwords.hash(form.get(TenantCreate::admin_password)).await?;
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

/// List tenants
///
/// For the server operator: send the operator key (`FARLEY_OPERATOR_KEY`) as the bearer token.
#[utoipa::path(tag = "tenants", operation_id = "listTenants",
    responses((status = 200, description = "All tenants, oldest first.", body = TenantList)))]
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
