//! Statements over the rows of declared objects, made from the field table.

use std::sync::Arc;

use farley_domain::{
    model::{
        cell::Cell,
        field::{Field, FieldType, Storage},
        object::{Object, Reach, Relation, Schema},
        record::Record,
        recurring,
    },
    query::{
        list::{SortBy, SortKey},
        predicate::{Predicate, View, path},
    },
    values::{id::Id, money::Money, search_text::Query},
};
use serde_json::{Map, Value};

use crate::{
    error::StoreError,
    records::{
        filter::{Condition, Place},
        ledger::Source,
        related::{CountOf, left_out},
    },
    sql::{
        cell,
        row::{Layout, Selected, column_type},
        statement::{Bind, Column, ColumnType, Dialect, Statement, Target, write_sql},
    },
};

/// `SELECT` and the layout's expressions.
pub fn select(sql: &mut Statement, layout: &Layout, place: &Place, view: &dyn View) {
    sql.sql("SELECT ");
    columns(sql, layout, place, view);
}

/// The layout's expressions, separated by commas.
pub fn columns(sql: &mut Statement, layout: &Layout, place: &Place, view: &dyn View) {
    let alias = place.alias();
    for (position, selected) in layout.selected.iter().enumerate() {
        if position > 0 {
            sql.sql(", ");
        }
        match selected {
            Selected::Column(column) => drop(sql.add(alias.column(*column))),
            Selected::Count(counted) => match path::counted(place.object, *counted, view) {
                Some(counted) => drop(sql.add(CountOf(&counted, place))),
                // As wide as a count is: PostgreSQL reads a plain 0 as a narrower number.
                None => drop(sql.sql("CAST(0 AS bigint)")),
            },
        }
    }
}

/// One record by id, within what the asker may see.
#[must_use]
pub fn get(dialect: Dialect, layout: &Layout, place: &Place, view: &dyn View, id: Id, within: &Predicate) -> Statement {
    let mut sql = Statement::new(dialect);
    select(&mut sql, layout, place, view);
    write_sql!(sql, " FROM ", place.object.table, " t WHERE t.tenant_id = ", place.tenant, " AND t.id = ", id);
    and(&mut sql, within, place);
    sql
}

pub(crate) fn and(sql: &mut Statement, within: &Predicate, place: &Place) {
    if *within != Predicate::all() {
        write_sql!(sql, " AND ", Condition(within, place));
    }
}

/// Several records by id.
#[must_use]
pub fn by_ids(dialect: Dialect, layout: &Layout, place: &Place, view: &dyn View, ids: &[Id], within: &Predicate) -> Statement {
    let mut sql = Statement::new(dialect);
    select(&mut sql, layout, place, view);
    write_sql!(sql, " FROM ", place.object.table, " t WHERE t.tenant_id = ", place.tenant);
    sql.sql(" AND t.id IN (").id_list(ids).sql(")");
    and(&mut sql, within, place);
    sql
}

/// The records that a predicate describes, by id.
#[must_use]
pub fn find(dialect: Dialect, layout: &Layout, place: &Place, view: &dyn View, predicate: &Predicate, most: usize) -> Statement {
    let mut sql = Statement::new(dialect);
    select(&mut sql, layout, place, view);
    write_sql!(sql, " FROM ", place.object.table, " t WHERE t.tenant_id = ", place.tenant);
    and(&mut sql, predicate, place);
    sql.sql(" ORDER BY t.id LIMIT ").integer(i64::try_from(most).unwrap_or(i64::MAX));
    sql
}

/// How many records meet a predicate.
#[must_use]
pub fn count(dialect: Dialect, place: &Place, predicate: &Predicate) -> Statement {
    let mut sql = Statement::new(dialect);
    sql.keep = is_common(predicate);
    write_sql!(sql, "SELECT COUNT(*) FROM ", Source(place), " WHERE t.tenant_id = ", place.tenant);
    and(&mut sql, predicate, place);
    sql
}

/// Whether statements with such a predicate come in few shapes, so that keeping them prepared pays.
pub(crate) fn is_common(predicate: &Predicate) -> bool {
    fn size(predicate: &Predicate) -> usize {
        match predicate {
            Predicate::And(parts) | Predicate::Or(parts) => parts.iter().map(size).sum::<usize>() + 1,
            Predicate::Not(inner) | Predicate::Now(inner) => size(inner) + 1,
            Predicate::Test(_) | Predicate::Matches(_) | Predicate::Archived(_) => 1,
            Predicate::Related(related) => size(&related.predicate) + 2,
            Predicate::Count(test) => size(&test.counted.predicate) + 2,
        }
    }
    size(predicate) <= 8
}

