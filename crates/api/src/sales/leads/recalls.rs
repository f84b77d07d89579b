//! Records that fall back into their pools because nobody follows them up: a recurring job for each tenant.

use std::{collections::HashMap, sync::Arc};

use farley_domain::{
    identity::access::Action,
    model::{entity::Entity, object::Object, record::Record, recurring},
    query::predicate::Predicate,
    sales::{
        leads::{
            pool::{Held, Pool, Pooled, Recall, recall, shortest},
            status::LeadStatus,
        },
        opportunity::{Opportunity, OpportunityStatus},
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Holding, Origin, Reader, TenantKey, Work};
use serde_json::{Map, json};

use super::claims::{forget_rule, tell_end};
use crate::{
    access::{
        principal,
        state::State,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::problem::Problem,
    records::{lookup, named::Named, write::Writer},
};

/// The kind of the recurring job.
pub const KIND: &str = "pool_recalls";
/// How many records are looked at in one piece of work.
const AT_ONCE: i64 = 100;

/// Looks through the pools of a tenant: warns holders, and takes back what was left alone.
pub async fn perform(state: &State, tenant: TenantKey, now: Timestamp) -> Result<(), Problem> {
    let pools = state.background.read::<_, Problem>(tenant, lookup::all::<Pool>).await?;
    for pool in pools.into_iter().filter(|pool| !pool.is_archived()) {
        let (Some(age), Some(object)) = (shortest(&pool), pool.get(Pool::object).map(Pooled::object)) else { continue };
        let pool = Arc::new(pool);
        let mut after: Option<(Timestamp, Id)> = None;
        loop {
            let (id, before) = (pool.id(), now.plus_seconds(-age));
            let asked = Arc::clone(&pool);
            let reading = state.background.read::<_, Problem>(tenant, move |reader| {
                let holdings = reader.holdings_since(object, id, before, after, AT_ONCE)?;
                let last = holdings.last().map(|last| (last.since, last.id));
                Ok((last, in_question(reader, object, &asked, now, holdings)?))
            });
            let (last, holdings) = reading.await?;
            let Some(last) = last else { break };
            after = Some(last);
            if holdings.is_empty() {
                continue;
            }
            let pool = Arc::clone(&pool);
            let written = state.background.write::<_, Problem>(tenant, Origin::system(now), move |work| {
                let principal = Arc::new(principal::system(work.reader())?);
                let writer = Writer { principal, object, now, parent: None, quiet: false };
                holdings.iter().try_for_each(|holding| look_after(work, &writer, &pool, holding))
            });
            written.await?;
        }
    }
    Ok(())
}

/// The holdings about which something is to be done: few, so that most records are only read.
fn in_question(
    reader: &mut Reader<'_>,
    object: &'static Object,
    pool: &Record<Pool>,
    now: Timestamp,
    holdings: Vec<Holding>,
) -> Result<Vec<Holding>, Problem> {
    let ids: Vec<Id> = holdings.iter().map(|holding| holding.record).collect();
    let layout = Work::layout(&without_custom_fields(object));
    let rows = reader.by_ids(&layout, &Unrestricted, &ids, &Predicate::all())?;
    let records: HashMap<Id, Record> =
        rows.into_iter().map(|row| Ok((row.id(), row.to_record()?))).collect::<Result<_, Problem>>()?;
    let mut found = Vec::new();
    for holding in holdings {
        if let Some(record) = records.get(&holding.record)
            && verdict(reader, object, pool, record, &holding, now)? != Recall::No
        {
            found.push(holding);
        }
    }
    Ok(found)
}

/// What is to be done about a record and its holder. A holder is warned once, and again after something was done in the meantime.
fn verdict(
    reader: &mut Reader<'_>,
    object: &'static Object,
    pool: &Record<Pool>,
    record: &Record,
    holding: &Holding,
    now: Timestamp,
) -> Result<Recall, Problem> {
    let still = record.get(recurring::OWNER_ID) == Some(holding.user) && record.get(recurring::POOL_ID) == Some(holding.pool);
    let open = match Pooled::of(object) {
        Some(Pooled::Lead) => LeadStatus::of(record.of()).is_open(),
        Some(Pooled::Customer) | None => true,
    };
    if !still || !open || record.is_archived() {
        return Ok(Recall::No);
    }
    let last_activity_at = record.get(recurring::LAST_ACTIVITY_AT);
    let has_deal = has_deal(reader, object, record, holding.since)?;
    let held = Held { since: holding.since, last_activity_at, has_deal };
    let told = holding.warned_at.is_some_and(|warned| last_activity_at.is_none_or(|last| last < warned));
    Ok(match recall(pool, held, now) {
        Recall::Warn(_) if told => Recall::No,
        verdict => verdict,
    })
}

fn look_after(work: &mut Work<'_>, writer: &Writer, pool: &Record<Pool>, holding: &Holding) -> Result<(), Problem> {
    let object = writer.object;
    let loaded = match writer.load(work, &Named::Id(holding.record), Action::Update) {
        Ok(loaded) => loaded,
        // Gone since the holdings were listed.
        Err(problem) if problem.code == crate::http::problem::Code::NotFound => return Ok(()),
        Err(problem) => return Err(problem),
    };
    let record = &loaded.record;
    match verdict(work.reader(), object, pool, record, holding, writer.now)? {
        Recall::No => Ok(()),
        Recall::Warn(at) => warn(work, object, record, holding, at),
        Recall::Now(reason) => {
            let mut record = record.clone();
            record.clear(recurring::OWNER_ID);
            record.clear(recurring::TEAM_ID);
            forget_rule(&mut record);
            let record = writer.store(work, &loaded, record, "recalled")?;
            tell_end(work, record.id(), "recalled", Some(reason.as_str()))
        }
    }
}

fn warn(work: &mut Work<'_>, object: &Object, record: &Record, holding: &Holding, at: Timestamp) -> Result<(), Problem> {
    work.warned(holding.id)?;
    let changes = Map::from_iter([
        ("recall_at".to_owned(), json!({"from": null, "to": at})),
        ("holder_id".to_owned(), json!({"from": null, "to": holding.user})),
    ]);
    let customer = record.get(recurring::CUSTOMER_ID);
    work.event(object.name, "recall_warned", record.id(), record.version(), changes, customer.as_slice());
    Ok(())
}

/// Whether a customer has bought since a time. A lead's deal is its conversion, after which it is not looked at any more.
fn has_deal(reader: &mut Reader<'_>, object: &Object, record: &Record, since: Timestamp) -> Result<bool, Problem> {
    match Pooled::of(object) {
        Some(Pooled::Customer) => {}
        Some(Pooled::Lead) | None => return Ok(false),
    }
    let won = Predicate::Archived(false)
        .and(Opportunity::customer_id.eq(record.id()))
        .and(Opportunity::status.eq(OpportunityStatus::Won))
        .and(Opportunity::closed_at.gte(since));
    Ok(!reader.find(&without_custom_fields(Opportunity::object()), &Unrestricted, &won, 1)?.is_empty())
}
