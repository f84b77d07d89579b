//! Orders that count, read for all customers at once: in an order in which they can be gone on with, so that no answer grows with the
//! tenant.

use chrono::NaiveDate;
use farley_domain::{
    customers::value::{credit::Due, customer_value::CustomerValue},
    model::{entity::Entity, object::Schema, record::Record},
    sales::orders::{
        line::OrderLine,
        order::{Order, OrderStatus},
        payment::Payment,
    },
    values::{id::Id, money::Currency},
};

use crate::{
    error::StoreError,
    reader::Reader,
    sql::{
        cell::Cell,
        statement::{Bind, ColumnType, Dialect, Fragment, Statement, write_sql},
    },
    work::{Change, Loaded, Work},
};

/// What a customer bought on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bought {
    pub customer: Id,
    pub day: NaiveDate,
    pub orders: i64,
    /// The amount less refunds, in minor units.
    pub value: i64,
}

/// A product of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub order: Id,
    pub product: Id,
}

/// The live orders of a tenant that count as purchases, under the alias `o`.
struct Counting(Id);

impl Fragment for Counting {
    fn write(self, sql: &mut Statement) {
        let [confirmed, fulfilled] = OrderStatus::BOUGHT.map(OrderStatus::as_str);
        write_sql!(sql, "o.tenant_id = ", self.0, " AND o.archived_at IS NULL AND o.status IN ('");
        write_sql!(sql, confirmed, "', '", fulfilled, "')");
    }
}

impl Reader<'_> {
    /// What customers after one of them bought on each day, by customer and day; at most so many days.
    pub fn bought(&mut self, currency: Currency, after: Id, most: usize) -> Result<Vec<Bought>, StoreError> {
        let dialect = self.connection.dialect();
        let mut sql = Statement::of(dialect, "SELECT o.customer_id, o.ordered_on, COUNT(*), ");
        sql.sql("SUM(o.amount - COALESCE(o.refunded_amount, 0))");
        if dialect == Dialect::Postgres {
            sql.sql("::bigint");
        }
        write_sql!(sql, " FROM ", Order::object().table, " o WHERE ", Counting(self.tenant.id));
        sql.sql(" AND o.amount_currency = ").text(currency.code());
        write_sql!(sql, " AND o.customer_id > ", after);
        sql.sql(" GROUP BY o.customer_id, o.ordered_on ORDER BY o.customer_id, o.ordered_on LIMIT ");
        write_sql!(sql, Bind::Integer(i64::try_from(most).unwrap_or(i64::MAX)));
        let types = [ColumnType::Id, ColumnType::Date, ColumnType::Integer, ColumnType::Integer];
        let rows = self.connection.load(&sql, &types)?;
        rows.iter()
            .map(|row| {
                let day = row.get(1).and_then(Cell::as_date).ok_or_else(|| lacking("a day"))?;
                Ok(Bought { customer: id_of(row, 0)?, day, orders: number_of(row, 2), value: number_of(row, 3) })
            })
            .collect()
    }

    /// The single orders of customers in one currency, by customer and day: what each is worth after refunds, in minor units.
    pub fn orders_of(&mut self, currency: Currency, customers: &[Id]) -> Result<Vec<(Id, NaiveDate, i64)>, StoreError> {
        let mut sql = Statement::of(self.connection.dialect(), "SELECT o.customer_id, o.ordered_on, ");
        sql.sql("o.amount - COALESCE(o.refunded_amount, 0) FROM ");
        write_sql!(sql, Order::object().table, " o WHERE ", Counting(self.tenant.id));
        sql.sql(" AND o.amount_currency = ").text(currency.code());
        sql.sql(" AND o.customer_id IN (").id_list(customers).sql(") ORDER BY o.customer_id, o.ordered_on, o.id");
        let rows = self.connection.load(&sql, &[ColumnType::Id, ColumnType::Date, ColumnType::Integer])?;
        rows.iter()
            .map(|row| {
                let day = row.get(1).and_then(Cell::as_date).ok_or_else(|| lacking("a day"))?;
                Ok((id_of(row, 0)?, day, number_of(row, 2)))
            })
            .collect()
    }

    /// How many orders customers have that are in no amount of a currency.
    pub fn orders_beside(&mut self, currency: Currency, customers: &[Id]) -> Result<Vec<(Id, i64)>, StoreError> {
        let mut sql = Statement::of(self.connection.dialect(), "SELECT o.customer_id, COUNT(*) FROM ");
        write_sql!(sql, Order::object().table, " o WHERE ", Counting(self.tenant.id));
        sql.sql(" AND o.amount_currency <> ").text(currency.code());
        sql.sql(" AND o.customer_id IN (").id_list(customers).sql(") GROUP BY o.customer_id");
        let rows = self.connection.load(&sql, &[ColumnType::Id, ColumnType::Integer])?;
        rows.iter().map(|row| Ok((id_of(row, 0)?, number_of(row, 1)))).collect()
    }

    /// The payments of customers that have a day on which they are due, in one currency.
    pub fn dues_of(&mut self, currency: Currency, customers: &[Id]) -> Result<Vec<(Id, Due)>, StoreError> {
        let mut sql = Statement::of(self.connection.dialect(), "SELECT o.customer_id, p.due_on, p.paid_on, p.amount FROM ");
        write_sql!(sql, Order::object().table, " o JOIN ", Payment::object().table);
        sql.sql(" p ON p.tenant_id = o.tenant_id AND p.order_id = o.id WHERE ");
        write_sql!(sql, Counting(self.tenant.id), " AND p.archived_at IS NULL AND p.due_on IS NOT NULL");
        sql.sql(" AND p.amount_currency = ").text(currency.code());
        sql.sql(" AND o.customer_id IN (").id_list(customers).sql(") ORDER BY o.customer_id, p.due_on, p.id");
        let rows = self.connection.load(&sql, &[ColumnType::Id, ColumnType::Date, ColumnType::Date, ColumnType::Integer])?;
        rows.iter()
            .map(|row| {
                let day = row.get(1).and_then(Cell::as_date).ok_or_else(|| lacking("a day"))?;
                let due = Due { day, paid: row.get(2).and_then(Cell::as_date), amount: number_of(row, 3) };
                Ok((id_of(row, 0)?, due))
            })
            .collect()
    }

    /// The products that customers bought, each once.
    pub fn products_of(&mut self, customers: &[Id]) -> Result<Vec<(Id, Id)>, StoreError> {
        let mut sql = Statement::of(self.connection.dialect(), "SELECT DISTINCT o.customer_id, l.product_id FROM ");
        write_sql!(sql, Order::object().table, " o JOIN ", OrderLine::object().table);
        sql.sql(" l ON l.tenant_id = o.tenant_id AND l.order_id = o.id WHERE ");
        write_sql!(sql, Counting(self.tenant.id), " AND l.archived_at IS NULL AND l.product_id IS NOT NULL");
        sql.sql(" AND o.customer_id IN (").id_list(customers).sql(") ORDER BY o.customer_id, l.product_id");
        let rows = self.connection.load(&sql, &[ColumnType::Id, ColumnType::Id])?;
        rows.iter().map(|row| Ok((id_of(row, 0)?, id_of(row, 1)?))).collect()
    }

    /// The products of orders since a day, by order, after one of them; at most so many.
    pub fn lines_since(&mut self, since: NaiveDate, after: Line, most: usize) -> Result<Vec<Line>, StoreError> {
        let mut sql = Statement::of(self.connection.dialect(), "SELECT l.order_id, l.product_id FROM ");
        write_sql!(sql, OrderLine::object().table, " l JOIN ", Order::object().table);
        sql.sql(" o ON o.tenant_id = l.tenant_id AND o.id = l.order_id WHERE l.tenant_id = ").id(self.tenant.id);
        write_sql!(sql, " AND ", Counting(self.tenant.id), " AND o.ordered_on >= ", Bind::date(since));
        sql.sql(" AND l.archived_at IS NULL AND l.product_id IS NOT NULL");
        write_sql!(sql, " AND (l.order_id, l.product_id) > (", after.order, ", ", after.product, ")");
        sql.sql(" GROUP BY l.order_id, l.product_id ORDER BY l.order_id, l.product_id LIMIT ");
        write_sql!(sql, Bind::Integer(i64::try_from(most).unwrap_or(i64::MAX)));
        let rows = self.connection.load(&sql, &[ColumnType::Id, ColumnType::Id])?;
        rows.iter().map(|row| Ok(Line { order: id_of(row, 0)?, product: id_of(row, 1)? })).collect()
    }
}

