//! Values of rows, one row after the other: for figures that no engine computes, such as percentiles and business time.

use farley_domain::{
    model::{field::Field, object::Object},
    query::predicate::Predicate,
};

use crate::{
    error::StoreError,
    reader::Reader,
    records::{
        aggregate::Group,
        filter::{Condition, Scalar},
    },
    sql::{
        cell::Cell,
        statement::{Alias, ColumnType, Statement, write_sql},
    },
};

impl Reader<'_> {
    /// Gives the value of a group, which must lead to one record at most, and those of fields of each row that a predicate describes; at
    /// most so many rows, in no particular order.
    pub fn each_values(
        &mut self,
        object: &'static Object,
        predicate: &Predicate,
        (group, fields): (Option<&Group>, &[&Field]),
        most: usize,
        take: &mut dyn FnMut(Vec<Cell>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let place = self.place(object);
        let mut sql = Statement::of(self.connection.dialect(), "SELECT ");
        let mut types = vec![group.map_or(ColumnType::Text, Group::cell_type)];
        match group {
            Some(group) => group.write(&mut sql, &place),
            None => drop(sql.sql("NULL")),
        }
        for field in fields {
            write_sql!(sql, ", ", Scalar(field, Alias::Rows(0)));
            types.push(Group::by(field).cell_type());
        }
        write_sql!(sql, " FROM ", object.table, " t WHERE t.tenant_id = ", place.tenant);
        write_sql!(sql, " AND ", Condition(predicate, &place), " LIMIT ");
        sql.integer(i64::try_from(most).unwrap_or(i64::MAX));
        self.connection.read(&sql, &types, &mut |cells| take(cells.iter().map(|cell| cell.to_cell()).collect()))
    }
}
