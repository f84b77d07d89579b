//! How far mail has been fetched from the folders of IMAP servers.

use farley_domain::values::id::Id;

use crate::{error::StoreError, on, reader::Reader, sql::rows::MailSourceRow, work::Work};

impl Reader<'_> {
    /// How far mail of a tenant has been fetched from a folder.
    pub fn mail_source(&mut self, tenant: Id, name: &str) -> Result<Option<MailSourceRow>, StoreError> {
        on!(&mut self.connection, mail::find(tenant, name))
    }
}

impl Work<'_> {
    pub fn keep_mail_source(&mut self, row: &MailSourceRow) -> Result<(), StoreError> {
        on!(self.connection(), mail::keep(row.clone()))
    }
}
