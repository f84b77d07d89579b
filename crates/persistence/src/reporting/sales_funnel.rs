//! What the funnel of a pipeline is counted from: which stages each opportunity of a cohort was in, and how long.

mod tally;

use farley_domain::{
    model::object::{Ledger, Object},
    query::predicate::Predicate,
    sales::opportunity::OpportunityStatus,
    values::id::Id,
};

use crate::{
    error::StoreError,
    reader::Reader,
    records::{
        aggregate::{Group, sum_of_parts, write_sum},
        filter::Condition,
    },
    sql::{
        cell::Cell,
        statement::{ColumnType, Dialect, Number, Statement, write_sql},
    },
};
use tally::Tally;

/// How many stages of a pipeline a funnel tells apart.
pub const MAX_STAGES: usize = 60;

/// What is counted of a cohort.
#[derive(Clone, Debug, Default)]
pub struct Travels {
    pub travelled: Vec<Travelled>,
    pub moves: Vec<Moves>,
    pub medians: Vec<Median>,
}

/// Opportunities that have been in the same stages, are in the same one now, and have the same slice and currency.
#[derive(Clone, Debug)]
pub struct Travelled {
    pub slice: Cell,
    pub currency: Option<String>,
    pub status: Option<OpportunityStatus>,
    pub stage_id: Id,
    /// Bit `n` stands for the stage asked for in place `n`.
    pub entered: i64,
    pub count: i64,
    /// Minor units.
    pub amount: i128,
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
    /// How the opportunities that a predicate describes went from stage to stage. PostgreSQL counts by itself; SQLite sorts whatever it
    /// groups, so that one pass over its rows, counted here, takes a fifth of the time.
    pub fn travels(
        &mut self,
        object: &'static Object,
        cohort: &Predicate,
        slice: Option<&Group>,
        stages: &[Id],
    ) -> Result<Travels, StoreError> {
        // Without stages nothing ever was in one.
        let Some(ledger) = object.ledger.filter(|_| !stages.is_empty()) else { return Ok(Travels::default()) };
        let mut cohort_sql = Statement::new(self.connection.dialect());
        self.cohort(&mut cohort_sql, object, cohort, slice);
        let asked = Asked { ledger, cohort: &cohort_sql, slice: slice_type(slice), stages };
        match self.connection.dialect() {
            Dialect::Sqlite => self.tally(&asked),
            Dialect::Postgres => {
                Ok(Travels { travelled: self.travelled(&asked)?, moves: self.moves(&asked)?, medians: self.medians(&asked)? })
            }
        }
    }

    /// One row for each of the ledger, those of an opportunity one after the other.
    fn tally(&mut self, asked: &Asked<'_>) -> Result<Travels, StoreError> {
        let mut sql = asked.cohort.clone();
        sql.sql(
            " SELECT c.id, c.slice, c.currency, c.status, c.stage, c.amount, c.lasted, l.stage_id, l.former_step, l.former_seconds",
        );
        // Each opportunity, and its entries within: a cross join keeps this order.
        self.entries(&mut sql, asked.ledger, "CROSS JOIN");
        let types = [
            ColumnType::Id,
            asked.slice,
            ColumnType::Text,
            ColumnType::Text,
            ColumnType::Id,
            ColumnType::Integer,
            ColumnType::Integer,
            ColumnType::Id,
            ColumnType::Id,
            ColumnType::Integer,
        ];
        let mut tally = Tally::of(asked.stages);
        self.connection.read(&sql, &types, &mut |cells| tally.take(cells))?;
        Ok(tally.finish())
    }

    /// The opportunities by the stages they have been in.
    fn travelled(&mut self, asked: &Asked<'_>) -> Result<Vec<Travelled>, StoreError> {
        let mut sql = asked.cohort.clone();
        sql.sql(", travelled AS (SELECT c.slice, c.currency, c.status, c.stage, c.amount, c.lasted, BIT_OR(CASE l.stage_id");
        for (place, stage) in asked.stages.iter().take(MAX_STAGES).enumerate() {
            write_sql!(sql, " WHEN ", *stage, " THEN ", Number(1_i64 << place));
        }
        sql.sql(" ELSE 0::bigint END) AS entered");
        self.entries(&mut sql, asked.ledger, "JOIN");
        sql.sql(" GROUP BY c.id, c.slice, c.currency, c.status, c.stage, c.amount, c.lasted)");
        sql.sql(" SELECT slice, currency, status, stage, entered, COUNT(*), ");
        write_sum(&mut sql, "amount");
        sql.sql(
            ", CAST(COALESCE(SUM(CASE WHEN status = 'won' THEN lasted END), 0) AS BIGINT) FROM travelled GROUP BY 1, 2, 3, 4, 5",
        );
        let types = [
            asked.slice,
            ColumnType::Text,
            ColumnType::Text,
            ColumnType::Id,
            ColumnType::Integer,
            ColumnType::Integer,
            ColumnType::Integer,
            ColumnType::Integer,
            ColumnType::Integer,
        ];
        let number = |cell: Option<&Cell>| cell.and_then(Cell::as_integer).unwrap_or(0);
        let rows = self.connection.load(&sql, &types)?;
        let travelled = rows.into_iter().map(|row| {
            Ok(Travelled {
                currency: row[1].as_text().map(str::to_owned),
                status: status(row[2].as_text())?,
                stage_id: row[3].as_id().unwrap_or(Id::NIL),
                entered: number(row.get(4)),
                count: number(row.get(5)),
                amount: sum_of_parts(&row[6..8]),
                won_milliseconds: number(row.get(8)),
                slice: row.into_iter().next().unwrap_or(Cell::Null),
            })
        });
        travelled.collect()
    }

