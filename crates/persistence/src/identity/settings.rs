//! Settings of frontends, of the tenant or of one user; and what Farley keeps for itself of a tenant.

use farley_domain::values::id::Id;

use crate::{
    error::StoreError,
    on,
    reader::Reader,
    sql::rows::{KeptRow, SettingHead, SettingRow},
    work::Work,
};

impl Work<'_> {
    /// Keeps JSON of the tenant under a name.
    pub fn keep(&mut self, name: &str, value: String) -> Result<(), StoreError> {
        let row = KeptRow { tenant_id: self.tenant().id, name: name.to_owned(), value, updated_at: self.origin.now };
        on!(self.connection(), settings::keep(row))
    }

    /// Keeps out everybody else who writes settings of the user, or of the tenant, until the end of the work.
    pub fn lock_settings(&mut self, user: Option<Id>) -> Result<(), StoreError> {
        match user {
            Some(user) => self.lock(&format!("settings {user}")),
            None => self.lock("settings"),
        }
    }

    /// Stores a new setting under the lock; its version is higher than that of any that was deleted.
    pub fn add_setting(&mut self, row: SettingRow) -> Result<SettingRow, StoreError> {
        let (tenant, user) = (self.tenant().id, row.user_id);
        let floor = on!(self.connection(), settings::floor(tenant, user))?;
        let row = SettingRow { version: floor + 1, ..row };
        on!(self.connection(), settings::insert(row.clone()))?;
        Ok(row)
    }

    /// Stores another value, with its new version, under the lock.
    pub fn change_setting(&mut self, row: &SettingRow) -> Result<(), StoreError> {
        on!(self.connection(), settings::update(row.clone()))
    }

    /// Deletes a setting, under the lock.
    pub fn delete_setting(&mut self, row: &SettingRow) -> Result<(), StoreError> {
        let (tenant, user) = (self.tenant().id, row.user_id);
        on!(self.connection(), settings::delete(tenant, row.id))?;
        let floor = on!(self.connection(), settings::floor(tenant, user))?;
        let kept = SettingRow { id: self.new_id(), key: String::new(), value: "null".to_owned(), ..row.clone() };
        match floor {
            0 => on!(self.connection(), settings::insert(kept)),
            floor if floor < row.version => on!(self.connection(), settings::raise_floor(tenant, user, row.version)),
            _ => Ok(()),
        }
    }
}

impl Reader<'_> {
    /// What Farley keeps of the tenant under a name, as JSON.
    pub fn kept(&mut self, name: &str) -> Result<Option<KeptRow>, StoreError> {
        on!(&mut self.connection, settings::kept(self.tenant.id, name))
    }

    /// A setting of a user, or of the tenant.
    pub fn setting(&mut self, user: Option<Id>, key: &str) -> Result<Option<SettingRow>, StoreError> {
        on!(&mut self.connection, settings::find(self.tenant.id, user, key))
    }

    /// Settings of a user, or of the tenant, whose keys begin with a text, in their order after a key.
    pub fn settings(
        &mut self,
        user: Option<Id>,
        prefix: &str,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<SettingHead>, StoreError> {
        on!(&mut self.connection, settings::list(self.tenant.id, user, prefix, after, limit))
    }

    /// How many there are.
    pub fn count_settings(&mut self, user: Option<Id>, prefix: &str) -> Result<i64, StoreError> {
        on!(&mut self.connection, settings::count(self.tenant.id, user, prefix))
    }
}
