//! Three SQL types that make one schema fit both engines: ids, times and JSON.

use std::io::Write;

use diesel::{
    Queryable,
    backend::Backend,
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    query_builder::QueryId,
    serialize::{self, IsNull, Output, ToSql},
    sql_types::SqlType,
    sqlite::{Sqlite, SqliteValue},
};
use farley_domain::values::{id::Id, time::Timestamp};
use uuid::Uuid;

/// `uuid`, or 16 bytes.
#[derive(Clone, Copy, Debug, SqlType, QueryId)]
#[diesel(sqlite_type(name = "Binary"), postgres_type(oid = 2950, array_oid = 2951))]
pub struct IdSql;

/// `timestamptz`, or microseconds since 1970.
#[derive(Clone, Copy, Debug, SqlType, QueryId)]
#[diesel(sqlite_type(name = "Long"), postgres_type(oid = 1184, array_oid = 1185))]
pub struct TimeSql;

/// `json`, or text. Not `jsonb`: that would reorder members, and both engines are to give the same bytes.
#[derive(Clone, Copy, Debug, SqlType, QueryId)]
#[diesel(sqlite_type(name = "Text"), postgres_type(oid = 114, array_oid = 199))]
pub struct JsonSql;

/// An id as a value of a query. Rows hold plain ids, times and texts: only what diesel is to take for an expression needs a type of
/// this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AsExpression)]
#[diesel(sql_type = IdSql)]
pub struct DbId(pub Id);

#[derive(Clone, Copy, Debug, PartialEq, Eq, AsExpression)]
#[diesel(sql_type = TimeSql)]
pub struct DbTime(pub Timestamp);

#[derive(Clone, Debug, PartialEq, Eq, AsExpression)]
#[diesel(sql_type = JsonSql)]
pub struct DbJson(pub String);

impl From<Id> for DbId {
    fn from(id: Id) -> DbId {
        DbId(id)
    }
}

impl From<Timestamp> for DbTime {
    fn from(time: Timestamp) -> DbTime {
        DbTime(time)
    }
}

impl From<String> for DbJson {
    fn from(json: String) -> DbJson {
        DbJson(json)
    }
}

/// PostgreSQL counts from 2000-01-01.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

impl ToSql<IdSql, Sqlite> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl ToSql<IdSql, Pg> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl<DB: Backend> ToSql<IdSql, DB> for DbId
where
    Id: ToSql<IdSql, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl FromSql<IdSql, Sqlite> for Id {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Id> {
        Ok(Id(Uuid::from_slice(value.read_blob())?))
    }
}

impl FromSql<IdSql, Pg> for Id {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Id> {
        Ok(Id(Uuid::from_slice(value.as_bytes())?))
    }
}

impl<DB: Backend> Queryable<IdSql, DB> for Id
where
    Id: FromSql<IdSql, DB>,
{
    type Row = Id;

    fn build(row: Id) -> deserialize::Result<Id> {
        Ok(row)
    }
}

impl ToSql<TimeSql, Sqlite> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.microseconds());
        Ok(IsNull::No)
    }
}

impl ToSql<TimeSql, Pg> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&self.microseconds().saturating_sub(POSTGRES_EPOCH).to_be_bytes())?;
        Ok(IsNull::No)
    }
}

impl<DB: Backend> ToSql<TimeSql, DB> for DbTime
where
    Timestamp: ToSql<TimeSql, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl FromSql<TimeSql, Sqlite> for Timestamp {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Timestamp> {
        Ok(Timestamp::from_microseconds(value.read_long()))
    }
}

impl FromSql<TimeSql, Pg> for Timestamp {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Timestamp> {
        let microseconds = i64::from_be_bytes(value.as_bytes().try_into()?);
        Ok(Timestamp::from_microseconds(microseconds.saturating_add(POSTGRES_EPOCH)))
    }
}

impl<DB: Backend> Queryable<TimeSql, DB> for Timestamp
where
    Timestamp: FromSql<TimeSql, DB>,
{
    type Row = Timestamp;

    fn build(row: Timestamp) -> deserialize::Result<Timestamp> {
        Ok(row)
    }
}

impl ToSql<JsonSql, Sqlite> for DbJson {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_str());
        Ok(IsNull::No)
    }
}

impl ToSql<JsonSql, Pg> for DbJson {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<JsonSql, Sqlite> for String {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<String> {
        Ok(value.read_text().to_owned())
    }
}

impl FromSql<JsonSql, Pg> for String {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<String> {
        Ok(std::str::from_utf8(value.as_bytes())?.to_owned())
    }
}

/// A calendar date: `date`, or text `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, SqlType, QueryId)]
#[diesel(sqlite_type(name = "Text"), postgres_type(oid = 1082, array_oid = 1182))]
pub struct DateSql;

#[derive(Clone, Copy, Debug, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = DateSql)]
pub struct DbDate(pub chrono::NaiveDate);

const POSTGRES_EPOCH_DATE: chrono::NaiveDate = match chrono::NaiveDate::from_ymd_opt(2000, 1, 1) {
    Some(date) => date,
    None => chrono::NaiveDate::MIN,
};

impl ToSql<DateSql, Sqlite> for DbDate {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.to_string());
        Ok(IsNull::No)
    }
}

impl ToSql<DateSql, Pg> for DbDate {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let days = i32::try_from((self.0 - POSTGRES_EPOCH_DATE).num_days())?;
        out.write_all(&days.to_be_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<DateSql, Sqlite> for DbDate {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<DbDate> {
        Ok(DbDate(value.read_text().parse()?))
    }
}

impl FromSql<DateSql, Pg> for DbDate {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<DbDate> {
        let days = i32::from_be_bytes(value.as_bytes().try_into()?);
        let date = POSTGRES_EPOCH_DATE.checked_add_signed(chrono::Duration::days(days.into()));
        date.map(DbDate).ok_or_else(|| "a date beyond what can be shown".into())
    }
}
