//! Boards: the records of an object in columns, of each column how many there are and the first of them.

use std::sync::Arc;

use farley_domain::{
    model::{field::Field, object::Object},
    query::{
        list::{ListQuery, SortKey, Start},
        predicate::{Predicate, View},
    },
};
use farley_persistence::{Cell, Group, Layout, Measure, Reader};
use serde_json::value::RawValue;

use super::read::{PageInfo, layout_for};
use crate::{access::principal::Principal, http::problem::Problem};

/// How many columns a board has at most.
const MOST_COLUMNS: usize = 10_000;

/// What a board is asked for.
pub struct Asked {
    object: &'static Object,
    /// Which records, and how many of each column in which order.
    pub query: ListQuery,
    layout: Arc<Layout>,
}

/// The first records of a column, as they are sent.
pub struct Cards {
    pub records: Box<RawValue>,
    pub page: PageInfo,
}

impl Asked {
    pub fn of(principal: &Principal, object: &'static Object, query: ListQuery, sort: Vec<SortKey>, limit: usize) -> Asked {
        let layout = layout_for(principal, object, None, &[], (&sort, query.as_of.is_some()));
        Asked { object, query: ListQuery { sort, limit, start: Start::First, ..query }, layout }
    }

    /// How many records have each value of a field, null included.
    pub fn counts(&self, reader: &mut Reader<'_>, within: &Predicate, field: &Field) -> Result<Vec<(Cell, i64)>, Problem> {
        let (groups, measures) = ([Group::by(field)], [Measure::Count]);
        let rows = reader.aggregate(self.object, within, &groups, &measures, (self.query.as_of, MOST_COLUMNS))?;
        let count = |row: Vec<Cell>| {
            let count = row.get(1).and_then(Cell::as_integer).unwrap_or(0);
            (row.into_iter().next().unwrap_or(Cell::Null), count)
        };
        Ok(rows.into_iter().map(count).collect())
    }

    /// The first records of a column.
    pub fn cards(&self, reader: &mut Reader<'_>, view: &dyn View, of_column: Predicate) -> Result<Cards, Problem> {
        let list = ListQuery { predicate: of_column, ..self.query.clone() };
        let page = reader.list_written(&self.layout, view, &list, b"[".to_vec())?;
        let next = page.next.as_ref().map(|cursor| cursor.encode(self.object, &list.sort));
        let mut shown = page.rows;
        shown.push(b']');
        let shown = String::from_utf8(shown).map_err(|_| Problem::internal("a record is no UTF-8"))?;
        Ok(Cards { records: RawValue::from_string(shown)?, page: PageInfo { has_more: next.is_some(), next, total: None } })
    }
}
