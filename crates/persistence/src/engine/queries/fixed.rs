//! SQL of Farley's own within a typed query: what is no value but part of the statement, so that planners know it and indexes that
//! are built over a part of a table can serve.

use std::marker::PhantomData;

use diesel::{
    QueryResult,
    backend::Backend,
    expression::{AppearsOnTable, Expression, SelectableExpression, TypedExpressionType, ValidGrouping, is_aggregate},
    query_builder::{AstPass, QueryFragment, QueryId},
};

/// An expression as it is written here. Diesel's own would take any text, and keep the statement from being kept prepared.
#[derive(Clone, Copy, Debug)]
pub struct Fixed<T>(&'static str, PhantomData<T>);

pub const fn fixed<T>(sql: &'static str) -> Fixed<T> {
    Fixed(sql, PhantomData)
}

impl<T: TypedExpressionType> Expression for Fixed<T> {
    type SqlType = T;
}

impl<T, DB: Backend> QueryFragment<DB> for Fixed<T> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(self.0);
        Ok(())
    }
}

impl<T> QueryId for Fixed<T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T, Source> AppearsOnTable<Source> for Fixed<T> where Self: Expression {}
impl<T, Source> SelectableExpression<Source> for Fixed<T> where Self: AppearsOnTable<Source> {}

impl<T, GroupBy> ValidGrouping<GroupBy> for Fixed<T> {
    type IsAggregate = is_aggregate::Never;
}
