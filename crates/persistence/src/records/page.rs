//! A page of a list that is not ordered by relevance: its condition, its order, and where it goes on.
//!
//! Nulls come last, whichever way a list is sorted. An index has them at one end, and often not at all, so that a list whose first key may
//! be null is read in two parts: the records that have a value, in the order of an index, then those that have none, by the next keys.

use farley_domain::{
    model::{
        field::{Field, Storage},
        operand::Operand,
    },
    query::{
        list::{Far, ListQuery, SortBy, Start},
        predicate::View,
    },
};

use crate::{
    records::{
        filter::{self, Place, Scalar},
        ledger::Source,
        related::Told,
        statements,
    },
    sql::{
        row::Layout,
        statement::{Bind, Dialect, Fragment, Statement, write_sql},
    },
};

/// Which records of a list a statement reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Whole,
    /// Those with a value in the first key of the order.
    Valued,
    /// Those without.
    Null,
}

/// The parts in which a list is read, one after the other until the page is full.
#[must_use]
pub fn parts(query: &ListQuery) -> &'static [Part] {
    let first = query.sort.first().and_then(|key| match &key.by {
        SortBy::Field(field) => Some(field),
        // No index has what other records tell: all is sorted, and nulls with it.
        SortBy::Far(_) | SortBy::Relevance(_) => None,
    });
    let divides = first.is_some_and(|field| is_nullable(field) && field.storage != Storage::Computed);
    match &query.start {
        Start::Offset(_) => &[Part::Whole],
        _ if !divides => &[Part::Whole],
        Start::After(cursor) if cursor.keys.first().is_none_or(Option::is_none) => &[Part::Null],
        Start::First | Start::After(_) => &[Part::Valued, Part::Null],
    }
}

/// The keys of a list that related records tell, in their order: a row of it ends with their values.
pub(crate) fn fars(query: &ListQuery) -> impl Iterator<Item = &Far> {
    query.sort.iter().filter_map(|key| match &key.by {
        SortBy::Far(far) => Some(far),
        SortBy::Field(_) | SortBy::Relevance(_) => None,
    })
}

/// At most so many rows of a part of a list.
#[must_use]
pub fn list(
    dialect: Dialect,
    layout: &Layout,
    place: &Place,
    view: &dyn View,
    query: &ListQuery,
    part: Part,
    most: usize,
) -> Statement {
    let mut sql = Statement::new(dialect);
    sql.keep = statements::is_common(&query.predicate);
    statements::select(&mut sql, layout, place, view);
    for far in fars(query) {
        write_sql!(sql, ", ", Told(far, place));
    }
    write_sql!(sql, " FROM ", Source(place), " WHERE t.tenant_id = ", place.tenant);
    statements::and(&mut sql, &query.predicate, place);
    let mut keys: Vec<Key<'_>> = query.sort.iter().filter_map(|key| Key::of(&key.by, key.descending)).collect();
    let mut after = match &query.start {
        Start::After(cursor) => Some(cursor.keys.as_slice()),
        Start::First | Start::Offset(_) => None,
    };
    match (part, keys.first_mut()) {
        (Part::Valued, Some(first)) => {
            first.is_nullable = false;
            write_sql!(sql, " AND ", Value(first.by, place), " IS NOT NULL");
        }
        (Part::Null, Some(first)) => {
            write_sql!(sql, " AND ", Value(first.by, place), " IS NULL");
            keys.remove(0);
            // After a record that has a value come all that have none.
            after = after.and_then(<[_]>::split_first).filter(|(first, _)| first.is_none()).map(|(_, rest)| rest);
        }
        (Part::Whole, _) | (Part::Valued | Part::Null, None) => {}
    }
    if let Some(values) = after {
        write_sql!(sql, " AND ", After { keys: &keys, values, place });
    }
    sql.add(Order(&keys, place));
    sql.sql(" LIMIT ").integer(i64::try_from(most).unwrap_or(i64::MAX));
    if let Start::Offset(offset) = query.start {
        sql.sql(" OFFSET ").integer(i64::try_from(offset).unwrap_or(i64::MAX));
    }
    sql
}

