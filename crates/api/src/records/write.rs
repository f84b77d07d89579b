//! Writing records: change, archive, restore, and what creating them shares with these. Each is one closure over a unit of work.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use farley_domain::{
    identity::{access::Action, user::User},
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        field::Field,
        field_rule::FieldRule,
        input,
        object::{Object, Parent, Schema},
        record::{Draft, Record},
        recurring, registry,
    },
    query::predicate::Predicate,
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Change, Layout, Loaded, Row, Work};
use serde_json::Value;

use super::{
    behaviour::{self, Behaviours, Shown, Writing},
    mutation::{Answer, Mutation, if_match},
    named::Named,
    notify, references,
    versions::{self, Versions},
};
use crate::{
    access::{call::Call, principal::Principal},
    http::{
        problem::{Code, Problem},
        request::{Body, parameters, refuse_rest, take},
    },
};

/// Writes of one object by one caller; imports use it as the handlers do.
#[derive(Clone)]
pub struct Writer {
    pub principal: Arc<Principal>,
    pub object: &'static Object,
    pub now: Timestamp,
    /// The record that a path names as the one whose parts are written.
    pub parent: Option<Named>,
    /// Whether nobody is notified: of a thousand imported records nobody wants to hear one by one.
    pub quiet: bool,
}

impl Writer {
    #[must_use]
    pub fn of(call: &Call, object: &'static Object) -> Writer {
        Writer { principal: Arc::clone(&call.principal), object, now: call.now, parent: None, quiet: false }
    }

    /// Writes below the parent that the path of a request names, if the object has parents.
    pub fn of_request(call: &Call, object: &'static Object, request: &HttpRequest) -> Result<Writer, Problem> {
        Ok(Writer { parent: parent_named(object, request)?, ..Writer::of(call, object) })
    }

    /// The same caller, writing another object.
    #[must_use]
    pub fn on(&self, object: &'static Object) -> Writer {
        Writer { principal: Arc::clone(&self.principal), object, now: self.now, parent: None, quiet: self.quiet }
    }

    /// Reads the record that a part belongs to or is to belong to, for a change of the part: nobody else changes it meanwhile.
    pub(super) fn load_parent(&self, work: &mut Work<'_>, part: &Record) -> Result<Option<Loaded>, Problem> {
        let Some(parent) = self.object.parent else { return Ok(None) };
        let named = match (&self.parent, named_by(part, parent)) {
            (Some(named), _) => named.clone(),
            (None, Some(id)) => Named::Id(id),
            (None, None) => {
                let pointer = format!("/{}", parent.field);
                return Err(Fault::new(pointer, FaultCode::Required).into());
            }
        };
        let object = registry::object(parent.object).ok_or_else(Problem::not_found)?;
        let loaded = self.on(object).load(work, &named, Action::Update)?;
        if loaded.record.is_archived() {
            return Err(Problem::archived());
        }
        Ok(Some(loaded))
    }

    #[must_use]
    pub fn schema(&self) -> Schema {
        self.principal.schema(self.object)
    }

    pub(super) fn rule(&self) -> impl Fn(&Field) -> Option<FieldRule> {
        let (principal, object) = (Arc::clone(&self.principal), self.object);
        move |field| principal.asker.grants.rule(object, field)
    }

    /// Rows that the caller may read; none at all is a problem.
    fn readable(&self) -> Result<Predicate, Problem> {
        let rows = self.principal.asker.rows(self.object, Action::Read);
        rows.ok_or_else(|| Problem::forbidden(Action::Read.as_str(), self.object.name))
    }

    /// Demands the permission on some records at least.
    pub fn permit(&self, action: Action) -> Result<(), Problem> {
        match self.principal.asker.grants.scope(self.object.name, action) {
            Some(_) => Ok(()),
            None => Err(Problem::forbidden(action.as_str(), self.object.name)),
        }
    }

    pub(super) fn reach(&self, action: Action, record: &Record) -> Result<(), Problem> {
        // A part is reached with its parent, which has been loaded for the purpose; what is attached is read by the rows it is among.
        let attached = self.object.attached.is_some() && action == Action::Read;
        if attached || self.object.parent.is_some() || self.principal.asker.reaches(self.object, action, record) {
            Ok(())
        } else {
            Err(Problem::forbidden(action.as_str(), self.object.name))
        }
    }

