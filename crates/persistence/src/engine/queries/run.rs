//! Runs statements built at run time on one engine's connection.

use super::{Conn, Db};
use crate::{
    engine::kept::{self, Verdict},
    error::StoreError,
    sql::{
        cell::{Cell, CellRef},
        sql_types::{DateSql, DbDate, DbId, DbJson, DbTime, IdSql, JsonSql, TimeSql},
        statement::{Bind, ColumnType, Statement},
    },
};
use diesel::{
    backend::Backend,
    connection::{DefaultLoadingMode, LoadConnection},
    deserialize::FromSql,
    expression::{AppearsOnTable, ValidGrouping, is_aggregate},
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::Error,
    row::{Field as _, Row as _},
    sql_types::{BigInt, Bool, Double, Nullable, Text, Untyped},
};
use farley_domain::values::{id::Id, time::Timestamp};
use smallvec::SmallVec;

/// How many columns hardly any statement exceeds: a table's 32, and some that are computed.
const WIDE: usize = 40;

struct Run<'a> {
    statement: &'a Statement,
    keep: bool,
}

/// A statement to be run, and whether the connection keeps it prepared.
fn run<'a>(conn: &mut Conn, statement: &'a Statement) -> Result<Run<'a>, StoreError> {
    let keep = is_kept(conn, kept::judge(statement))?;
    Ok(Run { statement, keep })
}

/// Whether a statement is kept prepared, by what was judged of it.
pub(super) fn is_kept(conn: &mut Conn, verdict: Verdict) -> Result<bool, StoreError> {
    Ok(match verdict {
        Verdict::Once => false,
        Verdict::Keep => true,
        Verdict::KeepAlone => {
            super::forget_prepared(conn)?;
            true
        }
    })
}

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
        if !self.keep {
            out.unsafe_to_cache_prepared();
        }
        write(self.statement, &mut out)
    }
}

/// A condition built at run time, within a typed query.
pub(crate) struct Written(pub Statement);

impl Expression for Written {
    type SqlType = Bool;
}

impl QueryId for Written {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Db> for Written {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Db>) -> QueryResult<()> {
        write(&self.0, &mut out)
    }
}

impl<Source> AppearsOnTable<Source> for Written {}

impl<GroupBy> ValidGrouping<GroupBy> for Written {
    type IsAggregate = is_aggregate::Never;
}

/// A query that is kept prepared though diesel would prepare it anew each time, as it does with updates and batches: it cannot know that
/// they come in few shapes.
pub(crate) struct Kept<Q>(Q);

pub(crate) trait Keep: Sized {
    fn kept(self) -> Kept<Self> {
        Kept(self)
    }
}

impl<Q> Keep for Q {}

impl<Q: Query> Query for Kept<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> QueryId for Kept<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> RunQueryDsl<Conn> for Kept<Q> {}

impl<Q: QueryFragment<Db>> QueryFragment<Db> for Kept<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Db>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &Db) -> QueryResult<bool> {
        Ok(true)
    }
}

/// A query and how it ends, where diesel has no words for that on both engines.
pub(crate) struct Ending<Q>(pub Q, pub &'static str);

impl<Q> QueryId for Ending<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> RunQueryDsl<Conn> for Ending<Q> {}

impl<Q: QueryFragment<Db>> QueryFragment<Db> for Ending<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Db>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(self.1);
        Ok(())
    }
}

fn write<'b>(statement: &'b Statement, out: &mut AstPass<'_, 'b, Db>) -> QueryResult<()> {
    let refused = || Error::QueryBuilderError("a name that is none of the declaration stands in a statement".into());
    for (text, bind) in statement.pieces().ok_or_else(refused)? {
        out.push_sql(text);
        if let Some(bind) = bind {
            push(bind, out)?;
        }
    }
    Ok(())
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

/// Gives each row of a statement to `take`; every row has one cell for each of `columns`.
pub(crate) fn read(
    conn: &mut Conn,
    statement: &Statement,
    columns: &[ColumnType],
    take: &mut dyn FnMut(&[CellRef<'_>]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    // Lists read thousands of cells, so a row is kept on the stack.
    let statement = run(conn, statement)?;
    for row in LoadConnection::<DefaultLoadingMode>::load(conn, statement)? {
        let row = row?;
        let mut fields = SmallVec::<[_; WIDE]>::new();
        for position in 0..columns.len() {
            fields.push(row.get(position).ok_or_else(|| StoreError::Internal("a column is missing".to_owned()))?);
        }
        let mut values: SmallVec<[_; WIDE]> = fields.iter().map(|field| field.value()).collect();
        let mut cells = SmallVec::<[_; WIDE]>::new();
        for (value, kind) in values.iter_mut().zip(columns) {
            cells.push(decode(value, *kind)?);
        }
        take(&cells)?;
    }
    Ok(())
}

/// Loads the rows of a statement.
pub fn load(conn: &mut Conn, statement: &Statement, columns: &[ColumnType]) -> Result<Vec<Vec<Cell>>, StoreError> {
    let mut rows = Vec::new();
    read(conn, statement, columns, &mut |cells| {
        rows.push(cells.iter().map(|cell| cell.to_cell()).collect());
        Ok(())
    })?;
    Ok(rows)
}

/// Runs a statement that gives no rows; how many rows it touched.
pub fn execute(conn: &mut Conn, statement: &Statement) -> Result<usize, StoreError> {
    Ok(run(conn, statement)?.execute(conn)?)
}

fn decode<'a>(value: &'a mut Option<<Db as Backend>::RawValue<'_>>, kind: ColumnType) -> Result<CellRef<'a>, StoreError> {
    fn read<S, T: FromSql<S, Db>>(value: <Db as Backend>::RawValue<'_>) -> Result<T, StoreError> {
        T::from_sql(value).map_err(|error| unreadable(&error.to_string()))
    }
    fn unreadable(error: &str) -> StoreError {
        StoreError::Internal(format!("a stored value cannot be read: {error}"))
    }
    // Text stays where it is; all else is small and taken out.
    if matches!(kind, ColumnType::Text | ColumnType::Json) {
        let Some(value) = value else { return Ok(CellRef::Null) };
        let text = super::text(value).map_err(|error| unreadable(&error.to_string()))?;
        return Ok(if kind == ColumnType::Json { CellRef::Json(text) } else { CellRef::Text(text) });
    }
    let Some(value) = value.take() else { return Ok(CellRef::Null) };
    Ok(match kind {
        ColumnType::Boolean => CellRef::Boolean(read::<Bool, bool>(value)?),
        ColumnType::Integer => CellRef::Integer(read::<BigInt, i64>(value)?),
        ColumnType::Double => CellRef::Double(read::<Double, f64>(value)?),
        ColumnType::Id => CellRef::Id(read::<IdSql, Id>(value)?),
        ColumnType::Time => CellRef::Time(read::<TimeSql, Timestamp>(value)?),
        ColumnType::Date => CellRef::Date(read::<DateSql, DbDate>(value)?.0),
        ColumnType::Text | ColumnType::Json => CellRef::Null,
    })
}
