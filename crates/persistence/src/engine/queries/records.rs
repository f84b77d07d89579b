//! What is kept beside records: their keys in other systems, values that they are found by, numbers; and the few columns of declared
//! objects that Farley sets without a new version of the record.

use diesel::{dsl::count_star, prelude::*, upsert::excluded};
use farley_domain::values::{id::Id, time::Timestamp};

use super::{Conn, DIALECT, run::Keep};
use crate::{
    engine::queries::fixed::fixed,
    error::StoreError,
    sql::{
        rows::{ExternalIdRow, LookupValueRow},
        schema::{
            api_keys, external_ids, lead_forms, lead_score_counts, leads, lookup_values, notification_preferences, notifications,
            opportunities, sequences,
        },
        sql_types::{DbId, DbJson, DbTime},
        statement::Dialect,
    },
};

pub fn insert_external_ids(conn: &mut Conn, rows: Vec<ExternalIdRow>) -> Result<(), StoreError> {
    insert_all!(conn, external_ids::table, rows);
    Ok(())
}

pub fn forget_external_ids(conn: &mut Conn, tenant: Id, (object, record): (&str, Id)) -> Result<(), StoreError> {
    let theirs = external_ids::table
        .filter(external_ids::tenant_id.eq(DbId(tenant)))
        .filter(external_ids::record_id.eq(DbId(record)))
        .filter(external_ids::object.eq(object));
    diesel::delete(theirs).execute(conn)?;
    Ok(())
}

/// The live record that has a key in another system.
pub fn by_external_id(conn: &mut Conn, tenant: Id, object: &str, system: &str, key: &str) -> Result<Option<Id>, StoreError> {
    Ok(external_ids::table
        .filter(external_ids::tenant_id.eq(DbId(tenant)))
        .filter(external_ids::object.eq(object))
        .filter(external_ids::system.eq(system))
        .filter(external_ids::key.eq(key))
        .select(external_ids::record_id)
        .first(conn)
        .optional()?)
}

/// The records that have some of many keys in one system, each with its key.
pub fn by_external_ids(
    conn: &mut Conn,
    tenant: Id,
    (object, system): (&str, &str),
    keys: &[String],
) -> Result<Vec<(String, Id)>, StoreError> {
    Ok(external_ids::table
        .filter(external_ids::tenant_id.eq(DbId(tenant)))
        .filter(external_ids::object.eq(object))
        .filter(external_ids::system.eq(system))
        .filter(external_ids::key.eq_any(keys))
        .select((external_ids::key, external_ids::record_id))
        .load(conn)?)
}

/// Those that are there stay.
pub fn insert_lookup_values(conn: &mut Conn, rows: Vec<LookupValueRow>) -> Result<(), StoreError> {
    for row in rows {
        diesel::insert_into(lookup_values::table).values(row).on_conflict_do_nothing().execute(conn)?;
    }
    Ok(())
}

pub fn forget_lookup_value(
    conn: &mut Conn,
    tenant: Id,
    (object, record): (&str, Id),
    (field, value): (&str, &str),
) -> Result<(), StoreError> {
    let it = lookup_values::table
        .filter(lookup_values::tenant_id.eq(DbId(tenant)))
        .filter(lookup_values::object.eq(object))
        .filter(lookup_values::field.eq(field))
        .filter(lookup_values::value.eq(value))
        .filter(lookup_values::record_id.eq(DbId(record)));
    diesel::delete(it).execute(conn)?;
    Ok(())
}

/// The values of a field behind one of a record, in the order of the index.
pub fn lookup_values(
    conn: &mut Conn,
    tenant: Id,
    (object, field): (&str, &str),
    (value, record): (&str, Id),
    most: i64,
) -> Result<Vec<(String, Id)>, StoreError> {
    let rows = lookup_values::table
        .filter(lookup_values::tenant_id.eq(DbId(tenant)))
        .filter(lookup_values::object.eq(object))
        .filter(lookup_values::field.eq(field))
        .filter(lookup_values::value.ge(value))
        .filter(lookup_values::value.gt(value).or(lookup_values::record_id.gt(DbId(record))))
        .order((lookup_values::value, lookup_values::record_id))
        .limit(most)
        .select((lookup_values::value, lookup_values::record_id))
        .load::<(String, Id)>(conn)?;
    Ok(rows)
}