/// The records a to-many relation leads to from several records: each row ends with the id it belongs to; at most
/// `each` + 1 rows a record, the first in the order of their object.
#[must_use]
pub fn related(
    dialect: Dialect,
    layout: &Layout,
    place: &Place,
    view: &dyn View,
    relation: &Relation,
    from: &[Id],
    each: i64,
) -> Statement {
    let mut sql = Statement::new(dialect);
    write_sql!(sql, "SELECT ", layout.columns().as_slice(), ", origin FROM (");
    select(&mut sql, layout, place, view);
    let (alias, links, table) = (place.alias(), place.links(), place.object.table);
    let origin = match relation.reach {
        Reach::Inverse { field } | Reach::ToOne { field } | Reach::Attached { field, .. } => alias.column(field),
        Reach::Linked { link, holder } => links.column(if holder { link.from } else { link.to }),
    };
    write_sql!(sql, ", ", origin, " AS origin, ROW_NUMBER() OVER (PARTITION BY ", origin);
    sql.sql(" ORDER BY ");
    for order in &place.object.order {
        write_sql!(sql, alias.column(order.field), if order.descending { " DESC, " } else { ", " });
    }
    let descending = place.object.order.last().is_none_or(|last| last.descending);
    write_sql!(sql, alias.column(recurring::ID.name()), if descending { " DESC" } else { "" }, ") AS place FROM ");
    match relation.reach {
        Reach::Inverse { .. } | Reach::ToOne { .. } | Reach::Attached { .. } => write_sql!(sql, table, " ", alias),
        Reach::Linked { link, holder } => {
            let far = links.column(if holder { link.to } else { link.from });
            write_sql!(sql, link.table, " ", links, " JOIN ", table, " ", alias);
            write_sql!(sql, " ON t.tenant_id = ", links.column("tenant_id"), " AND t.id = ", far);
        }
    }
    write_sql!(sql, " WHERE t.tenant_id = ", place.tenant, " AND ", origin, " IN (");
    sql.id_list(from).sql(")");
    // What a record itself refers to is shown archived too; of what refers to it, or is linked with it from the other side, only what is live.
    if !matches!(relation.reach, Reach::Linked { holder: true, .. }) {
        sql.sql(" AND t.archived_at IS NULL");
        if let Some(field) = left_out(place.object, relation) {
            write_sql!(sql, " AND ", alias.column(field), " IS NULL");
        }
    }
    and(&mut sql, &view.rows(place.object).unwrap_or_else(Predicate::nothing), place);
    sql.sql(") ranked WHERE place <= ").integer(each + 1).sql(" ORDER BY origin, place");
    sql
}

/// The columns that hold a field, with the values that store a cell of it.
pub fn encode(field: &Field, cell: &Cell) -> Result<Vec<(Column, Bind)>, StoreError> {
    let unfit = || StoreError::Internal(format!("a value does not fit the field {}", field.name));
    let column = Column::of(field).ok_or_else(unfit)?;
    let kind = column_type(&field.kind);
    if field.kind == FieldType::Money {
        let (amount, currency) = match cell {
            Cell::Money(Money { amount, currency }) => (Bind::Integer(*amount), Bind::Text(currency.to_string())),
            _ => (Bind::Null(ColumnType::Integer), Bind::Null(ColumnType::Text)),
        };
        return Ok(vec![(column.currency(), currency), (column, amount)]);
    }
    let bind = match (kind, cell) {
        (ColumnType::Json, cell) => Bind::json(serde_json::to_string(&cell.to_json())?),
        (kind, Cell::Null) => Bind::Null(kind),
        (ColumnType::Boolean, Cell::Boolean(value)) => Bind::Boolean(*value),
        (ColumnType::Integer, Cell::Integer(value)) => Bind::Integer(*value),
        (ColumnType::Double, Cell::Decimal(value)) => Bind::Double(*value),
        (ColumnType::Text, Cell::Text(text)) => Bind::Text(text.clone()),
        (ColumnType::Id, Cell::Id(id)) => Bind::id(*id),
        (ColumnType::Time, Cell::Time(time)) => Bind::time(*time),
        (ColumnType::Date, Cell::Date(date)) => Bind::date(*date),
        (_, _) => return Err(unfit()),
    };
    Ok(vec![(column, bind)])
}

/// The column `details` of a record; members without a value are left out.
fn details(object: &Object, record: &Record) -> Result<Bind, StoreError> {
    let members: Map<String, Value> = object
        .fields
        .iter()
        .filter(|field| field.storage == Storage::Detail)
        .map(|field| (field.name.to_string(), record.json(field)))
        .filter(|(_, value)| !value.is_null())
        .collect();
    Ok(Bind::json(serde_json::to_string(&members)?))
}

