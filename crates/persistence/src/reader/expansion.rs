//! Related records beside each record of a page.

use std::{collections::HashMap, sync::Arc};

use farley_domain::{
    model::object::{Reach, Relation},
    query::{
        list::Expanded,
        predicate::{Predicate, View},
    },
    values::id::Id,
};
use serde_json::Value;

use super::{LayoutOf, Reader};
use crate::{
    error::StoreError,
    records::statements,
    sql::{
        cell::Cell,
        row::{Layout, Row},
        statement::ColumnType,
    },
};

/// How many records of a to-many relation `expand` shows beside each record.
pub const EXPANDED_EACH: i64 = 100;

impl Reader<'_> {
    /// Adds related records beside each row: one query a relation.
    pub fn expand(
        &mut self,
        rows: &mut [Row],
        view: &dyn View,
        expanded: &[Expanded],
        layout_of: LayoutOf<'_>,
    ) -> Result<(), StoreError> {
        for Expanded { relation, fields } in expanded {
            let Some(schema) = view.schema(relation.target) else { continue };
            let layout = layout_of(schema.object, fields.as_deref());
            match relation.reach {
                Reach::ToOne { field } | Reach::Attached { field, .. } => {
                    self.expand_one(rows, view, relation, field, &layout)?
                }
                Reach::Inverse { .. } | Reach::Linked { .. } => self.expand_many(rows, view, relation, &layout)?,
            }
        }
        Ok(())
    }

    fn expand_one(
        &mut self,
        rows: &mut [Row],
        view: &dyn View,
        relation: &Relation,
        field: &str,
        layout: &Arc<Layout>,
    ) -> Result<(), StoreError> {
        let reference = |row: &Row| row.cell(field).and_then(Cell::as_id);
        let mut ids: Vec<Id> = rows.iter().filter_map(reference).collect();
        ids.sort_unstable();
        ids.dedup();
        let within = view.rows(layout.schema.object).unwrap_or_else(Predicate::nothing);
        let found: HashMap<Id, Value> = self
            .by_ids(layout, view, &ids, &within)?
            .into_iter()
            .map(|row| Ok((row.id(), row.to_value()?)))
            .collect::<Result<_, StoreError>>()?;
        for row in rows {
            let value = reference(row).and_then(|id| found.get(&id).cloned()).unwrap_or(Value::Null);
            row.expanded.push((relation.name.to_owned(), value));
        }
        Ok(())
    }

    fn expand_many(
        &mut self,
        rows: &mut [Row],
        view: &dyn View,
        relation: &Relation,
        layout: &Arc<Layout>,
    ) -> Result<(), StoreError> {
        let ids: Vec<Id> = rows.iter().map(Row::id).collect();
        let mut found: HashMap<Id, Vec<Value>> = HashMap::new();
        if !ids.is_empty() {
            let place = self.place(layout.schema.object);
            let sql = statements::related(self.connection.dialect(), layout, &place, view, relation, &ids, EXPANDED_EACH);
            let mut types = layout.types.clone();
            types.push(ColumnType::Id);
            for mut cells in self.connection.load(&sql, &types)? {
                let origin = cells.pop().and_then(|cell| cell.as_id()).unwrap_or(Id::NIL);
                found.entry(origin).or_default().push(Row::new(layout, cells).to_value()?);
            }
        }
        for row in rows {
            let mut related = found.remove(&row.id()).unwrap_or_default();
            let each = usize::try_from(EXPANDED_EACH).unwrap_or(usize::MAX);
            let more = related.len() > each;
            related.truncate(each);
            row.expanded.push((relation.name.to_owned(), Value::Array(related)));
            if more {
                row.expanded.push((format!("{}_has_more", relation.name), true.into()));
            }
        }
        Ok(())
    }
}
