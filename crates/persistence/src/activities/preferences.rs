//! What users want to be notified of.

use farley_domain::id::Id;

use crate::{
    error::StoreError,
    reader::Reader,
    sql::statement::{Bind, ColumnType, Statement},
    work::Work,
};

impl Work<'_> {
    /// Keeps what a user wants to be notified of.
    pub fn set_notification_preferences(&mut self, user: Id, preferences: &serde_json::Value) -> Result<(), StoreError> {
        let mut sql =
            Statement::of(self.dialect(), "INSERT INTO notification_preferences (tenant_id, user_id, preferences) VALUES (");
        sql.id(self.tenant().id).sql(", ").id(user).sql(", ").bind(Bind::json(preferences.to_string()));
        sql.sql(") ON CONFLICT (tenant_id, user_id) DO UPDATE SET preferences = excluded.preferences");
        self.connection().execute(&sql)?;
        Ok(())
    }
}

impl Reader<'_> {
    /// What a user wants to be notified of; empty until they say.
    pub fn notification_preferences(&mut self, user: Id) -> Result<serde_json::Value, StoreError> {
        let mut sql =
            Statement::of(self.connection.dialect(), "SELECT preferences FROM notification_preferences WHERE tenant_id = ");
        sql.id(self.tenant.id).sql(" AND user_id = ").id(user);
        let rows = self.connection.load(&sql, &[ColumnType::Json])?;
        match rows.first().and_then(|cells| cells[0].as_text()) {
            Some(text) => Ok(serde_json::from_str(text)?),
            None => Ok(serde_json::json!({})),
        }
    }
}