    /// Judges where a change puts a record as if it were created there: nobody hands a record to where they could not make one. Users
    /// make no users by joining teams: who may change them there may move them there.
    pub fn reach_place(&self, before: &Record, after: &Record) -> Result<(), Problem> {
        let stays = [recurring::OWNER_ID, recurring::USER_ID, recurring::TEAM_ID, recurring::POOL_ID]
            .into_iter()
            .all(|place| !self.object.bears(place) || before.agrees(place, after));
        let action = if self.object.name == User::NAME { Action::Update } else { Action::Create };
        if stays { Ok(()) } else { self.reach(action, after) }
    }

    /// The time of a change: later than what it changes, whatever the order in which requests arrived.
    fn time_of(&self, before: Option<&Record>) -> Timestamp {
        before.map_or(self.now, |before| before.next_change_at(self.now))
    }

    /// The rules of the object, over a record about to be written.
    pub fn apply_rules(&self, schema: &Schema, before: Option<&Record>, after: Record) -> Result<Record, Problem> {
        let standards = self.principal.standards(self.now);
        let user = Some(self.principal.user_id());
        let now = self.time_of(before);
        let mut draft = Draft { schema, standards: &standards, before, after, faults: Faults::default(), user, now };
        for rule in &self.object.rules {
            rule.apply(&mut draft);
        }
        if draft.faults.is_empty() { Ok(draft.after) } else { Err(self.unhidden(Problem::rule(draft.faults), before)) }
    }

    /// Reads a record for a change, in the order in which problems are told: 404, 403, 412.
    pub fn load(&self, work: &mut Work<'_>, named: &Named, action: Action) -> Result<Loaded, Problem> {
        let within = self.readable()?;
        let id = named.find(work.reader(), &self.principal, self.object)?.ok_or_else(Problem::not_found)?;
        let view = self.principal.view(self.now);
        if let Some(parent) = self.object.parent {
            // The parent is locked before its part, as every writer of parts does.
            let layout = Arc::new(Layout::of(&self.schema(), &|_| true, Some(&[parent.field.to_owned()]), &[]));
            let part = work.reader().get(&layout, &view, id, &within)?.ok_or_else(Problem::not_found)?.to_record()?;
            let parent_id = self.load_parent(work, &part)?.map(|loaded| loaded.record.id());
            if named_by(&part, parent) != parent_id {
                return Err(Problem::not_found());
            }
        }
        let loaded = work.load(&self.schema(), &view, id, &within)?.ok_or_else(Problem::not_found)?;
        self.reach(action, &loaded.record)?;
        Ok(loaded)
    }

    /// What is wrong with a merge patch, whatever record it is of.
    pub fn check_patch(&self, body: &Value) -> Result<(), Faults> {
        let (schema, standards) = (self.schema(), self.principal.standards(self.now));
        let reader = input::Reader { schema: &schema, standards: &standards, rule: &self.rule() };
        reader.patch(&Record::new(self.object), body).map(drop)
    }

    /// Changes a record by a merge patch.
    pub fn patch(&self, work: &mut Work<'_>, loaded: &Loaded, body: &Value) -> Result<Record, Problem> {
        if loaded.record.is_archived() {
            return Err(Problem::archived());
        }
        let schema = self.schema();
        let standards = self.principal.standards(self.now);
        let reader = input::Reader { schema: &schema, standards: &standards, rule: &self.rule() };
        let mut record = reader.patch(&loaded.record, body)?;
        let team = recurring::TEAM_ID.name();
        // A whole record that is sent back names the team that it has: only another one is meant.
        let stays = !self.object.bears(recurring::TEAM_ID) || loaded.record.agrees(recurring::TEAM_ID, &record);
        let follows = stays && self.follow_owner(work, &loaded.record, &mut record)?;
        let record = self.apply_rules(&schema, Some(&loaded.record), record)?;
        self.reach_place(&loaded.record, &record)?;
        let mut settled = references::kept_in_step(self.object, body);
        settled.extend(follows.then_some(team));
        self.store_settled(work, loaded, record, "updated", &settled)
    }

    /// Checks and stores a changed record; nothing is written if it is as before.
    pub fn store(&self, work: &mut Work<'_>, loaded: &Loaded, record: Record, verb: &str) -> Result<Record, Problem> {
        self.store_settled(work, loaded, record, verb, &[])
    }

    /// The same where Farley itself filled in the fields `settled`: what they refer to need not be known to the caller.
    pub fn store_settled(
        &self,
        work: &mut Work<'_>,
        loaded: &Loaded,
        record: Record,
        verb: &str,
        settled: &[&str],
    ) -> Result<Record, Problem> {
        let stored = self.store_judged(work, loaded, record, verb, settled);
        stored.map_err(|problem| self.unhidden(problem, Some(&loaded.record)))
    }

