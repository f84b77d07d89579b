//! What users have been notified of: how much of it is unread.

use farley_domain::id::Id;

use crate::{
    error::StoreError,
    reader::Reader,
    sql::{
        row::Cell,
        statement::{Bind, ColumnType, Statement},
    },
    work::Work,
};

impl Work<'_> {
    /// Marks all notifications of a user as read; how many there were.
    pub fn read_notifications(&mut self, user: Id) -> Result<usize, StoreError> {
        let (tenant, now) = (self.tenant().id, self.origin.now);
        let mut sql = Statement::of(self.dialect(), "UPDATE notifications SET version = version + 1, read_at = ");
        sql.bind(Bind::time(now)).sql(", updated_at = ").bind(Bind::time(now)).sql(", updated_by = ").id(user);
        sql.sql(" WHERE tenant_id = ").id(tenant).sql(" AND user_id = ").id(user);
        sql.sql(" AND read_at IS NULL AND archived_at IS NULL");
        self.connection().execute(&sql)
    }
}

impl Reader<'_> {
    /// How many notifications a user has not read.
    pub fn unread_notifications(&mut self, user: Id) -> Result<i64, StoreError> {
        let mut sql = Statement::of(self.connection.dialect(), "SELECT COUNT(*) FROM notifications WHERE tenant_id = ");
        sql.id(self.tenant.id).sql(" AND user_id = ").id(user).sql(" AND read_at IS NULL AND archived_at IS NULL");
        let rows = self.connection.load(&sql, &[ColumnType::Integer])?;
        Ok(rows.first().and_then(|cells| cells.first()).and_then(Cell::as_integer).unwrap_or(0))
    }
}