/// Whether a field may be null: then its order says where nulls go, which no index does by itself.
fn is_nullable(field: &Field) -> bool {
    field.storage != Storage::Column || !field.is_never_null()
}

/// A key of the order, and whether it may be null among the records that are read.
#[derive(Clone, Copy)]
struct Key<'a> {
    by: By<'a>,
    descending: bool,
    is_nullable: bool,
}

impl Key<'_> {
    fn of(by: &SortBy, descending: bool) -> Option<Key<'_>> {
        match by {
            SortBy::Field(field) => Some(Key { by: By::Own(field), descending, is_nullable: is_nullable(field) }),
            SortBy::Far(far) => Some(Key { by: By::Far(far), descending, is_nullable: !far.is_count() }),
            SortBy::Relevance(_) => None,
        }
    }
}

/// What tells a key of a row.
#[derive(Clone, Copy)]
enum By<'a> {
    Own(&'a Field),
    Far(&'a Far),
}

impl By<'_> {
    fn bind(self, operand: &Operand) -> Bind {
        match self {
            By::Own(field) => filter::bind(field, operand),
            By::Far(far) => filter::bind(&far.field, operand),
        }
    }
}

#[derive(Clone, Copy)]
struct Value<'a>(By<'a>, &'a Place);

impl Fragment for Value<'_> {
    fn write(self, sql: &mut Statement) {
        match self {
            Value(By::Own(field), place) => drop(sql.add(Scalar(field, place.alias()))),
            Value(By::Far(far), place) => drop(sql.add(Told(far, place))),
        }
    }
}

struct Order<'a>(&'a [Key<'a>], &'a Place);

impl Fragment for Order<'_> {
    fn write(self, sql: &mut Statement) {
        let Order(keys, place) = self;
        for (position, key) in keys.iter().enumerate() {
            write_sql!(sql, if position == 0 { " ORDER BY " } else { ", " }, Value(key.by, place));
            if key.descending {
                sql.sql(" DESC");
            }
            if key.is_nullable {
                sql.sql(" NULLS LAST");
            }
        }
    }
}

/// The rows after a cursor. Keys without nulls in one direction are one range of an index (row values); others are spelt out.
#[derive(Clone, Copy)]
struct After<'a> {
    keys: &'a [Key<'a>],
    values: &'a [Option<Operand>],
    place: &'a Place,
}

impl After<'_> {
    fn is_one_range(&self) -> bool {
        let one_direction = self.keys.windows(2).all(|pair| pair[0].descending == pair[1].descending);
        one_direction && self.keys.iter().all(|key| !key.is_nullable) && self.values.iter().all(Option::is_some)
    }
}

impl Fragment for After<'_> {
    fn write(self, sql: &mut Statement) {
        let After { keys, values, place } = self;
        let ([key, later @ ..], [value, others @ ..]) = (keys, values) else {
            sql.sql("1 = 0");
            return;
        };
        if self.is_one_range() {
            sql.sql("(");
            for (position, key) in keys.iter().enumerate() {
                write_sql!(sql, if position > 0 { ", " } else { "" }, Value(key.by, place));
            }
            sql.sql(if key.descending { ") < (" } else { ") > (" });
            sql.binds(keys.iter().zip(values).filter_map(|(key, value)| Some(key.by.bind(value.as_ref()?))));
            sql.sql(")");
            return;
        }
        let (scalar, rest) = (Value(key.by, place), After { keys: later, values: others, place });
        sql.sql("(");
        match value {
            // Nulls come last: after a null there are only nulls.
            None => write_sql!(sql, scalar, " IS NULL AND ", rest),
            Some(value) => {
                write_sql!(sql, scalar, if key.descending { " < " } else { " > " }, key.by.bind(value));
                if key.is_nullable {
                    write_sql!(sql, " OR ", scalar, " IS NULL");
                }
                if !later.is_empty() {
                    write_sql!(sql, " OR (", scalar, " = ", key.by.bind(value), " AND ", rest, ")");
                }
            }
        }
        sql.sql(")");
    }
}
