//! Sums and counts over the rows that a predicate describes: boards, summaries, forecasts, funnels.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use farley_domain::{
    model::{
        field::{Field, FieldType, Storage},
        object::{Object, Reach},
        operand::Operand,
        recurring::ARCHIVED_AT,
    },
    query::predicate::{Predicate, path::Step},
    values::{number::half_away, time::Timestamp},
};

use crate::{
    error::StoreError,
    reader::Reader,
    records::{
        filter::{Condition, Place, Scalar, bind},
        ledger::Source,
    },
    sql::{
        cell::Cell,
        row::column_type,
        statement::{Bind, ColumnType, Dialect, Fragment, Number, Statement, write_sql},
    },
};

/// What is computed of the rows of a group: whole numbers, 0 where there is nothing to add up, unless it says otherwise.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "a handful a statement")]
pub enum Measure {
    Count,
    /// How many different values a field has.
    Distinct(Field),
    /// Another one, of those rows of the group alone that meet a predicate.
    Of(Box<Measure>, Predicate),
    /// The sum of a field of integers or money.
    Sum(Field),
    /// The exact sum of a field times another that is in per cent: the whole part, then the hundredths. Who adds up several rounds once.
    Weighted(Field, Field),
    /// The milliseconds between two times, added up.
    Between(Field, Field),
    /// How many rows have a value in a field.
    Given(Field),
    /// The sum of a field of decimals, as exact as a double can hold it; null where there is nothing to add up.
    SumOfDecimals(Field),
    /// The least value of a field; null where there is none.
    Least(Field),
    /// The greatest value of a field; null where there is none.
    Greatest(Field),
}

impl Measure {
    /// What is computed, whichever rows it is of.
    fn plain(&self) -> &Measure {
        match self {
            Measure::Of(measure, _) => measure.plain(),
            measure => measure,
        }
    }

    /// Whether it is read in two parts.
    fn is_in_parts(&self) -> bool {
        matches!(self.plain(), Measure::Sum(_) | Measure::Weighted(..))
    }
}

/// What rows are grouped by.
#[derive(Clone, Debug)]
pub struct Group {
    /// Relations from the rows to the field, to one record each; the first of them, of one group at most, may lead to many. A row then
    /// belongs to the group of each different value, and counts once in it.
    pub steps: Vec<Step>,
    pub field: Field,
    /// Which values are taken together. None for a group of each value.
    pub cut: Option<Cut>,
}

/// Which values are one group; groups are told by numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Cut {
    /// What is before the first bound, before the second, and so on, and what is not before the last. The bounds rise.
    At(Vec<Bound>, Numbers),
    /// Each of some values, numbered from 0; all others are one group, with the next number.
    Values {
        values: Vec<Operand>,
        /// Whether rows without a value belong to the others, instead of being a group of their own.
        missing_is_other: bool,
    },
}

/// How the groups between bounds are numbered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// From 0.
    Rising,
    /// As it says, one more than there are bounds: what has the same number is one group.
    Given(Vec<i64>),
}

/// A bound between groups.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    Time(Timestamp),
    Date(NaiveDate),
    Integer(i64),
    Decimal(f64),
}

impl Bound {
    fn bind(self, in_json: bool) -> Bind {
        match self {
            Bound::Time(time) if in_json => Bind::Text(time.to_string()),
            Bound::Time(time) => Bind::time(time),
            Bound::Date(date) if in_json => Bind::Text(date.to_string()),
            Bound::Date(date) => Bind::date(date),
            Bound::Integer(number) => Bind::Integer(number),
            Bound::Decimal(number) => Bind::Double(number),
        }
    }
}

impl Cut {
    /// Groups between bounds, numbered from 0.
    #[must_use]
    pub fn at(bounds: Vec<Bound>) -> Cut {
        Cut::At(bounds, Numbers::Rising)
    }

    /// How many groups there are at most.
    fn groups(&self) -> usize {
        match self {
            Cut::At(bounds, Numbers::Rising) => bounds.len() + 1,
            Cut::At(_, Numbers::Given(numbers)) => numbers.iter().collect::<BTreeSet<_>>().len(),
            Cut::Values { values, .. } => values.len() + 1,
        }
    }
}

