//! What customers see of tickets and messages: what is listed here, and nothing else. A field that an object gets stays inside until it is
//! listed.

use std::collections::{HashMap, HashSet};

use farley_domain::{
    customers::contact::Contact,
    integration::file::{File, FiledObject},
    model::{entity::Entity, fault::Language, record::Record},
    query::predicate::Predicate,
    service::{
        clock::StatusKind,
        portal::{Portal, public_kind, public_name},
        progress::Desk,
        satisfaction::{
            survey::{Survey, SurveyKind},
            survey_response::{SurveyResponse, takes_answer},
        },
        ticket::{Ticket, TicketKind, first_status, kind_of},
        ticket_message::{MessageKind, TicketMessage},
        ticket_status::TicketStatus,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::Reader;
use serde::Serialize;
use utoipa::ToSchema;

use super::access::Visit;
use crate::{
    access::unrestricted::{Unrestricted, all_of, entity_of, without_custom_fields},
    http::problem::Problem,
};

/// How many files of a page of messages are shown.
const MOST_FILES: usize = 10_000;
/// The raw mail that a message came as tells of the desk's own servers.
const RAW_MAIL: &str = "message/rfc822";

/// A ticket as its customer sees it.
#[derive(Serialize, ToSchema)]
pub struct PortalTicket {
    #[schema(value_type = String, format = "uuid")]
    id: Id,
    #[schema(example = "T-000042")]
    number: Option<String>,
    #[schema(example = "打印机无法开机")]
    subject: String,
    /// The request in the customer's words.
    description: Option<String>,
    /// `question`, `incident`, `complaint`, `request` or `return`.
    #[schema(value_type = Option<String>, example = "incident")]
    kind: Option<TicketKind>,
    status: PortalStatus,
    /// Whether it is their own, and not only their organization's.
    is_mine: bool,
    /// Who asked.
    #[schema(example = "王芳")]
    contact_name: Option<String>,
    #[schema(value_type = Option<String>, format = "date-time")]
    opened_at: Option<Timestamp>,
    /// When the desk last wrote.
    #[schema(value_type = Option<String>, format = "date-time")]
    last_reply_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    solved_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    closed_at: Option<Timestamp>,
    /// Whether they can close it now.
    can_close: bool,
    /// Whether they can open it again now.
    can_reopen: bool,
    /// The survey that they were asked about it; null in lists, and if there is none.
    survey: Option<PortalSurvey>,
}

/// How far a ticket has come.
#[derive(Serialize, ToSchema)]
pub struct PortalStatus {
    /// The public name of the status.
    #[schema(example = "处理中")]
    name: String,
    /// `new`, `open`, `waiting_customer`, `solved` or `closed`.
    #[schema(value_type = String, example = "open")]
    kind: StatusKind,
}

/// A survey about a ticket.
#[derive(Serialize, ToSchema)]
pub struct PortalSurvey {
    /// `csat`, `ces` or `nps`.
    #[schema(value_type = String, example = "csat")]
    kind: SurveyKind,
    #[schema(example = "您对本次服务满意吗？")]
    question: String,
    /// The lowest score.
    #[schema(example = 1)]
    min: i64,
    /// The highest and best score.
    #[schema(example = 5)]
    max: i64,
    /// Whether an answer would be taken now.
    takes_answer: bool,
    /// The score given; null before.
    #[schema(example = json!(null))]
    score: Option<i64>,
    comment: Option<String>,
}

/// A message as customers see it.
#[derive(Serialize, ToSchema)]
pub struct PortalMessage {
    #[schema(value_type = String, format = "uuid")]
    id: Id,
    /// `me`, `contact` for somebody else who asks with them, or `desk`.
    #[schema(example = "desk")]
    from: &'static str,
    /// Who wrote it: the contact, or the brand name.
    #[schema(example = "Acme 服务中心")]
    author: Option<String>,
    /// The text, in Markdown.
    #[schema(example = "备件明天送达。")]
    body: String,
    #[schema(value_type = Option<String>, format = "date-time")]
    sent_at: Option<Timestamp>,
    files: Vec<PortalFile>,
}

/// A file that came with a message.
#[derive(Clone, Serialize, ToSchema)]
pub struct PortalFile {
    #[schema(value_type = String, format = "uuid")]
    id: Id,
    #[schema(example = "照片.jpg")]
    name: String,
    #[schema(example = "image/jpeg")]
    media_type: Option<String>,
    #[schema(example = 48_213)]
    size_bytes: Option<i64>,
}

/// Shows tickets to whoever visits.
pub struct Showing<'a> {
    visit: &'a Visit,
    statuses: Vec<Record<TicketStatus>>,
    names: HashMap<Id, Option<String>>,
}

impl Showing<'_> {
    pub fn of<'a>(reader: &mut Reader<'_>, visit: &'a Visit) -> Result<Showing<'a>, Problem> {
        Ok(Showing { visit, statuses: all_of::<TicketStatus>(reader)?, names: HashMap::new() })
    }

    fn language(&self) -> Language {
        self.visit.call.language
    }

    /// The name of a contact.
    fn name(&mut self, reader: &mut Reader<'_>, contact: Option<Id>) -> Result<Option<String>, Problem> {
        let Some(contact) = contact else { return Ok(None) };
        if let Some(name) = self.names.get(&contact) {
            return Ok(name.clone());
        }
        let name = entity_of::<Contact>(reader, contact)?.map(|contact| contact.get(Contact::name).to_owned());
        self.names.insert(contact, name.clone());
        Ok(name)
    }

    /// A ticket, as it stands in lists.
    pub fn ticket(&mut self, reader: &mut Reader<'_>, ticket: &Record<Ticket>) -> Result<PortalTicket, Problem> {
        let schema = self.visit.call.principal.schema(Ticket::object());
        let kind = kind_of(ticket);
        let desk = Desk { schema: &schema, statuses: &self.statuses, now: self.visit.call.now };
        let may = |to| first_status(&self.statuses, to).is_some_and(|status| desk.may_enter(ticket, status));
        let lets_close = self.visit.portal.get(Portal::lets_close);
        let (can_close, can_reopen) =
            (lets_close && kind != StatusKind::Closed && may(StatusKind::Closed), kind.is_done() && may(StatusKind::Open));
        let status = self.statuses.iter().find(|status| Some(status.id()) == ticket.get(Ticket::status_id));
        let status = PortalStatus { name: public_name(status, kind, self.language()), kind: public_kind(kind) };
        let contact = ticket.get(Ticket::contact_id);
        Ok(PortalTicket {
            id: ticket.id(),
            number: ticket.get(Ticket::number).map(str::to_owned),
            subject: ticket.get(Ticket::subject).to_owned(),
            description: ticket.get(Ticket::description).map(str::to_owned),
            kind: ticket.get(Ticket::kind),
            status,
            is_mine: contact == Some(self.visit.contact.id()),
            contact_name: self.name(reader, contact)?,
            opened_at: ticket.get(Ticket::opened_at),
            last_reply_at: ticket.get(Ticket::last_reply_at),
            solved_at: ticket.get(Ticket::solved_at),
            closed_at: ticket.get(Ticket::closed_at),
            can_close,
            can_reopen,
            survey: None,
        })
    }

    /// A ticket by itself: with the survey about it.
    pub fn whole(&mut self, reader: &mut Reader<'_>, ticket: &Record<Ticket>) -> Result<PortalTicket, Problem> {
        let mut shown = self.ticket(reader, ticket)?;
        if let Some(asked) = survey_of(reader, self.visit, ticket.id())? {
            let (response, survey) = asked;
            let kind = response.get(SurveyResponse::kind).unwrap_or(SurveyKind::Csat);
            let (min, max) = kind.scale();
            let question = survey.get(Survey::question);
            shown.survey = Some(PortalSurvey {
                kind,
                question: question.map(|text| text.in_language(Some(self.language().tag())).to_owned()).unwrap_or_default(),
                min,
                max,
                takes_answer: takes_answer(&response, self.visit.call.now).is_ok(),
                score: response.get(SurveyResponse::score),
                comment: response.get(SurveyResponse::comment).map(str::to_owned),
            });
        }
        Ok(shown)
    }

    /// Messages, with the files that came with them.
    pub fn messages(
        &mut self,
        reader: &mut Reader<'_>,
        messages: &[Record<TicketMessage>],
    ) -> Result<Vec<PortalMessage>, Problem> {
        let mut files = files_of(reader, messages)?;
        let me = self.visit.contact.id();
        let mut shown = Vec::with_capacity(messages.len());
        for message in messages {
            let contact = message.get(TicketMessage::contact_id);
            let (from, author, body) = match message.get(TicketMessage::kind) {
                Some(MessageKind::Incoming) => {
                    let from = if contact == Some(me) { "me" } else { "contact" };
                    let said = message.get(TicketMessage::reply_text).unwrap_or_else(|| message.get(TicketMessage::body));
                    let author = match self.name(reader, contact)? {
                        Some(name) => Some(name),
                        None => message.get(TicketMessage::sender_name).map(str::to_owned),
                    };
                    (from, author, said)
                }
                Some(MessageKind::Reply | MessageKind::Note | MessageKind::Automatic) | None => {
                    ("desk", Some(self.visit.portal.get(Portal::name).to_owned()), message.get(TicketMessage::body))
                }
            };
            shown.push(PortalMessage {
                id: message.id(),
                from,
                author,
                body: body.to_owned(),
                sent_at: message.get(TicketMessage::sent_at),
                files: files.remove(&message.id()).unwrap_or_default(),
            });
        }
        Ok(shown)
    }
}

