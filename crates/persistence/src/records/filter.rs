//! Predicates, orders and cursors as SQL: every value a bind, every identifier out of the field table.

use std::borrow::Cow;

use farley_domain::{
    model::{
        field::{Field, FieldType, Link, Op, Storage},
        object::Object,
        operand::Operand,
        recurring::ARCHIVED_AT,
    },
    query::predicate::{Predicate, Test},
    values::{id::Id, time::Timestamp},
};

use crate::{
    records::{
        related::{number, relation},
        search::Matches,
    },
    sql::statement::{Alias, Bind, Dialect, Fragment, JsonKey, Qualified, Statement, write_sql},
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
    pub(crate) fn alias(&self) -> Alias {
        Alias::Rows(self.depth)
    }

    /// The alias of the links that lead to the rows.
    pub(crate) fn links(&self) -> Alias {
        Alias::Links(self.depth)
    }
}

/// A predicate as a condition on the rows of a place. It may be unknown (null) where it is not true.
#[derive(Clone, Copy)]
pub(crate) struct Condition<'a>(pub &'a Predicate, pub &'a Place);

impl Fragment for Condition<'_> {
    fn write(self, sql: &mut Statement) {
        let Condition(predicate, place) = self;
        match predicate {
            Predicate::And(parts) => joined(sql, parts, place, " AND ", "1 = 1"),
            Predicate::Or(parts) => joined(sql, parts, place, " OR ", "1 = 0"),
            Predicate::Not(inner) => {
                write_sql!(sql, "NOT COALESCE((", Condition(inner, place), or_false(sql.dialect, "), 0)", "), false)"));
            }
            Predicate::Test(test) => comparison(sql, test, place),
            Predicate::Related(related) => relation(sql, related, place),
            Predicate::Count(test) => number(sql, test, place),
            Predicate::Matches(query) => {
                write_sql!(sql, place.alias().column("id"), " IN (", Matches(query, place), ")");
            }
            Predicate::Archived(archived) => {
                let is = if *archived { " IS NOT NULL" } else { " IS NULL" };
                write_sql!(sql, place.alias().column(ARCHIVED_AT.name()), is);
            }
            Predicate::Now(part) if place.as_of.is_none() => drop(sql.add(Condition(part, place))),
            Predicate::Now(part) => {
                let now = Place { as_of: None, depth: place.depth + 1, ..*place };
                let (id, alias) = (place.alias().column("id"), now.alias());
                write_sql!(sql, id, " IN (SELECT ", alias.column("id"), " FROM ", place.object.table, " ", alias);
                write_sql!(sql, " WHERE ", alias.column("tenant_id"), " = ", place.tenant, " AND ", Condition(part, &now), ")");
            }
        }
    }
}

/// What is unknown counts as false, which each engine writes in its own way.
pub(super) fn or_false(dialect: Dialect, sqlite: &'static str, postgres: &'static str) -> &'static str {
    by_dialect(dialect, sqlite, postgres)
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
        sql.add(Condition(part, place));
    }
    sql.sql(")");
}

fn comparison(sql: &mut Statement, test: &Test, place: &Place) {
    let negated = matches!(test.op, Op::Ne | Op::Nin | Op::Ncontains | Op::None);
    if negated {
        sql.sql("NOT COALESCE((");
    }
    let value = Scalar(&test.field, place.alias());
    match test.op {
        // Neither engine's lists can be without items.
        Op::In | Op::Nin | Op::Any | Op::None if operands(&test.operand).is_empty() => drop(sql.sql("1 = 0")),
        Op::Eq | Op::Ne => plain(sql, test, value, " = "),
        Op::Gt => plain(sql, test, value, " > "),
        Op::Gte => plain(sql, test, value, " >= "),
        Op::Lt => plain(sql, test, value, " < "),
        Op::Lte => plain(sql, test, value, " <= "),
        Op::In | Op::Nin => {
            write_sql!(sql, value, " IN (");
            values(sql, &test.field, &test.operand);
            sql.sql(")");
        }
        Op::Contains | Op::Ncontains | Op::Starts | Op::Ends => {
            sql.sql("(");
            // A second part is to be found where the umlauts are spelt out.
            for (part, (before, folding)) in operands(&test.operand).iter().zip([("", Folding::Plain), (" OR ", Folding::Spelt)])
            {
                sql.sql(before);
                found(sql, test, &Folded(value, folding), part);
            }
            sql.sql(")");
        }
        Op::Null => null(sql, test, place),
        Op::Any | Op::None => any(sql, test, place),
    }
    if negated {
        sql.sql(or_false(sql.dialect, "), 0)", "), false)"));
    }
}

fn by_dialect(dialect: Dialect, sqlite: &'static str, postgres: &'static str) -> &'static str {
    match dialect {
        Dialect::Sqlite => sqlite,
        Dialect::Postgres => postgres,
    }
}

