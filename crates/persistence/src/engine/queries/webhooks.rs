//! How far webhooks have come, in the event log.

use diesel::{
    dsl::{count_star, exists, max},
    prelude::*,
};
use farley_domain::values::{id::Id, time::Timestamp};

use super::{Conn, tenants::keys};
use crate::{
    error::StoreError,
    sql::{
        rows::WebhookCursorRow,
        schema::{events, integration_webhook_cursors as cursors, integration_webhook_deliveries as deliveries},
        sql_types::{DbId, DbTime},
    },
};

/// The states of what is still to be delivered.
const OPEN: [&str; 2] = ["waiting", "parked"];

pub fn cursor(conn: &mut Conn, tenant: Id, webhook: Id) -> Result<Option<WebhookCursorRow>, StoreError> {
    Ok(cursors::table
        .filter(cursors::tenant_id.eq(DbId(tenant)))
        .filter(cursors::webhook_id.eq(DbId(webhook)))
        .select(WebhookCursorRow::as_select())
        .first(conn)
        .optional()?)
}

/// The cursors of a tenant that follow the log.
pub fn followed(conn: &mut Conn, tenant: Id) -> Result<Vec<WebhookCursorRow>, StoreError> {
    Ok(cursors::table
        .filter(cursors::tenant_id.eq(DbId(tenant)))
        .filter(cursors::is_followed.eq(true))
        .order(cursors::webhook_id)
        .select(WebhookCursorRow::as_select())
        .load(conn)?)
}

/// Tenants whose log goes on behind the place where a webhook of theirs is that follows it.
pub fn behind(conn: &mut Conn, limit: i64) -> Result<Vec<(Id, i64)>, StoreError> {
    let newer = events::table
        .filter(events::tenant_id.eq(cursors::tenant_id))
        .filter(events::seq.gt(cursors::position))
        .select(events::seq);
    let behind = cursors::table.filter(cursors::is_followed.eq(true)).filter(exists(newer)).select(cursors::tenant_id);
    let behind: Vec<Id> = behind.distinct().limit(limit).load(conn)?;
    keys(conn, behind)
}

pub fn begin(conn: &mut Conn, row: WebhookCursorRow) -> Result<(), StoreError> {
    diesel::insert_into(cursors::table).values(row).execute(conn)?;
    Ok(())
}

/// Moves a cursor; whether it follows the log, and how its endpoint is, are others' to say.
pub fn place(conn: &mut Conn, tenant: Id, webhook: Id, position: i64) -> Result<(), StoreError> {
    let cursor = cursors::table.filter(cursors::tenant_id.eq(DbId(tenant))).filter(cursors::webhook_id.eq(DbId(webhook)));
    diesel::update(cursor).set(cursors::position.eq(position)).execute(conn)?;
    Ok(())
}

pub fn follow(conn: &mut Conn, tenant: Id, webhook: Id, is_followed: bool) -> Result<(), StoreError> {
    let cursor = cursors::table.filter(cursors::tenant_id.eq(DbId(tenant))).filter(cursors::webhook_id.eq(DbId(webhook)));
    diesel::update(cursor).set(cursors::is_followed.eq(is_followed)).execute(conn)?;
    Ok(())
}

/// Notes since when an endpoint fails, and until when it wants to be left alone.
pub fn note_health(
    conn: &mut Conn,
    tenant: Id,
    webhook: Id,
    (failing_since, rests_until): (Option<Timestamp>, Option<Timestamp>),
) -> Result<(), StoreError> {
    let cursor = cursors::table.filter(cursors::tenant_id.eq(DbId(tenant))).filter(cursors::webhook_id.eq(DbId(webhook)));
    let health = (cursors::failing_since.eq(failing_since.map(DbTime)), cursors::rests_until.eq(rests_until.map(DbTime)));
    diesel::update(cursor).set(health).execute(conn)?;
    Ok(())
}

/// Forgets deliveries of before a time that are not to be tried again.
pub fn purge(conn: &mut Conn, tenant: Id, before: Timestamp) -> Result<usize, StoreError> {
    let old = deliveries::table
        .filter(deliveries::tenant_id.eq(DbId(tenant)))
        .filter(deliveries::created_at.lt(DbTime(before)))
        .filter(deliveries::state.ne_all(OPEN));
    Ok(diesel::delete(old).execute(conn)?)
}

/// When the delivery was made that has so many after it; none, if there are not so many.
pub fn delivery_before(conn: &mut Conn, tenant: Id, most: i64) -> Result<Option<Timestamp>, StoreError> {
    let rest = deliveries::table
        .filter(deliveries::tenant_id.eq(DbId(tenant)))
        .order(deliveries::created_at.desc())
        .select(deliveries::created_at)
        .offset(most)
        .limit(1);
    Ok(rest.load(conn)?.pop())
}

/// How many deliveries of a webhook are still to be made.
pub fn open(conn: &mut Conn, tenant: Id, webhook: Id) -> Result<i64, StoreError> {
    let open = deliveries::table
        .filter(deliveries::tenant_id.eq(DbId(tenant)))
        .filter(deliveries::webhook_id.eq(DbId(webhook)))
        .filter(deliveries::state.eq_any(OPEN));
    Ok(open.count().get_result(conn)?)
}

