//! What related records tell of a row: that there are some, how many, and what is in them.

use farley_domain::{
    model::{
        field::Op,
        object::{Object, Reach, Relation},
        operand::Operand,
        recurring::ARCHIVED_AT,
    },
    query::{
        list::Far,
        predicate::{CountTest, Related},
    },
};

use crate::{
    records::filter::{Condition, Place, Scalar, operands, or_false, padded},
    sql::statement::{Bind, Fragment, Statement, write_sql},
};

/// Some related record, or none, meets what is asked of it.
pub(super) fn relation(sql: &mut Statement, related: &Related, place: &Place) {
    let outer = place.alias();
    let inner = Place {
        tenant: place.tenant,
        tenant_number: place.tenant_number,
        object: related.target,
        depth: place.depth + 1,
        as_of: None,
    };
    let (alias, links, table) = (inner.alias(), inner.links(), related.target.table);
    if related.none {
        sql.sql("NOT COALESCE(");
    }
    match related.relation.reach {
        Reach::ToOne { field } => {
            let (reference, id) = (outer.column(field), alias.column("id"));
            write_sql!(sql, reference, " IN (SELECT ", id, " FROM ", table, " ", alias, " WHERE ");
        }
        Reach::Attached { object, field } => {
            // One row is looked at by its key: a list of all that there are would be as long as the table.
            let (told, reference, id) = (outer.column(object), outer.column(field), alias.column("id"));
            write_sql!(sql, "(", told, " = '", related.target.name, "' AND EXISTS (SELECT 1 FROM ", table, " ", alias);
            write_sql!(sql, " WHERE ", id, " = ", reference, " AND ");
        }
        Reach::Inverse { field } => {
            let (id, reference) = (outer.column("id"), alias.column(field));
            write_sql!(sql, id, " IN (SELECT ", reference, " FROM ", table, " ", alias, " WHERE ");
        }
        Reach::Linked { link, holder } => {
            let (near, far) = if holder { (link.from, link.to) } else { (link.to, link.from) };
            write_sql!(sql, outer.column("id"), " IN (SELECT ", links.column(near), " FROM ", link.table, " ", links);
            write_sql!(sql, " JOIN ", table, " ", alias, " ON ", alias.column("tenant_id"), " = ", links.column("tenant_id"));
            write_sql!(sql, " AND ", alias.column("id"), " = ", links.column(far), " WHERE ");
            if link.shared {
                let holder = if holder { place.object.name } else { related.target.name };
                write_sql!(sql, links.column("object"), " = '", holder, "' AND ");
            }
        }
    }
    live(sql, related, &inner);
    if matches!(related.relation.reach, Reach::Attached { .. }) {
        sql.sql(")");
    }
    if related.none {
        sql.sql(or_false(sql.dialect, ", 0)", ", false)"));
    }
}

/// What must be null in the records that a relation to many leads to: one that was merged into another no longer counts, but where it is
/// the merged ones that are asked for.
pub(super) fn left_out(target: &Object, relation: &Relation) -> Option<&'static str> {
    match relation.reach {
        Reach::ToOne { .. } | Reach::Attached { .. } => None,
        Reach::Inverse { field } => target.superseded_by.filter(|superseded_by| *superseded_by != field),
        Reach::Linked { .. } => target.superseded_by,
    }
}

/// The live ones among related records that meet what is asked of them.
fn live(sql: &mut Statement, related: &Related, inner: &Place) {
    let alias = inner.alias();
    write_sql!(sql, alias.column("tenant_id"), " = ", inner.tenant, " AND ", alias.column(ARCHIVED_AT.name()), " IS NULL AND ");
    if let Some(field) = left_out(related.target, &related.relation) {
        write_sql!(sql, alias.column(field), " IS NULL AND ");
    }
    write_sql!(sql, Condition(&related.predicate, inner), ")");
}

/// How many live records are related to a row of the place.
pub(crate) struct CountOf<'a>(pub &'a Related, pub &'a Place);