/// A folded text contains a part, begins or ends with it.
fn found(sql: &mut Statement, test: &Test, text: &Folded<'_>, part: &Operand) {
    let length = match part {
        Operand::Text(part) => part.chars().count(),
        _ => 0,
    };
    let (within, end) = match sql.dialect {
        Dialect::Sqlite => ("instr(", "substr("),
        Dialect::Postgres => ("strpos(", "right("),
    };
    let part = bind(&test.field, part);
    // Every text ends with nothing, as it contains it; SQLite cannot be asked for the last no characters.
    if test.op == Op::Ends && length > 0 {
        let characters = i64::try_from(length).unwrap_or(i64::MAX);
        write_sql!(sql, end, *text, by_dialect(sql.dialect, ", -", ", "));
        sql.integer(characters);
        write_sql!(sql, by_dialect(sql.dialect, ") = ", "::integer) = "), part);
    } else {
        write_sql!(sql, within, *text, ", ", part, if test.op == Op::Starts { ") = 1" } else { ") > 0" });
    }
}

fn plain(sql: &mut Statement, test: &Test, value: Scalar<'_>, operator: &'static str) {
    write_sql!(sql, value, operator);
    match declared(test) {
        Some(choice) => write_sql!(sql, "'", choice, "'"),
        None => drop(sql.bind(bind(&test.field, &test.operand))),
    }
}

/// The choice that a test asks for, where Farley itself declares the choices: written into the statement, of which there are then as many as
/// choices, it lets the planner use indexes that hold the rows of one choice alone, and know how many they are.
fn declared(test: &Test) -> Option<&'static str> {
    let (FieldType::Choice(choices), Storage::Column, Operand::Text(text)) =
        (&test.field.kind, &test.field.storage, &test.operand)
    else {
        return None;
    };
    let is_plain = |value: &str| value.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    choices.iter().find_map(|choice| match choice.value {
        Cow::Borrowed(value) => (value == text && is_plain(value)).then_some(value),
        Cow::Owned(_) => None,
    })
}

fn null(sql: &mut Statement, test: &Test, place: &Place) {
    let wanted = test.operand == Operand::Boolean(true);
    let alias = place.alias();
    if test.field.storage == Storage::Computed
        && let Some(link) = link_of(&test.field)
    {
        // Links that something else keeps have no column beside them.
        write_sql!(sql, alias.column("id"), if wanted { " NOT IN (" } else { " IN (" });
        linked(sql, link, place);
        sql.sql(")");
        return;
    }
    if test.field.kind.is_scalar() {
        write_sql!(sql, Scalar(&test.field, alias), if wanted { " IS NULL" } else { " IS NOT NULL" });
    } else {
        // An empty list is no value.
        sql.sql(if wanted { "COALESCE(" } else { "NOT COALESCE(" });
        json_text(sql, &test.field, alias);
        sql.sql(", '[]') IN ('[]', '{}')");
    }
}

/// The table of links that a field holds.
fn link_of(field: &Field) -> Option<&'static Link> {
    match &field.kind {
        FieldType::References(link) => Some(*link),
        FieldType::Structure(structure) => structure.link,
        _ => None,
    }
}

/// The ids of the records that have links.
fn linked(sql: &mut Statement, link: &Link, place: &Place) {
    write_sql!(sql, "SELECT ", link.from, " FROM ", link.table, " WHERE tenant_id = ", place.tenant);
    if link.shared {
        write_sql!(sql, " AND object = '", place.object.name, "'");
    }
}

/// A list field has one of the values.
fn any(sql: &mut Statement, test: &Test, place: &Place) {
    let alias = place.alias();
    let object = place.object.name;
    if let Some(link) = link_of(&test.field) {
        write_sql!(sql, alias.column("id"), " IN (");
        linked(sql, link, place);
        write_sql!(sql, " AND ", link.to, " IN (");
        let ids = operands(&test.operand).iter().map(|operand| match operand {
            Operand::Id(id) => Bind::id(*id),
            Operand::Text(text) => Bind::id(text.parse().unwrap_or(Id::NIL)),
            _ => Bind::id(Id::NIL),
        });
        padded(sql, ids.collect());
        sql.sql("))");
        return;
    }
    if matches!(test.field.kind, FieldType::Structure(_)) || test.field.keyed.is_some() {
        let id = alias.column("id");
        write_sql!(sql, id, " IN (SELECT record_id FROM lookup_values WHERE tenant_id = ", place.tenant);
        write_sql!(sql, " AND object = '", object, "' AND field = '", JsonKey::of(&test.field.name), "' AND value IN (");
        values(sql, &test.field, &test.operand);
        sql.sql("))");
        return;
    }
    match sql.dialect {
        Dialect::Sqlite => {
            sql.sql("EXISTS (SELECT 1 FROM json_each(");
            json_text(sql, &test.field, alias);
            sql.sql(") item WHERE item.value IN (");
        }
        Dialect::Postgres => {
            sql.sql("EXISTS (SELECT 1 FROM json_array_elements_text(CASE WHEN json_typeof(");
            json_value(sql, &test.field, alias);
            sql.sql(") = 'array' THEN ");
            json_value(sql, &test.field, alias);
            sql.sql(" ELSE '[]'::json END) item WHERE item IN (");
        }
    }
    values(sql, &test.field, &test.operand);
    sql.sql("))");
}