impl Group {
    #[must_use]
    pub fn by(field: &Field) -> Group {
        Group { steps: Vec::new(), field: field.clone(), cut: None }
    }

    pub(crate) fn cell_type(&self) -> ColumnType {
        let own = column_type(&self.field.kind);
        if self.cut.is_some() {
            return ColumnType::Integer;
        }
        // In JSON they are texts.
        let in_json = self.field.storage != Storage::Column;
        match own {
            ColumnType::Id | ColumnType::Time | ColumnType::Date if in_json => ColumnType::Text,
            own => own,
        }
    }

    pub(crate) fn write(&self, sql: &mut Statement, place: &Place) {
        match &self.cut {
            None => self.value(sql, place),
            Some(Cut::At(bounds, numbers)) => {
                sql.sql("CAST(CASE WHEN ");
                self.value(sql, place);
                sql.sql(" IS NULL THEN NULL ELSE ");
                self.write_between(sql, place, (bounds, numbers), 0);
                sql.sql(" END AS BIGINT)");
            }
            Some(Cut::Values { values, missing_is_other }) => {
                let others = i64::try_from(values.len()).unwrap_or(i64::MAX);
                if *missing_is_other {
                    sql.sql("COALESCE(");
                }
                let others_of = |sql: &mut Statement| {
                    sql.sql("CASE WHEN ");
                    self.value(sql, place);
                    write_sql!(sql, " IS NOT NULL THEN ", Number(others), " END");
                };
                sql.sql("CAST(");
                if values.is_empty() {
                    others_of(sql);
                } else {
                    // The value is computed once, not once for each that it may be.
                    sql.sql("CASE ");
                    self.value(sql, place);
                    for (number, value) in (0..).zip(values) {
                        write_sql!(sql, " WHEN ", bind(&self.field, value), " THEN ", Number(number));
                    }
                    sql.sql(" ELSE ");
                    others_of(sql);
                    sql.sql(" END");
                }
                sql.sql(" AS BIGINT)");
                if *missing_is_other {
                    write_sql!(sql, ", ", Number(others), ")");
                }
            }
        }
    }

    /// The number of the group between bounds, by halves: a value among the days of a year is compared nine times. `first` is the place
    /// of the first group.
    fn write_between(&self, sql: &mut Statement, place: &Place, (bounds, numbers): (&[Bound], &Numbers), first: usize) {
        let Some(middle) = bounds.get(bounds.len() / 2) else {
            let number = match numbers {
                Numbers::Rising => i64::try_from(first).ok(),
                Numbers::Given(numbers) => numbers.get(first).copied(),
            };
            sql.add(Number(number.unwrap_or(i64::MAX)));
            return;
        };
        let (before, after) = bounds.split_at(bounds.len() / 2);
        sql.sql("CASE WHEN ");
        self.value(sql, place);
        write_sql!(sql, " < ", middle.bind(self.field.storage != Storage::Column), " THEN ");
        self.write_between(sql, place, (before, numbers), first);
        sql.sql(" ELSE ");
        self.write_between(sql, place, (&after[1..], numbers), first + before.len() + 1);
        sql.sql(" END");
    }

    /// The value of the field, through its relations; null where they lead to nothing that may be read.
    fn value(&self, sql: &mut Statement, place: &Place) {
        match self.to_many() {
            Some(_) => drop(sql.sql("many.v")),
            None => through(sql, &self.steps, &self.field, place),
        }
    }

    /// Whether a row may belong to several of its groups.
    #[must_use]
    pub fn leads_to_many(&self) -> bool {
        self.to_many().is_some()
    }

    /// The relation to many records that it begins with, and those that follow.
    fn to_many(&self) -> Option<(&Step, &[Step])> {
        self.steps.split_first().filter(|(step, _)| step.relation.reach.is_to_many())
    }
}

