//! How writers keep out of each other's way: locks of rows, and of names, until the end of the transaction.

use diesel::{
    prelude::*,
    query_builder::{QueryFragment, QueryId},
    sql_types::{BigInt, Nullable},
};
use farley_domain::values::{id::Id, time::Timestamp};

use super::{Conn, Db, jobs};
use crate::{
    engine::queries::fixed::fixed,
    error::StoreError,
    sql::{
        schema::{self, events_seq_seq},
        sql_types::DbId,
    },
};

/// A type without values.
#[derive(Clone, Copy, Debug, diesel::sql_types::SqlType, diesel::query_builder::QueryId)]
#[diesel(postgres_type(name = "void"))]
pub struct Void;

#[diesel::declare_sql_function]
extern "SQL" {
    fn hashtextextended(name: diesel::sql_types::Text, seed: BigInt) -> BigInt;
    fn pg_advisory_xact_lock(key: BigInt) -> Void;
    fn pg_advisory_xact_lock_shared(key: BigInt) -> Void;
    fn pg_try_advisory_xact_lock(key: BigInt) -> diesel::sql_types::Bool;
}

/// Of two who ask for the same name, the second waits.
pub fn wait(conn: &mut Conn, name: &str) -> Result<(), StoreError> {
    diesel::select(pg_advisory_xact_lock(hashtextextended(name, 0))).execute(conn)?;
    Ok(())
}

/// Of two who ask for the same name, the second is told.
pub fn try_for(conn: &mut Conn, name: &str) -> Result<bool, StoreError> {
    Ok(diesel::select(pg_try_advisory_xact_lock(hashtextextended(name, 0))).get_result(conn)?)
}

/// Waits for whoever is at a job.
pub fn job(conn: &mut Conn, tenant: Id, id: Id) -> Result<(), StoreError> {
    let job = schema::jobs::table.filter(schema::jobs::tenant_id.eq(DbId(tenant))).filter(schema::jobs::id.eq(DbId(id)));
    job.select(schema::jobs::id).for_update().execute(conn)?;
    Ok(())
}

/// Locks a job unless somebody is at it: then false.
pub fn free_job(conn: &mut Conn, tenant: Id, id: Id) -> Result<bool, StoreError> {
    let job = schema::jobs::table.filter(schema::jobs::tenant_id.eq(DbId(tenant))).filter(schema::jobs::id.eq(DbId(id)));
    Ok(job.select(schema::jobs::id).for_update().skip_locked().execute(conn)? > 0)
}

/// Locks a job of one of the kinds that is still due, unless somebody is at it: then false.
pub fn due_job(conn: &mut Conn, (tenant, id): (Id, Id), kinds: &[&str], now: Timestamp) -> Result<bool, StoreError> {
    let job = schema::jobs::table.filter(schema::jobs::tenant_id.eq(DbId(tenant))).filter(schema::jobs::id.eq(DbId(id)));
    let job = job.filter(jobs::is_due(kinds, now)).select(schema::jobs::id);
    Ok(job.for_update().skip_locked().execute(conn)? > 0)
}

/// Before it draws positions in the log, a writer says from where: readers stop short of what it may still commit.
/// The key is 0x4641 ("FA") above 48 bits of position.
pub fn announce(conn: &mut Conn) -> Result<(), StoreError> {
    announcement().execute(conn)?;
    Ok(())
}

/// The query that announces.
pub(super) fn announcement() -> impl QueryFragment<Db> + QueryId + RunQueryDsl<Conn> {
    let key = fixed::<BigInt>("(17985::bigint << 48) | (CASE WHEN is_called THEN last_value ELSE 0 END)");
    events_seq_seq::table.select(pg_advisory_xact_lock_shared(key))
}

/// The lowest position announced by a transaction still open.
const OPEN_WRITERS: &str = "(SELECT min(((classid::bigint << 32) | objid::bigint) & 281474976710655) FROM pg_locks \
     WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = 17985 \
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";

/// Up to which position the log may be read.
pub fn horizon(conn: &mut Conn) -> Result<i64, StoreError> {
    let (last, is_called): (i64, bool) =
        events_seq_seq::table.select((events_seq_seq::last_value, events_seq_seq::is_called)).first(conn)?;
    // Asked after the sequence: who draws later draws more.
    let open: Option<i64> = diesel::select(fixed::<Nullable<BigInt>>(OPEN_WRITERS)).get_result(conn)?;
    let drawn = if is_called { last } else { 0 };
    Ok(open.map_or(drawn, |open| drawn.min(open)))
}
