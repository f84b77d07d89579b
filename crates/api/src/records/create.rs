//! Creating records: what needs no database first, then one closure over a unit of work.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use farley_domain::{
    identity::{access::Action, user::User},
    model::{
        cell::Cell,
        entity::Entity,
        fault::{Fault, FaultCode},
        input,
        object::{Object, Schema},
        record::Record,
        recurring,
    },
    query::{indexing::Foreseen, predicate::Predicate},
    values::id::Id,
};
use farley_persistence::{Change, Work};
use serde_json::Value;

use super::{
    behaviour::{self, Shown, Writing},
    mutation::{Answer, Mutation},
    parts::Part,
    references,
    write::{Writer, named_by, run},
};
use crate::{
    access::call::Call,
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
};

/// A record that is about to be created, as far as no database is needed for it.
pub struct Prepared {
    new: New,
    foreseen: Arc<Foreseen>,
}

/// A record as a body describes it, with the parts that come with it.
#[derive(Clone)]
struct New {
    record: Record,
    parts: Vec<Part>,
}

impl Writer {
    /// Does what the creation of a record needs no database for.
    pub fn prepare(&self, body: &Value) -> Result<Prepared, Problem> {
        let schema = self.schema();
        let new = self.read_new(&schema, body)?;
        Ok(Prepared { foreseen: Arc::new(Foreseen::of(&schema, &new.record)), new })
    }

    fn read_new(&self, schema: &Schema, body: &Value) -> Result<New, Problem> {
        self.permit(Action::Create)?;
        let standards = self.principal.standards(self.now);
        let (own, parts) = self.read_parts(body);
        let record = input::Reader { schema, standards: &standards, rule: &self.rule() }.create(&own);
        match (record, parts) {
            (Ok(record), Ok(parts)) => Ok(New { record, parts }),
            (Err(faults), Ok(_)) | (Ok(_), Err(faults)) => Err(faults.into()),
            (Err(mut faults), Err(of_parts)) => {
                faults.extend(of_parts.0);
                Err(faults.into())
            }
        }
    }

    /// Stores a new record; the record and what is shown of it once.
    pub fn create(&self, work: &mut Work<'_>, body: &Value) -> Result<(Record, Shown), Problem> {
        self.create_with(work, body, |_| ())
    }

    /// The same, with what Farley itself knows of the record.
    pub fn create_with(
        &self,
        work: &mut Work<'_>,
        body: &Value,
        complete: impl FnOnce(&mut Record),
    ) -> Result<(Record, Shown), Problem> {
        let new = self.read_new(&self.schema(), body)?;
        self.create_read(work, new, body, complete)
    }

    /// The same, of what has been prepared.
    pub fn create_prepared(&self, work: &mut Work<'_>, prepared: &Prepared, body: &Value) -> Result<(Record, Shown), Problem> {
        work.foresee(&prepared.foreseen);
        self.create_read(work, prepared.new.clone(), body, |_| ())
    }

    fn create_read(
        &self,
        work: &mut Work<'_>,
        new: New,
        body: &Value,
        complete: impl FnOnce(&mut Record),
    ) -> Result<(Record, Shown), Problem> {
        self.create_judged(work, new, body, complete).map_err(|problem| self.unhidden(problem, None))
    }