fn through(sql: &mut Statement, steps: &[Step], field: &Field, place: &Place) {
    let Some((step, rest)) = steps.split_first() else {
        sql.add(Scalar(field, place.alias()));
        return;
    };
    let Reach::ToOne { field: reference } = step.relation.reach else {
        sql.sql("NULL");
        return;
    };
    let inner = Place { object: step.schema.object, depth: place.depth + 1, as_of: None, ..*place };
    let (outer, alias) = (place.alias(), inner.alias());
    sql.sql("(SELECT ");
    through(sql, rest, field, &inner);
    write_sql!(sql, " FROM ", inner.object.table, " ", alias, " WHERE ", alias.column("tenant_id"), " = ", place.tenant);
    // As filters have it: what is archived is not related.
    write_sql!(sql, " AND ", alias.column("id"), " = ", outer.column(reference));
    write_sql!(sql, " AND ", alias.column(ARCHIVED_AT.name()), " IS NULL AND ", Condition(&step.rows, &inner), ")");
}

/// Writes where the rows come from, with the values of a group that lead to many records beside them: each different value once a row.
fn write_source<'a>(sql: &mut Statement, groups: impl IntoIterator<Item = &'a Group>, place: &Place) {
    write_sql!(sql, " FROM ", Source(place));
    let Some((group, (step, rest))) = groups.into_iter().find_map(|group| Some((group, group.to_many()?))) else { return };
    let inner = Place { object: step.schema.object, depth: place.depth + 1, as_of: None, ..*place };
    let (alias, links, table) = (inner.alias(), inner.links(), inner.object.table);
    sql.sql(" LEFT JOIN (SELECT DISTINCT ");
    match step.relation.reach {
        Reach::Linked { link, holder } => {
            let (near, far) = if holder { (link.from, link.to) } else { (link.to, link.from) };
            write_sql!(sql, links.column(near), " AS id, ");
            through(sql, rest, &group.field, &inner);
            write_sql!(sql, " AS v FROM ", link.table, " ", links, " JOIN ", table, " ", alias);
            write_sql!(sql, " ON ", alias.column("tenant_id"), " = ", links.column("tenant_id"));
            write_sql!(sql, " AND ", alias.column("id"), " = ", links.column(far), " WHERE ");
            if link.shared {
                let holder = if holder { place.object.name } else { inner.object.name };
                write_sql!(sql, links.column("object"), " = '", holder, "' AND ");
            }
        }
        Reach::Inverse { field } | Reach::ToOne { field } | Reach::Attached { field, .. } => {
            write_sql!(sql, alias.column(field), " AS id, ");
            through(sql, rest, &group.field, &inner);
            write_sql!(sql, " AS v FROM ", table, " ", alias, " WHERE ");
        }
    }
    // As filters have it: what is archived is not related.
    write_sql!(sql, alias.column("tenant_id"), " = ", place.tenant, " AND ", alias.column(ARCHIVED_AT.name()), " IS NULL AND ");
    write_sql!(sql, Condition(&step.rows, &inner), ") many ON many.id = t.id");
}

/// How many rows are looked at for each group that there may be.
const SAMPLED_EACH: usize = 4;

