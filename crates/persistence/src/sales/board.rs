//! Where opportunities stand on the board.

use farley_domain::values::id::Id;

use crate::{error::StoreError, on, reader::Reader};

impl Reader<'_> {
    /// The position on the board next to one, after it or before it, but for a record that is on its way.
    pub fn neighbour(&mut self, stage: Id, position: &str, but: Id, after: bool) -> Result<Option<String>, StoreError> {
        on!(&mut self.connection, records::neighbour(self.tenant.id, stage, position, but, after))
    }
}
