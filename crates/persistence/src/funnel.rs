//! What the funnel of a pipeline is counted from: which stages each opportunity of a cohort was in, and how long.

use farley_domain::{
    id::Id,
    object::{Ledger, Object},
    predicate::Predicate,
};

use crate::{
    aggregate::Group,
    error::StoreError,
    filter,
    reader::Reader,
    row::Cell,
    statement::{ColumnType, Dialect, Statement},
};

/// How many stages of a pipeline a funnel tells apart.
pub const MAX_STAGES: usize = 60;

/// Opportunities that have been in the same stages, are in the same one now, and have the same slice and currency.
#[derive(Clone, Debug)]
pub struct Travelled {
    pub slice: Cell,
    pub currency: Option<String>,
    pub status: String,
    pub stage_id: Id,
    /// Bit `n` stands for the stage asked for in place `n`.
    pub entered: i64,
    pub count: i64,
    /// Minor units.
    pub amount: i64,
    /// Milliseconds from beginning to end, of those that are won.
    pub won_milliseconds: i64,
}

/// The moves from one stage to another.
#[derive(Clone, Debug)]
pub struct Moves {
    pub slice: Cell,
    pub from: Id,
    pub to: Id,
    pub count: i64,
    /// How long the opportunities had been in the stage they left, added up.
    pub seconds: i64,
}

/// The middle of the times spent in a stage before leaving it.
#[derive(Clone, Debug)]
pub struct Median {
    pub slice: Cell,
    pub stage_id: Id,
    pub seconds: f64,
}

