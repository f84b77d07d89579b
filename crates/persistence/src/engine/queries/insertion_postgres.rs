//! Rows of several tables inserted in one round trip, as it costs more than they do.

use std::hash::{DefaultHasher, Hash, Hasher};

use diesel::{
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
};
use farley_domain::values::id::Id;

use super::{
    Conn, Db, locks,
    run::{Written, is_kept},
};
use crate::{
    engine::kept,
    error::StoreError,
    sql::{
        rows::{ExternalIdRow, LookupValueRow},
        schema::{external_ids, lookup_values},
        statement::Statement,
    },
};

/// What is inserted into one table.
pub struct Part {
    insert: Box<dyn QueryFragment<Db>>,
    /// What it has in common with others that can be prepared as one.
    shape: u64,
}

impl Part {
    pub fn written(insert: Statement) -> Part {
        Part { shape: kept::shape(&insert), insert: Box::new(Written(insert)) }
    }

    pub fn external_ids(rows: Vec<ExternalIdRow>) -> Part {
        let shape = shape(&("external ids", rows.len()));
        Part { shape, insert: Box::new(diesel::insert_into(external_ids::table).values(rows)) }
    }

    pub fn lookup_values(rows: Vec<LookupValueRow>) -> Part {
        let shape = shape(&("look-up values", rows.len()));
        // A record whose id is taken may have the same values too: it is the id that is in the way.
        Part { shape, insert: Box::new(diesel::insert_into(lookup_values::table).values(rows).on_conflict_do_nothing()) }
    }
}

fn shape(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// Inserts all parts; what is stored must not depend on their order. With them goes what `locks::announce` says, unless it has been
/// said for the tenant.
pub fn insert(conn: &mut Conn, parts: Vec<Part>, announce: Option<Id>) -> Result<(), StoreError> {
    let shapes: Vec<u64> = parts.iter().map(|part| part.shape).collect();
    let keep = is_kept(conn, kept::judge_shape(shape(&(shapes, announce.is_some()))))?;
    Insert { parts, announcement: announce.map(locks::announcement), keep }.execute(conn)?;
    Ok(())
}

struct Insert<Announcement> {
    parts: Vec<Part>,
    announcement: Option<Announcement>,
    keep: bool,
}

impl<Announcement> QueryId for Insert<Announcement> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Announcement> RunQueryDsl<Conn> for Insert<Announcement> {}

impl<Announcement: QueryFragment<Db>> QueryFragment<Db> for Insert<Announcement> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Db>) -> QueryResult<()> {
        for (position, part) in self.parts.iter().enumerate() {
            // PostgreSQL gives each part a name, and runs it whether or not it is asked for.
            out.push_sql(if position == 0 { "WITH part" } else { ", part" });
            out.push_sql(&position.to_string());
            out.push_sql(" AS (");
            part.insert.walk_ast(out.reborrow())?;
            out.push_sql(")");
        }
        out.push_sql(" ");
        match &self.announcement {
            Some(announcement) => announcement.walk_ast(out.reborrow())?,
            None => out.push_sql("SELECT 1"),
        }
        if !self.keep {
            out.unsafe_to_cache_prepared();
        }
        Ok(())
    }

    fn is_safe_to_cache_prepared(&self, _: &Db) -> QueryResult<bool> {
        Ok(self.keep)
    }
}
