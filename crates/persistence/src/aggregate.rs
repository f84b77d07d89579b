//! Sums and counts over the rows that a predicate describes: boards, forecasts, reports.

use farley_domain::{field::Field, id::Id, object::Object, predicate::Predicate, time::Timestamp};

use crate::{
    error::StoreError,
    filter::{self, Place},
    ledger,
    reader::Reader,
    row::{Cell, column_type},
    statement::{Bind, ColumnType, Dialect, Statement},
    work::Work,
};

/// What is computed of the rows of a group; each a whole number, 0 where there is nothing to add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Count,
    /// The sum of a field of integers or money.
    Sum(&'static str),
    /// The sum of a field times another that is in per cent, rounded half up.
    Weighted(&'static str, &'static str),
}

impl Reader<'_> {
    /// One row for each group: the values of the group's fields, then the measures. Groups come in no particular order.
    pub fn aggregate(
        &mut self,
        object: &'static Object,
        predicate: &Predicate,
        groups: &[Field],
        measures: &[Measure],
    ) -> Result<Vec<Vec<Cell>>, StoreError> {
        self.aggregate_as_of(object, predicate, groups, measures, None)
    }

    /// The same out of the ledger, as of a time.
    pub fn aggregate_as_of(
        &mut self,
        object: &'static Object,
        predicate: &Predicate,
        groups: &[Field],
        measures: &[Measure],
        as_of: Option<Timestamp>,
    ) -> Result<Vec<Vec<Cell>>, StoreError> {
        let place = Place { as_of, ..self.place(object) };
        let mut sql = Statement::new(self.connection.dialect());
        sql.sql("SELECT ");
        let mut types = Vec::new();
        for field in groups {
            filter::expression(&mut sql, field, "t");
            sql.sql(", ");
            types.push(column_type(&field.kind));
        }
        for (position, measure) in measures.iter().enumerate() {
            if position > 0 {
                sql.sql(", ");
            }
            match measure {
                Measure::Count => sql.sql("COUNT(*)"),
                // PostgreSQL's sums of bigint are numeric.
                Measure::Sum(field) => sql.sql(format!("CAST(COALESCE(SUM(t.{field}), 0) AS BIGINT)")),
                Measure::Weighted(field, share) => {
                    sql.sql(format!("(CAST(COALESCE(SUM(t.{field} * COALESCE(t.{share}, 0)), 0) AS BIGINT) + 50) / 100"))
                }
            };
            types.push(ColumnType::Integer);
        }
        sql.sql(" FROM ");
        ledger::source(&mut sql, &place);
        sql.sql(" WHERE t.tenant_id = ").id(place.tenant).sql(" AND ");
        filter::condition(&mut sql, predicate, &place);
        for (position, field) in groups.iter().enumerate() {
            sql.sql(if position == 0 { " GROUP BY " } else { ", " });
            filter::expression(&mut sql, field, "t");
        }
        self.connection.load(&sql, &types)
    }

    /// The position on the board next to one, after it or before it, but for a record that is on its way.
    pub fn neighbour(&mut self, stage: Id, position: &str, but: Id, after: bool) -> Result<Option<String>, StoreError> {
        let mut sql = Statement::new(self.connection.dialect());
        sql.sql("SELECT position FROM opportunities WHERE tenant_id = ").id(self.tenant.id);
        sql.sql(" AND stage_id = ").id(stage).sql(if after { " AND position > " } else { " AND position < " }).text(position);
        sql.sql(" AND id <> ").id(but);
        sql.sql(if after { " ORDER BY position LIMIT 1" } else { " ORDER BY position DESC LIMIT 1" });
        let rows = self.connection.load(&sql, &[ColumnType::Text])?;
        Ok(rows.first().and_then(|cells| cells[0].as_text()).map(str::to_owned))
    }
}

impl Work<'_> {
    /// Lets the open opportunities of a stage rot after so many days from now on; never, without days. No change of the records
    /// themselves: what they show follows from the stage.
    pub fn rot_by(&mut self, stage: Id, days: Option<i64>) -> Result<(), StoreError> {
        let mut sql = Statement::new(self.dialect());
        sql.sql("UPDATE opportunities SET rots_at = ");
        match (days, sql.dialect) {
            (None, _) => drop(sql.sql("NULL")),
            (Some(days), Dialect::Sqlite) => {
                sql.sql("MAX(stage_entered_at, COALESCE(last_activity_at, stage_entered_at)) + ");
                sql.integer(days.saturating_mul(24 * 3600 * 1_000_000));
            }
            (Some(days), Dialect::Postgres) => {
                sql.sql("GREATEST(stage_entered_at, last_activity_at) + interval '1 day' * CAST(").bind(Bind::Integer(days));
                sql.sql(" AS double precision)");
            }
        }
        sql.sql(" WHERE tenant_id = ").id(self.tenant().id).sql(" AND stage_id = ").id(stage).sql(" AND status = 'open'");
        self.connection().execute(&sql)?;
        Ok(())
    }
}