/// The column `custom`: live fields under their storage keys, retired ones as they were.
fn custom(fields: &[Field], record: &Record, stored: &str) -> Result<Bind, StoreError> {
    let mut members: Map<String, Value> = serde_json::from_str(stored)?;
    for field in fields {
        if let Storage::Custom { key } = &field.storage {
            let value = record.json(field);
            if value.is_null() {
                members.shift_remove(key);
            } else {
                members.insert(key.clone(), value);
            }
        }
    }
    Ok(Bind::json(serde_json::to_string(&members)?))
}

fn is_stored(field: &Field) -> bool {
    field.storage == Storage::Column && field.kind != FieldType::Custom
}

/// A new record's row: table and columns, and their values.
pub(crate) fn new_row(schema: &Schema, tenant: Id, record: &Record) -> Result<(Target, Vec<Bind>), StoreError> {
    let object = schema.object;
    let mut columns = vec![(Column::from("tenant_id"), Bind::id(tenant))];
    for field in object.fields.iter().filter(|field| is_stored(field)) {
        columns.extend(encode(field, &record.cell(field))?);
    }
    if object.bears(recurring::CUSTOM) {
        columns.push(("custom".into(), custom(&schema.custom, record, "{}")?));
    }
    if object.has_details() {
        columns.push(("details".into(), details(object, record)?));
    }
    let (columns, binds) = columns.into_iter().unzip();
    Ok((Target { table: object.table, columns }, binds))
}

/// The cells that a layout would read of a record as it has just been stored; none where the layout counts other records.
pub(crate) fn stored_cells(layout: &Layout, record: &Record) -> Result<Option<Vec<cell::Cell>>, StoreError> {
    let mut cells = vec![cell::Cell::Null; layout.selected.len()];
    let at =
        |column: Column| layout.selected.iter().position(|selected| matches!(selected, Selected::Column(own) if *own == column));
    if layout.selected.iter().any(|selected| matches!(selected, Selected::Count(_))) {
        return Ok(None);
    }
    let object = layout.schema.object;
    let mut own = Vec::with_capacity(cells.len());
    for field in object.fields.iter().filter(|field| is_stored(field) && Column::of(field).and_then(at).is_some()) {
        own.extend(encode(field, &record.cell(field))?);
    }
    if at("custom".into()).is_some() {
        own.push(("custom".into(), custom(&layout.schema.custom, record, "{}")?));
    }
    if at("details".into()).is_some() {
        own.push(("details".into(), details(object, record)?));
    }
    for (column, bind) in own {
        if let Some(at) = at(column) {
            cells[at] = cell::Cell::of(bind)?;
        }
    }
    Ok(Some(cells))
}

/// Stores what differs between two states of a record, if it still has the version it was read with.
pub fn update(
    dialect: Dialect,
    schema: &Schema,
    tenant: Id,
    before: &Record,
    after: &Record,
    stored_custom: &str,
) -> Result<Statement, StoreError> {
    let object = schema.object;
    let mut columns: Vec<(Column, Bind)> = Vec::new();
    for field in object.fields.iter().filter(|field| is_stored(field)) {
        if before.cell(field) != after.cell(field) {
            columns.extend(encode(field, &after.cell(field))?);
        }
    }
    if object.bears(recurring::CUSTOM) && before.custom() != after.custom() {
        columns.push(("custom".into(), custom(&schema.custom, after, stored_custom)?));
    }
    let differs = |field: &&Field| field.storage == Storage::Detail && before.cell(field) != after.cell(field);
    if object.fields.iter().any(|field| differs(&field)) {
        columns.push(("details".into(), details(object, after)?));
    }
    let mut sql = Statement::new(dialect);
    write_sql!(sql, "UPDATE ", object.table, " SET ");
    for (position, (column, bind)) in columns.into_iter().enumerate() {
        write_sql!(sql, if position > 0 { ", " } else { "" }, column, " = ", bind);
    }
    write_sql!(sql, " WHERE tenant_id = ", tenant, " AND id = ", after.id());
    sql.sql(" AND version = ").integer(before.version());
    Ok(sql)
}

/// Sort keys as they stand in a query, without relevance.
#[must_use]
pub fn relevance(sort: &[SortKey]) -> Option<&Query> {
    sort.iter().find_map(|key| match &key.by {
        SortBy::Relevance(query) => Some(query),
        SortBy::Field(_) | SortBy::Far(_) => None,
    })
}

/// The layout of every stored field, for writing.
#[must_use]
pub fn writing_layout(schema: &Schema) -> Arc<Layout> {
    Arc::new(Layout::stored(schema))
}
