//! A statement built at run time from the field table. Only what the program itself holds can become SQL (`&'static str`, and with it
//! the names of the declaration), checked keys of JSON, and numbers; every value is a bind. No `String` can, by type.

use std::fmt::Write as _;

use chrono::NaiveDate;
use farley_domain::{
    model::field::Field,
    values::{id::Id, time::Timestamp},
};

use crate::sql::sql_types::{DbDate, DbId, DbJson, DbTime};

/// Which engine a statement is for, where the two differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

/// The SQL type of a column or bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    Boolean,
    Integer,
    Double,
    Text,
    Id,
    Time,
    Date,
    Json,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Bind {
    Null(ColumnType),
    Boolean(bool),
    Integer(i64),
    Double(f64),
    Text(String),
    Id(DbId),
    Time(DbTime),
    Date(DbDate),
    Json(DbJson),
    /// PostgreSQL only.
    Texts(Vec<String>),
}

impl Bind {
    #[must_use]
    pub fn id(id: Id) -> Bind {
        Bind::Id(DbId(id))
    }

    #[must_use]
    pub fn time(time: Timestamp) -> Bind {
        Bind::Time(DbTime(time))
    }

    #[must_use]
    pub fn date(date: NaiveDate) -> Bind {
        Bind::Date(DbDate(date))
    }

    #[must_use]
    pub fn json(json: impl Into<String>) -> Bind {
        Bind::Json(DbJson(json.into()))
    }
}

/// What writes itself into a statement.
///
/// Not diesel's `QueryFragment`: that lends its binds to the query it is part of, while the values of a predicate take their stored
/// form only as they are written. The finished statement is the fragment that diesel runs, or uses as a condition of a typed query.
pub(crate) trait Fragment {
    fn write(self, sql: &mut Statement);
}

/// Adds fragments one after the other.
macro_rules! write_sql {
    ($statement:expr, $($fragment:expr),+ $(,)?) => {{
        $($statement.add($fragment);)+
    }};
}
pub(crate) use write_sql;

/// What Farley itself wrote or declared: words of SQL, the tables of objects, links and ledgers, their columns.
impl Fragment for &'static str {
    fn write(self, sql: &mut Statement) {
        sql.text.push_str(self);
    }
}

/// What cannot be named is not written: the statement is not run.
impl<F: Fragment> Fragment for Option<F> {
    fn write(self, sql: &mut Statement) {
        match self {
            Some(fragment) => fragment.write(sql),
            None => sql.is_refused = true,
        }
    }
}

impl Fragment for Bind {
    fn write(self, sql: &mut Statement) {
        sql.binds.push((sql.text.len(), self));
    }
}

/// As a bind.
impl Fragment for Id {
    fn write(self, sql: &mut Statement) {
        Bind::id(self).write(sql);
    }
}

/// A number that is part of the text: one of few, so that few statements are prepared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number(pub i64);

impl Fragment for Number {
    fn write(self, sql: &mut Statement) {
        // Writing to a string cannot fail.
        let _ = write!(sql.text, "{}", self.0);
    }
}

/// A column of a declared table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    name: &'static str,
    /// Whether it holds the currency that belongs to the amount in the column of the name.
    is_currency: bool,
}

impl Column {
    /// The column that a field is kept in, or a currency with its amount; none for a member of a JSON column.
    pub(crate) fn of(field: &Field) -> Option<Column> {
        let column = Column::from(field.column()?);
        Some(if field.money().is_some() { column.currency() } else { column })
    }

    pub(crate) fn currency(self) -> Column {
        Column { is_currency: true, ..self }
    }
}

impl From<&'static str> for Column {
    fn from(name: &'static str) -> Column {
        Column { name, is_currency: false }
    }
}

impl Fragment for Column {
    fn write(self, sql: &mut Statement) {
        sql.text.push_str(self.name);
        if self.is_currency {
            sql.text.push_str("_currency");
        }
    }
}