    fn create_judged(
        &self,
        work: &mut Work<'_>,
        New { mut record, parts }: New,
        body: &Value,
        complete: impl FnOnce(&mut Record),
    ) -> Result<(Record, Shown), Problem> {
        let schema = self.schema();
        if let (Some(parent), Some(loaded)) = (self.object.parent, self.load_parent(work, &record)?) {
            let given = named_by(&record, parent);
            if given.is_some_and(|given| given != loaded.record.id()) {
                return Err(Fault::new(format!("/{}", parent.field), FaultCode::NotFound).into());
            }
            if let Some(field) = self.object.field(parent.field) {
                record.put(field, Cell::Id(loaded.record.id()));
            }
        }
        complete(&mut record);
        let given_team = record.get(recurring::TEAM_ID);
        self.own(work, &mut record)?;
        let team_by_default = given_team.is_none() && record.get(recurring::TEAM_ID).is_some();
        let chooses_id = !record.is_null(recurring::ID);
        if !chooses_id {
            record.set(recurring::ID, work.new_id());
        }
        if !self.principal.is_system() {
            record.set(recurring::CREATED_BY, self.principal.user_id());
        }
        let mut record = self.apply_rules(&schema, None, record)?;
        self.reach(Action::Create, &record)?;
        // A team that comes with the owner need not be one that the caller may read of.
        let mut settled = references::kept_in_step(self.object, body);
        settled.extend(team_by_default.then_some(recurring::TEAM_ID.name()));
        references::check(work, &self.principal, self.now, &schema, None, &record, &settled)?;
        references::check_tree(work, &self.principal, self.now, &schema, None, &record)?;
        let behaviour = behaviour::of(self.object)?;
        let parts = self.complete_parts(work, &record, parts)?;
        let of_parts: Vec<Record> = parts.iter().map(|part| part.record.clone()).collect();
        let writing = Writing { parts: &of_parts, ..Writing::new(&self.principal, self.now, None) };
        (behaviour.before)(work, &writing, &mut record)?;
        references::check_unique(work, Some((&self.principal, self.now)), self.object, None, &record)?;
        if chooses_id {
            references::check_id(work, (&self.principal, self.now), self.object, &record)?;
        }
        work.insert(&schema, &mut record, &Change::new("created"))?;
        self.insert_parts(work, &record, parts)?;
        let shown = (behaviour.after)(work, &writing, &record)?;
        self.notify(work, &writing, &behaviour, &record)?;
        Ok((record, shown))
    }

    /// A new record belongs to whoever creates it, and to the owner's team, unless it says otherwise. What goes into a pool or
    /// waits for an owner belongs to nobody.
    fn own(&self, work: &mut Work<'_>, record: &mut Record) -> Result<(), Problem> {
        let has_team = self.object.bears(recurring::TEAM_ID) && !record.is_null(recurring::TEAM_ID);
        if !self.object.bears(recurring::OWNER_ID) {
            // What is about a user counts with the user's team.
            if let Some(user) = record.get(recurring::USER_ID).filter(|_| self.object.bears(recurring::TEAM_ID) && !has_team) {
                record.set(recurring::TEAM_ID, self.team_of(work, user)?);
            }
            return Ok(());
        }
        let waits = self.object.waits_for_owner || record.get(recurring::POOL_ID).is_some();
        if record.is_null(recurring::OWNER_ID) && !waits && !self.principal.is_system() {
            record.set(recurring::OWNER_ID, self.principal.user_id());
        }
        if let Some(owner) = record.get(recurring::OWNER_ID).filter(|_| !has_team) {
            record.set(recurring::TEAM_ID, self.team_of(work, owner)?);
        }
        Ok(())
    }

    /// The team of a user.
    pub fn team_of(&self, work: &mut Work<'_>, user: Id) -> Result<Option<Id>, Problem> {
        if user == self.principal.user_id() {
            return Ok(self.principal.asker.teams.first().copied());
        }
        let (schema, team) = (self.principal.schema(User::object()), User::team_id.name());
        let layout = Arc::new(farley_persistence::Layout::of(&schema, &|_| true, Some(&[team.to_owned()]), &[]));
        let row = work.reader().get(&layout, &self.principal.view(self.now), user, &Predicate::all())?;
        Ok(row.and_then(|row| row.cell(team).and_then(farley_persistence::Cell::as_id)))
    }
}

pub async fn create(object: &'static Object, call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let writer = Writer::of_request(&call, object, &request)?;
    writer.permit(Action::Create)?;
    // The writers of SQLite take turns: what needs no turn is done before. What is wrong may be the repetition of what once was right.
    let prepared = match writer.prepare(&body.0) {
        Ok(prepared) => Some(prepared),
        Err(_) if mutation.may_be_repeated() => None,
        Err(problem) => return Err(problem),
    };
    run(object, &call, mutation, move |work| create_in(work, &writer, &body.0, prepared.as_ref())).await
}

/// Creates a record in some work, and answers with it.
pub fn create_in(work: &mut Work<'_>, writer: &Writer, body: &Value, prepared: Option<&Prepared>) -> Result<Answer, Problem> {
    let (record, shown) = match prepared {
        Some(prepared) => writer.create_prepared(work, prepared, body)?,
        None => writer.create(work, body)?,
    };
    writer.answer(work, 201, &record, shown)
}