    fn store_judged(
        &self,
        work: &mut Work<'_>,
        loaded: &Loaded,
        mut record: Record,
        verb: &str,
        settled: &[&str],
    ) -> Result<Record, Problem> {
        if record == loaded.record {
            return Ok(record);
        }
        let schema = self.schema();
        let before = Some(&loaded.record);
        references::check(work, &self.principal, self.now, &schema, before, &record, settled)?;
        references::check_tree(work, &self.principal, self.now, &schema, before, &record)?;
        let behaviour = behaviour::of(self.object)?;
        let writing = Writing::new(&self.principal, self.time_of(before), before);
        (behaviour.before)(work, &writing, &mut record)?;
        references::check_unique(work, Some((&self.principal, self.now)), self.object, before, &record)?;
        let verb = (behaviour.verb)(&loaded.record, &record).unwrap_or(verb);
        work.update(&schema, loaded, &mut record, &Change::new(verb))?;
        (behaviour.after)(work, &writing, &record)?;
        self.notify(work, &writing, &behaviour, &record)?;
        Ok(record)
    }

    pub(super) fn notify(
        &self,
        work: &mut Work<'_>,
        writing: &Writing<'_>,
        behaviour: &Behaviours,
        record: &Record,
    ) -> Result<(), Problem> {
        if self.quiet { Ok(()) } else { notify::of_write(work, writing, (self.object, behaviour), record) }
    }

    pub fn archive(&self, work: &mut Work<'_>, loaded: &Loaded, archive: bool) -> Result<Record, Problem> {
        self.archive_judged(work, loaded, archive).map_err(|problem| self.unhidden(problem, Some(&loaded.record)))
    }

    fn archive_judged(&self, work: &mut Work<'_>, loaded: &Loaded, archive: bool) -> Result<Record, Problem> {
        if loaded.record.is_archived() == archive {
            return Ok(loaded.record.clone());
        }
        let mut record = loaded.record.clone();
        let now = self.time_of(Some(&loaded.record));
        record.set(recurring::ARCHIVED_AT, archive.then_some(now));
        let behaviour = behaviour::of(self.object)?;
        let writing = Writing::new(&self.principal, now, Some(&loaded.record));
        (behaviour.before)(work, &writing, &mut record)?;
        if !archive {
            references::check_unique(work, Some((&self.principal, self.now)), self.object, Some(&loaded.record), &record)?;
        }
        let record = work.archive(&self.schema(), loaded, record, archive)?;
        (behaviour.after)(work, &writing, &record)?;
        Ok(record)
    }

    /// What any answer shows of a record as it is stored now: what the caller may read of it. Of one that they may write and not read,
    /// they learn which it is.
    pub fn shown(&self, work: &mut Work<'_>, id: Id) -> Result<Row, Problem> {
        let (layout, view) = (self.principal.layout(self.object), self.principal.view(self.now));
        if let Some(rows) = self.principal.asker.rows(self.object, Action::Read)
            && let Some(row) = work.reader().get(&layout, &view, id, &rows)?
        {
            return Ok(row);
        }
        let parent = self.object.parent.map(|parent| parent.field.to_owned());
        let named: Vec<String> = parent.into_iter().chain([recurring::VERSION.name().to_owned()]).collect();
        let bare = Layout::of(&self.schema(), &|_| true, Some(&named), &[]);
        work.row(&Arc::new(bare), &view, id)?.ok_or_else(Problem::not_found)
    }

    /// The same of a record as this work has just stored it, which need not be read back where it is plain that the caller may read it.
    fn shown_of(&self, work: &mut Work<'_>, record: &Record) -> Result<Row, Problem> {
        let (layout, view) = (self.principal.layout(self.object), self.principal.view(self.now));
        if self.principal.asker.reaches(self.object, Action::Read, record)
            && let Some(row) = work.stored_row(&layout, &view, record)?
        {
            return Ok(row);
        }
        self.shown(work, record.id())
    }

    /// The answer that shows a record as it is stored now, whoever has written it.
    pub fn answer_as_stored(&self, work: &mut Work<'_>, status: u16, id: Id) -> Result<Answer, Problem> {
        Answer::record(status, &self.shown(work, id)?)
    }

    /// The answer that shows a record as this work has just stored it.
    pub fn answer(&self, work: &mut Work<'_>, status: u16, record: &Record, shown: Shown) -> Result<Answer, Problem> {
        // What is shown once is kept beside the record, and so may be more that belongs to it. And what a change sets off may change
        // the record again: a lead given up has no next task.
        let as_made = shown.is_empty() && status == 201;
        let row = if as_made { self.shown_of(work, record)? } else { self.shown(work, record.id())? };
        debug_assert_eq!(self.shown(work, record.id())?.to_value()?, row.to_value()?, "the answer is not what is stored");
        let mut answer = Answer::record(status, &row)?;
        if !shown.is_empty() {
            let mut once = row;
            once.expanded.extend(shown);
            let body = serde_json::to_string(&once)?;
            answer.replayed_body = Some(std::mem::replace(&mut answer.body, body));
        }
        Ok(answer)
    }
}

