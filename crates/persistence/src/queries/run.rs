//! Runs statements built at run time on one engine's connection.

use super::{Conn, Db};
use crate::{
    error::StoreError,
    row::Cell,
    sql_types::{DateSql, DbDate, DbId, DbJson, DbTime, IdSql, JsonSql, TimeSql},
    statement::{Bind, ColumnType, Part, Statement},
};
use diesel::{
    backend::Backend,
    connection::{DefaultLoadingMode, LoadConnection},
    deserialize::FromSql,
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    row::{Field as _, Row as _},
    sql_types::{BigInt, Bool, Double, Nullable, Text, Untyped},
};

struct Run<'a>(&'a Statement);

impl Query for Run<'_> {
    type SqlType = Untyped;
}

impl QueryId for Run<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<Conn> for Run<'_> {}

impl QueryFragment<Db> for Run<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Db>) -> QueryResult<()> {
        if !self.0.keep {
            out.unsafe_to_cache_prepared();
        }
        for part in &self.0.parts {
            match part {
                Part::Sql(sql) => out.push_sql(sql),
                Part::Bind(bind) => push(bind, &mut out)?,
            }
        }
        Ok(())
    }
}

fn push<'b>(bind: &'b Bind, out: &mut AstPass<'_, 'b, Db>) -> QueryResult<()> {
    match bind {
        Bind::Null(kind) => match kind {
            ColumnType::Boolean => out.push_bind_param::<Nullable<Bool>, _>(&None::<bool>),
            ColumnType::Integer => out.push_bind_param::<Nullable<BigInt>, _>(&None::<i64>),
            ColumnType::Double => out.push_bind_param::<Nullable<Double>, _>(&None::<f64>),
            ColumnType::Text => out.push_bind_param::<Nullable<Text>, _>(&None::<String>),
            ColumnType::Id => out.push_bind_param::<Nullable<IdSql>, _>(&None::<DbId>),
            ColumnType::Time => out.push_bind_param::<Nullable<TimeSql>, _>(&None::<DbTime>),
            ColumnType::Date => out.push_bind_param::<Nullable<DateSql>, _>(&None::<DbDate>),
            ColumnType::Json => out.push_bind_param::<Nullable<JsonSql>, _>(&None::<DbJson>),
        },
        Bind::Boolean(value) => out.push_bind_param::<Bool, _>(value),
        Bind::Integer(value) => out.push_bind_param::<BigInt, _>(value),
        Bind::Double(value) => out.push_bind_param::<Double, _>(value),
        Bind::Text(value) => out.push_bind_param::<Text, _>(value),
        Bind::Id(value) => out.push_bind_param::<IdSql, _>(value),
        Bind::Time(value) => out.push_bind_param::<TimeSql, _>(value),
        Bind::Date(value) => out.push_bind_param::<DateSql, _>(value),
        Bind::Json(value) => out.push_bind_param::<JsonSql, _>(value),
        Bind::Texts(values) => super::push_texts(values, out),
    }
}

/// Loads the rows of a statement; every row has one cell for each of `columns`.
pub fn load(conn: &mut Conn, statement: &Statement, columns: &[ColumnType]) -> Result<Vec<Vec<Cell>>, StoreError> {
    let mut rows = Vec::new();
    for row in LoadConnection::<DefaultLoadingMode>::load(conn, Run(statement))? {
        let row = row?;
        let mut cells = Vec::with_capacity(columns.len());
        for (position, kind) in columns.iter().enumerate() {
            let field = row.get(position).ok_or_else(|| StoreError::Internal("a column is missing".to_owned()))?;
            cells.push(decode(field.value(), *kind)?);
        }
        rows.push(cells);
    }
    Ok(rows)
}

/// Runs a statement that gives no rows; how many rows it touched.
pub fn execute(conn: &mut Conn, statement: &Statement) -> Result<usize, StoreError> {
    Ok(Run(statement).execute(conn)?)
}

fn decode(value: Option<<Db as Backend>::RawValue<'_>>, kind: ColumnType) -> Result<Cell, StoreError> {
    fn read<'a, S, T: FromSql<S, Db>>(value: <Db as Backend>::RawValue<'a>) -> Result<T, StoreError> {
        T::from_sql(value).map_err(|error| StoreError::Internal(format!("a stored value cannot be read: {error}")))
    }
    let Some(value) = value else { return Ok(Cell::Null) };
    Ok(match kind {
        ColumnType::Boolean => Cell::Boolean(read::<Bool, bool>(value)?),
        ColumnType::Integer => Cell::Integer(read::<BigInt, i64>(value)?),
        ColumnType::Double => Cell::Double(read::<Double, f64>(value)?),
        ColumnType::Text => Cell::Text(read::<Text, String>(value)?),
        ColumnType::Id => Cell::Id(read::<IdSql, DbId>(value)?.0),
        ColumnType::Time => Cell::Time(read::<TimeSql, DbTime>(value)?.0),
        ColumnType::Date => Cell::Date(read::<DateSql, DbDate>(value)?.0),
        ColumnType::Json => Cell::Json(read::<JsonSql, DbJson>(value)?.0),
    })
}