/// The value of a scalar field, ordered and compared alike by both engines.
#[derive(Clone, Copy)]
pub(crate) struct Scalar<'a>(pub &'a Field, pub Alias);

impl Fragment for Scalar<'_> {
    fn write(self, sql: &mut Statement) {
        let Scalar(field, alias) = self;
        let (name, part) = match field.money() {
            Some(name) => (name, Some("currency")),
            None => (field.name.as_ref(), (field.kind == FieldType::Money).then_some("amount")),
        };
        match &field.storage {
            Storage::Column | Storage::Computed => drop(sql.add(alias.field(field))),
            Storage::Detail => json_scalar(sql, field, alias.column("details"), JsonKey::of(name), part),
            Storage::Custom { key } => json_scalar(sql, field, alias.column("custom"), JsonKey::of(key), part),
        }
    }
}

/// A member of a JSON column as a value of its field's type. The key is a literal, so that expression indexes match.
fn json_scalar(sql: &mut Statement, field: &Field, column: Qualified, key: Option<JsonKey<'_>>, part: Option<&'static str>) {
    match (sql.dialect, part) {
        (Dialect::Sqlite, None) => write_sql!(sql, "json_extract(", column, ", '$.", key, "')"),
        (Dialect::Sqlite, Some(part)) => write_sql!(sql, "json_extract(", column, ", '$.", key, ".", part, "')"),
        (Dialect::Postgres, _) => {
            let member = |sql: &mut Statement, arrow: &'static str| match part {
                Some(part) => write_sql!(sql, "(", column, "->'", key, "')", arrow, "'", part, "'"),
                None => write_sql!(sql, column, arrow, "'", key, "'"),
            };
            let (kind, cast) = match &field.kind {
                FieldType::Integer { .. } | FieldType::Money => ("number", "::bigint END)"),
                FieldType::Decimal => ("number", "::double precision END)"),
                FieldType::Boolean => ("boolean", "::boolean END)"),
                _ => {
                    sql.sql("((");
                    member(sql, "->>");
                    sql.sql(") COLLATE \"C\")");
                    return;
                }
            };
            sql.sql("(CASE WHEN json_typeof(");
            member(sql, "->");
            write_sql!(sql, ") = '", kind, "' THEN (");
            member(sql, "->>");
            write_sql!(sql, ")", cast);
        }
    }
}

/// A list or structure as JSON.
fn json_value(sql: &mut Statement, field: &Field, alias: Alias) {
    let (column, key) = match &field.storage {
        Storage::Column | Storage::Computed => {
            sql.add(alias.field(field));
            return;
        }
        Storage::Detail => (alias.column("details"), JsonKey::of(&field.name)),
        Storage::Custom { key } => (alias.column("custom"), JsonKey::of(key)),
    };
    match sql.dialect {
        Dialect::Sqlite => write_sql!(sql, "json_extract(", column, ", '$.", key, "')"),
        Dialect::Postgres => write_sql!(sql, "(", column, "->'", key, "')"),
    }
}

/// The same as text.
fn json_text(sql: &mut Statement, field: &Field, alias: Alias) {
    json_value(sql, field, alias);
    if sql.dialect == Dialect::Postgres {
        sql.sql("::text");
    }
}

#[derive(Clone, Copy)]
enum Folding {
    Plain,
    Spelt,
}

/// The value as it is compared however it is written: as the domain's `text::fold` and `text::fold_spelt`.
#[derive(Clone, Copy)]
struct Folded<'a>(Scalar<'a>, Folding);

impl Fragment for Folded<'_> {
    fn write(self, sql: &mut Statement) {
        let Folded(value, folding) = self;
        let function = match (sql.dialect, folding) {
            (Dialect::Sqlite, Folding::Plain) => "fold(",
            (Dialect::Sqlite, Folding::Spelt) => "fold_spelt(",
            (Dialect::Postgres, Folding::Plain) => "farley_fold(",
            (Dialect::Postgres, Folding::Spelt) => "farley_fold_spelt(",
        };
        write_sql!(sql, function, value, ")");
    }
}

pub(super) fn operands(operand: &Operand) -> &[Operand] {
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
pub(super) fn padded(sql: &mut Statement, mut binds: Vec<Bind>) {
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
