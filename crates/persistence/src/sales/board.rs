//! Where opportunities stand on the board.

use farley_domain::id::Id;

use crate::{
    error::StoreError,
    reader::Reader,
    sql::statement::{ColumnType, Statement},
};

impl Reader<'_> {
    /// The position on the board next to one, after it or before it, but for a record that is on its way.
    pub fn neighbour(&mut self, stage: Id, position: &str, but: Id, after: bool) -> Result<Option<String>, StoreError> {
        let mut sql = Statement::new(self.connection.dialect());
        sql.sql("SELECT position FROM opportunities WHERE tenant_id = ").id(self.tenant.id);
        sql.sql(" AND stage_id = ").id(stage).sql(if after { " AND position > " } else { " AND position < " }).text(position);
        sql.sql(" AND id <> ").id(but);
        sql.sql(if after { " ORDER BY position LIMIT 1" } else { " ORDER BY position DESC LIMIT 1" });
        let rows = self.connection.load(&sql, &[ColumnType::Text])?;
        Ok(rows.first().and_then(|cells| cells[0].as_text()).map(str::to_owned))
    }
}
