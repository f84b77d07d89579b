//! Predicates, orders and cursors as SQL: every value a bind, every identifier out of the field table.

use farley_domain::{
    field::{Field, FieldType, Op, Storage},
    id::Id,
    object::{Object, Reach},
    predicate::{Operand, Predicate, Related, Test},
    time::Timestamp,
};

use crate::{
    records::search,
    sql::statement::{Bind, Dialect, Statement},
};

/// Where a predicate applies: which tenant, and under which alias the object's rows stand.
pub struct Place {
    pub tenant: Id,
    /// The number that search tokens of this tenant begin with.
    pub tenant_number: i64,
    pub object: &'static Object,
    /// `t` outermost, `t1`, `t2` … within relations.
    pub depth: usize,
    /// Of which time the rows are; now, unless set.
    pub as_of: Option<Timestamp>,
}

impl Place {
    #[must_use]
    pub fn alias(&self) -> String {
        if self.depth == 0 { "t".to_owned() } else { format!("t{}", self.depth) }
    }
}

/// Writes the predicate as a condition. It may be unknown (null) where it is not true.
pub fn condition(sql: &mut Statement, predicate: &Predicate, place: &Place) {
    match predicate {
        Predicate::And(parts) => joined(sql, parts, place, " AND ", "1 = 1"),
        Predicate::Or(parts) => joined(sql, parts, place, " OR ", "1 = 0"),
        Predicate::Not(inner) => {
            sql.sql("NOT COALESCE((");
            condition(sql, inner, place);
            sql.sql(if sql.dialect == Dialect::Sqlite { "), 0)" } else { "), false)" });
        }
        Predicate::Test(test) => comparison(sql, test, place),
        Predicate::Related(related) => relation(sql, related, place),
        Predicate::Matches(query) => {
            sql.sql(format!("{}.id IN (", place.alias()));
            search::matching_ids(sql, query, place);
            sql.sql(")");
        }
        Predicate::Archived(archived) => {
            let alias = place.alias();
            sql.sql(format!("{alias}.archived_at IS {}", if *archived { "NOT NULL" } else { "NULL" }));
        }
    }
}

fn joined(sql: &mut Statement, parts: &[Predicate], place: &Place, with: &'static str, empty: &'static str) {
    if parts.is_empty() {
        sql.sql(empty);
        return;
    }
    sql.sql("(");
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            sql.sql(with);
        }
        condition(sql, part, place);
    }
    sql.sql(")");
}

fn comparison(sql: &mut Statement, test: &Test, place: &Place) {
    let negated = matches!(test.op, Op::Ne | Op::Nin | Op::None);
    if negated {
        sql.sql("NOT COALESCE((");
    }
    match test.op {
        // Neither engine's lists can be without items.
        Op::In | Op::Nin | Op::Any | Op::None if operands(&test.operand).is_empty() => drop(sql.sql("1 = 0")),
        Op::Eq | Op::Ne => plain(sql, test, place, " = "),
        Op::Gt => plain(sql, test, place, " > "),
        Op::Gte => plain(sql, test, place, " >= "),
        Op::Lt => plain(sql, test, place, " < "),
        Op::Lte => plain(sql, test, place, " <= "),
        Op::In | Op::Nin => {
            expression(sql, &test.field, &place.alias());
            sql.sql(" IN (");
            values(sql, &test.field, &test.operand);
            sql.sql(")");
        }
        Op::Contains | Op::Starts => {
            let within = if sql.dialect == Dialect::Sqlite { "instr(" } else { "strpos(" };
            sql.sql(within);
            folded(sql, &test.field, &place.alias());
            sql.sql(", ").bind(bind(&test.field, &test.operand));
            sql.sql(if test.op == Op::Starts { ") = 1" } else { ") > 0" });
        }
        Op::Null => null(sql, test, place),
        Op::Any | Op::None => any(sql, test, place),
    }
    if negated {
        sql.sql(if sql.dialect == Dialect::Sqlite { "), 0)" } else { "), false)" });
    }
}

fn plain(sql: &mut Statement, test: &Test, place: &Place, operator: &'static str) {
    expression(sql, &test.field, &place.alias());
    sql.sql(operator);
    match declared(test) {
        Some(choice) => sql.sql(format!("'{choice}'")),
        None => sql.bind(bind(&test.field, &test.operand)),
    };
}

/// The choice that a test asks for, where Farley itself declares the choices: written into the statement, of which there are then as many as
/// choices, it lets the planner use indexes that hold the rows of one choice alone, and know how many they are.
fn declared(test: &Test) -> Option<&str> {
    let (FieldType::Choice(choices), Storage::Column, Operand::Text(text)) =
        (&test.field.kind, &test.field.storage, &test.operand)
    else {
        return None;
    };
    let is_plain = |value: &str| value.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    choices.iter().map(|choice| choice.value.as_ref()).find(|value| value == text && is_plain(value))
}