impl Reader<'_> {
    /// One row for each group: the values of the group's fields, then the measures. Groups come in no particular order, at
    /// most `most` of them. `as_of` reads from the ledger of the object.
    pub fn aggregate(
        &mut self,
        object: &'static Object,
        predicate: &Predicate,
        groups: &[Group],
        measures: &[Measure],
        within: (Option<Timestamp>, usize),
    ) -> Result<Vec<Vec<Cell>>, StoreError> {
        self.aggregated(object, predicate, groups, measures, within, false)
    }

    /// The same of the groups with the most rows, in that order; of those with as many, the least values first and null last.
    pub fn largest_groups(
        &mut self,
        object: &'static Object,
        predicate: &Predicate,
        groups: &[Group],
        measures: &[Measure],
        within: (Option<Timestamp>, usize),
    ) -> Result<Vec<Vec<Cell>>, StoreError> {
        self.aggregated(object, predicate, groups, measures, within, true)
    }

    fn aggregated(
        &mut self,
        object: &'static Object,
        predicate: &Predicate,
        groups: &[Group],
        measures: &[Measure],
        (as_of, most): (Option<Timestamp>, usize),
        largest: bool,
    ) -> Result<Vec<Vec<Cell>>, StoreError> {
        let place = Place { as_of, ..self.place(object) };
        let mut sql = Statement::new(self.connection.dialect());
        sql.sql("SELECT ");
        let mut types = Vec::new();
        for group in groups {
            group.write(&mut sql, &place);
            sql.sql(", ");
            types.push(group.cell_type());
        }
        for (position, measure) in measures.iter().enumerate() {
            if position > 0 {
                sql.sql(", ");
            }
            types.extend_from_slice(&write_measure(&mut sql, measure, &place));
        }
        write_source(&mut sql, groups, &place);
        write_sql!(sql, " WHERE t.tenant_id = ", place.tenant, " AND ", Condition(predicate, &place));
        for (position, _) in (1..).zip(groups) {
            write_sql!(sql, if position == 1 { " GROUP BY " } else { ", " }, Number(position));
        }
        if largest {
            sql.sql(" ORDER BY COUNT(*) DESC");
            for (position, _) in (1..).zip(groups) {
                write_sql!(sql, ", ", Number(position), " NULLS LAST");
            }
        }
        sql.sql(" LIMIT ").integer(i64::try_from(most).unwrap_or(i64::MAX));
        let rows = self.connection.load(&sql, &types)?;
        rows.into_iter().map(|row| added_up(row, groups.len(), measures)).collect()
    }

    /// A percentile of a whole number or decimal of the rows of each group that have a value in it: the values of the group's fields,
    /// then the two values it lies between (the second is null where it lies on the last), and how many values there are. Which two,
    /// and where between them, say `percent` and PostgreSQL's `percentile_cont`: with n values in order, the place (n − 1) × percent ÷ 100
    /// from the first on. `of` narrows to the rows that meet it. At most `most` groups, in no particular order.
    pub fn percentile(
        &mut self,
        object: &'static Object,
        predicate: &Predicate,
        groups: &[Group],
        (field, of, percent): (&Field, Option<&Predicate>, i64),
        (as_of, most): (Option<Timestamp>, usize),
    ) -> Result<Vec<Vec<Cell>>, StoreError> {
        let place = Place { as_of, ..self.place(object) };
        let value = Group::by(field).cell_type();
        let mut sql = Statement::of(self.connection.dialect(), "SELECT ");
        let names = |sql: &mut Statement, after: &'static str| {
            for position in 0..groups.len() {
                write_sql!(sql, "g", Number(i64::try_from(position).unwrap_or(i64::MAX)), after);
            }
        };
        names(&mut sql, ", ");
        let at = |sql: &mut Statement, next: i64| {
            write_sql!(sql, "MAX(CASE WHEN place = (n - 1) * ", Number(percent), " / 100 + ", Number(next), " THEN v END), ");
        };
        at(&mut sql, 1);
        at(&mut sql, 2);
        sql.sql("MAX(n) FROM (SELECT ");
        names(&mut sql, ", ");
        let parts = |sql: &mut Statement| {
            for position in 0..groups.len() {
                let before = if position == 0 { "PARTITION BY g" } else { ", g" };
                write_sql!(sql, before, Number(i64::try_from(position).unwrap_or(i64::MAX)));
            }
        };
        sql.sql("v, ROW_NUMBER() OVER (");
        parts(&mut sql);
        sql.sql(" ORDER BY v) AS place, COUNT(*) OVER (");
        parts(&mut sql);
        sql.sql(") AS n FROM (SELECT ");
        for (position, group) in (0..).zip(groups) {
            group.write(&mut sql, &place);
            write_sql!(sql, " AS g", Number(position), ", ");
        }
        write_sql!(sql, Scalar(field, place.alias()), " AS v");
        write_source(&mut sql, groups, &place);
        write_sql!(sql, " WHERE t.tenant_id = ", place.tenant, " AND ", Condition(predicate, &place));
        if let Some(of) = of {
            write_sql!(sql, " AND ", Condition(of, &place));
        }
        write_sql!(sql, " AND ", Scalar(field, place.alias()), " IS NOT NULL) valued) placed");
        for (position, _) in (1..).zip(groups) {
            write_sql!(sql, if position == 1 { " GROUP BY " } else { ", " }, Number(position));
        }
        sql.sql(" LIMIT ").integer(i64::try_from(most).unwrap_or(i64::MAX));
        let mut types: Vec<ColumnType> = groups.iter().map(Group::cell_type).collect();
        types.extend([value, value, ColumnType::Integer]);
        self.connection.load(&sql, &types)
    }

    /// Whether there are certainly more than so many groups, told by the first rows alone: to count all of them only to refuse them
    /// would take as long as the answer.
    pub fn has_more_groups(
        &mut self,
        object: &'static Object,
        predicate: &Predicate,
        groups: &[Group],
        (as_of, most): (Option<Timestamp>, usize),
    ) -> Result<bool, StoreError> {
        // As many values as a choice has, and none.
        let values = |group: &Group| match (&group.cut, &group.field.kind) {
            (Some(cut), _) => cut.groups() + 1,
            (None, FieldType::Choice(choices)) => choices.len() + 1,
            (None, FieldType::Boolean) => 3,
            (None, _) => usize::MAX,
        };
        if groups.iter().map(values).fold(1_usize, usize::saturating_mul) <= most {
            return Ok(false);
        }
        let place = Place { as_of, ..self.place(object) };
        let mut sql = Statement::of(self.connection.dialect(), "SELECT COUNT(*) FROM (SELECT DISTINCT * FROM (SELECT ");
        for (position, group) in (0..).zip(groups) {
            if position > 0 {
                sql.sql(", ");
            }
            group.write(&mut sql, &place);
            write_sql!(sql, " AS g", Number(position));
        }
        write_source(&mut sql, groups, &place);
        write_sql!(sql, " WHERE t.tenant_id = ", place.tenant, " AND ", Condition(predicate, &place));
        sql.sql(" LIMIT ").integer(i64::try_from(most.saturating_mul(SAMPLED_EACH)).unwrap_or(i64::MAX));
        sql.sql(") sampled) different");
        let rows = self.connection.load(&sql, &[ColumnType::Integer])?;
        let found = rows.first().and_then(|cells| cells[0].as_integer()).unwrap_or(0);
        Ok(usize::try_from(found).is_ok_and(|found| found > most))
    }

    /// The days in UTC on which a group's date or time has a value, at most so many, in no particular order.
    pub fn days(
        &mut self,
        object: &'static Object,
        predicate: &Predicate,
        group: &Group,
        (as_of, most): (Option<Timestamp>, usize),
    ) -> Result<Vec<NaiveDate>, StoreError> {
        let place = Place { as_of, ..self.place(object) };
        let dialect = self.connection.dialect();
        let in_json = group.field.storage != Storage::Column;
        let mut sql = Statement::of(dialect, "SELECT DISTINCT ");
        // What is kept as a text begins with its day.
        let ([before, after], kind) = match (&group.field.kind, in_json, dialect) {
            (_, true, Dialect::Sqlite) => (["SUBSTR(", ", 1, 10)"], ColumnType::Text),
            (_, true, Dialect::Postgres) => (["LEFT(", ", 10)"], ColumnType::Text),
            (FieldType::DateTime, false, Dialect::Sqlite) => (["DATE(", " / 1000000, 'unixepoch')"], ColumnType::Text),
            (FieldType::DateTime, false, Dialect::Postgres) => (["CAST(", " AT TIME ZONE 'UTC' AS DATE)"], ColumnType::Date),
            (_, false, _) => (["", ""], ColumnType::Date),
        };
        sql.sql(before);
        group.value(&mut sql, &place);
        sql.sql(after);
        write_source(&mut sql, [group], &place);
        write_sql!(sql, " WHERE t.tenant_id = ", place.tenant);
        write_sql!(sql, " AND ", Condition(predicate, &place), " LIMIT ");
        sql.integer(i64::try_from(most.saturating_add(1)).unwrap_or(i64::MAX));
        let rows = self.connection.load(&sql, &[kind])?;
        let day = |cells: Vec<Cell>| match cells.into_iter().next() {
            Some(Cell::Date(day)) => Some(day),
            Some(Cell::Text(text)) => text.parse().ok(),
            _ => None,
        };
        Ok(rows.into_iter().filter_map(day).collect())
    }

    /// The least and the greatest value of a group's field.
    pub fn extent(
        &mut self,
        object: &'static Object,
        predicate: &Predicate,
        group: &Group,
        as_of: Option<Timestamp>,
    ) -> Result<Option<(Cell, Cell)>, StoreError> {
        let place = Place { as_of, ..self.place(object) };
        let mut sql = Statement::new(self.connection.dialect());
        sql.sql("SELECT MIN(");
        group.value(&mut sql, &place);
        sql.sql("), MAX(");
        group.value(&mut sql, &place);
        sql.sql(")");
        write_source(&mut sql, [group], &place);
        write_sql!(sql, " WHERE t.tenant_id = ", place.tenant, " AND ", Condition(predicate, &place));
        let kind = Group { cut: None, ..group.clone() }.cell_type();
        let rows = self.connection.load(&sql, &[kind, kind])?;
        let ends = rows.into_iter().next().and_then(|cells| <[Cell; 2]>::try_from(cells).ok());
        Ok(ends.filter(|[least, _]| *least != Cell::Null).map(|[least, greatest]| (least, greatest)))
    }
}

