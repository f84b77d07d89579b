//! What became of the rows of a request, and who is told of it.

use std::collections::HashMap;

use farley_domain::{
    activities::notification::NotificationKind,
    model::{fault::Language, record::Record},
    values::id::Id,
};
use farley_persistence::Work;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    http::problem::Problem,
    records::{
        behaviour::{self, Shown, Writing},
        lookup,
        notify::{self, News},
        write::Writer,
    },
};

/// How many faults are told of all rows together; of those after, the first of each row.
const MOST_FAULTS: usize = 1_000;

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BulkOutcome {
    Created,
    Updated,
    /// It was as asked already.
    Unchanged,
    Archived,
    /// Nothing of it was written.
    Failed,
    /// It would have gone well, but another failed, and all or none were to be written.
    RolledBack,
}

/// What a row came to, as it is kept until all are done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Done {
    pub place: usize,
    pub outcome: BulkOutcome,
    pub id: Option<Id>,
    pub told: Told,
    /// Who has got the record by it.
    pub given: Option<Id>,
    /// What is shown once is kept nowhere.
    #[serde(skip)]
    pub shown: Shown,
}

/// What is wrong with a row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Told {
    pub errors: Vec<Value>,
    /// The problem that the write of this row alone would be answered with.
    pub problem: Option<Value>,
}

impl Told {
    #[must_use]
    pub fn of(problem: &Problem, language: Language) -> Told {
        let mut problem = problem.to_json(language, "", "");
        let mut errors = Vec::new();
        if let Some(members) = problem.as_object_mut() {
            if let Some(Value::Array(told)) = members.shift_remove("errors") {
                errors = told;
            }
            // The request as a whole has these.
            members.retain(|name, _| name != "instance" && name != "request_id");
        }
        Told { errors, problem: Some(problem) }
    }
}

impl Done {
    #[must_use]
    pub fn failed(place: usize, problem: &Problem, language: Language) -> Done {
        let told = Told::of(problem, language);
        Done { place, outcome: BulkOutcome::Failed, id: None, told, given: None, shown: Shown::new() }
    }

    /// A record as it was and as it is now. Its owner is told later, of all their records together; of everything else people are told
    /// here, as by a write of its own.
    pub fn written(
        work: &mut Work<'_>,
        writer: &Writer,
        place: usize,
        (before, record): (Option<&Record>, &Record),
    ) -> Result<Done, Problem> {
        let outcome = match before {
            None => BulkOutcome::Created,
            Some(before) if before.version() == record.version() => BulkOutcome::Unchanged,
            Some(before) if record.is_archived() && !before.is_archived() => BulkOutcome::Archived,
            Some(_) => BulkOutcome::Updated,
        };
        let mut given = None;
        if outcome != BulkOutcome::Unchanged {
            let writing = Writing::new(&writer.principal, writer.now, before);
            notify::of_write_but_giving(work, &writing, (writer.object, &behaviour::of(writer.object)?), record)?;
            given = notify::given(before, record);
        }
        Ok(Done { place, outcome, id: Some(record.id()), told: Told::default(), given, shown: Shown::new() })
    }
}

/// Cuts off what is told of faults, if it is too much: the first of each row always is.
pub fn shorten(done: &mut [Done]) {
    let mut told = 0;
    for Told { errors, problem } in done.iter_mut().map(|one| &mut one.told) {
        if told + errors.len() > MOST_FAULTS && errors.len() > 1 {
            errors.truncate(1);
            if let Some(members) = problem.as_mut().and_then(Value::as_object_mut) {
                members.insert("truncated".to_owned(), json!(true));
            }
        }
        told += errors.len();
    }
}

/// How many rows have an outcome.
#[must_use]
pub fn count(done: &[Done], outcome: BulkOutcome) -> usize {
    done.iter().filter(|one| one.outcome == outcome).count()
}

/// Tells new owners, each once.
pub fn tell_owners(work: &mut Work<'_>, writer: &Writer, done: &[Done]) -> Result<(), Problem> {
    let mut given: Vec<(Id, Id, i64)> = Vec::new();
    let mut places: HashMap<Id, usize> = HashMap::new();
    for (owner, record) in done.iter().filter_map(|one| one.given.zip(one.id)) {
        let place = *places.entry(owner).or_insert_with(|| {
            given.push((owner, record, 0));
            given.len() - 1
        });
        given[place].2 += 1;
    }
    let actor = Some(writer.principal.user_id());
    for (owner, id, count) in given {
        let Some(record) = lookup::by_id(work, writer.object, id)? else { continue };
        let count = Some(count).filter(|count| *count > 1);
        let news = News { kind: NotificationKind::Assigned, object: writer.object, record: &record, actor, count };
        notify::tell(work, &news, &[owner])?;
    }
    Ok(())
}
