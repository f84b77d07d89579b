//! How far mail has been fetched.

use diesel::prelude::*;
use farley_domain::values::id::Id;

use super::Conn;
use crate::{
    error::StoreError,
    sql::{rows::MailSourceRow, schema::mail_sources, sql_types::DbId},
};

pub fn find(conn: &mut Conn, tenant: Id, name: &str) -> Result<Option<MailSourceRow>, StoreError> {
    let found = mail_sources::table.filter(mail_sources::tenant_id.eq(DbId(tenant))).filter(mail_sources::name.eq(name));
    Ok(found.select(MailSourceRow::as_select()).first(conn).optional()?)
}

pub fn keep(conn: &mut Conn, row: MailSourceRow) -> Result<(), StoreError> {
    let there = mail_sources::table
        .filter(mail_sources::tenant_id.eq(DbId(row.tenant_id)))
        .filter(mail_sources::name.eq(row.name.clone()));
    if diesel::update(there).set(row.clone()).execute(conn)? == 0 {
        diesel::insert_into(mail_sources::table).values(row).execute(conn)?;
    }
    Ok(())
}