impl Fragment for CountOf<'_> {
    fn write(self, sql: &mut Statement) {
        let CountOf(related, place) = self;
        let inner = Place { object: related.target, depth: place.depth + 1, as_of: None, ..*place };
        let (outer, alias, links) = (place.alias(), inner.alias(), inner.links());
        write_sql!(sql, "(SELECT COUNT(*) FROM ", related.target.table, " ", alias);
        match related.relation.reach {
            Reach::ToOne { field } | Reach::Attached { field, .. } => {
                write_sql!(sql, " WHERE ", alias.column("id"), " = ", outer.column(field));
            }
            Reach::Inverse { field } => write_sql!(sql, " WHERE ", alias.column(field), " = ", outer.column("id")),
            Reach::Linked { link, holder } => {
                let (near, far) = if holder { (link.from, link.to) } else { (link.to, link.from) };
                write_sql!(sql, " JOIN ", link.table, " ", links, " ON ");
                write_sql!(sql, links.column("tenant_id"), " = ", alias.column("tenant_id"));
                write_sql!(sql, " AND ", links.column(far), " = ", alias.column("id"));
                write_sql!(sql, " WHERE ", links.column("tenant_id"), " = ", place.tenant);
                write_sql!(sql, " AND ", links.column(near), " = ", outer.column("id"));
                if link.shared {
                    let holder = if holder { place.object.name } else { related.target.name };
                    write_sql!(sql, " AND ", links.column("object"), " = '", holder, "'");
                }
            }
        }
        sql.sql(" AND ");
        live(sql, related, &inner);
    }
}

/// A number of related records is as asked.
pub(super) fn number(sql: &mut Statement, test: &CountTest, place: &Place) {
    let CountTest { counted, op, operand } = test;
    let numbers: Vec<Bind> = operands(operand)
        .iter()
        .filter_map(|operand| match operand {
            Operand::Integer(number) => Some(Bind::Integer(*number)),
            _ => None,
        })
        .collect();
    let (before, after) = match op {
        Op::Eq => (" = ", ""),
        Op::Ne => (" <> ", ""),
        Op::Gt => (" > ", ""),
        Op::Gte => (" >= ", ""),
        Op::Lt => (" < ", ""),
        Op::Lte => (" <= ", ""),
        Op::In | Op::Any => (" IN (", ")"),
        Op::Nin | Op::None => (" NOT IN (", ")"),
        Op::Contains | Op::Ncontains | Op::Starts | Op::Ends | Op::Null => ("", ""),
    };
    // A number there always is: none of nothing, and any but nothing.
    if numbers.is_empty() || before.is_empty() {
        sql.sql(if matches!(op, Op::Nin | Op::None) { "1 = 1" } else { "1 = 0" });
        return;
    }
    write_sql!(sql, CountOf(counted, place), before);
    padded(sql, numbers);
    sql.sql(after);
}

/// What related records tell of a row of the place, as a scalar.
#[derive(Clone, Copy)]
pub(crate) struct Told<'a>(pub &'a Far, pub &'a Place);

impl Fragment for Told<'_> {
    fn write(self, sql: &mut Statement) {
        let Told(far, place) = self;
        let related = &far.related;
        if far.is_count() {
            sql.add(CountOf(related, place));
            return;
        }
        let inner = Place { object: related.target, depth: place.depth + 1, as_of: None, ..*place };
        let alias = inner.alias();
        // Archived ones too, as they are shown.
        write_sql!(sql, "(SELECT ", Scalar(&far.field, alias), " FROM ", related.target.table, " ", alias);
        write_sql!(sql, " WHERE ", alias.column("tenant_id"), " = ", place.tenant, " AND ", alias.column("id"), " = ");
        match related.relation.reach {
            Reach::ToOne { field } | Reach::Attached { field, .. } => write_sql!(sql, place.alias().column(field)),
            // Of several nobody knows which.
            Reach::Inverse { .. } | Reach::Linked { .. } => write_sql!(sql, "NULL"),
        }
        write_sql!(sql, " AND ", Condition(&related.predicate, &inner), ")");
    }
}