fn null(sql: &mut Statement, test: &Test, place: &Place) {
    let wanted = test.operand == Operand::Boolean(true);
    let alias = place.alias();
    if test.field.kind.is_scalar() {
        expression(sql, &test.field, &alias);
        sql.sql(if wanted { " IS NULL" } else { " IS NOT NULL" });
    } else {
        // An empty list is no value.
        sql.sql(if wanted { "COALESCE(" } else { "NOT COALESCE(" });
        json_text(sql, &test.field, &alias);
        sql.sql(", '[]') IN ('[]', '{}')");
    }
}

/// A list field has one of the values.
fn any(sql: &mut Statement, test: &Test, place: &Place) {
    let alias = place.alias();
    let object = place.object.name;
    let link = match &test.field.kind {
        FieldType::References(link) => Some(*link),
        FieldType::Structure(structure) => structure.link,
        _ => None,
    };
    if let Some(link) = link {
        sql.sql(format!("{alias}.id IN (SELECT {} FROM {} WHERE tenant_id = ", link.from, link.table)).id(place.tenant);
        if link.shared {
            sql.sql(format!(" AND object = '{object}'"));
        }
        sql.sql(format!(" AND {} IN (", link.to));
        let ids = operands(&test.operand).iter().map(|operand| match operand {
            Operand::Id(id) => Bind::id(*id),
            Operand::Text(text) => Bind::id(text.parse().unwrap_or(Id::NIL)),
            _ => Bind::id(Id::NIL),
        });
        padded(sql, ids.collect());
        sql.sql("))");
        return;
    }
    if matches!(test.field.kind, FieldType::Structure(_)) {
        sql.sql(format!("{alias}.id IN (SELECT record_id FROM lookup_values WHERE tenant_id = ")).id(place.tenant);
        sql.sql(format!(" AND object = '{object}' AND field = '{}' AND value IN (", test.field.name));
        values(sql, &test.field, &test.operand);
        sql.sql("))");
        return;
    }
    match sql.dialect {
        Dialect::Sqlite => {
            sql.sql("EXISTS (SELECT 1 FROM json_each(");
            json_text(sql, &test.field, &alias);
            sql.sql(") item WHERE item.value IN (");
        }
        Dialect::Postgres => {
            sql.sql("EXISTS (SELECT 1 FROM json_array_elements_text(CASE WHEN json_typeof(");
            json_value(sql, &test.field, &alias);
            sql.sql(") = 'array' THEN ");
            json_value(sql, &test.field, &alias);
            sql.sql(" ELSE '[]'::json END) item WHERE item IN (");
        }
    }
    values(sql, &test.field, &test.operand);
    sql.sql("))");
}

fn relation(sql: &mut Statement, related: &Related, place: &Place) {
    let outer = place.alias();
    let inner = Place {
        tenant: place.tenant,
        tenant_number: place.tenant_number,
        object: related.target,
        depth: place.depth + 1,
        as_of: None,
    };
    let (alias, table) = (inner.alias(), related.target.table);
    if related.none {
        sql.sql("NOT COALESCE(");
    }
    match related.relation.reach {
        Reach::ToOne { field } => {
            sql.sql(format!("{outer}.{field} IN (SELECT {alias}.id FROM {table} {alias} WHERE "));
        }
        Reach::Inverse { field } => {
            sql.sql(format!("{outer}.id IN (SELECT {alias}.{field} FROM {table} {alias} WHERE "));
        }
        Reach::Linked { link, holder } => {
            let (near, far) = if holder { (link.from, link.to) } else { (link.to, link.from) };
            sql.sql(format!(
                "{outer}.id IN (SELECT l{alias}.{near} FROM {} l{alias} JOIN {table} {alias} \
                 ON {alias}.tenant_id = l{alias}.tenant_id AND {alias}.id = l{alias}.{far} WHERE ",
                link.table
            ));
            if link.shared {
                let holder = if holder { place.object.name } else { related.target.name };
                sql.sql(format!("l{alias}.object = '{holder}' AND "));
            }
        }
    }
    sql.sql(format!("{alias}.tenant_id = ")).id(place.tenant);
    sql.sql(format!(" AND {alias}.archived_at IS NULL AND "));
    condition(sql, &related.predicate, &inner);
    sql.sql(")");
    if related.none {
        sql.sql(if sql.dialect == Dialect::Sqlite { ", 0)" } else { ", false)" });
    }
}