/// Sums are made in two parts, of the numbers divided by this and of what remains: neither engine then comes to the end of its
/// integers, however many rows there are.
const PART: i64 = 1_000_000;

/// Writes a sum of whole numbers in its two parts. PostgreSQL's sums of bigint are numeric, and so are never too large.
pub(crate) fn write_sum(sql: &mut Statement, value: impl Fragment + Copy) {
    let parts = match sql.dialect {
        Dialect::Sqlite => [("COALESCE(SUM((", ") / ", "), 0)"), (", COALESCE(SUM((", ") % ", "), 0)")],
        Dialect::Postgres => {
            [("CAST(DIV(COALESCE(SUM(", "), 0), ", ") AS BIGINT)"), (", CAST(MOD(COALESCE(SUM(", "), 0), ", ") AS BIGINT)")]
        }
    };
    for (before, between, after) in parts {
        write_sql!(sql, before, value, between, Number(PART), after);
    }
}

/// A sum from its two parts.
pub(crate) fn sum_of_parts(parts: &[Cell]) -> i128 {
    let part = |place: usize| i128::from(parts.get(place).and_then(Cell::as_integer).unwrap_or(0));
    part(0) * i128::from(PART) + part(1)
}

/// A field of the rows of a group; of those alone that meet a predicate, if there is one.
#[derive(Clone, Copy)]
struct Taken<'a>(&'a Field, Option<&'a Predicate>, &'a Place);