impl Work<'_> {
    /// Stores a value that was computed, in the place of what was there: no event tells of it.
    pub fn keep_value(
        &mut self,
        schema: &Schema,
        before: Option<&Loaded>,
        record: &mut Record<CustomerValue>,
    ) -> Result<(), StoreError> {
        match before {
            None => self.add_to_log(schema, record.any_mut()),
            Some(before) => {
                let noted = self.noted();
                self.update(schema, before, record.any_mut(), &Change::new("updated"))?;
                self.forget_noted(noted);
                Ok(())
            }
        }
    }

    /// Takes away the values of customers who have bought nothing any more.
    pub fn remove_values(&mut self, customers: &[Id]) -> Result<(), StoreError> {
        if customers.is_empty() {
            return Ok(());
        }
        let mut sql = Statement::of(self.dialect(), "DELETE FROM ");
        write_sql!(sql, CustomerValue::object().table, " WHERE tenant_id = ", self.tenant().id);
        sql.sql(" AND id IN (").id_list(customers).sql(")");
        self.connection().execute(&sql)?;
        self.forget_read();
        Ok(())
    }
}

fn id_of(row: &[Cell], place: usize) -> Result<Id, StoreError> {
    row.get(place).and_then(Cell::as_id).ok_or_else(|| lacking("an id"))
}

fn number_of(row: &[Cell], place: usize) -> i64 {
    row.get(place).and_then(Cell::as_integer).unwrap_or(0)
}

fn lacking(what: &str) -> StoreError {
    StoreError::Internal(format!("a row has not {what}"))
}
