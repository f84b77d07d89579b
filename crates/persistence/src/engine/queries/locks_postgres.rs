//! How writers keep out of each other's way: locks of rows, and of names, until the end of the transaction.

use diesel::{
    expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate},
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::{BigInt, Integer, Nullable},
};
use farley_domain::values::{id::Id, time::Timestamp};

use super::{Conn, Db, jobs};
use crate::{
    engine::queries::fixed::fixed,
    error::StoreError,
    sql::{
        rows::LogEnd,
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
    #[sql_name = "pg_advisory_xact_lock_shared"]
    fn pg_advisory_xact_lock_shared_of(kind: Integer, key: Integer) -> Void;
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

/// Before it draws positions in the log, a writer says from where, and for which tenant: readers of that tenant stop short of what it
/// may still commit. The key of the position is 0x4641 ("FA") above 48 bits of it; that of the tenant stands below the same number
/// among the keys of two parts.
pub fn announce(conn: &mut Conn, tenant: Id) -> Result<(), StoreError> {
    announcement(tenant).execute(conn)?;
    Ok(())
}

/// The query that announces.
pub(super) fn announcement(tenant: Id) -> impl QueryFragment<Db> + QueryId + RunQueryDsl<Conn> {
    let position = fixed::<BigInt>("(17985::bigint << 48) | (CASE WHEN is_called THEN last_value ELSE 0 END)");
    let of_tenant = pg_advisory_xact_lock_shared_of(fixed::<Integer>("17985"), tenant_key(tenant).cast_signed());
    events_seq_seq::table.select((of_tenant, pg_advisory_xact_lock_shared(position)))
}

/// 32 random bits of a tenant's id. Two tenants that share them only wait for each other.
fn tenant_key(tenant: Id) -> u32 {
    let [.., a, b, c, d] = *tenant.0.as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// The lowest position announced by a transaction still open that may write events of a tenant: one that has announced it, or none at
/// all, as nodes of an earlier Farley do. All is told from one look at the locks; what is announced after it draws positions that no
/// reader of this look goes to.
struct OpenWriters {
    tenant: i64,
}

const BEFORE_TENANT: &str = "(SELECT min(position) FROM (SELECT \
     min(CASE WHEN objsubid = 1 THEN ((classid::bigint << 32) | objid::bigint) & 281474976710655 END) AS position, \
     bool_or(objsubid = 2) AS is_told, bool_or(objsubid = 2 AND objid::bigint = ";
const AFTER_TENANT: &str = ") AS is_ours FROM pg_locks WHERE locktype = 'advisory' \
     AND ((objsubid = 1 AND classid::bigint >> 16 = 17985) OR (objsubid = 2 AND classid::bigint = 17985)) \
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) GROUP BY pid) writer \
     WHERE is_ours OR NOT is_told)";

impl Expression for OpenWriters {
    type SqlType = Nullable<BigInt>;
}

impl QueryId for OpenWriters {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Db> for OpenWriters {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Db>) -> QueryResult<()> {
        out.push_sql(BEFORE_TENANT);
        out.push_bind_param::<BigInt, _>(&self.tenant)?;
        out.push_sql(AFTER_TENANT);
        Ok(())
    }
}

impl<Source> AppearsOnTable<Source> for OpenWriters {}
impl<Source> SelectableExpression<Source> for OpenWriters {}

impl<GroupBy> ValidGrouping<GroupBy> for OpenWriters {
    type IsAggregate = is_aggregate::Never;
}

/// Up to which position the log of a tenant may be read.
pub fn horizon(conn: &mut Conn, tenant: Id) -> Result<LogEnd, StoreError> {
    let (last, is_called): (i64, bool) =
        events_seq_seq::table.select((events_seq_seq::last_value, events_seq_seq::is_called)).first(conn)?;
    // Asked after the sequence: who draws later draws more.
    let open: Option<i64> = diesel::select(OpenWriters { tenant: tenant_key(tenant).into() }).get_result(conn)?;
    let drawn = if is_called { last } else { 0 };
    Ok(LogEnd { position: open.map_or(drawn, |open| drawn.min(open)), is_held_up: open.is_some_and(|open| open < drawn) })
}
