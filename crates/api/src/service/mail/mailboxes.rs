//! The mailboxes of the desk, by their addresses.

use farley_domain::{model::record::Record, service::mailbox::Mailbox, values::id::Id};
use farley_persistence::{Reader, Work};

use crate::{
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Writing},
        lookup,
    },
    service::reply_template::check_placeholders,
};

impl Behaviour for Mailbox {
    fn before(_: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        check_placeholders(&writing.any(), record.get(Mailbox::signature), &Mailbox::signature.pointer())
    }
}

/// All live mailboxes of a tenant, the oldest first.
pub struct Mailboxes(Vec<Record<Mailbox>>);

impl Mailboxes {
    pub fn of(work: &mut Work<'_>) -> Result<Mailboxes, Problem> {
        Mailboxes::read(work.reader())
    }

    pub fn read(reader: &mut Reader<'_>) -> Result<Mailboxes, Problem> {
        let mut all = lookup::all::<Mailbox>(reader)?;
        all.retain(|mailbox| !mailbox.is_archived());
        all.sort_by_key(|mailbox| (mailbox.get(Mailbox::created_at), mailbox.id()));
        Ok(Mailboxes(all))
    }

    /// The mailbox that mail to an address is delivered to, also where something follows its name after a plus.
    #[must_use]
    pub fn at(&self, address: &str) -> Option<&Record<Mailbox>> {
        let named = |address: &str| self.0.iter().find(|mailbox| mailbox.get(Mailbox::address) == address);
        named(address).or_else(|| named(&without_tag(address)))
    }

    /// Whether an address is one of the desk's own.
    #[must_use]
    pub fn is_own(&self, address: &str) -> bool {
        self.at(address).is_some()
    }

    /// An active one that mail to an address is delivered to.
    #[must_use]
    pub fn active_at(&self, address: &str) -> Option<&Record<Mailbox>> {
        self.at(address).filter(|mailbox| mailbox.get(Mailbox::is_active))
    }

    /// An active one, by its id.
    #[must_use]
    pub fn active(&self, id: Id) -> Option<&Record<Mailbox>> {
        self.all_active().find(|mailbox| mailbox.id() == id)
    }

    /// The first active one whose mail goes to a queue.
    #[must_use]
    pub fn of_queue(&self, queue: Id) -> Option<&Record<Mailbox>> {
        self.all_active().find(|mailbox| mailbox.get(Mailbox::queue_id) == Some(queue))
    }

    /// The only active one; none if there are several.
    #[must_use]
    pub fn only(&self) -> Option<&Record<Mailbox>> {
        let mut all = self.all_active();
        all.next().filter(|_| all.next().is_none())
    }

    fn all_active(&self) -> impl Iterator<Item = &Record<Mailbox>> {
        self.0.iter().filter(|mailbox| mailbox.get(Mailbox::is_active))
    }
}

/// An address without what follows a plus: `support+vip@example.cn` is delivered to `support@example.cn`.
fn without_tag(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{}@{domain}", local.split('+').next().unwrap_or(local)),
        None => address.to_owned(),
    }
}