impl Reader<'_> {
    /// The opportunities that a predicate describes, by the stages they have been in.
    pub fn travelled(
        &mut self,
        object: &'static Object,
        cohort: &Predicate,
        slice: Option<&Group>,
        stages: &[Id],
    ) -> Result<Vec<Travelled>, StoreError> {
        let Some(ledger) = object.ledger else { return Ok(Vec::new()) };
        let dialect = self.connection.dialect();
        let mut sql = Statement::new(dialect);
        sql.sql("WITH ");
        self.cohort(&mut sql, object, cohort, slice);
        // A set of stages is a number of bits. SQLite has no aggregate for that, but each bit counts once in a sum of different ones;
        // it also looks up the entries of each opportunity faster than it groups them all.
        let bits = |sql: &mut Statement| {
            sql.sql("CASE l.stage_id");
            for (place, stage) in stages.iter().take(MAX_STAGES).enumerate() {
                sql.sql(" WHEN ").id(*stage).sql(format!(" THEN {}", 1_i64 << place));
            }
            sql.sql(if dialect == Dialect::Sqlite { " ELSE 0 END" } else { " ELSE 0::bigint END" });
        };
        match dialect {
            Dialect::Sqlite => {
                sql.sql(", travelled AS MATERIALIZED (SELECT c.*, (SELECT SUM(DISTINCT ");
                bits(&mut sql);
                sql.sql(format!(") FROM {} l WHERE l.at = l.{} AND l.tenant_id = ", ledger.table, ledger.since));
                sql.id(self.tenant.id).sql(" AND l.record_id = c.id) AS entered FROM cohort c)");
            }
            Dialect::Postgres => {
                sql.sql(", travelled AS (SELECT c.slice, c.currency, c.status, c.stage, c.amount, c.lasted, BIT_OR(");
                bits(&mut sql);
                sql.sql(") AS entered");
                self.entries(&mut sql, ledger);
                sql.sql(" GROUP BY c.id, c.slice, c.currency, c.status, c.stage, c.amount, c.lasted)");
            }
        }
        sql.sql(" SELECT slice, currency, status, stage, CAST(entered AS BIGINT), COUNT(*), CAST(COALESCE(SUM(amount), 0) AS BIGINT), ");
        sql.sql(
            "CAST(COALESCE(SUM(CASE WHEN status = 'won' THEN lasted END), 0) AS BIGINT) FROM travelled GROUP BY 1, 2, 3, 4, 5",
        );
        let types = [
            slice_type(slice),
            ColumnType::Text,
            ColumnType::Text,
            ColumnType::Id,
            ColumnType::Integer,
            ColumnType::Integer,
            ColumnType::Integer,
            ColumnType::Integer,
        ];
        let number = |cell: Option<&Cell>| cell.and_then(Cell::as_integer).unwrap_or(0);
        let rows = self.connection.load(&sql, &types)?;
        Ok(rows
            .into_iter()
            .map(|row| Travelled {
                currency: row[1].as_text().map(str::to_owned),
                status: row[2].as_text().unwrap_or_default().to_owned(),
                stage_id: row[3].as_id().unwrap_or(Id::NIL),
                entered: number(row.get(4)),
                count: number(row.get(5)),
                amount: number(row.get(6)),
                won_milliseconds: number(row.get(7)),
                slice: row.into_iter().next().unwrap_or(Cell::Null),
            })
            .collect())
    }

    /// How often the opportunities of a cohort went from which stage to which, and after how long.
    pub fn moves(
        &mut self,
        object: &'static Object,
        cohort: &Predicate,
        slice: Option<&Group>,
    ) -> Result<Vec<Moves>, StoreError> {
        let Some(ledger) = object.ledger else { return Ok(Vec::new()) };
        let mut sql = Statement::new(self.connection.dialect());
        sql.sql("WITH ");
        self.cohort(&mut sql, object, cohort, slice);
        sql.sql(" SELECT c.slice, l.former_step, l.stage_id, COUNT(*), CAST(COALESCE(SUM(l.former_seconds), 0) AS BIGINT)");
        self.entries(&mut sql, ledger);
        sql.sql(" AND l.former_step IS NOT NULL GROUP BY 1, 2, 3");
        let types = [slice_type(slice), ColumnType::Id, ColumnType::Id, ColumnType::Integer, ColumnType::Integer];
        let rows = self.connection.load(&sql, &types)?;
        let moves = rows.into_iter().filter_map(|row| {
            Some(Moves {
                from: row[1].as_id()?,
                to: row[2].as_id()?,
                count: row[3].as_integer()?,
                seconds: row[4].as_integer()?,
                slice: row.into_iter().next()?,
            })
        });
        Ok(moves.collect())
    }

    /// The median of the times that the opportunities of a cohort spent in each stage before they left it.
    pub fn medians(
        &mut self,
        object: &'static Object,
        cohort: &Predicate,
        slice: Option<&Group>,
    ) -> Result<Vec<Median>, StoreError> {
        let Some(ledger) = object.ledger else { return Ok(Vec::new()) };
        let mut sql = Statement::new(self.connection.dialect());
        sql.sql("WITH ");
        self.cohort(&mut sql, object, cohort, slice);
        if sql.dialect == Dialect::Postgres {
            sql.sql(" SELECT c.slice, l.former_step, percentile_cont(0.5) WITHIN GROUP (ORDER BY l.former_seconds)");
            self.entries(&mut sql, ledger);
            sql.sql(" AND l.former_step IS NOT NULL GROUP BY 1, 2");
        } else {
            sql.sql(
                ", stays AS (SELECT c.slice, l.former_step AS stage, l.former_seconds AS seconds, \
                 ROW_NUMBER() OVER (PARTITION BY c.slice, l.former_step ORDER BY l.former_seconds) AS place, \
                 COUNT(*) OVER (PARTITION BY c.slice, l.former_step) AS many",
            );
            self.entries(&mut sql, ledger);
            // Of an even number, the mean of the two in the middle, as PostgreSQL's percentile has it.
            sql.sql(
                " AND l.former_step IS NOT NULL) SELECT slice, stage, AVG(seconds) FROM stays \
                 WHERE place IN ((many + 1) / 2, (many + 2) / 2) GROUP BY 1, 2",
            );
        }
        let rows = self.connection.load(&sql, &[slice_type(slice), ColumnType::Id, ColumnType::Double])?;
        let medians = rows.into_iter().filter_map(|row| {
            let seconds = match row[2] {
                Cell::Double(seconds) => seconds,
                _ => return None,
            };
            Some(Median { stage_id: row[1].as_id()?, slice: row.into_iter().next()?, seconds })
        });
        Ok(medians.collect())
    }

    /// `cohort AS (…)`: what is asked of each opportunity.
    fn cohort(&self, sql: &mut Statement, object: &'static Object, cohort: &Predicate, slice: Option<&Group>) {
        let place = self.place(object);
        sql.sql("cohort AS (SELECT t.id, t.amount, t.amount_currency AS currency, t.status, t.stage_id AS stage, ");
        sql.sql(match sql.dialect {
            Dialect::Sqlite => "(t.closed_at - t.opened_at) / 1000 AS lasted, ",
            Dialect::Postgres => "CAST(EXTRACT(EPOCH FROM t.closed_at - t.opened_at) * 1000 AS BIGINT) AS lasted, ",
        });
        match slice {
            Some(slice) => slice.write(sql, &place),
            None => drop(sql.sql("NULL")),
        }
        sql.sql(format!(" AS slice FROM {} t WHERE t.tenant_id = ", object.table)).id(place.tenant).sql(" AND ");
        filter::condition(sql, cohort, &place);
        sql.sql(")");
    }

    /// The entries of a cohort into stages.
    fn entries(&self, sql: &mut Statement, ledger: &Ledger) {
        sql.sql(format!(
            " FROM cohort c JOIN {} l ON l.record_id = c.id AND l.at = l.{} WHERE l.tenant_id = ",
            ledger.table, ledger.since
        ));
        sql.id(self.tenant.id);
    }
}

fn slice_type(slice: Option<&Group>) -> ColumnType {
    slice.map_or(ColumnType::Text, Group::cell_type)
}
