//! The first draft of an object's migrations, told from its declaration: what `farley scaffold` prints.

use std::fmt::Write as _;

use farley_domain::model::{
    field::{Field, FieldType, Link, Storage},
    object::{Object, Unique},
    recurring, registry,
};

use crate::sql::{
    row::column_type,
    statement::{ColumnType, Dialect},
};

/// A migration for one engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub up: String,
    pub down: String,
}

/// The table of an object with the indexes that its lists need, and the tables of the links that it alone holds.
#[must_use]
pub fn draft(object: &Object, dialect: Dialect) -> Draft {
    let mut up = create_table(object, dialect);
    let mut tables = vec![object.table];
    for link in object.fields.iter().filter_map(own_links) {
        let _ = write!(up, "\n{}", create_links(object, link, dialect));
        tables.push(link.table);
    }
    let down = tables.iter().rev().map(|table| format!("DROP TABLE {table};\n")).collect();
    Draft { up, down }
}

fn create_table(object: &Object, dialect: Dialect) -> String {
    let table = object.table;
    let kind = |kind| type_name(kind, dialect);
    let mut columns = vec![format!("tenant_id {} NOT NULL", kind(ColumnType::Id))];
    for field in columns_of(object) {
        let constraint = if field.is_never_null() { " NOT NULL" } else { "" };
        // What every table ends with comes after the columns of JSON.
        if field.slot == recurring::slots::CREATED_AT && object.has_details() {
            columns.push(format!("details {} NOT NULL", kind(ColumnType::Json)));
        }
        columns.push(format!("{} {}{constraint}", field.name, kind(column_type(&field.kind))));
        if field.kind == FieldType::Money {
            columns.push(format!("{}_currency {}{constraint}", field.name, kind(ColumnType::Text)));
        }
    }
    columns.push("PRIMARY KEY (tenant_id, id)".to_owned());
    columns.push("FOREIGN KEY (tenant_id) REFERENCES tenants (id)".to_owned());
    for field in columns_of(object).filter(|field| !is_of_writers(field)) {
        if let FieldType::Reference(target) = &field.kind {
            columns.extend(foreign_key(&field.name, target));
        }
    }
    let mut sql = format!("CREATE TABLE {table} (\n    {}\n);\n", columns.join(",\n    "));
    for unique in &object.unique {
        let _ = writeln!(sql, "{}", unique_index(object, unique));
    }
    for field in columns_of(object).filter(|field| field.indexed && field.kind.is_scalar() && field.slot != recurring::slots::ID)
    {
        let name = &field.name;
        let condition = if field.is_never_null() { String::new() } else { format!(" WHERE {name} IS NOT NULL") };
        // Records alike in the field are in the order of the object; what is told apart by times needs none.
        let is_time = [recurring::CREATED_AT.name(), recurring::UPDATED_AT.name()].contains(&name.as_ref());
        let keys = object.order.iter().filter(|key| !is_time && key.field != name);
        let order: String = keys.map(|key| format!("{}, ", key.field)).collect();
        let _ = writeln!(sql, "CREATE INDEX {table}_{name} ON {table} (tenant_id, {name}, {order}id){condition};");
    }
    let archived = recurring::ARCHIVED_AT.name();
    let _ = writeln!(sql, "CREATE INDEX {table}_{archived} ON {table} (tenant_id, created_at, id) WHERE {archived} IS NOT NULL;");
    sql
}

/// Parts are told apart within what they are parts of.
fn unique_index(object: &Object, unique: &Unique) -> String {
    let (table, field) = (object.table, unique.field);
    let within = object.parent.map(|parent| format!("{}, ", parent.field)).unwrap_or_default();
    let nullable = object.field(field).is_some_and(|field| !field.is_never_null());
    let condition = if nullable { format!(" AND {field} IS NOT NULL") } else { String::new() };
    let archived = recurring::ARCHIVED_AT.name();
    format!("CREATE UNIQUE INDEX {} ON {table} (tenant_id, {within}{field}) WHERE {archived} IS NULL{condition};", unique.index)
}

fn create_links(object: &Object, link: &Link, dialect: Dialect) -> String {
    let Link { table, from, to, target, .. } = link;
    let id = type_name(ColumnType::Id, dialect);
    let mut columns: Vec<String> = ["tenant_id", from, to].map(|column| format!("{column} {id} NOT NULL")).to_vec();
    columns.push(format!("PRIMARY KEY (tenant_id, {to}, {from})"));
    columns.extend(foreign_key(from, object.name));
    columns.extend(foreign_key(to, target));
    let end = if dialect == Dialect::Sqlite { " WITHOUT ROWID" } else { "" };
    let holder = from.trim_end_matches("_id");
    let index = format!("CREATE INDEX {table}_{holder} ON {table} (tenant_id, {from});");
    format!("CREATE TABLE {table} (\n    {}\n){end};\n{index}\n", columns.join(",\n    "))
}

fn foreign_key(column: &str, object: &str) -> Option<String> {
    let table = registry::object(object)?.table;
    Some(format!("FOREIGN KEY (tenant_id, {column}) REFERENCES {table} (tenant_id, id)"))
}

fn columns_of(object: &Object) -> impl Iterator<Item = &Field> {
    object.fields.iter().filter(|field| field.storage == Storage::Column)
}

/// The links that a field of one object holds, and which nothing else writes.
fn own_links(field: &Field) -> Option<&'static Link> {
    let link = match &field.kind {
        FieldType::References(link) => Some(*link),
        FieldType::Structure(structure) => structure.link,
        _ => None,
    };
    link.filter(|link| !link.shared && field.storage != Storage::Computed)
}

/// Whether a field says who made or changed a record, who may be gone from the table of users.
fn is_of_writers(field: &Field) -> bool {
    [recurring::slots::CREATED_BY, recurring::slots::UPDATED_BY].contains(&field.slot)
}

fn type_name(kind: ColumnType, dialect: Dialect) -> &'static str {
    match (dialect, kind) {
        (Dialect::Sqlite, ColumnType::Id) => "BLOB",
        (Dialect::Sqlite, ColumnType::Boolean | ColumnType::Integer | ColumnType::Time) => "INTEGER",
        (Dialect::Sqlite, ColumnType::Double) => "REAL",
        (Dialect::Sqlite, ColumnType::Text | ColumnType::Date | ColumnType::Json) => "TEXT",
        (Dialect::Postgres, ColumnType::Id) => "uuid",
        (Dialect::Postgres, ColumnType::Boolean) => "boolean",
        (Dialect::Postgres, ColumnType::Integer) => "bigint",
        (Dialect::Postgres, ColumnType::Double) => "double precision",
        (Dialect::Postgres, ColumnType::Time) => "timestamptz",
        (Dialect::Postgres, ColumnType::Text) => "text COLLATE \"C\"",
        (Dialect::Postgres, ColumnType::Date) => "date",
        (Dialect::Postgres, ColumnType::Json) => "json",
    }
}
