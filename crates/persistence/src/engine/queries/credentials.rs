//! Passwords, sessions, API key hashes, signing keys and failed log-ins.

use diesel::prelude::*;
use farley_domain::values::{id::Id, time::Timestamp};

use super::Conn;
use crate::{
    error::StoreError,
    sql::{
        rows::{LoginFailureRow, RotationRow, SessionRow, SigningKeyRow},
        schema::{api_key_hashes, login_failures, password_tokens, passwords, session_rotations, sessions, signing_keys},
        sql_types::{DbId, DbTime},
    },
};

pub fn password(conn: &mut Conn, tenant: Id, user: Id) -> Result<Option<String>, StoreError> {
    Ok(passwords::table
        .filter(passwords::tenant_id.eq(DbId(tenant)))
        .filter(passwords::user_id.eq(DbId(user)))
        .select(passwords::hash)
        .first(conn)
        .optional()?)
}

pub fn password_changed_at(conn: &mut Conn, tenant: Id, user: Id) -> Result<Option<Timestamp>, StoreError> {
    Ok(passwords::table
        .filter(passwords::tenant_id.eq(DbId(tenant)))
        .filter(passwords::user_id.eq(DbId(user)))
        .select(passwords::changed_at)
        .first(conn)
        .optional()?)
}

pub fn set_password(conn: &mut Conn, tenant: Id, user: Id, hash: &str, now: Timestamp) -> Result<(), StoreError> {
    diesel::insert_into(passwords::table)
        .values((
            passwords::tenant_id.eq(DbId(tenant)),
            passwords::user_id.eq(DbId(user)),
            passwords::hash.eq(hash),
            passwords::changed_at.eq(DbTime(now)),
        ))
        .on_conflict((passwords::tenant_id, passwords::user_id))
        .do_update()
        .set((passwords::hash.eq(hash), passwords::changed_at.eq(DbTime(now))))
        .execute(conn)?;
    Ok(())
}

/// Keeps a one-time token for setting a password; earlier ones of the user are void.
pub fn set_password_token(conn: &mut Conn, tenant: Id, user: Id, hash: &[u8], expires_at: Timestamp) -> Result<(), StoreError> {
    void_password_tokens(conn, tenant, user)?;
    insert_password_token(conn, tenant, user, hash, expires_at)
}

/// Keeps a one-time token beside those that the user has: nobody can void a token that was handed out by asking for another.
pub fn add_password_token(
    conn: &mut Conn,
    tenant: Id,
    user: Id,
    hash: &[u8],
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    let expired = password_tokens::table
        .filter(password_tokens::tenant_id.eq(DbId(tenant)))
        .filter(password_tokens::user_id.eq(DbId(user)))
        .filter(password_tokens::expires_at.le(DbTime(now)));
    diesel::delete(expired).execute(conn)?;
    insert_password_token(conn, tenant, user, hash, expires_at)
}

fn insert_password_token(conn: &mut Conn, tenant: Id, user: Id, hash: &[u8], expires_at: Timestamp) -> Result<(), StoreError> {
    diesel::insert_into(password_tokens::table)
        .values((
            password_tokens::hash.eq(hash),
            password_tokens::tenant_id.eq(DbId(tenant)),
            password_tokens::user_id.eq(DbId(user)),
            password_tokens::expires_at.eq(DbTime(expires_at)),
        ))
        .execute(conn)?;
    Ok(())
}

pub fn void_password_tokens(conn: &mut Conn, tenant: Id, user: Id) -> Result<(), StoreError> {
    let earlier = password_tokens::table
        .filter(password_tokens::tenant_id.eq(DbId(tenant)))
        .filter(password_tokens::user_id.eq(DbId(user)));
    diesel::delete(earlier).execute(conn)?;
    Ok(())
}

/// Whose token this is, if it still holds: tenant and user.
pub fn password_token(conn: &mut Conn, hash: &[u8], now: Timestamp) -> Result<Option<(Id, Id)>, StoreError> {
    Ok(password_tokens::table
        .filter(password_tokens::hash.eq(hash))
        .filter(password_tokens::expires_at.gt(DbTime(now)))
        .select((password_tokens::tenant_id, password_tokens::user_id))
        .first(conn)
        .optional()?)
}

pub fn add_session(conn: &mut Conn, row: SessionRow) -> Result<(), StoreError> {
    diesel::insert_into(sessions::table).values(row).execute(conn)?;
    Ok(())
}

pub fn session(conn: &mut Conn, tenant: Id, id: Id) -> Result<Option<SessionRow>, StoreError> {
    Ok(sessions::table
        .filter(sessions::tenant_id.eq(DbId(tenant)))
        .filter(sessions::id.eq(DbId(id)))
        .select(SessionRow::as_select())
        .first(conn)
        .optional()?)
}

/// Sessions of a user that still hold, newest first.
pub fn sessions(conn: &mut Conn, tenant: Id, user: Id, now: Timestamp) -> Result<Vec<SessionRow>, StoreError> {
    Ok(sessions::table
        .filter(sessions::tenant_id.eq(DbId(tenant)))
        .filter(sessions::user_id.eq(DbId(user)))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(DbTime(now)))
        .order(sessions::created_at.desc())
        .select(SessionRow::as_select())
        .load(conn)?)
}

/// Gives a session its next refresh token; false if another request was quicker.
pub fn rotate_session(
    conn: &mut Conn,
    session: &SessionRow,
    refresh_hash: &[u8],
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let row = sessions::table
        .filter(sessions::tenant_id.eq(DbId(session.tenant_id)))
        .filter(sessions::id.eq(DbId(session.id)))
        .filter(sessions::refresh_hash.eq(&session.refresh_hash))
        .filter(sessions::revoked_at.is_null());
    let touched = diesel::update(row)
        .set((
            sessions::refresh_hash.eq(refresh_hash),
            sessions::last_used_at.eq(DbTime(now)),
            sessions::expires_at.eq(DbTime(expires_at)),
        ))
        .execute(conn)?;
    Ok(touched == 1)
}

