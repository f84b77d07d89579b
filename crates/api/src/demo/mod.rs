//! Demo data: fills a tenant with believable customers, opportunities and tickets, for try-outs and benchmarks. The same seed gives the same data (the
//! numbers `C-…` may differ on PostgreSQL, where many write at once).
//!
//! One thread makes customers with their opportunities, in batches; the rows of a batch are then written by the unit of work as those
//! of the API are, each at its own time and in the name of its own user, but many in one transaction.

mod base;
mod build;
mod contacts;
mod customers;
mod dice;
mod firms;
mod generate;
mod numbers;
mod opportunities;
mod persons;
mod places;
mod sales;
mod tickets;

use std::sync::Arc;

use farley_domain::{
    customers::{contact::Contact, customer::Customer},
    identity::tenant::Tenant,
    model::{
        entity::Entity,
        event::{Actor, ActorKind},
        fault::{Faults, Language},
        object::Object,
        record::Record,
    },
    sales::{line_item::LineItem, opportunity::Opportunity},
    values::time::Timestamp,
};
use farley_persistence::{Change, Origin, Store, StoreError, TenantKey};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::{sync::mpsc, task::JoinSet};

use generate::{Family, Generator};
use tickets::Asker;

/// How many customers and opportunities are made at once.
const BATCH: u64 = 8192;
/// How many of them are written in one transaction.
const TOGETHER: usize = 64;
/// Batches made before they are asked for.
const AHEAD: usize = 1;
/// The customers came in over three years.
const SPREAD_DAYS: i64 = 3 * 365;
/// How many customers ask the service desk for help at most.
const ASKERS: usize = 20_000;

#[derive(Clone, Debug)]
pub struct Options {
    pub customers: u64,
    pub opportunities: u64,
    pub tickets: u64,
    pub seed: u64,
    /// When the last customer came in.
    pub now: Timestamp,
}

/// What a fill has written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub teams: usize,
    pub users: usize,
    pub tags: usize,
    pub custom_fields: usize,
    pub customers: u64,
    pub contacts: u64,
    pub opportunities: u64,
    pub line_items: u64,
    pub products: usize,
    pub tickets: u64,
    pub messages: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("this tenant is filled with demo data already; make another with `farley tenant create`")]
    AlreadyFilled,
    /// A name or key that the demo gives is taken.
    #[error(
        "this tenant has records of its own that the demo data would repeat; make another tenant with `farley tenant create`, and give `--tenant`"
    )]
    Occupied,
    #[error(transparent)]
    Store(StoreError),
    /// The demo data break a rule of the domain: a bug.
    #[error("the demo data are wrong: {0}")]
    Faults(String),
    #[error("the demo data could not be made to the end")]
    Interrupted,
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Error {
        match error {
            StoreError::Taken(_) => Error::Occupied,
            other => Error::Store(other),
        }
    }
}

impl From<Faults> for Error {
    fn from(faults: Faults) -> Error {
        let texts: Vec<String> =
            faults.0.iter().map(|fault| format!("{} {}", fault.pointer, fault.message(Language::English))).collect();
        Error::Faults(texts.join("; "))
    }
}

/// Fills a tenant; `progress` hears how many customers, opportunities and tickets are there so far.
pub async fn fill(
    store: &Store,
    tenant: TenantKey,
    settings: &Tenant,
    options: &Options,
    progress: impl Fn(u64),
) -> Result<Summary, Error> {
    let opened = options.now.plus_seconds(-SPREAD_DAYS * 86_400);
    let base = Arc::new(base::fill(store, tenant, settings, options.seed, opened).await?);
    let mut summary = Summary {
        teams: base.teams,
        users: base.users,
        tags: base.tags.len(),
        custom_fields: base.custom_fields,
        products: base.products.len(),
        ..Summary::default()
    };
    let mut askers = Vec::new();
    let (send, mut batches) = mpsc::channel(AHEAD);
    let mut generator = Generator::new(Arc::clone(&base), options, opened);
    tokio::task::spawn_blocking(move || {
        // Ends at the last customer, at a fault, or when nobody listens any more.
        while let Some(batch) = generator.batch(BATCH) {
            let failed = batch.is_err();
            if send.blocking_send(batch).is_err() || failed {
                break;
            }
        }
    });
    while let Some(batch) = batches.recv().await {
        let batch = batch?;
        let before = summary.customers + summary.opportunities;
        askers.extend(batch.iter().map(asker).take(ASKERS - askers.len()));
        summary.contacts += batch.iter().map(|family| family.contacts.len() as u64).sum::<u64>();
        let deals = || batch.iter().flat_map(|family| &family.deals);
        summary.opportunities += deals().count() as u64;
        summary.line_items += deals().map(|deal| deal.lines.len() as u64).sum::<u64>();
        summary.customers += batch.len() as u64;
        write(store, tenant, &base, batch, |written| progress(before + written)).await?;
    }
    if summary.customers < options.customers {
        return Err(Error::Interrupted);
    }
    let before = summary.customers + summary.opportunities;
    let written = |tickets: u64| progress(before + tickets);
    (summary.tickets, summary.messages) = tickets::fill(store, tenant, &base, options, askers, written).await?;
    store.write::<_, StoreError>(tenant, Origin::system(options.now), |work| work.refresh_statistics()).await?;
    Ok(summary)
}

