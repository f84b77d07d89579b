//! SQLite's search index: a document for each record, and its terms in the engine's own index.

use diesel::{SqliteConnection, prelude::*};
use farley_domain::values::id::Id;

use super::{last_insert_rowid, run::Keep};
use crate::{
    error::StoreError,
    sql::{
        schema::{search_documents, search_terms},
        sql_types::DbId,
    },
};

/// The document of a record.
pub fn document(conn: &mut SqliteConnection, tenant: Id, record: Id) -> Result<Option<i64>, StoreError> {
    Ok(search_documents::table
        .filter(search_documents::tenant_id.eq(DbId(tenant)))
        .filter(search_documents::record_id.eq(DbId(record)))
        .select(search_documents::document)
        .first(conn)
        .optional()?)
}

pub fn update(conn: &mut SqliteConnection, document: i64, title: &str, body: &str) -> Result<(), StoreError> {
    diesel::update(search_terms::table.filter(search_terms::rowid.eq(document)))
        .set((search_terms::title.eq(title), search_terms::body.eq(body)))
        .kept()
        .execute(conn)?;
    Ok(())
}

pub fn insert(
    conn: &mut SqliteConnection,
    tenant: Id,
    object: &str,
    record: Id,
    title: &str,
    body: &str,
) -> Result<(), StoreError> {
    diesel::insert_into(search_documents::table)
        .values((
            search_documents::tenant_id.eq(DbId(tenant)),
            search_documents::object.eq(object),
            search_documents::record_id.eq(DbId(record)),
        ))
        .execute(conn)?;
    diesel::insert_into(search_terms::table)
        .values((search_terms::rowid.eq(last_insert_rowid()), search_terms::title.eq(title), search_terms::body.eq(body)))
        .execute(conn)?;
    Ok(())
}
