//! Channels, whoever's they are.

use farley_domain::{model::entity::Entity, service::channel::Channel, values::id::Id};

use crate::{
    error::StoreError,
    reader::Reader,
    sql::statement::{ColumnType, Statement, write_sql},
};

impl Reader<'_> {
    /// Whose channel it is: the tenant.
    pub fn tenant_of_channel(&mut self, channel: Id) -> Result<Option<Id>, StoreError> {
        let mut sql = Statement::of(self.connection.dialect(), "SELECT tenant_id FROM ");
        write_sql!(sql, Channel::object().table, " WHERE id = ", channel);
        let rows = self.connection.load(&sql, &[ColumnType::Id])?;
        Ok(rows.first().and_then(|cells| cells[0].as_id()))
    }
}
