//! Rows of Farley's own tables.

use diesel::{AsChangeset, ExpressionMethods, Insertable, Queryable, Selectable};
use farley_domain::{
    identity::tenant::Tenant,
    values::{id::Id, money::Currency, time::Timestamp},
};

use super::schema;
use crate::{
    error::StoreError,
    sql::{
        changes::DbChanges,
        sql_types::{DbId, DbJson, DbTime},
    },
};

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::tenants)]
pub struct TenantRow {
    #[diesel(serialize_as = DbId)]
    pub id: Id,
    pub number: i64,
    pub slug: String,
    pub name: String,
    pub country: String,
    pub currency: String,
    pub time_zone: String,
    #[diesel(serialize_as = DbTime)]
    pub created_at: Timestamp,
}

impl TenantRow {
    pub fn to_tenant(&self) -> Result<Tenant, StoreError> {
        let currency = self.currency.parse::<Currency>();
        Ok(Tenant {
            id: self.id,
            slug: self.slug.clone(),
            name: self.name.clone(),
            country: self.country.clone(),
            currency: currency.map_err(|error| StoreError::Internal(error.to_string()))?,
            time_zone: self.time_zone.clone(),
            created_at: self.created_at,
        })
    }
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = schema::events, treat_none_as_default_value = false)]
pub struct NewEvent {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    #[diesel(serialize_as = DbId)]
    pub id: Id,
    pub kind: String,
    #[diesel(serialize_as = DbTime)]
    pub at: Timestamp,
    pub actor_kind: &'static str,
    pub user_id: Option<Id>,
    pub api_key_id: Option<Id>,
    pub contact_id: Option<Id>,
    pub object: String,
    #[diesel(serialize_as = DbId)]
    pub record_id: Id,
    pub version: i64,
    #[diesel(serialize_as = DbChanges)]
    pub changes: String,
    pub request_id: Option<String>,
    pub cause_kind: Option<&'static str>,
    pub cause_id: Option<Id>,
    pub cause_depth: Option<i64>,
    pub client_tag: Option<String>,
}

/// Which events are asked for; all, where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct WantedEvents {
    pub types: Vec<String>,
    pub object: Option<String>,
    pub record: Option<Id>,
    /// The latest first.
    pub newest: bool,
}

/// How far the log of a tenant may be read.
#[derive(Clone, Copy, Debug)]
pub struct LogEnd {
    pub position: i64,
    /// Whether more may be committed behind a transaction that is still open.
    pub is_held_up: bool,
}

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::events)]
pub struct EventRow {
    pub seq: i64,
    pub id: Id,
    pub kind: String,
    pub at: Timestamp,
    pub actor_kind: String,
    pub user_id: Option<Id>,
    pub api_key_id: Option<Id>,
    pub contact_id: Option<Id>,
    pub object: String,
    pub record_id: Id,
    pub version: i64,
    pub changes: String,
    pub request_id: Option<String>,
    /// What made them do it, if not just they themselves: `rule`, `macro`, `import`.
    pub cause_kind: Option<String>,
    pub cause_id: Option<Id>,
    /// How many rules stand behind each other up to here.
    pub cause_depth: Option<i64>,
    /// What whoever did it gave along, to know it again.
    pub client_tag: Option<String>,
}

/// A ticket that opens one stream: by the session or API key of whoever asked for it.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::stream_tickets, treat_none_as_default_value = false)]
pub struct StreamTicketRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    pub token_hash: Vec<u8>,
    pub session_id: Option<Id>,
    pub key_hash: Option<Vec<u8>>,
    /// When the credential it stands for expires, if that is known.
    pub holds_until: Option<Timestamp>,
    #[diesel(serialize_as = DbTime)]
    pub expires_at: Timestamp,
}

