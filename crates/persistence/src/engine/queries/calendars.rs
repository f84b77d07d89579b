//! Secret addresses of calendars.

use diesel::prelude::*;
use farley_domain::values::{id::Id, time::Timestamp};

use super::Conn;
use crate::{
    error::StoreError,
    sql::{
        schema::calendar_feeds,
        sql_types::{DbId, DbTime},
    },
};

/// Keeps the hash of a user's address; a former one is void.
pub fn set_feed(conn: &mut Conn, tenant: Id, user: Id, hash: &[u8], now: Timestamp) -> Result<(), StoreError> {
    diesel::insert_into(calendar_feeds::table)
        .values((
            calendar_feeds::tenant_id.eq(DbId(tenant)),
            calendar_feeds::user_id.eq(DbId(user)),
            calendar_feeds::token_hash.eq(hash),
            calendar_feeds::created_at.eq(DbTime(now)),
        ))
        .on_conflict((calendar_feeds::tenant_id, calendar_feeds::user_id))
        .do_update()
        .set((calendar_feeds::token_hash.eq(hash), calendar_feeds::created_at.eq(DbTime(now))))
        .execute(conn)?;
    Ok(())
}

pub fn revoke_feed(conn: &mut Conn, tenant: Id, user: Id) -> Result<bool, StoreError> {
    let theirs =
        calendar_feeds::table.filter(calendar_feeds::tenant_id.eq(DbId(tenant))).filter(calendar_feeds::user_id.eq(DbId(user)));
    Ok(diesel::delete(theirs).execute(conn)? == 1)
}

/// Whose address has this hash: tenant and user.
pub fn feed(conn: &mut Conn, hash: &[u8]) -> Result<Option<(Id, Id)>, StoreError> {
    Ok(calendar_feeds::table
        .filter(calendar_feeds::token_hash.eq(hash))
        .select((calendar_feeds::tenant_id, calendar_feeds::user_id))
        .first(conn)
        .optional()?)
}