/// A survey that was asked, with the response to it.
pub type AskedSurvey = (Record<SurveyResponse>, Record<Survey>);

/// The last survey that a visitor was asked about a ticket.
pub fn survey_of(reader: &mut Reader<'_>, visit: &Visit, ticket: Id) -> Result<Option<AskedSurvey>, Problem> {
    let within = Predicate::Archived(false)
        .and(SurveyResponse::ticket_id.eq(ticket))
        .and(SurveyResponse::contact_id.eq(visit.contact.id()));
    let found = reader.find(&without_custom_fields(SurveyResponse::object()), &Unrestricted, &within, 100)?;
    let found = found.into_iter().map(Record::into_entity::<SurveyResponse>);
    let Some(response) = found.max_by_key(|response| (response.get(SurveyResponse::asked_at), response.id())) else {
        return Ok(None);
    };
    let survey = response.get(SurveyResponse::survey_id).map(|survey| entity_of::<Survey>(reader, survey)).transpose()?.flatten();
    Ok(survey.map(|survey| (response, survey)))
}

/// Whether customers see a file of a message that they see.
#[must_use]
pub fn is_shown(file: &Record<File>) -> bool {
    !file.is_archived() && file.get(File::media_type) != Some(RAW_MAIL)
}

fn files_of(reader: &mut Reader<'_>, messages: &[Record<TicketMessage>]) -> Result<HashMap<Id, Vec<PortalFile>>, Problem> {
    let named: HashSet<Id> =
        messages.iter().filter(|message| !message.get(TicketMessage::file_ids).is_empty()).map(Record::id).collect();
    let mut files: HashMap<Id, Vec<PortalFile>> = HashMap::new();
    if named.is_empty() {
        return Ok(files);
    }
    let within = Predicate::Archived(false).and(File::object.eq(FiledObject::TicketMessage)).and(File::record_id.is_in(named));
    let schema = without_custom_fields(<File as Entity>::object());
    for file in reader.find(&schema, &Unrestricted, &within, MOST_FILES)? {
        let file = file.into_entity::<File>();
        if let Some(message) = file.get(File::record_id).filter(|_| is_shown(&file)) {
            files.entry(message).or_default().push(shown_file(&file));
        }
    }
    Ok(files)
}

/// A file as customers see it.
#[must_use]
pub fn shown_file(file: &Record<File>) -> PortalFile {
    PortalFile {
        id: file.id(),
        name: file.get(File::name).to_owned(),
        media_type: file.get(File::media_type).map(str::to_owned),
        size_bytes: file.get(File::size_bytes),
    }
}
