//! The files of imports under way, and what was wrong with their rows.

use diesel::prelude::*;
use farley_domain::values::id::Id;

use super::Conn;
use crate::{
    error::StoreError,
    sql::{
        rows::ImportFaultRow,
        schema::{import_faults, import_files},
        sql_types::DbId,
    },
};

pub fn keep_file(conn: &mut Conn, tenant: Id, import: Id, content: &[u8]) -> Result<(), StoreError> {
    diesel::insert_into(import_files::table)
        .values((
            import_files::tenant_id.eq(DbId(tenant)),
            import_files::import_id.eq(DbId(import)),
            import_files::content.eq(content),
        ))
        .execute(conn)?;
    Ok(())
}

pub fn file(conn: &mut Conn, tenant: Id, import: Id) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(import_files::table
        .filter(import_files::tenant_id.eq(DbId(tenant)))
        .filter(import_files::import_id.eq(DbId(import)))
        .select(import_files::content)
        .first(conn)
        .optional()?)
}

pub fn forget_file(conn: &mut Conn, tenant: Id, import: Id) -> Result<(), StoreError> {
    let file =
        import_files::table.filter(import_files::tenant_id.eq(DbId(tenant))).filter(import_files::import_id.eq(DbId(import)));
    diesel::delete(file).execute(conn)?;
    Ok(())
}

pub fn note_fault(conn: &mut Conn, row: ImportFaultRow) -> Result<(), StoreError> {
    diesel::insert_into(import_faults::table).values(row).execute(conn)?;
    Ok(())
}

/// Faults of an import in the order of its rows, after a row and a position within it; those of one level, if it is told.
pub fn faults(
    conn: &mut Conn,
    tenant: Id,
    import: Id,
    level: Option<&str>,
    after: (i64, i64),
    limit: i64,
) -> Result<Vec<ImportFaultRow>, StoreError> {
    let (row, position) = after;
    let later = import_faults::row_number.gt(row).or(import_faults::row_number.eq(row).and(import_faults::position.gt(position)));
    let levels = level.map_or_else(|| vec!["fault", "warning"], |level| vec![level]);
    Ok(import_faults::table
        .filter(import_faults::tenant_id.eq(DbId(tenant)))
        .filter(import_faults::import_id.eq(DbId(import)))
        .filter(import_faults::level.eq_any(levels))
        .filter(import_faults::row_number.ge(row))
        .filter(later)
        .order((import_faults::row_number, import_faults::position))
        .limit(limit)
        .select(ImportFaultRow::as_select())
        .load(conn)?)
}
