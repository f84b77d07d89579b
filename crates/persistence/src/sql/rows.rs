//! Rows of Farley's own tables.

use diesel::{Insertable, Queryable, Selectable};
use farley_domain::{id::Id, identity::tenant::Tenant, money::Currency};

use super::schema;
use crate::{
    error::StoreError,
    sql::sql_types::{DbId, DbJson, DbTime},
};

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::tenants)]
pub struct TenantRow {
    pub id: DbId,
    pub number: i64,
    pub slug: String,
    pub name: String,
    pub country: String,
    pub currency: String,
    pub time_zone: String,
    pub created_at: DbTime,
}

impl TenantRow {
    pub fn to_tenant(&self) -> Result<Tenant, StoreError> {
        let currency = self.currency.parse::<Currency>();
        Ok(Tenant {
            id: self.id.0,
            slug: self.slug.clone(),
            name: self.name.clone(),
            country: self.country.clone(),
            currency: currency.map_err(|error| StoreError::Internal(error.to_string()))?,
            time_zone: self.time_zone.clone(),
            created_at: self.created_at.0,
        })
    }
}

#[derive(Clone, Debug)]
pub struct NewEvent {
    pub tenant_id: DbId,
    pub id: DbId,
    pub kind: String,
    pub at: DbTime,
    pub actor_kind: &'static str,
    pub user_id: Option<DbId>,
    pub api_key_id: Option<DbId>,
    pub object: String,
    pub record_id: DbId,
    pub version: i64,
    pub changes: DbJson,
    pub request_id: Option<String>,
}

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::events)]
pub struct EventRow {
    pub seq: i64,
    pub id: DbId,
    pub kind: String,
    pub at: DbTime,
    pub actor_kind: String,
    pub user_id: Option<DbId>,
    pub api_key_id: Option<DbId>,
    pub object: String,
    pub record_id: DbId,
    pub version: i64,
    pub changes: DbJson,
    pub request_id: Option<String>,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::jobs)]
pub struct JobRow {
    pub tenant_id: DbId,
    pub id: DbId,
    pub kind: String,
    pub payload: DbJson,
    /// `waiting`, `running`, `done` or `dead`.
    pub state: String,
    pub run_at: DbTime,
    pub attempts: i64,
    pub max_attempts: i64,
    pub leased_until: Option<DbTime>,
    pub lease: Option<DbId>,
    pub last_error: Option<String>,
    pub created_at: DbTime,
    pub finished_at: Option<DbTime>,
    /// Of which only one waits at a time.
    pub unique_key: Option<String>,
    /// Whether it waits again when it is done; one of its kind in a tenant.
    pub recurring: bool,
}

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::idempotency_keys)]
pub struct IdempotencyRow {
    pub tenant_id: DbId,
    pub credential_id: DbId,
    pub key: String,
    pub request_hash: Vec<u8>,
    pub status: i64,
    pub headers: DbJson,
    pub body: String,
    pub created_at: DbTime,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::sessions)]
pub struct SessionRow {
    pub tenant_id: DbId,
    pub id: DbId,
    pub user_id: DbId,
    pub refresh_hash: Vec<u8>,
    pub user_agent: Option<String>,
    pub address: Option<String>,
    pub created_at: DbTime,
    pub last_used_at: DbTime,
    pub expires_at: DbTime,
    pub revoked_at: Option<DbTime>,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::signing_keys)]
pub struct SigningKeyRow {
    pub id: DbId,
    pub private_key: Vec<u8>,
    pub public_key: Vec<u8>,
    pub created_at: DbTime,
    pub retires_at: DbTime,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::login_failures)]
pub struct LoginFailureRow {
    pub subject: String,
    pub failures: i64,
    pub since: DbTime,
    pub blocked_until: Option<DbTime>,
}

/// What was wrong in one row of an imported file.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::import_faults)]
pub struct ImportFaultRow {
    pub tenant_id: DbId,
    pub import_id: DbId,
    /// Counted from the header, which is row 1.
    pub row_number: i64,
    /// Counted within the row, from 0.
    pub position: i64,
    pub column_name: Option<String>,
    pub pointer: String,
    pub code: String,
    /// What the cell says.
    pub typed: Option<String>,
    pub message_en: String,
    pub message_zh: String,
    /// Whether it stopped the row: `fault`, or `warning` if not.
    pub level: String,
}

/// The right to work at a job, until it is lost by silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub tenant: Id,
    pub job: Id,
    pub id: Id,
}