/// Takes `count` numbers of a sequence; the first of them.
pub fn take_numbers(conn: &mut Conn, tenant: Id, name: &str, count: i64) -> Result<i64, StoreError> {
    let taken = diesel::insert_into(sequences::table)
        .values((sequences::tenant_id.eq(DbId(tenant)), sequences::name.eq(name), sequences::next.eq(1 + count)))
        .on_conflict((sequences::tenant_id, sequences::name))
        .do_update()
        .set(sequences::next.eq(sequences::next + count));
    let next: i64 = match DIALECT {
        // RETURNING would make SQLite journal the statement, and with it flush the search index.
        Dialect::Sqlite => {
            taken.kept().execute(conn)?;
            sequences::table
                .filter(sequences::tenant_id.eq(DbId(tenant)))
                .filter(sequences::name.eq(name))
                .select(sequences::next)
                .first(conn)?
        }
        Dialect::Postgres => taken.returning(sequences::next).kept().get_result(conn)?,
    };
    Ok(next - count)
}

/// The next number of a sequence, which is not taken; 0 of one that has not begun.
pub fn next_number(conn: &mut Conn, tenant: Id, name: &str) -> Result<i64, StoreError> {
    let of_name = sequences::table.filter(sequences::tenant_id.eq(DbId(tenant))).filter(sequences::name.eq(name));
    Ok(of_name.select(sequences::next).first(conn).optional()?.unwrap_or(0))
}

/// Goes on with a sequence from a number.
pub fn set_next_number(conn: &mut Conn, tenant: Id, name: &str, next: i64) -> Result<(), StoreError> {
    diesel::insert_into(sequences::table)
        .values((sequences::tenant_id.eq(DbId(tenant)), sequences::name.eq(name), sequences::next.eq(next)))
        .on_conflict((sequences::tenant_id, sequences::name))
        .do_update()
        .set(sequences::next.eq(next))
        .kept()
        .execute(conn)?;
    Ok(())
}

/// Keeps the first characters of a key beside it, to tell it by.
pub fn set_api_key_prefix(conn: &mut Conn, tenant: Id, api_key: Id, prefix: &str) -> Result<(), StoreError> {
    let row = api_keys::table.filter(api_keys::tenant_id.eq(DbId(tenant))).filter(api_keys::id.eq(DbId(api_key)));
    diesel::update(row).set(api_keys::prefix.eq(prefix)).execute(conn)?;
    Ok(())
}

/// Whose web form has a token: tenant and form.
pub fn form_of_token(conn: &mut Conn, token: &str) -> Result<Option<(Id, Id)>, StoreError> {
    let form = lead_forms::table.filter(lead_forms::token.eq(token));
    Ok(form.select((lead_forms::tenant_id, lead_forms::id)).first(conn).optional()?)
}

/// Sets the score of a lead that has a version.
pub fn set_score(conn: &mut Conn, tenant: Id, lead: Id, version: i64, score: i64) -> Result<(), StoreError> {
    let row = leads::table
        .filter(leads::tenant_id.eq(DbId(tenant)))
        .filter(leads::id.eq(DbId(lead)))
        .filter(leads::version.eq(version));
    diesel::update(row).set(leads::score.eq(score)).kept().execute(conn)?;
    Ok(())
}

/// Adds to how many leads with a value of a field were won and lost.
pub fn count_end(conn: &mut Conn, tenant: Id, (field, value): (&str, &str), won: i64, lost: i64) -> Result<(), StoreError> {
    diesel::insert_into(lead_score_counts::table)
        .values((
            lead_score_counts::tenant_id.eq(DbId(tenant)),
            lead_score_counts::field.eq(field),
            lead_score_counts::value.eq(value),
            lead_score_counts::won.eq(won),
            lead_score_counts::lost.eq(lost),
        ))
        .on_conflict((lead_score_counts::tenant_id, lead_score_counts::field, lead_score_counts::value))
        .do_update()
        .set((
            lead_score_counts::won.eq(lead_score_counts::won + won),
            lead_score_counts::lost.eq(lead_score_counts::lost + lost),
        ))
        .kept()
        .execute(conn)?;
    Ok(())
}