/// Who is editing a record.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::record_locks)]
pub struct RecordLockRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    pub object: String,
    #[diesel(serialize_as = DbId)]
    pub record_id: Id,
    #[diesel(serialize_as = DbId)]
    pub user_id: Id,
    #[diesel(serialize_as = DbTime)]
    pub since: Timestamp,
    #[diesel(serialize_as = DbTime)]
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::jobs, treat_none_as_default_value = false)]
pub struct JobRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    #[diesel(serialize_as = DbId)]
    pub id: Id,
    pub kind: String,
    #[diesel(serialize_as = DbJson)]
    pub payload: String,
    /// `waiting`, `running`, `done` or `dead`.
    pub state: String,
    #[diesel(serialize_as = DbTime)]
    pub run_at: Timestamp,
    pub attempts: i64,
    pub max_attempts: i64,
    pub leased_until: Option<Timestamp>,
    pub lease: Option<Id>,
    pub last_error: Option<String>,
    #[diesel(serialize_as = DbTime)]
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// Of which only one waits at a time.
    pub unique_key: Option<String>,
    /// Whether it waits again when it is done; one of its kind in a tenant.
    pub recurring: bool,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::idempotency_keys, treat_none_as_default_value = false)]
pub struct IdempotencyRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    #[diesel(serialize_as = DbId)]
    pub credential_id: Id,
    pub key: String,
    pub request_hash: Vec<u8>,
    pub status: i64,
    #[diesel(serialize_as = DbJson)]
    pub headers: String,
    pub body: String,
    #[diesel(serialize_as = DbTime)]
    pub created_at: Timestamp,
}

/// A code that was mailed to a contact.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::portal_codes, treat_none_as_default_value = false)]
pub struct PortalCodeRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    #[diesel(serialize_as = DbId)]
    pub portal_id: Id,
    pub email: String,
    pub code_hash: Vec<u8>,
    pub attempts: i64,
    #[diesel(serialize_as = DbTime)]
    pub expires_at: Timestamp,
}

/// A session of a contact in a portal.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::portal_sessions, treat_none_as_default_value = false)]
pub struct PortalSessionRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    #[diesel(serialize_as = DbId)]
    pub id: Id,
    #[diesel(serialize_as = DbId)]
    pub portal_id: Id,
    #[diesel(serialize_as = DbId)]
    pub contact_id: Id,
    /// The address that they signed in with.
    pub email: String,
    pub refresh_hash: Vec<u8>,
    /// The token before, when it was exchanged, and what the present one was made of it with.
    pub former_hash: Option<Vec<u8>>,
    pub salt: Option<Vec<u8>>,
    pub rotated_at: Option<Timestamp>,
    #[diesel(serialize_as = DbTime)]
    pub created_at: Timestamp,
    #[diesel(serialize_as = DbTime)]
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::sessions, treat_none_as_default_value = false)]
pub struct SessionRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    #[diesel(serialize_as = DbId)]
    pub id: Id,
    #[diesel(serialize_as = DbId)]
    pub user_id: Id,
    pub refresh_hash: Vec<u8>,
    pub user_agent: Option<String>,
    pub address: Option<String>,
    #[diesel(serialize_as = DbTime)]
    pub created_at: Timestamp,
    #[diesel(serialize_as = DbTime)]
    pub last_used_at: Timestamp,
    #[diesel(serialize_as = DbTime)]
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

/// A refresh token that was rotated.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::session_rotations)]
pub struct RotationRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    #[diesel(serialize_as = DbId)]
    pub session_id: Id,
    /// Of the token that was given up.
    pub hash: Vec<u8>,
    /// What its successor is made with, beside the token itself.
    pub salt: Vec<u8>,
    #[diesel(serialize_as = DbTime)]
    pub rotated_at: Timestamp,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::signing_keys)]
pub struct SigningKeyRow {
    #[diesel(serialize_as = DbId)]
    pub id: Id,
    pub private_key: Vec<u8>,
    pub public_key: Vec<u8>,
    #[diesel(serialize_as = DbTime)]
    pub created_at: Timestamp,
    #[diesel(serialize_as = DbTime)]
    pub retires_at: Timestamp,
}

