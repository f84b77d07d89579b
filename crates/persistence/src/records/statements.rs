//! Statements over the rows of declared objects, made from the field table.

use std::sync::Arc;

use farley_domain::{
    model::{
        cell::Cell,
        field::{Field, FieldType, Storage},
        object::{Object, Reach, Relation, Schema},
        operand::Operand,
        record::Record,
        recurring,
    },
    query::{
        list::{ListQuery, SortBy, SortKey, Start},
        predicate::{Predicate, View},
    },
    values::{id::Id, money::Money, search_text::Query},
};
use serde_json::{Map, Value};

use crate::{
    error::StoreError,
    records::{
        filter::{self, Condition, Place, Scalar},
        ledger::Source,
    },
    sql::{
        row::{Layout, Selected, column_type},
        statement::{Alias, Bind, Column, ColumnType, Dialect, Fragment, Statement, Target, write_sql},
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
            Selected::Count(relation) => count_related(sql, relation, place, view),
        }
    }
}

/// How many live records a relation has that the asker may see.
fn count_related(sql: &mut Statement, relation: &str, place: &Place, view: &dyn View) {
    let target = place.object.relation(relation).and_then(|relation| Some((relation, view.schema(relation.target)?)));
    let Some((relation, target)) = target else {
        sql.sql("0");
        return;
    };
    let inner = Place { object: target.object, depth: place.depth + 1, ..*place };
    let (outer, alias, links) = (place.alias(), inner.alias(), inner.links());
    write_sql!(sql, "(SELECT COUNT(*) FROM ", target.object.table, " ", alias);
    match relation.reach {
        Reach::ToOne { field } => write_sql!(sql, " WHERE ", alias.column("id"), " = ", outer.column(field)),
        Reach::Inverse { field } => write_sql!(sql, " WHERE ", alias.column(field), " = ", outer.column("id")),
        Reach::Linked { link, holder } => {
            let (near, far) = if holder { (link.from, link.to) } else { (link.to, link.from) };
            write_sql!(sql, " JOIN ", link.table, " ", links, " ON ");
            write_sql!(sql, links.column("tenant_id"), " = ", alias.column("tenant_id"));
            write_sql!(sql, " AND ", links.column(far), " = ", alias.column("id"));
            write_sql!(sql, " WHERE ", links.column(near), " = ", outer.column("id"));
        }
    }
    write_sql!(sql, " AND ", alias.column("tenant_id"), " = ", place.tenant);
    write_sql!(sql, " AND ", alias.column("archived_at"), " IS NULL AND ");
    let rows = view.rows(target.object).unwrap_or_else(Predicate::nothing);
    write_sql!(sql, Condition(&rows, &inner), ")");
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

/// A page of a list that is not ordered by relevance; one row more than asked tells whether there are more.
#[must_use]
pub fn list(dialect: Dialect, layout: &Layout, place: &Place, view: &dyn View, query: &ListQuery) -> Statement {
    let mut sql = Statement::new(dialect);
    sql.keep = is_common(&query.predicate);
    select(&mut sql, layout, place, view);
    write_sql!(sql, " FROM ", Source(place), " WHERE t.tenant_id = ", place.tenant);
    and(&mut sql, &query.predicate, place);
    let keys: Vec<(&Field, bool)> = query
        .sort
        .iter()
        .filter_map(|key| match &key.by {
            SortBy::Field(field) => Some((field, key.descending)),
            SortBy::Relevance(_) => None,
        })
        .collect();
    if let Start::After(cursor) = &query.start {
        write_sql!(sql, " AND ", After { keys: &keys, values: &cursor.keys, alias: place.alias() });
    }
    sql.add(Order(&keys, place.alias()));
    sql.sql(" LIMIT ").integer(i64::try_from(query.limit).unwrap_or(i64::MAX).saturating_add(1));
    if let Start::Offset(offset) = query.start {
        sql.sql(" OFFSET ").integer(i64::try_from(offset).unwrap_or(i64::MAX));
    }
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
            Predicate::Not(inner) => size(inner) + 1,
            Predicate::Test(_) | Predicate::Matches(_) | Predicate::Archived(_) => 1,
            Predicate::Related(related) => size(&related.predicate) + 2,
        }
    }
    size(predicate) <= 8
}