/// Columns with commas between.
impl Fragment for &[Column] {
    fn write(self, sql: &mut Statement) {
        for (position, column) in self.iter().enumerate() {
            if position > 0 {
                sql.text.push_str(", ");
            }
            column.write(sql);
        }
    }
}

/// The name under which the rows of a table stand in a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alias {
    /// The rows of an object: `t` outermost, `t1`, `t2` … within relations.
    Rows(usize),
    /// The links that lead to them: `lt1`, `lt2` ….
    Links(usize),
    /// None: the statement has one table and says which.
    Bare,
}

impl Alias {
    pub fn column(self, column: impl Into<Column>) -> Qualified {
        Qualified { alias: self, column: Some(column.into()) }
    }

    /// The column of a field.
    pub fn field(self, field: &Field) -> Qualified {
        Qualified { alias: self, column: Column::of(field) }
    }
}

impl Fragment for Alias {
    fn write(self, sql: &mut Statement) {
        let (letters, depth) = match self {
            Alias::Rows(depth) => ("t", depth),
            Alias::Links(depth) => ("lt", depth),
            Alias::Bare => ("", 0),
        };
        sql.text.push_str(letters);
        if depth > 0 {
            let _ = write!(sql.text, "{depth}");
        }
    }
}

/// A column of the table that stands under an alias.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Qualified {
    alias: Alias,
    column: Option<Column>,
}

impl Fragment for Qualified {
    fn write(self, sql: &mut Statement) {
        if self.alias != Alias::Bare {
            self.alias.write(sql);
            sql.text.push('.');
        }
        self.column.write(sql);
    }
}

/// The key of a member of a JSON column, or another word that stands in the text as a literal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonKey<'a>(&'a str);

impl JsonKey<'_> {
    /// A key of small letters, digits and `_`, a letter first; none of anything else.
    pub fn of(key: &str) -> Option<JsonKey<'_>> {
        let is_key = key.starts_with(|first: char| first.is_ascii_lowercase())
            && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        is_key.then_some(JsonKey(key))
    }
}

impl Fragment for JsonKey<'_> {
    fn write(self, sql: &mut Statement) {
        sql.text.push_str(self.0);
    }
}

/// Where new rows go: a table and those of its columns that are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub table: &'static str,
    pub columns: Vec<Column>,
}

impl Fragment for &Target {
    fn write(self, sql: &mut Statement) {
        write_sql!(sql, self.table, " (", self.columns.as_slice(), ")");
    }
}

#[derive(Debug, Clone)]
pub struct Statement {
    pub dialect: Dialect,
    /// Whether the connection may keep it prepared: only for statements of few shapes.
    pub keep: bool,
    text: String,
    /// The values, each with where in the text it stands.
    binds: Vec<(usize, Bind)>,
    /// Whether it holds a name that may not stand in SQL: then it is not run.
    is_refused: bool,
}

impl Statement {
    /// The text, and the values with their places in it: two statements of the same are the same.
    #[must_use]
    pub fn parts(&self) -> (&str, &[(usize, Bind)]) {
        (&self.text, &self.binds)
    }

    #[must_use]
    pub fn new(dialect: Dialect) -> Statement {
        Statement { dialect, keep: true, text: String::with_capacity(256), binds: Vec::with_capacity(8), is_refused: false }
    }

    #[must_use]
    pub fn of(dialect: Dialect, sql: &'static str) -> Statement {
        let mut statement = Statement::new(dialect);
        statement.sql(sql);
        statement
    }

    pub(crate) fn add(&mut self, fragment: impl Fragment) -> &mut Statement {
        fragment.write(self);
        self
    }

    /// Adds SQL that Farley itself wrote.
    pub fn sql(&mut self, sql: &'static str) -> &mut Statement {
        self.add(sql)
    }