impl Fragment for Taken<'_> {
    fn write(self, sql: &mut Statement) {
        let Taken(field, of, place) = self;
        match of {
            None => drop(sql.add(Scalar(field, place.alias()))),
            Some(of) => write_sql!(sql, "CASE WHEN ", Condition(of, place), " THEN ", Scalar(field, place.alias()), " END"),
        }
    }
}

/// Writes the columns of a measure; their types.
fn write_measure(sql: &mut Statement, measure: &Measure, place: &Place) -> Vec<ColumnType> {
    match measure {
        Measure::Of(measure, of) => write_measure_of(sql, measure, Some(of), place),
        measure => write_measure_of(sql, measure, None, place),
    }
}

fn write_measure_of(sql: &mut Statement, measure: &Measure, of: Option<&Predicate>, place: &Place) -> Vec<ColumnType> {
    match measure {
        Measure::Count => {
            match of {
                None => drop(sql.sql("COUNT(*)")),
                Some(of) => write_sql!(sql, "COUNT(CASE WHEN ", Condition(of, place), " THEN 1 END)"),
            }
            vec![ColumnType::Integer]
        }
        Measure::Of(measure, inner) => {
            let both = of.map_or_else(|| inner.clone(), |of| of.clone().and(inner.clone()));
            write_measure_of(sql, measure, Some(&both), place)
        }
        Measure::Given(field) => {
            write_sql!(sql, "COUNT(", Taken(field, of, place), ")");
            vec![ColumnType::Integer]
        }
        Measure::Distinct(field) => {
            write_sql!(sql, "COUNT(DISTINCT ", Taken(field, of, place), ")");
            vec![ColumnType::Integer]
        }
        Measure::SumOfDecimals(field) => {
            // PostgreSQL adds up decimal digits, SQLite carries along what a sum of doubles loses: both come to the same double.
            let [before, after] = match sql.dialect {
                Dialect::Sqlite => ["SUM(CAST(", " AS REAL))"],
                Dialect::Postgres => ["CAST(SUM(CAST(", " AS NUMERIC)) AS DOUBLE PRECISION)"],
            };
            write_sql!(sql, before, Taken(field, of, place), after);
            vec![ColumnType::Double]
        }
        Measure::Least(field) | Measure::Greatest(field) => {
            let least = matches!(measure, Measure::Least(_));
            write_sql!(sql, if least { "MIN(" } else { "MAX(" }, Taken(field, of, place), ")");
            vec![Group::by(field).cell_type()]
        }
        Measure::Sum(field) => {
            write_sum(sql, Taken(field, of, place));
            vec![ColumnType::Integer; 2]
        }
        Measure::Weighted(field, share) => {
            debug_assert!(matches!(field.kind, FieldType::Money | FieldType::Integer { .. }), "only whole numbers are weighted");
            // The products themselves may be too large.
            let field = Taken(field, of, place);
            let share = Scalar(share, place.alias());
            for (operator, after) in [(" / ", ", "), (" % ", "")] {
                write_sql!(sql, "CAST(COALESCE(SUM((", field, operator, Number(PART), ") * COALESCE(", share);
                write_sql!(sql, ", 0)), 0) AS BIGINT)", after);
            }
            vec![ColumnType::Integer; 2]
        }
        Measure::Between(from, to) => {
            let (from, to) = (Taken(from, of, place), Scalar(to, place.alias()));
            let [before, after] = match sql.dialect {
                Dialect::Sqlite => ["CAST(COALESCE(SUM((", ") / 1000), 0) AS BIGINT)"],
                Dialect::Postgres => ["CAST(COALESCE(SUM(EXTRACT(EPOCH FROM ", ") * 1000), 0) AS BIGINT)"],
            };
            write_sql!(sql, before, to, " - ", from, after);
            vec![ColumnType::Integer]
        }
    }
}