/// Notes what a rotated token was followed by, and forgets what was noted before `since`.
pub fn add_rotation(conn: &mut Conn, row: RotationRow, since: Timestamp) -> Result<(), StoreError> {
    let old = session_rotations::table
        .filter(session_rotations::tenant_id.eq(DbId(row.tenant_id)))
        .filter(session_rotations::session_id.eq(DbId(row.session_id)))
        .filter(session_rotations::rotated_at.lt(DbTime(since)));
    diesel::delete(old).execute(conn)?;
    diesel::insert_into(session_rotations::table).values(row).execute(conn)?;
    Ok(())
}

/// What is noted of a token that was rotated at `since` or later.
pub fn rotation(
    conn: &mut Conn,
    tenant: Id,
    session: Id,
    hash: &[u8],
    since: Timestamp,
) -> Result<Option<RotationRow>, StoreError> {
    Ok(session_rotations::table
        .filter(session_rotations::tenant_id.eq(DbId(tenant)))
        .filter(session_rotations::session_id.eq(DbId(session)))
        .filter(session_rotations::hash.eq(hash))
        .filter(session_rotations::rotated_at.ge(DbTime(since)))
        .select(RotationRow::as_select())
        .first(conn)
        .optional()?)
}

pub fn revoke_session(conn: &mut Conn, tenant: Id, id: Id, now: Timestamp) -> Result<bool, StoreError> {
    let row = sessions::table
        .filter(sessions::tenant_id.eq(DbId(tenant)))
        .filter(sessions::id.eq(DbId(id)))
        .filter(sessions::revoked_at.is_null());
    Ok(diesel::update(row).set(sessions::revoked_at.eq(Some(now))).execute(conn)? == 1)
}

/// Ends every session of a user but one.
pub fn revoke_sessions(conn: &mut Conn, tenant: Id, user: Id, but: Option<Id>, now: Timestamp) -> Result<(), StoreError> {
    let rows = sessions::table
        .filter(sessions::tenant_id.eq(DbId(tenant)))
        .filter(sessions::user_id.eq(DbId(user)))
        .filter(sessions::id.ne(DbId(but.unwrap_or(Id::NIL))))
        .filter(sessions::revoked_at.is_null());
    diesel::update(rows).set(sessions::revoked_at.eq(Some(now))).execute(conn)?;
    Ok(())
}

pub fn add_api_key_hash(conn: &mut Conn, tenant: Id, api_key: Id, hash: &[u8]) -> Result<(), StoreError> {
    diesel::insert_into(api_key_hashes::table)
        .values((
            api_key_hashes::hash.eq(hash),
            api_key_hashes::tenant_id.eq(DbId(tenant)),
            api_key_hashes::api_key_id.eq(DbId(api_key)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Which key has this hash: tenant and key.
pub fn api_key(conn: &mut Conn, hash: &[u8]) -> Result<Option<(Id, Id)>, StoreError> {
    Ok(api_key_hashes::table
        .filter(api_key_hashes::hash.eq(hash))
        .select((api_key_hashes::tenant_id, api_key_hashes::api_key_id))
        .first(conn)
        .optional()?)
}

pub fn signing_keys(conn: &mut Conn) -> Result<Vec<SigningKeyRow>, StoreError> {
    Ok(signing_keys::table.order(signing_keys::created_at.desc()).select(SigningKeyRow::as_select()).load(conn)?)
}

pub fn add_signing_key(conn: &mut Conn, row: SigningKeyRow) -> Result<(), StoreError> {
    diesel::insert_into(signing_keys::table).values(row).execute(conn)?;
    Ok(())
}

/// Ends the signing life of every key that still signs.
pub fn retire_signing_keys(conn: &mut Conn, now: Timestamp) -> Result<(), StoreError> {
    let signing = signing_keys::table.filter(signing_keys::retires_at.gt(DbTime(now)));
    diesel::update(signing).set(signing_keys::retires_at.eq(DbTime(now))).execute(conn)?;
    Ok(())
}

/// Forgets keys that no living token can have been signed with.
pub fn forget_signing_keys(conn: &mut Conn, retired_before: Timestamp) -> Result<(), StoreError> {
    diesel::delete(signing_keys::table.filter(signing_keys::retires_at.lt(DbTime(retired_before)))).execute(conn)?;
    Ok(())
}

pub fn login_failures(conn: &mut Conn, subject: &str) -> Result<Option<LoginFailureRow>, StoreError> {
    Ok(login_failures::table
        .filter(login_failures::subject.eq(subject))
        .select(LoginFailureRow::as_select())
        .first(conn)
        .optional()?)
}

pub fn set_login_failures(conn: &mut Conn, row: &LoginFailureRow) -> Result<(), StoreError> {
    diesel::insert_into(login_failures::table)
        .values(row.clone())
        .on_conflict(login_failures::subject)
        .do_update()
        .set((
            login_failures::failures.eq(row.failures),
            login_failures::since.eq(DbTime(row.since)),
            login_failures::blocked_until.eq(row.blocked_until),
        ))
        .execute(conn)?;
    Ok(())
}

pub fn clear_login_failures(conn: &mut Conn, subject: &str) -> Result<(), StoreError> {
    diesel::delete(login_failures::table.filter(login_failures::subject.eq(subject))).execute(conn)?;
    Ok(())
}