/// How many leads with a value of a field were won and lost.
pub fn ends(conn: &mut Conn, tenant: Id, field: &str, value: &str) -> Result<Option<(i64, i64)>, StoreError> {
    Ok(lead_score_counts::table
        .filter(lead_score_counts::tenant_id.eq(DbId(tenant)))
        .filter(lead_score_counts::field.eq(field))
        .filter(lead_score_counts::value.eq(value))
        .select((lead_score_counts::won, lead_score_counts::lost))
        .first(conn)
        .optional()?)
}

/// Of each field: how many leads that had a value of it were won, lost, and how many values that were.
pub fn ends_by_field(conn: &mut Conn, tenant: Id, fields: &[&str]) -> Result<Vec<(String, i64, i64, i64)>, StoreError> {
    Ok(lead_score_counts::table
        .filter(lead_score_counts::tenant_id.eq(DbId(tenant)))
        .filter((lead_score_counts::won + lead_score_counts::lost).gt(0))
        .filter(lead_score_counts::field.eq_any(fields))
        .group_by(lead_score_counts::field)
        .select((
            lead_score_counts::field,
            fixed::<diesel::sql_types::BigInt>("CAST(SUM(won) AS BIGINT)"),
            fixed::<diesel::sql_types::BigInt>("CAST(SUM(lost) AS BIGINT)"),
            count_star(),
        ))
        .kept()
        .load(conn)?)
}

/// Keeps what a user wants to be notified of.
pub fn set_notification_preferences(conn: &mut Conn, tenant: Id, user: Id, preferences: String) -> Result<(), StoreError> {
    diesel::insert_into(notification_preferences::table)
        .values((
            notification_preferences::tenant_id.eq(DbId(tenant)),
            notification_preferences::user_id.eq(DbId(user)),
            notification_preferences::preferences.eq(DbJson(preferences)),
        ))
        .on_conflict((notification_preferences::tenant_id, notification_preferences::user_id))
        .do_update()
        .set(notification_preferences::preferences.eq(excluded(notification_preferences::preferences)))
        .execute(conn)?;
    Ok(())
}

pub fn notification_preferences(conn: &mut Conn, tenant: Id, user: Id) -> Result<Option<String>, StoreError> {
    Ok(notification_preferences::table
        .filter(notification_preferences::tenant_id.eq(DbId(tenant)))
        .filter(notification_preferences::user_id.eq(DbId(user)))
        .select(notification_preferences::preferences)
        .first(conn)
        .optional()?)
}

/// Marks all notifications of a user as read; how many there were.
pub fn read_notifications(conn: &mut Conn, tenant: Id, user: Id, now: Timestamp) -> Result<usize, StoreError> {
    let unread = notifications::table
        .filter(notifications::tenant_id.eq(DbId(tenant)))
        .filter(notifications::user_id.eq(DbId(user)))
        .filter(notifications::read_at.is_null())
        .filter(notifications::archived_at.is_null());
    let read = diesel::update(unread).set((
        notifications::version.eq(notifications::version + 1),
        notifications::read_at.eq(Some(now)),
        notifications::updated_at.eq(DbTime(now)),
        notifications::updated_by.eq(Some(user)),
    ));
    Ok(read.execute(conn)?)
}

/// How many notifications a user has not read.
pub fn unread_notifications(conn: &mut Conn, tenant: Id, user: Id) -> Result<i64, StoreError> {
    Ok(notifications::table
        .filter(notifications::tenant_id.eq(DbId(tenant)))
        .filter(notifications::user_id.eq(DbId(user)))
        .filter(notifications::read_at.is_null())
        .filter(notifications::archived_at.is_null())
        .count()
        .get_result(conn)?)
}

/// The position on the board next to one, after it or before it, but for a record that is on its way.
pub fn neighbour(
    conn: &mut Conn,
    tenant: Id,
    stage: Id,
    position: &str,
    but: Id,
    after: bool,
) -> Result<Option<String>, StoreError> {
    let others = opportunities::table
        .filter(opportunities::tenant_id.eq(DbId(tenant)))
        .filter(opportunities::stage_id.eq(DbId(stage)))
        .filter(opportunities::id.ne(DbId(but)))
        .select(opportunities::position);
    let found = if after {
        others.filter(opportunities::position.gt(position)).order(opportunities::position).first(conn)
    } else {
        others.filter(opportunities::position.lt(position)).order(opportunities::position.desc()).first(conn)
    };
    Ok(found.optional()?)
}