    /// Adds another statement.
    pub fn append(&mut self, other: Statement) -> &mut Statement {
        let before = self.text.len();
        self.text.push_str(&other.text);
        self.binds.extend(other.binds.into_iter().map(|(at, bind)| (before + at, bind)));
        self.is_refused |= other.is_refused;
        self
    }

    pub fn bind(&mut self, bind: Bind) -> &mut Statement {
        self.add(bind)
    }

    pub fn id(&mut self, id: Id) -> &mut Statement {
        self.add(id)
    }

    pub fn text(&mut self, text: impl Into<String>) -> &mut Statement {
        self.bind(Bind::Text(text.into()))
    }

    pub fn integer(&mut self, number: i64) -> &mut Statement {
        self.bind(Bind::Integer(number))
    }

    /// `a, b, c` as binds.
    pub fn binds(&mut self, binds: impl IntoIterator<Item = Bind>) -> &mut Statement {
        for (position, bind) in binds.into_iter().enumerate() {
            if position > 0 {
                self.sql(", ");
            }
            self.bind(bind);
        }
        self
    }

    /// Ids padded to a power of two, so that statements of few shapes are prepared; a repeated id changes nothing.
    pub fn id_list(&mut self, ids: &[Id]) -> &mut Statement {
        let length = ids.len().max(1).next_power_of_two();
        let last = ids.last().copied().unwrap_or(Id::NIL);
        let padding = length - ids.len();
        self.binds(ids.iter().copied().chain(std::iter::repeat_n(last, padding)).map(Bind::id))
    }

    /// The text up to each value, with the value, and what stands after the last one; none if it holds a name that may not stand in SQL.
    pub(crate) fn pieces(&self) -> Option<impl Iterator<Item = (&str, Option<&Bind>)>> {
        let mut from = 0;
        let ends = self.binds.iter().map(|(at, bind)| (*at, Some(bind))).chain([(self.text.len(), None)]);
        let pieces = ends.map(move |(at, bind)| (&self.text[std::mem::replace(&mut from, at)..at], bind));
        (!self.is_refused).then_some(pieces)
    }
}

#[cfg(test)]
mod tests {
    use farley_domain::model::field::{Field, FieldType};

    use super::{Alias, Bind, Column, Dialect, JsonKey, Statement, Target};

    fn read(sql: &Statement) -> Option<String> {
        Some(sql.pieces()?.flat_map(|(text, bind)| [text, if bind.is_some() { "?" } else { "" }]).collect())
    }

    #[test]
    fn fragments_stand_where_they_are_written() {
        let mut within = Statement::of(Dialect::Sqlite, "amount > ");
        within.integer(5).sql(" AND b");
        let mut sql = Statement::of(Dialect::Sqlite, "SELECT ");
        let alias = Alias::Rows(2);
        write_sql!(sql, alias.column(Column::from("amount").currency()), ", ", Alias::Links(0), " FROM ");
        sql.add(&Target { table: "deals", columns: vec!["id".into(), "amount".into()] }).sql(" WHERE ").append(within);
        sql.sql(" = ").bind(Bind::Boolean(true));
        let text = "SELECT t2.amount_currency, lt FROM deals (id, amount) WHERE amount > ? AND b = ?";
        assert_eq!(read(&sql).as_deref(), Some(text));
    }

    #[test]
    fn what_is_no_name_of_the_declaration_is_not_run() {
        for key in ["", "1a", "a b", "a'", "A", "_a", "ä", "a.b"] {
            let mut sql = Statement::new(Dialect::Sqlite);
            assert_eq!(read(sql.add(JsonKey::of(key))), None, "{key}");
        }
        let mut sql = Statement::new(Dialect::Sqlite);
        assert_eq!(read(sql.add(JsonKey::of("cf_1"))).as_deref(), Some("cf_1"));
        let foreign = Field::new("name; DROP TABLE users".to_owned(), FieldType::Date);
        assert_eq!(read(sql.add(Alias::Bare.field(&foreign))), None);
    }
}
