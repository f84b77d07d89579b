//! What users want to be notified of.

use farley_domain::values::id::Id;

use crate::{error::StoreError, on, reader::Reader, work::Work};

impl Work<'_> {
    /// Keeps what a user wants to be notified of.
    pub fn set_notification_preferences(&mut self, user: Id, preferences: &serde_json::Value) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), records::set_notification_preferences(tenant, user, preferences.to_string()))
    }
}

impl Reader<'_> {
    /// What a user wants to be notified of; empty until they say.
    pub fn notification_preferences(&mut self, user: Id) -> Result<serde_json::Value, StoreError> {
        match on!(&mut self.connection, records::notification_preferences(self.tenant.id, user))? {
            Some(preferences) => Ok(serde_json::from_str(&preferences)?),
            None => Ok(serde_json::json!({})),
        }
    }
}
