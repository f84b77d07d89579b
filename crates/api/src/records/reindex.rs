//! Records indexed again in the background: all of them after an upgrade that changes how text is folded, those of one object
//! after a custom field of it came in or out of search.

use farley_domain::{
    model::{
        field::{FieldType, Op},
        object::{Object, Schema},
        operand::Operand,
        recurring, registry,
    },
    query::predicate::Predicate,
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{LookupPlace, Origin, Work};
use serde::{Deserialize, Serialize};

use super::area::{Halt, Job};
use crate::{
    access::{principal, unrestricted::Unrestricted},
    http::{clock, problem::Problem},
};

pub const KIND: &str = "text_index";

/// Records indexed in one transaction.
const AT_ONCE: usize = 100;
pub const ATTEMPTS: i64 = 10;

/// What is still to be done.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Payload {
    /// One object; all of them, if none is told.
    object: Option<String>,
    /// The object being done, and behind which of its records to go on.
    #[serde(default)]
    at: Option<(String, Id)>,
    /// That all its records are done, and behind which of the values they are found by to look for those of the past.
    #[serde(default)]
    stale: Option<LookupPlace>,
}

/// Has the records of an object indexed again.
pub fn ask(work: &mut Work<'_>, object: &'static Object, now: Timestamp) -> Result<(), Problem> {
    let payload = serde_json::to_value(Payload { object: Some(object.name.to_owned()), ..Payload::default() });
    let payload = payload.map_err(|error| Problem::internal(error.to_string()))?;
    work.enqueue_once(KIND, object.name, &payload, now, ATTEMPTS)?;
    Ok(())
}

/// What a job says that indexes the records of all objects.
#[must_use]
pub fn of_everything() -> String {
    serde_json::to_string(&Payload::default()).unwrap_or_else(|_| "{}".to_owned())
}

/// Does the job: a batch after the other. A node that stops leaves word where it was.
pub async fn perform(job: Job) -> Result<(), Halt> {
    let mut payload: Payload = serde_json::from_str(&job.payload).map_err(|error| Halt::Failed(error.to_string()))?;
    loop {
        let doing = payload.clone();
        let batch = job.state.background.write::<_, Problem>(job.tenant, Origin::system(clock::now()), move |work| {
            let mut next = doing.clone();
            let done = batch(work, &mut next)?;
            Ok((next, done))
        });
        let (next, done) = batch.await?;
        if done {
            return Ok(());
        }
        payload = next;
        if job.state.stopping.is_begun() {
            let key = payload.object.clone().unwrap_or_else(|| "all".to_owned());
            let rest = serde_json::to_value(&payload).map_err(|error| Halt::Failed(error.to_string()))?;
            let now = clock::now();
            let left = job.state.background.write::<_, Problem>(job.tenant, Origin::system(now), move |work| {
                work.enqueue_once(KIND, &key, &rest, now, ATTEMPTS)?;
                Ok(())
            });
            left.await?;
            return Ok(());
        }
    }
}

/// Indexes the next records; true if there are no more.
fn batch(work: &mut Work<'_>, payload: &mut Payload) -> Result<bool, Problem> {
    let objects: Vec<&'static Object> = registry::objects()
        .into_iter()
        .filter(|object| is_indexed(object) && payload.object.as_ref().is_none_or(|only| only == object.name))
        .collect();
    let (from, after) = match &payload.at {
        Some((name, id)) => (objects.iter().position(|object| object.name == name).unwrap_or(objects.len()), Some(*id)),
        None => (0, None),
    };
    let Some(object) = objects.get(from) else { return Ok(true) };
    let schema = principal::system(work.reader())?.schema(object);
    if let Some(behind) = &payload.stale {
        payload.stale = work.forget_stale_lookups(&schema, &Unrestricted, behind)?;
        let is_next = payload.stale.is_none();
        let Some(next) = objects.get(from + usize::from(is_next)) else { return Ok(true) };
        payload.at = Some((next.name.to_owned(), Id::NIL));
        return Ok(false);
    }
    let predicate = match (after, recurring::ID.of(object)) {
        (Some(id), Some(field)) => Predicate::test(field, Op::Gt, Operand::Id(id)),
        _ => Predicate::all(),
    };
    let records = work.reader().find(&schema, &Unrestricted, &predicate, AT_ONCE)?;
    for record in &records {
        again(work, &schema, record.id())?;
    }
    match records.last().filter(|_| records.len() == AT_ONCE) {
        Some(last) => payload.at = Some((object.name.to_owned(), last.id())),
        None => {
            payload.at = Some((object.name.to_owned(), Id::NIL));
            payload.stale = Some(LookupPlace::before(""));
        }
    }
    Ok(false)
}

/// Indexes a record as it is now; nobody changes it meanwhile.
pub fn again(work: &mut Work<'_>, schema: &Schema, id: Id) -> Result<(), Problem> {
    if let Some(loaded) = work.load(schema, &Unrestricted, id, &Predicate::all())? {
        work.index_again(schema, &loaded.record)?;
    }
    Ok(())
}

fn is_indexed(object: &Object) -> bool {
    let is_looked_up = |kind: &FieldType| matches!(kind, FieldType::Structure(structure) if structure.link.is_none());
    object.is_searchable() || object.fields.iter().any(|field| field.keyed.is_some() || is_looked_up(&field.kind))
}