/// What a frontend keeps under a key.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::settings, treat_none_as_default_value = false)]
pub struct SettingRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    #[diesel(serialize_as = DbId)]
    pub id: Id,
    /// Whose it is; nobody's in particular if it is the tenant's.
    pub user_id: Option<Id>,
    pub key: String,
    /// As JSON.
    #[diesel(serialize_as = DbJson)]
    pub value: String,
    pub version: i64,
    #[diesel(serialize_as = DbTime)]
    pub created_at: Timestamp,
    #[diesel(serialize_as = DbTime)]
    pub updated_at: Timestamp,
    pub updated_by: Option<Id>,
}

/// What Farley keeps for itself of a tenant under a name.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = schema::kept, primary_key(tenant_id, name), treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct KeptRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    pub name: String,
    /// As JSON.
    #[diesel(serialize_as = DbJson)]
    pub value: String,
    #[diesel(serialize_as = DbTime)]
    pub updated_at: Timestamp,
}

/// How far mail has been fetched from a folder of an IMAP server.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = schema::mail_sources, primary_key(tenant_id, name), treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct MailSourceRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    /// Of the folder: `user@host/folder`.
    pub name: String,
    /// What the ids of its messages belong to; none before it was read.
    pub uid_validity: Option<i64>,
    /// The id of the last message that was fetched.
    pub last_uid: i64,
    #[diesel(serialize_as = DbTime)]
    pub checked_at: Timestamp,
    /// How it went, as JSON.
    #[diesel(serialize_as = DbJson)]
    pub report: String,
}

/// A setting without its value.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::settings)]
pub struct SettingHead {
    pub id: Id,
    pub key: String,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub updated_by: Option<Id>,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::login_failures, treat_none_as_default_value = false)]
pub struct LoginFailureRow {
    pub subject: String,
    pub failures: i64,
    #[diesel(serialize_as = DbTime)]
    pub since: Timestamp,
    pub blocked_until: Option<Timestamp>,
}

/// What was wrong in one row of an imported file.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::import_faults, treat_none_as_default_value = false)]
pub struct ImportFaultRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    #[diesel(serialize_as = DbId)]
    pub import_id: Id,
    /// Counted from the header, which is row 1.
    pub row_number: i64,
    /// Counted within the row, from 0.
    pub position: i64,
    pub column_name: Option<String>,
    pub pointer: String,
    pub code: String,
    /// The content of the cell.
    pub typed: Option<String>,
    pub message_en: String,
    pub message_zh: String,
    /// `fault` if it prevented the import of the row, otherwise `warning`.
    pub level: String,
}

/// A key that a record has in another system.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = schema::external_ids)]
pub struct ExternalIdRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    pub object: &'static str,
    pub system: String,
    pub key: String,
    #[diesel(serialize_as = DbId)]
    pub record_id: Id,
}

/// A value within a structure by which a record is found.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = schema::lookup_values)]
pub struct LookupValueRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    pub object: &'static str,
    pub field: String,
    pub value: String,
    #[diesel(serialize_as = DbId)]
    pub record_id: Id,
}

/// On whose timeline an event stands besides that of its own record.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = schema::event_subjects)]
pub struct EventSubjectRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    #[diesel(serialize_as = DbId)]
    pub subject_id: Id,
    pub seq: i64,
}

/// The beginning of a holding.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = schema::pool_holdings)]
pub struct NewHolding<'a> {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    #[diesel(serialize_as = DbId)]
    pub id: Id,
    pub object: &'static str,
    #[diesel(serialize_as = DbId)]
    pub record_id: Id,
    #[diesel(serialize_as = DbId)]
    pub pool_id: Id,
    #[diesel(serialize_as = DbId)]
    pub user_id: Id,
    #[diesel(serialize_as = DbTime)]
    pub since: Timestamp,
    pub began: &'a str,
}

/// One time somebody held a record of a pool.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::pool_holdings)]
pub struct Holding {
    pub id: Id,
    #[diesel(column_name = record_id)]
    pub record: Id,
    #[diesel(column_name = pool_id)]
    pub pool: Id,
    #[diesel(column_name = user_id)]
    pub user: Id,
    pub since: Timestamp,
    pub until: Option<Timestamp>,
    /// `claimed` or `assigned`.
    pub began: String,
    /// `released`, `recalled`, `reassigned`, `archived`.
    pub ended: Option<String>,
    pub reason: Option<String>,
    pub warned_at: Option<Timestamp>,
}