impl<E> Writing<'_, E> {
    /// The caller, writing another object in the same work.
    #[must_use]
    pub fn writer(&self, object: &'static Object) -> Writer {
        Writer { principal: std::sync::Arc::clone(self.principal), object, now: self.now, parent: None, quiet: false }
    }
}

/// The parent that a part names.
pub(super) fn named_by(part: &Record, parent: Parent) -> Option<Id> {
    part.object().field(parent.field).and_then(|field| part.cell(field).as_id())
}

/// The parent that the path of a request names, for an object whose records are parts of others.
pub fn parent_named(object: &Object, request: &HttpRequest) -> Result<Option<Named>, Problem> {
    object.parent.and_then(|parent| request.match_info().get(parent.field)).map(Named::parse).transpose()
}

/// Runs a write of an object, and lets go of what caches knew if it changes that.
pub(super) async fn run(
    object: &'static Object,
    call: &Call,
    mutation: Mutation,
    work: impl Fn(&mut Work<'_>) -> Result<Answer, Problem> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let behaviour = behaviour::of(object)?;
    let response = mutation.run(call, work).await?;
    if behaviour.changes_principals {
        call.state.principals.forget();
    }
    Ok(response)
}

pub async fn update(object: &'static Object, call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    let expected = if_match(&request);
    let by_fields = by_fields(&mut parameters, expected.as_ref())?;
    refuse_rest(&parameters, &["validate_only", "on_conflict"])?;
    let named = Named::parse(request.match_info().query("id"))?;
    let writer = Writer::of_request(&call, object, &request)?;
    run(object, &call, mutation, move |work| update_in(work, &writer, &named, (expected.as_ref(), by_fields), &body.0)).await
}

/// Whether a change that was begun on another version goes through if none of its fields has changed since.
pub fn by_fields(parameters: &mut Vec<(String, String)>, expected: Option<&Versions>) -> Result<bool, Problem> {
    match take(parameters, "on_conflict")?.as_deref() {
        None => Ok(false),
        Some("fields") if expected.is_none() => Err(Problem::new(Code::PreconditionRequired)),
        Some("fields") => Ok(true),
        Some(_) => {
            let fault = Fault::new("on_conflict", FaultCode::UnknownChoice);
            Err(fault.with("choices", "fields").into())
        }
    }
}

/// Changes a record in some work, and answers with it.
pub fn update_in(
    work: &mut Work<'_>,
    writer: &Writer,
    named: &Named,
    (expected, by_fields): (Option<&Versions>, bool),
    patch: &Value,
) -> Result<Answer, Problem> {
    let loaded = writer.load(work, named, Action::Update)?;
    if let Some(expected) = expected {
        let patch = by_fields.then_some(patch);
        versions::check(work, &writer.principal, writer.object, &loaded.record, expected, patch)?;
    }
    let record = writer.patch(work, &loaded, patch)?;
    writer.answer(work, 200, &record, Shown::new())
}

pub async fn archive_one(object: &'static Object, call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    archive(object, call, request, true).await
}

pub async fn restore(object: &'static Object, call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    archive(object, call, request, false).await
}

/// `DELETE` archives, `POST …/restore` brings back; doing it twice changes nothing the second time.
async fn archive(object: &'static Object, call: Call, request: HttpRequest, archive: bool) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &Value::Null)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let expected: Option<Versions> = if_match(&request);
    let named = Named::parse(request.match_info().query("id"))?;
    let writer = Writer::of_request(&call, object, &request)?;
    run(object, &call, mutation, move |work| archive_in(work, &writer, &named, expected.as_ref(), archive)).await
}

/// Archives a record in some work or brings it back, and answers.
pub fn archive_in(
    work: &mut Work<'_>,
    writer: &Writer,
    named: &Named,
    expected: Option<&Versions>,
    archive: bool,
) -> Result<Answer, Problem> {
    let loaded = writer.load(work, named, Action::Archive)?;
    if let Some(expected) = expected {
        versions::check(work, &writer.principal, writer.object, &loaded.record, expected, None)?;
    }
    let record = writer.archive(work, &loaded, archive)?;
    if archive { Ok(Answer::no_content()) } else { writer.answer(work, 200, &record, Shown::new()) }
}
