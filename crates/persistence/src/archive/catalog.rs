//! The tables in which tenants have rows, as the database itself knows them: what is added to the schema is moved without a word here.

use farley_domain::integration::webhook_delivery::WebhookDelivery;

use super::Own;
use crate::{
    error::StoreError,
    sql::{
        cell::Cell,
        statement::{ColumnType, Dialect, Fragment, JsonKey, Statement, write_sql},
    },
};

/// What stays where it is: who is logged in or tries to, answers to requests that may be repeated, tickets and locks of a minute, and what
/// text is found by, which is made anew.
const STAYS: &[&str] = &[
    "sessions",
    "session_rotations",
    "login_failures",
    "portal_sessions",
    "portal_codes",
    "idempotency_keys",
    "stream_tickets",
    "record_locks",
    "search_documents",
];

/// A name of the catalog: letters, digits and `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(String);

impl Name {
    fn read(text: &str) -> Result<Name, StoreError> {
        match JsonKey::of(text) {
            Some(_) => Ok(Name(text.to_owned())),
            None => Err(StoreError::Internal(format!("{text} is no name of a table or column"))),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// In quotation marks: some are words of SQL.
impl Fragment for &Name {
    fn write(self, sql: &mut Statement) {
        write_sql!(sql, "\"", JsonKey::of(&self.0), "\"");
    }
}

/// The table of the connection's own in which rows of a table wait.
#[derive(Clone, Copy)]
pub(super) struct Waiting<'a>(pub &'a Name);

impl Fragment for Waiting<'_> {
    fn write(self, sql: &mut Statement) {
        write_sql!(sql, "\"in_", JsonKey::of(&self.0.0), "\"");
    }
}

/// How an engine stores the values of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Id,
    Bytes,
    Time,
    Date,
    Boolean,
    Integer,
    Double,
    Text,
    Json,
    /// The changes of events, as SQLite keeps them.
    Changes,
}

impl Kind {
    fn read(dialect: Dialect, declared: &str) -> Result<Kind, StoreError> {
        let known = match dialect {
            Dialect::Postgres => match declared {
                "uuid" => Some(Kind::Id),
                "bytea" => Some(Kind::Bytes),
                "timestamp with time zone" => Some(Kind::Time),
                "date" => Some(Kind::Date),
                "boolean" => Some(Kind::Boolean),
                "bigint" | "integer" => Some(Kind::Integer),
                "double precision" => Some(Kind::Double),
                "text" => Some(Kind::Text),
                "json" => Some(Kind::Json),
                _ => None,
            },
            Dialect::Sqlite => match declared {
                "BLOB" => Some(Kind::Bytes),
                "INTEGER" => Some(Kind::Integer),
                "REAL" => Some(Kind::Double),
                "TEXT" => Some(Kind::Text),
                _ => None,
            },
        };
        known.ok_or_else(|| StoreError::Internal(format!("nobody knows how to move values of the type {declared}")))
    }
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub name: Name,
    pub kind: Kind,
}

/// A table with rows of tenants.
#[derive(Clone, Debug)]
pub struct Table {
    pub(super) name: Name,
    /// In the order of their names.
    pub(super) columns: Vec<Column>,
}

impl Table {
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The columns, in the order of the values of a row.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        self.columns.iter().map(|column| column.name.as_str()).collect()
    }

    /// The column by which the rows of a tenant are found.
    pub(super) fn tenant(&self) -> &'static str {
        if self.is_of_tenants() { "id" } else { "tenant_id" }
    }

    pub(super) fn is_of_tenants(&self) -> bool {
        self.name() == "tenants"
    }

    /// Whether a column holds positions in the log of events: of the events themselves, or how far somebody has followed them.
    pub(super) fn holds_positions(&self, column: &Column) -> bool {
        match column.name.as_str() {
            "position" => self.name().ends_with("_cursors"),
            // Deliveries name them as the events do.
            name => [WebhookDelivery::seq.name(), WebhookDelivery::prev_seq.name()].contains(&name),
        }
    }
}

/// The tables, that of the tenants first.
pub(super) fn tables(own: &mut Own) -> Result<Vec<Table>, StoreError> {
    let dialect = own.dialect();
    let listed = Statement::of(
        dialect,
        match dialect {
            Dialect::Postgres => {
                "SELECT c.table_name::text, c.column_name::text, c.data_type::text FROM information_schema.columns c \
                 JOIN information_schema.tables t USING (table_schema, table_name) \
                 WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' ORDER BY 1, 2"
            }
            Dialect::Sqlite => {
                "SELECT t.name, c.name, c.type FROM pragma_table_list t JOIN pragma_table_info(t.name) c \
                 WHERE t.schema = 'main' AND t.type = 'table' ORDER BY 1, 2"
            }
        },
    );
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for row in own.lend().load(&listed, &[ColumnType::Text; 3])? {
        let [Cell::Text(table), Cell::Text(column), Cell::Text(declared)] = &row[..] else { continue };
        match found.last_mut().filter(|(known, _)| known == table) {
            Some((_, columns)) => columns.push((column.clone(), declared.clone())),
            None => found.push((table.clone(), vec![(column.clone(), declared.clone())])),
        }
    }
    let is_moved = |(table, columns): &(String, Vec<(String, String)>)| {
        (table == "tenants" || columns.iter().any(|(column, _)| column == "tenant_id")) && !STAYS.contains(&table.as_str())
    };
    let mut tables = Vec::new();
    for (table, columns) in found.into_iter().filter(is_moved) {
        let columns = columns.iter().map(|(column, declared)| {
            let kind = match (dialect, table.as_str(), column.as_str()) {
                (Dialect::Sqlite, "events", "changes") => Kind::Changes,
                _ => Kind::read(dialect, declared)?,
            };
            Ok(Column { name: Name::read(column)?, kind })
        });
        tables.push(Table { name: Name::read(&table)?, columns: columns.collect::<Result<_, StoreError>>()? });
    }
    tables.sort_by_key(|table| !table.is_of_tenants());
    Ok(tables)
}

/// The newest migration of the schema.
pub(super) fn schema(own: &mut Own) -> Result<String, StoreError> {
    let newest = Statement::of(own.dialect(), "SELECT MAX(version) FROM __diesel_schema_migrations");
    let rows = own.lend().load(&newest, &[ColumnType::Text])?;
    Ok(rows.first().and_then(|row| row.first()?.as_text().map(str::to_owned)).unwrap_or_default())
}
