//! Doing the actions of a rule or macro, as whoever does them: Farley itself for rules, whoever applies a macro.

use std::sync::Arc;

use farley_domain::{
    activities::{
        activity::{Activity, ActivityKind},
        concerned,
        notification::NotificationKind,
        task::Task,
    },
    automation::action::{Action, Assignee, NOTICE, NewTask, Notice, Recipient, SUBJECT},
    customers::{contact::Contact, customer::Customer},
    identity::{
        access::Action as Permitted,
        team::Team,
        user::{User, is_at_hand},
    },
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        field::FieldType,
        input::members,
        object::{Object, Schema},
        record::Record,
        recurring,
        structures::wording::Wording,
        template::{placeholders, shortened},
    },
    sales::leads::assignment::{AssignmentRule, in_turn},
    service::{
        queue::Queue,
        ticket::Ticket,
        ticket_message::{MessageKind, TicketMessage},
    },
    values::id::Id,
};
use farley_persistence::{Loaded, Work};
use serde_json::{Map, Value, json};

use crate::{
    http::problem::Problem,
    records::{
        action::Performance,
        lookup,
        named::Named,
        notify::{self, News},
        words::Words,
        write::Writer,
    },
    service::{
        self,
        satisfaction::{SURVEY_LINK, link_of_ticket},
    },
};

/// The member of an action that names users.
pub const USERS: &str = AssignmentRule::user_ids.name();
/// How many members of a team take turns at most.
const MOST_MEMBERS: usize = 1_000;
/// How long the description of a task may be.
const DESCRIPTION: usize = 20_000;

/// The actions of an object that rules and macros can perform.
pub fn performances(object: &Object) -> impl Iterator<Item = &'static Performance> {
    service::ticket::PERFORMANCES.iter().filter(move |known| (known.object)().name == object.name)
}

/// Whether notes can be added to records of an object.
#[must_use]
pub fn takes_notes(object: &Object) -> bool {
    object.name == Ticket::NAME || concerned_as(object).is_some()
}

/// How records of an object are named by activities and tasks about them.
fn concerned_as(object: &Object) -> Option<&'static concerned::Kind> {
    concerned::KINDS.iter().find(|kind| kind.object.as_str() == object.name)
}

/// The texts among values, with their places: those that may have placeholders.
pub fn texts_of<'a>(schema: &'a Schema, fields: &'a Map<String, Value>) -> impl Iterator<Item = (String, &'a str)> {
    let is_text = |kind: &FieldType| matches!(kind, FieldType::Text { .. } | FieldType::LongText { .. });
    let own = fields.iter().filter_map(move |(name, value)| {
        let field = schema.object.field(name).filter(|field| is_text(&field.kind))?;
        Some((format!("/{}", field.name), value.as_str()?))
    });
    let custom = fields.get(recurring::CUSTOM.name()).and_then(Value::as_object).into_iter().flatten();
    let custom = custom.filter_map(move |(key, value)| {
        let field = schema.custom.iter().find(|field| field.name == *key && is_text(&field.kind))?;
        Some((format!("{}/{}", recurring::CUSTOM.pointer(), field.name), value.as_str()?))
    });
    own.chain(custom)
}

/// Actions under way on one record.
struct Doing<'a> {
    writer: &'a Writer,
    /// The name of the round in which members of a team take their turns.
    turns: &'a str,
    loaded: Loaded,
    /// Values that are still to be written, all at once.
    patch: Map<String, Value>,
}

/// Does actions on a record, in order. Values that are set one after the other become one change.
pub fn perform(work: &mut Work<'_>, writer: &Writer, actions: &[Action], id: Id, turns: &str) -> Result<(), Problem> {
    let needed =
        if actions.iter().all(|action| matches!(action, Action::Notify(_) | Action::CreateTask(_) | Action::AskSurvey { .. })) {
            Permitted::Read
        } else {
            Permitted::Update
        };
    let loaded = writer.load(work, &Named::Id(id), needed)?;
    let mut doing = Doing { writer, turns, loaded, patch: Map::new() };
    for (position, action) in actions.iter().enumerate() {
        doing.act(work, action, position)?;
    }
    doing.write(work)
}