/// A row with its sums put together.
fn added_up(mut row: Vec<Cell>, groups: usize, measures: &[Measure]) -> Result<Vec<Cell>, StoreError> {
    let own = row.split_off(groups);
    let mut own = own.as_slice();
    for measure in measures {
        let (parts, rest) = own.split_at(if measure.is_in_parts() { 2 } else { 1 });
        own = rest;
        match measure.plain() {
            Measure::Sum(_) => row.push(fitting(sum_of_parts(parts))?),
            Measure::Weighted(..) => {
                let hundredths = sum_of_parts(parts);
                row.push(fitting(hundredths.div_euclid(100))?);
                row.push(fitting(hundredths.rem_euclid(100))?);
            }
            _ => row.push(parts[0].clone()),
        }
    }
    Ok(row)
}

/// What a weighted sum comes to, whole part and hundredths, rounded half away from zero: what is weighted is never below that.
pub fn rounded(whole: i128, hundredths: i128) -> Result<i64, StoreError> {
    let rounded = half_away(hundredths, 100).and_then(|units| i64::try_from(whole + units).ok());
    rounded.ok_or(StoreError::SumTooLarge)
}

fn fitting(sum: i128) -> Result<Cell, StoreError> {
    i64::try_from(sum).map(Cell::Integer).map_err(|_| StoreError::SumTooLarge)
}