/// What waits to be delivered to a webhook, in the order of the log: the delivery, the record, and when it is due.
pub fn waiting(conn: &mut Conn, tenant: Id, webhook: Id, most: i64) -> Result<Vec<(Id, Id, Option<Timestamp>)>, StoreError> {
    Ok(deliveries::table
        .filter(deliveries::tenant_id.eq(DbId(tenant)))
        .filter(deliveries::webhook_id.eq(DbId(webhook)))
        .filter(deliveries::state.eq("waiting"))
        .order((deliveries::seq, deliveries::created_at))
        .limit(most)
        .select((deliveries::id, deliveries::record_id, deliveries::next_attempt_at))
        .load(conn)?)
}

/// The position of the delivery of a record before one, but for those that were skipped.
pub fn previous(conn: &mut Conn, tenant: Id, webhook: Id, record: Id, before: i64) -> Result<Option<i64>, StoreError> {
    Ok(deliveries::table
        .filter(deliveries::tenant_id.eq(DbId(tenant)))
        .filter(deliveries::webhook_id.eq(DbId(webhook)))
        .filter(deliveries::record_id.eq(DbId(record)))
        .filter(deliveries::seq.lt(before))
        .filter(deliveries::state.ne("skipped"))
        .select(max(deliveries::seq))
        .first(conn)?)
}

/// How many deliveries of a webhook are in each state, of those that are kept.
pub fn states(conn: &mut Conn, tenant: Id, webhook: Id) -> Result<Vec<(String, i64)>, StoreError> {
    Ok(deliveries::table
        .filter(deliveries::tenant_id.eq(DbId(tenant)))
        .filter(deliveries::webhook_id.eq(DbId(webhook)))
        .group_by(deliveries::state)
        .select((deliveries::state, count_star()))
        .load(conn)?)
}

/// The state of the latest delivery of each record before a position.
pub fn last(conn: &mut Conn, tenant: Id, webhook: Id, records: &[Id], before: i64) -> Result<Vec<(Id, String)>, StoreError> {
    let earlier = deliveries::table
        .filter(deliveries::tenant_id.eq(DbId(tenant)))
        .filter(deliveries::webhook_id.eq(DbId(webhook)))
        .filter(deliveries::record_id.eq_any(records.iter().copied().map(DbId)))
        .filter(deliveries::seq.lt(before))
        .group_by(deliveries::record_id)
        .select((deliveries::record_id, max(deliveries::seq)));
    let latest: Vec<(Id, Option<i64>)> = earlier.load(conn)?;
    let positions: Vec<i64> = latest.into_iter().filter_map(|(_, seq)| seq).collect();
    Ok(deliveries::table
        .filter(deliveries::tenant_id.eq(DbId(tenant)))
        .filter(deliveries::webhook_id.eq(DbId(webhook)))
        .filter(deliveries::record_id.eq_any(records.iter().copied().map(DbId)))
        .filter(deliveries::seq.eq_any(positions))
        .order((deliveries::seq, deliveries::created_at))
        .select((deliveries::record_id, deliveries::state))
        .load(conn)?)
}

/// Lets what stood behind a delivery of a record go out.
pub fn release(conn: &mut Conn, tenant: Id, webhook: Id, record: Id, now: Timestamp) -> Result<(), StoreError> {
    let parked = deliveries::table
        .filter(deliveries::tenant_id.eq(DbId(tenant)))
        .filter(deliveries::webhook_id.eq(DbId(webhook)))
        .filter(deliveries::record_id.eq(DbId(record)))
        .filter(deliveries::state.eq("parked"));
    let waiting = (deliveries::state.eq("waiting"), deliveries::next_attempt_at.eq(DbTime(now)));
    diesel::update(parked).set(waiting).execute(conn)?;
    Ok(())
}

/// Holds back what else of a record waits.
pub fn park(conn: &mut Conn, tenant: Id, webhook: Id, record: Id) -> Result<(), StoreError> {
    let waiting = deliveries::table
        .filter(deliveries::tenant_id.eq(DbId(tenant)))
        .filter(deliveries::webhook_id.eq(DbId(webhook)))
        .filter(deliveries::record_id.eq(DbId(record)))
        .filter(deliveries::state.eq("waiting"));
    diesel::update(waiting).set(deliveries::state.eq("parked")).execute(conn)?;
    Ok(())
}

/// Makes everything that waits due.
pub fn hasten(conn: &mut Conn, tenant: Id, webhook: Id, now: Timestamp) -> Result<(), StoreError> {
    let waiting = deliveries::table
        .filter(deliveries::tenant_id.eq(DbId(tenant)))
        .filter(deliveries::webhook_id.eq(DbId(webhook)))
        .filter(deliveries::state.eq("waiting"));
    diesel::update(waiting).set(deliveries::next_attempt_at.eq(DbTime(now))).execute(conn)?;
    Ok(())
}

/// Lets what failed after a position, and what stands behind it, be tried anew; how many.
pub fn revive(conn: &mut Conn, tenant: Id, webhook: Id, after: i64, now: Timestamp) -> Result<usize, StoreError> {
    let failed = deliveries::table
        .filter(deliveries::tenant_id.eq(DbId(tenant)))
        .filter(deliveries::webhook_id.eq(DbId(webhook)))
        .filter(deliveries::seq.gt(after))
        .filter(deliveries::state.eq_any(["failed", "parked"]));
    let waiting = (deliveries::state.eq("waiting"), deliveries::failures.eq(0_i64), deliveries::next_attempt_at.eq(DbTime(now)));
    Ok(diesel::update(failed).set(waiting).execute(conn)?)
}
