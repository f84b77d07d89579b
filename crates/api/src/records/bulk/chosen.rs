//! Which records a request is about: those it names, or those that a filter describes now.

use farley_domain::{
    identity::access::Action,
    model::{
        fault::{Fault, FaultCode, Faults},
        object::Object,
        record::Record,
    },
    query::list::ListQuery,
};
use serde_json::json;

use super::{MOST, change::BulkChange};
use crate::{
    access::{call::Call, unrestricted::without_custom_fields},
    http::problem::{Code, Problem},
    records::named::Named,
};

/// The records that a request is about, as it names them, and how many there are.
pub struct Chosen {
    pub names: Vec<String>,
    pub count: i64,
}

/// What is wrong with how a request says which records it is about, whatever is in the database.
pub fn check(asked: &Record<BulkChange>) -> Faults {
    let (ids, filter) = (asked.get(BulkChange::ids), asked.get(BulkChange::filter));
    let mut faults = Faults::default();
    match (ids.is_empty(), filter) {
        (true, None) => faults.add(Fault::new(BulkChange::ids.pointer(), FaultCode::Required)),
        (false, Some(_)) => {
            faults.add(Fault::new(BulkChange::filter.pointer(), FaultCode::Conflicting).with("other", BulkChange::ids.name()));
        }
        (true, Some(_)) | (false, None) => {}
    }
    for (place, _) in ids.iter().enumerate().filter(|(_, name)| Named::parse(name).is_err()) {
        faults.add(Fault::new(format!("{}/{place}", BulkChange::ids.pointer()), FaultCode::InvalidId));
    }
    faults
}

/// The records, at most so many of them. If the request expects another number than there is, it is refused.
pub async fn choose(object: &'static Object, call: &Call, asked: &Record<BulkChange>, most: usize) -> Result<Chosen, Problem> {
    let mut chosen = match asked.get(BulkChange::filter) {
        None => {
            let names = asked.get(BulkChange::ids);
            Chosen { count: i64::try_from(names.len()).unwrap_or(0), names }
        }
        Some(filter) => {
            let body = json!({(BulkChange::filter.name()): filter});
            matching(call, ListQuery::from_search_body(object, &body, &call.view())?, object).await?
        }
    };
    if let Some(expected) = asked.get(BulkChange::expected_count).filter(|expected| *expected != chosen.count) {
        let problem = Problem::new(Code::CountChanged).with("count", chosen.count).with("expected", expected);
        return Err(problem.member("count", chosen.count).member("expected_count", expected));
    }
    if chosen.names.len() > MOST && most == MOST {
        let fault = Fault::new(BulkChange::filter.pointer(), FaultCode::TooManyRows).with("max", MOST);
        return Err(Problem::rule(fault.into()));
    }
    chosen.names.truncate(most);
    Ok(chosen)
}

async fn matching(call: &Call, query: ListQuery, object: &'static Object) -> Result<Chosen, Problem> {
    call.rows(object, Action::Read)?;
    let (principal, now) = (std::sync::Arc::clone(&call.principal), call.now);
    let reading = call.state.store.read_heavily::<_, Problem>(call.claim(), move |reader| {
        let found = reader.find(&without_custom_fields(object), &principal.view(now), &query.predicate, MOST + 1)?;
        let count = match found.len() {
            // More than are counted one by one.
            len if len > MOST => reader.count(object, &query.predicate)?,
            len => i64::try_from(len).unwrap_or(0),
        };
        Ok(Chosen { names: found.iter().map(|record| record.id().to_string()).collect(), count })
    });
    reading.await
}