/// The value of a scalar field, ordered and compared alike by both engines.
pub fn expression(sql: &mut Statement, field: &Field, alias: &str) {
    let (name, part) = match field.money() {
        Some(name) => (name, "currency"),
        None => (field.name.as_ref(), "amount"),
    };
    let money = field.kind == FieldType::Money || part == "currency";
    match &field.storage {
        Storage::Column if part == "currency" => drop(sql.sql(format!("{alias}.{name}_currency"))),
        Storage::Column | Storage::Computed => drop(sql.sql(format!("{alias}.{name}"))),
        Storage::Detail => json_scalar(sql, field, &format!("{alias}.details"), name, money.then_some(part)),
        Storage::Custom { key } => {
            json_scalar(sql, field, &format!("{alias}.custom"), key, money.then_some(part));
        }
    }
}

/// A member of a JSON column as a value of its field's type. The key is a literal, so that expression indexes match.
fn json_scalar(sql: &mut Statement, field: &Field, column: &str, key: &str, part: Option<&str>) {
    match sql.dialect {
        Dialect::Sqlite => {
            let path = part.map_or(key.to_owned(), |part| format!("{key}.{part}"));
            sql.sql(format!("json_extract({column}, '$.{path}')"));
        }
        Dialect::Postgres => {
            let parent = part.map_or(column.to_owned(), |_| format!("({column}->'{key}')"));
            let key = part.unwrap_or(key);
            let text = format!("({parent}->>'{key}')");
            sql.sql(match &field.kind {
                FieldType::Integer { .. } | FieldType::Money => {
                    format!("(CASE WHEN json_typeof({parent}->'{key}') = 'number' THEN {text}::bigint END)")
                }
                FieldType::Decimal => {
                    format!("(CASE WHEN json_typeof({parent}->'{key}') = 'number' THEN {text}::double precision END)")
                }
                FieldType::Boolean => format!("(CASE WHEN json_typeof({parent}->'{key}') = 'boolean' THEN {text}::boolean END)"),
                _ => format!("({text} COLLATE \"C\")"),
            });
        }
    }
}

/// A list or structure as JSON.
fn json_value(sql: &mut Statement, field: &Field, alias: &str) {
    let member = |column: &str, key: &str, dialect: Dialect| match dialect {
        Dialect::Sqlite => format!("json_extract({alias}.{column}, '$.{key}')"),
        Dialect::Postgres => format!("({alias}.{column}->'{key}')"),
    };
    let text = match &field.storage {
        Storage::Column | Storage::Computed => format!("{alias}.{}", field.name),
        Storage::Detail => member("details", &field.name, sql.dialect),
        Storage::Custom { key } => member("custom", key, sql.dialect),
    };
    sql.sql(text);
}

/// The same as text.
fn json_text(sql: &mut Statement, field: &Field, alias: &str) {
    json_value(sql, field, alias);
    if sql.dialect == Dialect::Postgres {
        sql.sql("::text");
    }
}

/// The value as it is compared regardless of case and width: as the domain's `text::fold`.
fn folded(sql: &mut Statement, field: &Field, alias: &str) {
    match sql.dialect {
        Dialect::Sqlite => {
            sql.sql("fold(");
            expression(sql, field, alias);
            sql.sql(")");
        }
        Dialect::Postgres => {
            sql.sql("replace(lower(normalize(");
            expression(sql, field, alias);
            sql.sql(", NFKC) COLLATE \"und-x-icu\"), 'ς', 'σ')");
        }
    }
}

fn operands(operand: &Operand) -> &[Operand] {
    match operand {
        Operand::List(operands) => operands,
        single => std::slice::from_ref(single),
    }
}

/// The values of a list operator; there is at least one.
fn values(sql: &mut Statement, field: &Field, operand: &Operand) {
    padded(sql, operands(operand).iter().map(|operand| bind(field, operand)).collect());
}

/// Binds separated by commas, filled up with the last one so that few shapes of the statement are prepared.
fn padded(sql: &mut Statement, mut binds: Vec<Bind>) {
    if let Some(last) = binds.last().cloned() {
        binds.resize(binds.len().next_power_of_two(), last);
    }
    sql.binds(binds);
}

/// A value in the form in which the field is stored: members of JSON are compared as JSON writes them.
#[must_use]
pub fn bind(field: &Field, operand: &Operand) -> Bind {
    let in_json = !matches!(field.storage, Storage::Column);
    match operand {
        Operand::Boolean(value) => Bind::Boolean(*value),
        Operand::Integer(value) => Bind::Integer(*value),
        Operand::Decimal(value) => Bind::Double(*value),
        Operand::Text(value) => Bind::Text(value.clone()),
        Operand::Id(value) if in_json => Bind::Text(value.to_string()),
        Operand::Id(value) => Bind::id(*value),
        Operand::Time(value) if in_json => Bind::Text(value.to_string()),
        Operand::Time(value) => Bind::time(*value),
        Operand::Date(value) if in_json => Bind::Text(value.to_string()),
        Operand::Date(value) => Bind::date(*value),
        Operand::List(_) => Bind::Text(String::new()),
    }
}
