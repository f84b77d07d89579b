//! Customer portals: whose a token is, the codes that were mailed, and who is signed in.

use diesel::prelude::*;
use farley_domain::values::{id::Id, time::Timestamp};

use super::Conn;
use crate::{
    error::StoreError,
    sql::{
        rows::{PortalCodeRow, PortalSessionRow},
        schema::{portal_codes, portal_sessions, portals},
        sql_types::{DbId, DbTime},
    },
};

/// Whose portal has a token: tenant and portal.
pub fn portal_of_token(conn: &mut Conn, token: &str) -> Result<Option<(Id, Id)>, StoreError> {
    let portal = portals::table.filter(portals::token.eq(token));
    Ok(portal.select((portals::tenant_id, portals::id)).first(conn).optional()?)
}

/// Keeps a code in place of the one before, and forgets those that have expired.
pub fn set_portal_code(conn: &mut Conn, row: PortalCodeRow, now: Timestamp) -> Result<(), StoreError> {
    let tenant = portal_codes::tenant_id.eq(DbId(row.tenant_id));
    diesel::delete(portal_codes::table.filter(tenant).filter(portal_codes::expires_at.le(DbTime(now)))).execute(conn)?;
    remove_portal_code(conn, row.tenant_id, row.portal_id, &row.email)?;
    diesel::insert_into(portal_codes::table).values(row).execute(conn)?;
    Ok(())
}

pub fn portal_code(conn: &mut Conn, tenant: Id, portal: Id, email: &str) -> Result<Option<PortalCodeRow>, StoreError> {
    Ok(portal_codes::table
        .filter(portal_codes::tenant_id.eq(DbId(tenant)))
        .filter(portal_codes::portal_id.eq(DbId(portal)))
        .filter(portal_codes::email.eq(email))
        .select(PortalCodeRow::as_select())
        .first(conn)
        .optional()?)
}

/// Counts an attempt to use a code.
pub fn count_portal_attempt(conn: &mut Conn, tenant: Id, portal: Id, email: &str) -> Result<(), StoreError> {
    let row = portal_codes::table
        .filter(portal_codes::tenant_id.eq(DbId(tenant)))
        .filter(portal_codes::portal_id.eq(DbId(portal)))
        .filter(portal_codes::email.eq(email));
    diesel::update(row).set(portal_codes::attempts.eq(portal_codes::attempts + 1)).execute(conn)?;
    Ok(())
}

pub fn remove_portal_code(conn: &mut Conn, tenant: Id, portal: Id, email: &str) -> Result<(), StoreError> {
    let row = portal_codes::table
        .filter(portal_codes::tenant_id.eq(DbId(tenant)))
        .filter(portal_codes::portal_id.eq(DbId(portal)))
        .filter(portal_codes::email.eq(email));
    diesel::delete(row).execute(conn)?;
    Ok(())
}

pub fn add_portal_session(conn: &mut Conn, row: PortalSessionRow) -> Result<(), StoreError> {
    diesel::insert_into(portal_sessions::table).values(row).execute(conn)?;
    Ok(())
}

pub fn portal_session(conn: &mut Conn, tenant: Id, id: Id) -> Result<Option<PortalSessionRow>, StoreError> {
    Ok(portal_sessions::table
        .filter(portal_sessions::tenant_id.eq(DbId(tenant)))
        .filter(portal_sessions::id.eq(DbId(id)))
        .select(PortalSessionRow::as_select())
        .first(conn)
        .optional()?)
}

/// Gives a session its next refresh token, and notes what that followed; false if another request was quicker.
pub fn rotate_portal_session(
    conn: &mut Conn,
    session: &PortalSessionRow,
    refresh_hash: &[u8],
    salt: &[u8],
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let row = portal_sessions::table
        .filter(portal_sessions::tenant_id.eq(DbId(session.tenant_id)))
        .filter(portal_sessions::id.eq(DbId(session.id)))
        .filter(portal_sessions::refresh_hash.eq(&session.refresh_hash))
        .filter(portal_sessions::revoked_at.is_null());
    let changed = diesel::update(row).set((
        portal_sessions::refresh_hash.eq(refresh_hash),
        portal_sessions::former_hash.eq(Some(&session.refresh_hash)),
        portal_sessions::salt.eq(Some(salt)),
        portal_sessions::rotated_at.eq(Some(now)),
        portal_sessions::expires_at.eq(DbTime(expires_at)),
    ));
    Ok(changed.execute(conn)? > 0)
}

/// Ends a session; whether it had not ended.
pub fn revoke_portal_session(conn: &mut Conn, tenant: Id, id: Id, now: Timestamp) -> Result<bool, StoreError> {
    let row = portal_sessions::table
        .filter(portal_sessions::tenant_id.eq(DbId(tenant)))
        .filter(portal_sessions::id.eq(DbId(id)))
        .filter(portal_sessions::revoked_at.is_null());
    Ok(diesel::update(row).set(portal_sessions::revoked_at.eq(Some(now))).execute(conn)? > 0)
}
