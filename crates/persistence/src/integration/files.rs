//! Which content a file has. A content is noted before its first byte is stored, and given to its file in the transaction that makes
//! the file: so what is stored and has no file is known without looking through the store.

use farley_domain::values::{id::Id, time::Timestamp};

use crate::{error::StoreError, on, reader::Reader, work::Work};

impl Work<'_> {
    /// Notes a content that is about to be stored.
    pub fn expect_content(&mut self, content: Id) -> Result<(), StoreError> {
        let (tenant, now) = (self.tenant().id, self.origin.now);
        on!(self.connection(), files::expect(tenant, content, now))
    }

    /// Gives a content to a file; false if it was given up meanwhile.
    pub fn give_content(&mut self, content: Id, file: Id) -> Result<bool, StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), files::give(tenant, content, file))
    }

    /// Gives up contents that were expected before a time and that no file has.
    pub fn abandon_contents(&mut self, before: Timestamp) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), files::abandon(tenant, before))
    }

    /// Gives up one content; false if a file has it.
    pub fn abandon_content(&mut self, content: Id) -> Result<bool, StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), files::abandon_one(tenant, content))
    }

    /// Forgets contents that were given up and are stored no more.
    pub fn forget_contents(&mut self, contents: &[Id]) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), files::forget(tenant, contents))
    }

    /// What the tenant's links to files are signed with: this secret, if it has none yet.
    pub fn file_link_key(&mut self, new: &[u8]) -> Result<Vec<u8>, StoreError> {
        let (tenant, now) = (self.tenant().id, self.origin.now);
        on!(self.connection(), files::keep_link_key(tenant, new, now))?;
        on!(self.connection(), files::link_key(tenant)).map(|key| key.unwrap_or_else(|| new.to_vec()))
    }
}

impl Reader<'_> {
    /// The content of a file.
    pub fn content_of_file(&mut self, file: Id) -> Result<Option<Id>, StoreError> {
        on!(&mut self.connection, files::of_file(self.tenant.id, file))
    }

    /// Contents that were given up, some of them if they are many.
    pub fn abandoned_contents(&mut self, limit: i64) -> Result<Vec<Id>, StoreError> {
        on!(&mut self.connection, files::abandoned(self.tenant.id, limit))
    }

    /// What the tenant's links to files are signed with.
    pub fn link_key(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        on!(&mut self.connection, files::link_key(self.tenant.id))
    }
}