/// Who of a family asks the service desk for help.
fn asker(family: &Family) -> Asker {
    Asker {
        customer: family.customer.id(),
        contact: family.contacts.first().map(Record::id),
        is_chinese: !family.customer.of::<Customer>().get(Customer::name).is_ascii(),
    }
}

/// What is written as one: by whom and when, the object, the record.
type Entry = (Origin, &'static Object, Record);

/// Writes a batch, and waits for all of it: later customers may belong to these. Opportunities come after all customers.
async fn write(
    store: &Store,
    tenant: TenantKey,
    base: &Arc<base::Base>,
    batch: Vec<Family>,
    progress: impl Fn(u64),
) -> Result<(), Error> {
    let (mut customers, mut opportunities) = (Vec::new(), Vec::new());
    for Family { at, owner, customer, contacts, deals } in batch {
        let origin = origin(owner, at);
        let contacts = contacts.into_iter().map(|contact| (origin.clone(), Contact::object(), contact));
        customers.push([(origin.clone(), Customer::object(), customer)].into_iter().chain(contacts).collect());
        opportunities.extend(deals.into_iter().map(|deal| {
            let origin = self::origin(deal.owner, deal.at);
            let lines = deal.lines.into_iter().map(|line| (origin.clone(), LineItem::object(), line));
            [(origin.clone(), Opportunity::object(), deal.opportunity)].into_iter().chain(lines).collect::<Vec<Entry>>()
        }));
    }
    let mut written = 0;
    for entries in [customers, opportunities] {
        let mut writes = JoinSet::new();
        let mut entries = entries.into_iter();
        while entries.len() > 0 {
            let some: Vec<Vec<Entry>> = entries.by_ref().take(TOGETHER).collect();
            let (store, base) = (store.clone(), Arc::clone(base));
            writes.spawn(async move { insert(&store, tenant, base, some).await });
        }
        while let Some(ended) = writes.join_next().await {
            written += ended.map_err(|_| Error::Interrupted)??;
            progress(written);
        }
    }
    Ok(())
}

/// Inserts customers or opportunities, each with what belongs to it, in one transaction; how many.
async fn insert(store: &Store, tenant: TenantKey, base: Arc<base::Base>, entries: Vec<Vec<Entry>>) -> Result<u64, StoreError> {
    let Some(first) = entries.iter().flatten().map(|(origin, _, _)| origin.clone()).next() else { return Ok(0) };
    let work = move |work: &mut farley_persistence::Work<'_>| -> Result<u64, StoreError> {
        work.gather();
        for (origin, object, record) in entries.iter().flatten() {
            work.go_on_as(origin.clone());
            work.insert(&base.schema(object), &mut record.clone(), &Change::new("created"))?;
        }
        Ok(entries.len() as u64)
    };
    store.write(tenant, first, work).await
}

/// By whom and when something is made.
fn origin(owner: Option<base::Owner>, now: Timestamp) -> Origin {
    let actor = match owner {
        Some(owner) => Actor { kind: ActorKind::User, user_id: Some(owner.user), api_key_id: None, contact_id: None },
        None => Actor::SYSTEM,
    };
    Origin { actor, request_id: None, now, cause: None, client_tag: None }
}

/// A progress bar for the terminal; without a terminal it stays silent.
#[must_use]
pub fn progress_bar(options: &Options) -> ProgressBar {
    let bar = ProgressBar::new(options.customers + options.opportunities + options.tickets);
    let style = ProgressStyle::with_template(
        "{bar:40} {human_pos} of {human_len} customers, opportunities and tickets, {per_sec}, {eta} to go",
    );
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
