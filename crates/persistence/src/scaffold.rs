//! The first draft of an object's migrations, told from its field table: what `farley scaffold` prints.

use std::fmt::Write as _;

use farley_domain::model::{
    field::{Field, FieldType, Storage},
    object::Object,
};

use crate::sql::{
    row::column_type,
    statement::{ColumnType, Dialect},
};

/// `CREATE TABLE` and the indexes that lists of the object need, for one engine.
#[must_use]
pub fn create_table(object: &Object, dialect: Dialect) -> String {
    let table = object.table;
    let kind = |kind| type_name(kind, dialect);
    let mut columns = vec![format!("tenant_id {} NOT NULL", kind(ColumnType::Id))];
    for field in object.fields.iter().filter(|field| field.storage == Storage::Column) {
        let never_null = field.required
            || field.default.is_some()
            || matches!(field.name.as_ref(), "id" | "version" | "created_at" | "updated_at");
        let constraint = if never_null { " NOT NULL" } else { "" };
        // What every table ends with comes after the columns of JSON.
        if field.name == "created_at" && object.has_details() {
            columns.push(format!("details {} NOT NULL", kind(ColumnType::Json)));
        }
        columns.push(format!("{} {}{constraint}", field.name, kind(column_type(&field.kind))));
        if field.kind == FieldType::Money {
            columns.push(format!("{}_currency {}{constraint}", field.name, kind(ColumnType::Text)));
        }
    }
    columns.push("PRIMARY KEY (tenant_id, id)".to_owned());
    columns.push("FOREIGN KEY (tenant_id) REFERENCES tenants (id)".to_owned());
    for field in object.fields.iter().filter(|field| is_foreign(field)) {
        if let FieldType::Reference(target) = &field.kind
            && let Some(target) = farley_domain::model::registry::object(target)
        {
            columns.push(format!("FOREIGN KEY (tenant_id, {}) REFERENCES {} (tenant_id, id)", field.name, target.table));
        }
    }
    let mut sql = format!("CREATE TABLE {table} (\n    {}\n);\n", columns.join(",\n    "));
    for unique in &object.unique {
        let nullable = object.field(unique.field).is_some_and(|field| !field.required);
        let condition = if nullable { format!(" AND {} IS NOT NULL", unique.field) } else { String::new() };
        let _ = writeln!(
            sql,
            "CREATE UNIQUE INDEX {} ON {table} (tenant_id, {}) WHERE archived_at IS NULL{condition};",
            unique.index, unique.field
        );
    }
    for field in object.fields.iter().filter(|field| is_indexed(field)) {
        let name = &field.name;
        let _ = match name.as_ref() {
            "created_at" | "updated_at" => writeln!(sql, "CREATE INDEX {table}_{name} ON {table} (tenant_id, {name}, id);"),
            _ if field.required || field.default.is_some() => {
                writeln!(sql, "CREATE INDEX {table}_{name} ON {table} (tenant_id, {name}, created_at, id);")
            }
            _ => writeln!(
                sql,
                "CREATE INDEX {table}_{name} ON {table} (tenant_id, {name}, created_at, id) WHERE {name} IS NOT NULL;"
            ),
        };
    }
    let _ =
        writeln!(sql, "CREATE INDEX {table}_archived_at ON {table} (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;");
    sql
}

fn is_foreign(field: &Field) -> bool {
    field.storage == Storage::Column && !matches!(field.name.as_ref(), "created_by" | "updated_by")
}

fn is_indexed(field: &Field) -> bool {
    field.indexed
        && field.storage == Storage::Column
        && field.kind.is_scalar()
        && field.name != "id"
        && field.kind != FieldType::Money
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