/// What was promised by one version of a policy and of its calendar.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::sla_promises, treat_none_as_default_value = false)]
pub struct PromiseRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    #[diesel(serialize_as = DbId)]
    pub id: Id,
    #[diesel(serialize_as = DbId)]
    pub policy_id: Id,
    pub policy_version: i64,
    pub calendar_id: Option<Id>,
    /// 0 where there is no calendar.
    pub calendar_version: i64,
    #[diesel(serialize_as = DbJson)]
    pub promise: String,
}

/// One clock of a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::ticket_clocks, treat_none_as_default_value = false)]
pub struct ClockRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    #[diesel(serialize_as = DbId)]
    pub ticket_id: Id,
    pub clock: String,
    pub cycle: i64,
    #[diesel(serialize_as = DbId)]
    pub promise_id: Id,
    /// The priority whose target it follows.
    pub priority: String,
    #[diesel(serialize_as = DbTime)]
    pub started_at: Timestamp,
    /// What is promised, in milliseconds.
    pub length: i64,
    /// What was counted until the present phase began, in milliseconds.
    pub elapsed: i64,
    pub phase: String,
    #[diesel(serialize_as = DbTime)]
    pub phase_at: Timestamp,
    pub due_at: Option<Timestamp>,
    pub breached_at: Option<Timestamp>,
    /// Of what an event has told: 0 of nothing, 1 of the warning, 2 of the breach.
    pub told: i64,
    /// When the next event is due.
    pub fires_at: Option<Timestamp>,
    pub is_open: bool,
    /// Whether it was due already when it was first kept: its breach is told, but nobody is notified.
    pub is_belated: bool,
}

/// How far the rules of a tenant have come in its event log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::automation_cursors)]
pub struct RuleCursorRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    pub position: i64,
    /// How often what comes next has failed.
    pub attempts: i64,
}

/// How far a webhook has come in the event log, and how its endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::integration_webhook_cursors, treat_none_as_default_value = false)]
pub struct WebhookCursorRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    #[diesel(serialize_as = DbId)]
    pub webhook_id: Id,
    pub position: i64,
    /// Whether events are taken from the log: not while it is paused, disabled or archived, nor while too much waits.
    pub is_followed: bool,
    /// Since when every attempt has failed.
    pub failing_since: Option<Timestamp>,
    /// Until when the endpoint asked to be left alone.
    pub rests_until: Option<Timestamp>,
}

/// How far a dynamic segment has come in the event log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::segment_cursors)]
pub struct SegmentCursorRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    #[diesel(serialize_as = DbId)]
    pub segment_id: Id,
    pub position: i64,
    /// Whether all its first members have been found: from then on, who enters or leaves is told of.
    pub is_filled: bool,
}

/// A member of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Insertable)]
#[diesel(table_name = schema::segment_members)]
pub struct SegmentMemberRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    #[diesel(serialize_as = DbId)]
    pub segment_id: Id,
    pub object: &'static str,
    #[diesel(serialize_as = DbId)]
    pub record_id: Id,
}

/// How often a rule has acted on a record for one value of the time it counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::automation_timers, treat_none_as_default_value = false)]
pub struct TimerRow {
    #[diesel(serialize_as = DbId)]
    pub tenant_id: Id,
    #[diesel(serialize_as = DbId)]
    pub rule_id: Id,
    #[diesel(serialize_as = DbId)]
    pub record_id: Id,
    #[diesel(serialize_as = DbTime)]
    pub since: Timestamp,
    pub count: i64,
    /// When it acts again; no more, if null.
    pub next_at: Option<Timestamp>,
}

/// The right to work at a job, until it is lost by silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub tenant: Id,
    pub job: Id,
    pub id: Id,
}