    /// How often they went from which stage to which, and after how long.
    fn moves(&mut self, asked: &Asked<'_>) -> Result<Vec<Moves>, StoreError> {
        let mut sql = asked.cohort.clone();
        sql.sql(" SELECT c.slice, l.former_step, l.stage_id, COUNT(*), CAST(COALESCE(SUM(l.former_seconds), 0) AS BIGINT)");
        self.entries(&mut sql, asked.ledger, "JOIN");
        sql.sql(" AND l.former_step IS NOT NULL GROUP BY 1, 2, 3");
        let types = [asked.slice, ColumnType::Id, ColumnType::Id, ColumnType::Integer, ColumnType::Integer];
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

    /// The median of the times that they spent in each stage before they left it.
    fn medians(&mut self, asked: &Asked<'_>) -> Result<Vec<Median>, StoreError> {
        let mut sql = asked.cohort.clone();
        sql.sql(" SELECT c.slice, l.former_step, percentile_cont(0.5) WITHIN GROUP (ORDER BY l.former_seconds)");
        self.entries(&mut sql, asked.ledger, "JOIN");
        sql.sql(" AND l.former_step IS NOT NULL GROUP BY 1, 2");
        let rows = self.connection.load(&sql, &[asked.slice, ColumnType::Id, ColumnType::Double])?;
        let medians = rows.into_iter().filter_map(|row| {
            let seconds = match row[2] {
                Cell::Double(seconds) => seconds,
                _ => return None,
            };
            Some(Median { stage_id: row[1].as_id()?, slice: row.into_iter().next()?, seconds })
        });
        Ok(medians.collect())
    }

    /// `WITH cohort AS (…)`: what is asked of each opportunity.
    fn cohort(&self, sql: &mut Statement, object: &'static Object, cohort: &Predicate, slice: Option<&Group>) {
        let place = self.place(object);
        // What is looked up elsewhere is looked up once for each opportunity, not for each of its entries.
        let once = slice.is_some_and(|slice| !slice.steps.is_empty());
        sql.sql(if once { "WITH cohort AS MATERIALIZED (" } else { "WITH cohort AS (" });
        sql.sql("SELECT t.id, t.amount, t.amount_currency AS currency, t.status, t.stage_id AS stage, ");
        sql.sql(match sql.dialect {
            Dialect::Sqlite => "(t.closed_at - t.opened_at) / 1000 AS lasted, ",
            Dialect::Postgres => "CAST(EXTRACT(EPOCH FROM t.closed_at - t.opened_at) * 1000 AS BIGINT) AS lasted, ",
        });
        match slice {
            Some(slice) => slice.write(sql, &place),
            None => drop(sql.sql("NULL")),
        }
        write_sql!(sql, " AS slice FROM ", object.table, " t WHERE t.tenant_id = ", place.tenant);
        write_sql!(sql, " AND ", Condition(cohort, &place), ")");
    }

    /// What the ledger says of a cohort: the stage of each row, and with each move the stage left. Rows that tell of something else
    /// than a move name a stage that another row names already. PostgreSQL has no idea of how many rows such a condition leaves.
    fn entries(&self, sql: &mut Statement, ledger: &Ledger, join: &'static str) {
        write_sql!(
            sql,
            " FROM cohort c ",
            join,
            " ",
            ledger.table,
            " l ON l.record_id = c.id WHERE l.tenant_id = ",
            self.tenant.id
        );
    }
}

/// What the statements of one funnel share.
struct Asked<'a> {
    ledger: &'a Ledger,
    /// `WITH cohort AS (…)`.
    cohort: &'a Statement,
    slice: ColumnType,
    stages: &'a [Id],
}

/// A status as it is stored.
pub(super) fn status(name: Option<&str>) -> Result<Option<OpportunityStatus>, StoreError> {
    let known = |name: &str| {
        OpportunityStatus::from_wire(name).ok_or_else(|| StoreError::Internal(format!("{name} is no status of an opportunity")))
    };
    name.map(known).transpose()
}

fn slice_type(slice: Option<&Group>) -> ColumnType {
    slice.map_or(ColumnType::Text, Group::cell_type)
}
