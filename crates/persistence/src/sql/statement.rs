//! A statement built at run time from the field table: SQL that only Farley wrote, and every value a bind.

use std::borrow::Cow;

use chrono::NaiveDate;
use farley_domain::{id::Id, time::Timestamp};

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
    Bytes(Vec<u8>),
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

#[derive(Debug, Clone)]
pub enum Part {
    Sql(Cow<'static, str>),
    Bind(Bind),
}

#[derive(Debug, Clone)]
pub struct Statement {
    pub dialect: Dialect,
    pub parts: Vec<Part>,
    /// Whether the connection may keep it prepared: only for statements of few shapes.
    pub keep: bool,
}

impl Statement {
    #[must_use]
    pub fn new(dialect: Dialect) -> Statement {
        Statement { dialect, parts: Vec::with_capacity(16), keep: true }
    }

    #[must_use]
    pub fn of(dialect: Dialect, sql: &'static str) -> Statement {
        let mut statement = Statement::new(dialect);
        statement.sql(sql);
        statement
    }

    /// Adds SQL that Farley itself wrote.
    pub fn sql(&mut self, sql: impl Into<Cow<'static, str>>) -> &mut Statement {
        let sql = sql.into();
        match self.parts.last_mut() {
            Some(Part::Sql(last)) => last.to_mut().push_str(&sql),
            _ => self.parts.push(Part::Sql(sql)),
        }
        self
    }

    /// Adds another statement's parts.
    pub fn append(&mut self, other: Statement) -> &mut Statement {
        for part in other.parts {
            match part {
                Part::Sql(sql) => self.sql(sql),
                Part::Bind(bind) => self.bind(bind),
            };
        }
        self
    }

    pub fn bind(&mut self, bind: Bind) -> &mut Statement {
        self.parts.push(Part::Bind(bind));
        self
    }

    pub fn id(&mut self, id: Id) -> &mut Statement {
        self.bind(Bind::id(id))
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

    /// The text of the statement with `?` for binds, to read and to ask for its plan.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Sql(sql) => sql.as_ref(),
                Part::Bind(_) => "?",
            })
            .collect()
    }
}