/// Whether a field may be null: then its order says where nulls go, which no index does by itself.
fn is_nullable(field: &Field) -> bool {
    const NEVER: [&str; 5] = [
        recurring::ID.name(),
        recurring::VERSION.name(),
        recurring::CREATED_AT.name(),
        recurring::UPDATED_AT.name(),
        recurring::OCCURRED_AT.name(),
    ];
    !(NEVER.contains(&field.name.as_ref()) || (field.storage == Storage::Column && (field.required || field.default.is_some())))
}

/// The order of a list.
struct Order<'a>(&'a [(&'a Field, bool)], Alias);

impl Fragment for Order<'_> {
    fn write(self, sql: &mut Statement) {
        let Order(keys, alias) = self;
        for (position, (field, descending)) in keys.iter().enumerate() {
            write_sql!(sql, if position == 0 { " ORDER BY " } else { ", " }, Scalar(field, alias));
            if *descending {
                sql.sql(" DESC");
            }
            if is_nullable(field) {
                sql.sql(" NULLS LAST");
            }
        }
    }
}

/// The rows after a cursor. Keys without nulls in one direction are one range of an index (row values); others are spelt out.
#[derive(Clone, Copy)]
struct After<'a> {
    keys: &'a [(&'a Field, bool)],
    values: &'a [Option<Operand>],
    alias: Alias,
}

impl After<'_> {
    fn is_one_range(&self) -> bool {
        let one_direction = self.keys.windows(2).all(|pair| pair[0].1 == pair[1].1);
        one_direction && self.keys.iter().all(|(field, _)| !is_nullable(field)) && self.values.iter().all(Option::is_some)
    }
}

impl Fragment for After<'_> {
    fn write(self, sql: &mut Statement) {
        let After { keys, values, alias } = self;
        let ([(field, descending), later @ ..], [value, others @ ..]) = (keys, values) else {
            sql.sql("1 = 0");
            return;
        };
        if self.is_one_range() {
            sql.sql("(");
            for (position, (field, _)) in keys.iter().enumerate() {
                write_sql!(sql, if position > 0 { ", " } else { "" }, Scalar(field, alias));
            }
            sql.sql(if *descending { ") < (" } else { ") > (" });
            sql.binds(keys.iter().zip(values).filter_map(|((field, _), value)| Some(filter::bind(field, value.as_ref()?))));
            sql.sql(")");
            return;
        }
        let (scalar, rest) = (Scalar(field, alias), After { keys: later, values: others, alias });
        sql.sql("(");
        match value {
            // Nulls come last: after a null there are only nulls.
            None => write_sql!(sql, scalar, " IS NULL AND ", rest),
            Some(value) => {
                write_sql!(sql, scalar, if *descending { " < " } else { " > " }, filter::bind(field, value));
                if is_nullable(field) {
                    write_sql!(sql, " OR ", scalar, " IS NULL");
                }
                if !later.is_empty() {
                    write_sql!(sql, " OR (", scalar, " = ", filter::bind(field, value), " AND ", rest, ")");
                }
            }
        }
        sql.sql(")");
    }
}

/// The records a to-many relation leads to from several records: each row ends with the id it belongs to; at most
/// `each` + 1 rows a record, the newest first.
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
        Reach::Inverse { field } | Reach::ToOne { field } => alias.column(field),
        Reach::Linked { link, holder } => links.column(if holder { link.from } else { link.to }),
    };
    write_sql!(sql, ", ", origin, " AS origin, ROW_NUMBER() OVER (PARTITION BY ", origin);
    write_sql!(sql, " ORDER BY t.created_at DESC, t.id DESC) AS place FROM ");
    match relation.reach {
        Reach::Inverse { .. } | Reach::ToOne { .. } => write_sql!(sql, table, " ", alias),
        Reach::Linked { link, holder } => {
            let far = links.column(if holder { link.to } else { link.from });
            write_sql!(sql, link.table, " ", links, " JOIN ", table, " ", alias);
            write_sql!(sql, " ON t.tenant_id = ", links.column("tenant_id"), " AND t.id = ", far);
        }
    }
    write_sql!(sql, " WHERE t.tenant_id = ", place.tenant, " AND ", origin, " IN (");
    sql.id_list(from).sql(") AND t.archived_at IS NULL");
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
        SortBy::Field(_) => None,
    })
}

/// The layout of every stored field, for writing.
#[must_use]
pub fn writing_layout(schema: &Schema) -> Arc<Layout> {
    Arc::new(Layout::stored(schema))
}