impl Doing<'_> {
    fn record(&self) -> &Record {
        &self.loaded.record
    }

    /// A text with its placeholders filled in; that of the link to a survey too, which no field holds.
    fn said(&self, work: &mut Work<'_>, text: &str, language: Option<&str>) -> Result<String, Problem> {
        let (principal, now, record) = (&self.writer.principal, self.writer.now, self.record());
        let mut given = Vec::new();
        if record.object().name == Ticket::NAME && placeholders(text).any(|name| name == SURVEY_LINK) {
            given.push((SURVEY_LINK, link_of_ticket(work, principal, now, record.id())?));
        }
        Words { principal, now, language }.fill_with(work.reader(), record, text, &given)
    }

    fn act(&mut self, work: &mut Work<'_>, action: &Action, position: usize) -> Result<(), Problem> {
        match action {
            Action::Set { fields } => {
                let fields = self.filled(work, fields)?;
                for (name, value) in fields {
                    match (self.patch.get_mut(&name).and_then(Value::as_object_mut), value) {
                        (Some(known), Value::Object(more)) if name == recurring::CUSTOM.name() => known.extend(more),
                        (_, value) => drop(self.patch.insert(name, value)),
                    }
                }
                Ok(())
            }
            Action::AddTags { tag_ids } => {
                let mut tags = self.tags();
                tags.extend(tag_ids.iter().filter(|tag| !self.tags().contains(tag)));
                self.set_tags(tags);
                Ok(())
            }
            Action::RemoveTags { tag_ids } => {
                let mut tags = self.tags();
                tags.retain(|tag| !tag_ids.contains(tag));
                self.set_tags(tags);
                Ok(())
            }
            Action::Assign(assignee) => self.assign(work, assignee, position),
            Action::CreateTask(task) => {
                self.write(work)?;
                self.create_task(work, task)
            }
            Action::Notify(notice) => {
                self.write(work)?;
                self.notify(work, notice)
            }
            Action::AddNote { text } => {
                self.write(work)?;
                self.note(work, text)
            }
            Action::Reply { text, template_id } => {
                self.write(work)?;
                let language = self.language(work)?;
                let template = match template_id {
                    Some(template) => Some(service::reply_template::text_of(work, *template)?),
                    None => None,
                };
                match text.as_ref().or(template.as_ref()) {
                    Some(text) => self.message(work, text, language.as_deref(), MessageKind::Reply),
                    None => Ok(()),
                }
            }
            Action::AskSurvey { survey_id } => {
                self.write(work)?;
                service::satisfaction::ask(work, self.writer, self.record().of(), *survey_id).map(drop)
            }
            Action::Perform { action } => {
                self.write(work)?;
                let Some(performance) = performances(self.writer.object).find(|known| known.action == action) else {
                    return Err(Problem::not_found());
                };
                if self.record().is_archived() {
                    return Err(Problem::archived());
                }
                (performance.perform)(work, self.writer, &self.loaded)?;
                self.reload(work)
            }
        }
    }

    /// Writes what is still to be written.
    fn write(&mut self, work: &mut Work<'_>) -> Result<(), Problem> {
        if self.patch.is_empty() {
            return Ok(());
        }
        let patch = Value::Object(std::mem::take(&mut self.patch));
        self.writer.patch(work, &self.loaded, &patch)?;
        self.reload(work)
    }

    fn reload(&mut self, work: &mut Work<'_>) -> Result<(), Problem> {
        self.loaded = self.writer.load(work, &Named::Id(self.record().id()), Permitted::Read)?;
        Ok(())
    }

    /// Values with the placeholders of their texts filled in.
    fn filled(&self, work: &mut Work<'_>, fields: &Map<String, Value>) -> Result<Map<String, Value>, Problem> {
        let schema = self.writer.schema();
        let mut filled = Value::Object(fields.clone());
        for (place, text) in texts_of(&schema, fields) {
            let value = self.said(work, text, None)?;
            let most = schema.field(&place[1..].replace('/', ".")).map(|field| match field.kind {
                FieldType::Text { max } | FieldType::LongText { max } => max,
                _ => usize::MAX,
            });
            if let Some(member) = filled.pointer_mut(&place) {
                *member = shortened(&value, most.unwrap_or(usize::MAX)).into();
            }
        }
        Ok(match filled {
            Value::Object(filled) => filled,
            _ => Map::new(),
        })
    }

    /// The tags that the record has or is about to have.
    fn tags(&self) -> Vec<Id> {
        let name = recurring::TAG_IDS.name();
        match self.patch.get(name).and_then(|tags| serde_json::from_value(tags.clone()).ok()) {
            Some(tags) => tags,
            None => self.record().get(recurring::TAG_IDS),
        }
    }

    fn set_tags(&mut self, tags: Vec<Id>) {
        self.patch.insert(recurring::TAG_IDS.name().to_owned(), json!(tags));
    }

    fn assign(&mut self, work: &mut Work<'_>, assignee: &Assignee, position: usize) -> Result<(), Problem> {
        let user = match (assignee.user_id, assignee.team_id) {
            (Some(user), _) => user,
            (None, Some(team)) => {
                let within = User::team_id.eq(team);
                let mut users = lookup::find::<User>(work, &within, MOST_MEMBERS)?;
                users.retain(is_at_hand);
                let users: Vec<Id> = users.iter().map(Record::id).collect();
                let turns = format!("{} {position}", self.turns);
                let next = work.next_turn(&turns)?;
                let Some(place) = in_turn(&users, next, |_| true) else {
                    let fault = Fault::new(recurring::OWNER_ID.pointer(), FaultCode::NoRule);
                    return Err(Problem::rule(fault.into()));
                };
                work.set_next_turn(&turns, i64::try_from(place + 1).unwrap_or(0))?;
                users[place]
            }
            (None, None) => return Ok(()),
        };
        self.patch.insert(recurring::OWNER_ID.name().to_owned(), json!(user));
        Ok(())
    }

    fn create_task(&self, work: &mut Work<'_>, task: &NewTask) -> Result<(), Problem> {
        let record = self.record();
        let subject = shortened(&self.said(work, &task.subject, None)?, SUBJECT);
        let subject = if subject.is_empty() { record.object().label.en.to_string() } else { subject };
        let description = match &task.description {
            Some(text) => Some(shortened(&self.said(work, text, None)?, DESCRIPTION)),
            None => None,
        };
        let due = task.due_in_minutes.map(|minutes| self.writer.now.plus_seconds(minutes * 60));
        let body = members::<Task>()
            .with(Task::subject, subject)
            .with(Task::description, description.filter(|text| !text.is_empty()))
            .with(Task::kind, task.kind)
            .with(Task::priority, task.priority)
            .with(Task::due_at, due)
            .with(Task::owner_id, task.user_id.or_else(|| record.get(recurring::OWNER_ID)));
        let mut body = body.into_json();
        self.concern(&mut body);
        self.writer.on(Task::object()).create(work, &body)?;
        Ok(())
    }

    /// Names the record in what is made about it; where such a thing cannot be about it, the records that it names itself.
    fn concern(&self, body: &mut Value) {
        let Some(members) = body.as_object_mut() else { return };
        let record = self.record();
        if let Some(kind) = concerned_as(record.object()) {
            members.insert(kind.field.name().to_owned(), json!(record.id()));
            return;
        }
        for kind in &concerned::KINDS {
            if let Some(id) = record.get(kind.field) {
                members.insert(kind.field.name().to_owned(), json!(id));
            }
        }
    }

    fn notify(&self, work: &mut Work<'_>, notice: &Notice) -> Result<(), Problem> {
        let mut users = notice.user_ids.clone();
        for recipient in &notice.to {
            users.extend(self.recipients(work, *recipient)?);
        }
        users.sort_unstable();
        users.dedup();
        let record = self.record();
        let message = match &notice.message {
            Some(text) => Some(shortened(&self.said(work, text, None)?, NOTICE)),
            None => None,
        };
        let principal = &self.writer.principal;
        let actor = Some(principal.user_id()).filter(|_| !principal.is_system());
        let news = News { kind: NotificationKind::Automation, object: record.object(), record, actor, count: None };
        notify::tell_in_words(work, &news, &users, message.as_deref().filter(|message| !message.is_empty()))
    }

    fn recipients(&self, work: &mut Work<'_>, recipient: Recipient) -> Result<Vec<Id>, Problem> {
        let record = self.record();
        Ok(match recipient {
            Recipient::Owner => record.get(recurring::OWNER_ID).into_iter().collect(),
            Recipient::Creator => record.get(recurring::CREATED_BY).into_iter().collect(),
            Recipient::Followers if record.object().name == Ticket::NAME => record.of::<Ticket>().get(Ticket::follower_ids),
            Recipient::Followers => Vec::new(),
            Recipient::Manager => {
                let team = match record.get(recurring::TEAM_ID) {
                    Some(team) => lookup::one::<Team>(work, team)?.and_then(|team| team.get(Team::manager_id)),
                    None => None,
                };
                let queue = (record.object().name == Ticket::NAME).then(|| record.of::<Ticket>().get(Ticket::queue_id)).flatten();
                match (team, queue) {
                    (Some(manager), _) => vec![manager],
                    (None, Some(queue)) => {
                        let queue = lookup::one::<Queue>(work, queue)?;
                        queue.and_then(|queue| queue.get(Queue::manager_id)).into_iter().collect()
                    }
                    (None, None) => Vec::new(),
                }
            }
        })
    }

    /// The language of the customer: of the contact, else of the customer.
    fn language(&self, work: &mut Work<'_>) -> Result<Option<String>, Problem> {
        let record = self.record();
        if let Some(contact) = record.get(recurring::CONTACT_ID)
            && let Some(contact) = lookup::one::<Contact>(work, contact)?
            && let Some(language) = contact.get(Contact::language)
        {
            return Ok(Some(language.to_owned()));
        }
        let customer = record.get(recurring::CUSTOMER_ID).map(|customer| lookup::one::<Customer>(work, customer)).transpose()?;
        Ok(customer.flatten().and_then(|customer| customer.get(Customer::language).map(str::to_owned)))
    }

    fn note(&mut self, work: &mut Work<'_>, text: &Wording) -> Result<(), Problem> {
        if self.record().object().name == Ticket::NAME {
            return self.message(work, text, None, MessageKind::Note);
        }
        let text = self.said(work, text.in_language(None), None)?;
        let body = members::<Activity>().with(Activity::kind, Some(ActivityKind::Note)).with(Activity::body, Some(text));
        let mut body = body.into_json();
        self.concern(&mut body);
        self.writer.on(Activity::object()).create(work, &body)?;
        self.reload(work)
    }

    fn message(&mut self, work: &mut Work<'_>, text: &Wording, language: Option<&str>, kind: MessageKind) -> Result<(), Problem> {
        let text = self.said(work, text.in_language(language), language)?;
        // What nobody wrote is no first response.
        let by_itself = kind == MessageKind::Reply && self.writer.principal.is_system();
        let kind = if by_itself { MessageKind::Automatic } else { kind };
        let to = if by_itself { service::mail::addressing::answered_by_itself(work, self.record().of())? } else { Vec::new() };
        let body = members::<TicketMessage>()
            .with(TicketMessage::ticket_id, Some(self.record().id()))
            .with(TicketMessage::kind, Some(kind))
            .with(TicketMessage::to_addresses, to)
            .with(TicketMessage::body, text);
        let writer = Writer { parent: Some(Named::Id(self.record().id())), ..self.writer.on(TicketMessage::object()) };
        writer.create(work, &body.into_json())?;
        self.reload(work)
    }
}

/// What rules do it as: Farley itself.
#[must_use]
pub fn as_system(
    principal: &Arc<crate::access::principal::Principal>,
    object: &'static Object,
    now: farley_domain::values::time::Timestamp,
) -> Writer {
    Writer { principal: Arc::clone(principal), object, now, parent: None, quiet: false }
}
