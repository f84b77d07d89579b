//! What rules and macros may be written: everything in them must fit their object, and nobody has done by them what they may not do.

use std::sync::Arc;

use farley_domain::{
    activities::{activity::Activity, task::Task},
    automation::{
        action::{Action, Assignee},
        trigger::{Trigger, faults_of},
    },
    identity::{
        access::{Action as Permitted, Scope},
        team::Team,
        user::User,
    },
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        field::FieldType,
        field_rule::FieldRule,
        input,
        object::Object,
        record::Record,
        recurring, registry,
        structures::wording::Wording,
        template::placeholders,
    },
    query::predicate::{Predicate, parse},
    service::{
        calendar::Calendar,
        reply_template::ReplyTemplate,
        satisfaction::{survey::Survey, survey_response::SurveyResponse},
        sla_policy::SlaPolicy,
        ticket::Ticket,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Layout, Work};
use serde_json::{Map, Value, json};

use super::doing;
use crate::{
    access::principal::Principal,
    http::problem::Problem,
    records::{giving, references, words},
    service::satisfaction::SURVEY_LINK,
};

/// What has to be held to have something done, each with the place that asks for it.
#[derive(Default)]
pub struct Needs(Vec<(String, &'static Object, Permitted, Scope)>);

impl Needs {
    pub fn add(&mut self, pointer: &str, object: &'static Object, action: Permitted, scope: Scope) {
        self.0.push((pointer.to_owned(), object, action, scope));
    }

    /// Refuses what is not held.
    pub fn check(&self, principal: &Principal) -> Result<(), Problem> {
        for (pointer, object, action, scope) in &self.0 {
            if principal.asker.grants.scope(object.name, *action).is_none_or(|held| held < *scope) {
                return Err(Problem::beyond_held(pointer, &format!("{}:{}:{}", object.name, action.as_str(), scope.as_str())));
            }
        }
        Ok(())
    }
}

/// A check under way: of what somebody writes about the records of an object.
pub struct Check<'a> {
    pub principal: &'a Arc<Principal>,
    pub now: Timestamp,
    pub object: &'static Object,
    pub needs: Needs,
    /// What cannot be read.
    pub faults: Faults,
    /// What can be read and is not so.
    broken: Faults,
}

impl<'a> Check<'a> {
    #[must_use]
    pub fn new(principal: &'a Arc<Principal>, now: Timestamp, object: &'static Object) -> Check<'a> {
        let (needs, faults, broken) = (Needs::default(), Faults::default(), Faults::default());
        Check { principal, now, object, needs, faults, broken }
    }

    /// Leaves the permissions to whoever has it done.
    #[must_use]
    pub fn asks_no_permission(self) -> Check<'a> {
        Check { needs: Needs::default(), ..self }
    }

    /// The problem that has been found, if there is one.
    pub fn finish(self) -> Result<(), Problem> {
        if !self.faults.is_empty() {
            return Err(self.faults.into());
        }
        self.needs.check(self.principal)?;
        if self.broken.is_empty() { Ok(()) } else { Err(Problem::rule(self.broken)) }
    }

    /// Checks what sets a rule off.
    pub fn trigger(&mut self, work: &mut Work<'_>, trigger: &Trigger, pointer: &str) -> Result<(), Problem> {
        let schema = self.principal.schema(self.object);
        let sees = |field: &_| self.principal.asker.sees(self.object, field);
        let found = faults_of(trigger, &schema, &sees);
        self.faults.extend(found.0.into_iter().map(|fault| fault.under(pointer)));
        if let Trigger::Time(time) = trigger
            && let Some(calendar) = time.calendar_id
        {
            let place = format!("{pointer}{}", SlaPolicy::calendar_id.pointer());
            self.refer(work, Calendar::object(), vec![(place, calendar)])?;
        }
        self.needs.add(pointer, self.object, Permitted::Read, Scope::All);
        Ok(())
    }

    /// Checks a filter. It is asked of all records later on, so those whose fields it asks for must all be readable.
    pub fn filter(&mut self, filter: &Value, pointer: &str) {
        match parse::from_json(self.object, filter, &self.principal.view(self.now).of_nobody()) {
            Ok(predicate) => self.need_related(&predicate, pointer),
            Err(faults) => self.faults.extend(faults.0.into_iter().map(|fault| fault.under(pointer))),
        }
    }

    fn need_related(&mut self, predicate: &Predicate, pointer: &str) {
        match predicate {
            Predicate::And(parts) | Predicate::Or(parts) => parts.iter().for_each(|part| self.need_related(part, pointer)),
            Predicate::Not(part) | Predicate::Now(part) => self.need_related(part, pointer),
            Predicate::Related(related) => {
                self.needs.add(pointer, related.target, Permitted::Read, Scope::All);
                self.need_related(&related.predicate, pointer);
            }
            Predicate::Count(count) => self.needs.add(pointer, count.counted.target, Permitted::Read, Scope::All),
            Predicate::Test(_) | Predicate::Matches(_) | Predicate::Archived(_) => {}
        }
    }

    /// Checks what is done. Where it is done by whoever applies it, as macros are, that is the time to ask for permissions.
    pub fn actions(&mut self, work: &mut Work<'_>, actions: &[Action], pointer: &str) -> Result<(), Problem> {
        for (position, action) in actions.iter().enumerate() {
            self.action(work, action, &format!("{pointer}/{position}"))?;
        }
        Ok(())
    }

    fn action(&mut self, work: &mut Work<'_>, action: &Action, pointer: &str) -> Result<(), Problem> {
        let object = self.object;
        let updates = match action {
            Action::CreateTask(_) | Action::Notify(_) | Action::AskSurvey { .. } => false,
            Action::AddNote { .. } => object.name == Ticket::NAME,
            _ => true,
        };
        if updates {
            self.needs.add(pointer, object, Permitted::Update, Scope::All);
        }
        match action {
            Action::Set { fields } => self.set(work, fields, &format!("{pointer}/fields"))?,
            Action::AddTags { tag_ids } | Action::RemoveTags { tag_ids } => {
                let name = recurring::TAG_IDS.name();
                let places = tag_ids.iter().enumerate().map(|(at, id)| (format!("{pointer}/{name}/{at}"), *id));
                self.writable(name, &json!(tag_ids), pointer);
                if let Some(FieldType::References(link)) = object.field(name).map(|field| &field.kind)
                    && let Some(tag) = registry::object(link.target)
                {
                    self.refer(work, tag, places.collect())?;
                }
            }
            Action::Assign(Assignee { user_id, team_id }) => {
                self.writable(recurring::OWNER_ID.name(), &json!(user_id.unwrap_or(Id::NIL)), pointer);
                if let Some(user) = user_id {
                    self.taker(work, format!("{pointer}{}", recurring::USER_ID.pointer()), *user)?;
                }
                if let Some(team) = team_id {
                    self.refer(work, Team::object(), vec![(format!("{pointer}{}", recurring::TEAM_ID.pointer()), *team)])?;
                }
            }
            Action::CreateTask(task) => {
                self.needs.add(pointer, Task::object(), Permitted::Create, Scope::All);
                self.text(&task.subject, &format!("{pointer}/subject"));
                if let Some(description) = &task.description {
                    self.text(description, &format!("{pointer}/description"));
                }
                if let Some(user) = task.user_id {
                    self.taker(work, format!("{pointer}{}", recurring::USER_ID.pointer()), user)?;
                }
            }
            Action::Notify(notice) => {
                let users = notice.user_ids.iter().enumerate();
                let places = users.map(|(at, id)| (format!("{pointer}/{}/{at}", doing::USERS), *id));
                self.refer(work, User::object(), places.collect())?;
                if let Some(message) = &notice.message {
                    self.text(message, &format!("{pointer}/message"));
                }
            }
            Action::AddNote { text } => {
                if !doing::takes_notes(object) {
                    self.refuse_kind(pointer);
                }
                if object.name != Ticket::NAME {
                    self.needs.add(pointer, Activity::object(), Permitted::Create, Scope::All);
                }
                self.wording(text, pointer);
            }
            Action::Reply { text, template_id } => {
                if object.name != Ticket::NAME {
                    self.refuse_kind(pointer);
                }
                if let Some(text) = text {
                    self.wording(text, pointer);
                }
                if let Some(template) = template_id {
                    self.refer(work, ReplyTemplate::object(), vec![(format!("{pointer}/template_id"), *template)])?;
                }
            }
            Action::AskSurvey { survey_id } => {
                if object.name != Ticket::NAME {
                    self.refuse_kind(pointer);
                }
                self.needs.add(pointer, SurveyResponse::object(), Permitted::Create, Scope::All);
                let place = format!("{pointer}{}", SurveyResponse::survey_id.pointer());
                self.refer(work, Survey::object(), vec![(place, *survey_id)])?;
            }
            Action::Perform { action } => {
                let known: Vec<&str> = doing::performances(object).map(|known| known.action).collect();
                if !known.contains(&action.as_str()) {
                    let fault = Fault::new(format!("{pointer}/action"), FaultCode::UnknownChoice);
                    self.faults.add(fault.with("choices", known.join(", ")));
                }
            }
        }
        Ok(())
    }

    /// Says that there is no such action for the object.
    fn refuse_kind(&mut self, pointer: &str) {
        let fault = Fault::new(format!("{pointer}/type"), FaultCode::WrongType);
        self.faults.add(fault.with("expected", "an action that this object has"));
    }

    /// A field that an action writes must be there, and the writer's to write.
    fn writable(&mut self, name: &str, value: &Value, pointer: &str) {
        let Some(field) = self.object.field(name) else { return self.refuse_kind(pointer) };
        let refused = match self.principal.asker.grants.rule(self.object, field) {
            Some(FieldRule::Hidden | FieldRule::ReadOnly) => true,
            None => false,
        };
        if refused && !value.is_null() {
            self.faults.add(Fault::new(format!("{pointer}/type"), FaultCode::NotPermitted));
        }
    }

    /// Checks values as a patch of a record would be. What is required of a record for such a change is seen when it is made.
    fn set(&mut self, work: &mut Work<'_>, fields: &Map<String, Value>, pointer: &str) -> Result<(), Problem> {
        let (object, schema, standards) = (self.object, self.principal.schema(self.object), self.principal.standards(self.now));
        let rule = |field: &_| self.principal.asker.grants.rule(object, field);
        let blank = Record::new(object);
        let reader = input::Reader { schema: &schema, standards: &standards, rule: &rule };
        match reader.patch(&blank, &Value::Object(fields.clone())) {
            Err(found) => self.faults.extend(found.0.into_iter().map(|fault| fault.under(pointer))),
            Ok(patched) => {
                let checked = references::check(work, self.principal, self.now, &schema, Some(&blank), &patched, &[]);
                if let Err(problem) = checked {
                    if problem.faults.is_empty() {
                        return Err(problem);
                    }
                    self.broken.extend(problem.faults.0.into_iter().map(|fault| fault.under(pointer)));
                }
            }
        }
        for (place, text) in doing::texts_of(&schema, fields) {
            self.text(text, &format!("{pointer}{place}"));
        }
        Ok(())
    }

    fn wording(&mut self, wording: &Wording, pointer: &str) {
        for (place, text) in wording.texts() {
            self.text(text, &format!("{pointer}/text{place}"));
        }
    }

    fn text(&mut self, text: &str, pointer: &str) {
        if placeholders(text).next().is_some() {
            // No field holds it, and whoever asks may follow it.
            let given: &[&str] = if self.object.name == Ticket::NAME { &[SURVEY_LINK] } else { &[] };
            if placeholders(text).any(|name| given.contains(&name)) {
                self.needs.add(pointer, SurveyResponse::object(), Permitted::Create, Scope::All);
            }
            let needs = &mut self.needs;
            let mut need = |object| needs.add(pointer, object, Permitted::Read, Scope::All);
            words::check(self.principal, self.now, self.object, (pointer, text, given), &mut need, &mut self.faults);
        }
    }

    /// Refuses references to what is not there for the writer, or archived.
    fn refer(&mut self, work: &mut Work<'_>, target: &'static Object, named: Vec<(String, Id)>) -> Result<(), Problem> {
        let ids: Vec<Id> = named.iter().map(|(_, id)| *id).collect();
        let found: Vec<Id> = match self.principal.asker.rows(target, Permitted::Read) {
            _ if ids.is_empty() => Vec::new(),
            None => Vec::new(),
            Some(rows) => {
                let within = Predicate::Archived(false).and(rows);
                let layout = Arc::new(Layout::of(&self.principal.schema(target), &|_| true, Some(&[]), &[]));
                let rows = work.reader().by_ids(&layout, &self.principal.view(self.now), &ids, &within)?;
                rows.iter().map(farley_persistence::Row::id).collect()
            }
        };
        let oneself = |id: &Id| target.name == User::NAME && *id == self.principal.user_id();
        for (pointer, _) in named.into_iter().filter(|(_, id)| !found.contains(id) && !oneself(id)) {
            self.broken.add(Fault::new(pointer, FaultCode::NotFound));
        }
        Ok(())
    }

    /// Refuses a user who takes no work.
    fn taker(&mut self, work: &mut Work<'_>, pointer: String, user: Id) -> Result<(), Problem> {
        let before = self.broken.0.len();
        self.refer(work, User::object(), vec![(pointer.clone(), user)])?;
        if self.broken.0.len() == before {
            giving::check_takers(work, &[(pointer, user)], &mut self.broken)?;
        }
        Ok(())
    }
}
