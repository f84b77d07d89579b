//! Where a mail goes: to the ticket that it answers, or to a new one.

use farley_domain::{
    customers::contact::Contact,
    identity::user::{User, UserStatus},
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        field::Op,
        input::{Members, members},
        operand::Operand,
        record::Record,
        recurring,
        template::shortened,
    },
    query::predicate::Predicate,
    service::{
        mail::{
            addresses::MOST as MOST_ADDRESSES,
            html::{text_of, with_pictures},
            quotation,
            read::{Mail, Person},
            recipients::{MailRecipient, RecipientState},
            token::Tokens,
        },
        mailbox::Mailbox,
        ticket::{Ticket, TicketChannel},
        ticket_message::{DeliveryState, MatchedBy, MessageKind, TicketMessage},
    },
    values::{email, id::Id},
};
use farley_persistence::{Change, Work};
use serde_json::json;

use super::{
    InboundMail,
    acknowledging::{Request, acknowledge},
    mailboxes::Mailboxes,
};
use crate::{
    access::unrestricted::{Unrestricted, without_custom_fields},
    http::problem::Problem,
    integration::file::kept::Kept,
    records::{lookup, mutation::Answer, named::Named, write::Writer},
    service::{
        delivery::recipients_of,
        incoming::{LONGEST_BODY, LONGEST_DESCRIPTION, LONGEST_SUBJECT, goes_on, key_of, status_kept},
        merging::conversation,
        ticket::follow_up_of,
    },
};

/// How many messages of a ticket are looked through for its participants.
const MOST_MESSAGES: usize = 1_000;
/// A mail being taken in.
pub struct Taking {
    pub writer: Writer,
    pub mail: Mail,
    /// The id of the message as it is kept.
    pub key: String,
    /// The ids by which its HTML shows what came along, and at which place among the files that is.
    pub pictures: Vec<(String, usize)>,
    /// The mailbox that the request names.
    pub mailbox: Option<String>,
}

/// Where a mail goes.
struct Target {
    ticket: Record<Ticket>,
    matched_by: MatchedBy,
    is_from_stranger: bool,
}

impl Taking {
    /// Takes it in, with the files that it brings along.
    pub fn take(&self, work: &mut Work<'_>, files: &Kept) -> Result<Answer, Problem> {
        // The same mail twice at once is one message.
        work.lock(&format!("mail {}", self.key))?;
        let mailboxes = Mailboxes::of(work)?;
        if let Some(known) = message_of(work, &self.key)? {
            return answer(200, &known, &mailboxes);
        }
        let mailbox = self.mailbox(work, &mailboxes)?;
        let sender = self.mail.from.as_ref();
        let agent = self.agent(work)?;
        // The desk's own mail that comes back under another id is nobody's message.
        let looped = sender.is_some_and(|sender| mailboxes.is_own(&sender.address));
        let contact = match sender {
            Some(sender) if agent.is_none() && !looped => self.contact(work, sender)?,
            Some(_) | None => None,
        };
        let found = self.conversation(work, contact, agent)?;
        let bounced = self.note_bounce(work)?;
        let (ticket, matched_by, is_from_stranger) = match found {
            Some(target) => (self.where_it_goes_on(work, target.ticket)?, target.matched_by, target.is_from_stranger),
            None => (self.open(work, &mailbox, contact)?, MatchedBy::None, false),
        };
        let kind = match (self.mail.automatic.is_some() || bounced || looped, agent) {
            (true, _) => MessageKind::Automatic,
            (false, Some(_)) if matched_by != MatchedBy::None => MessageKind::Note,
            (false, _) => MessageKind::Incoming,
        };
        let status = match kind {
            MessageKind::Incoming => status_kept(work, &self.writer, &ticket)?,
            MessageKind::Reply | MessageKind::Note | MessageKind::Automatic => None,
        };
        let file_ids = files.files(work, &self.writer, None)?;
        let contact = contact.filter(|_| kind == MessageKind::Incoming);
        let html = self.html(&file_ids);
        let body = members()
            .with(TicketMessage::ticket_id, Some(ticket.id()))
            .with(TicketMessage::kind, Some(kind))
            .with(TicketMessage::channel, Some(TicketChannel::Email))
            .with(TicketMessage::subject, Some(self.mail.subject.clone()).filter(|subject| !subject.is_empty()))
            .with(TicketMessage::body, self.text(LONGEST_BODY))
            .with(TicketMessage::contact_id, contact)
            .with(TicketMessage::channel_message_id, Some(self.key.clone()))
            .with(TicketMessage::status_id, status)
            .with(TicketMessage::file_ids, file_ids);
        let writer = self.writer.on(TicketMessage::object());
        let (record, _) = writer.create_with(work, &body.into_json(), |record| {
            let message = record.of_mut::<TicketMessage>();
            message.set(TicketMessage::mailbox_id, Some(mailbox.id()));
            message.set(TicketMessage::sender_address, sender.map(|sender| sender.address.clone()));
            message.set(
                TicketMessage::sender_name,
                sender.and_then(|sender| sender.name.clone()).map(|name| shortened(&name, LONGEST_SUBJECT)),
            );
            message.set(TicketMessage::to_addresses, addresses(&self.mail.to));
            message.set(TicketMessage::cc_addresses, addresses(&self.mail.cc));
            message.set(TicketMessage::body_html, html);
            tell_quotation(message);
            message.set(TicketMessage::matched_by, Some(matched_by));
            message.set(TicketMessage::is_from_stranger, is_from_stranger);
        })?;
        if let (Some(contact), Some(sender)) = (contact, sender)
            && matched_by == MatchedBy::None
            && kind == MessageKind::Incoming
            && self.mail.may_be_answered
        {
            let (message, now) = (record.of::<TicketMessage>(), self.writer.now);
            let request = Request { ticket: &ticket, message, contact, sender: &sender.address, now };
            acknowledge(work, &mailbox, &request)?;
        }
        answer(202, record.of::<TicketMessage>(), &mailboxes)
    }

    /// The mailbox that it was delivered to.
    fn mailbox(&self, work: &mut Work<'_>, mailboxes: &Mailboxes) -> Result<Record<Mailbox>, Problem> {
        let fault = |code| Problem::from(Fault::new("/mailbox", code));
        let found = match &self.mailbox {
            Some(named) => match email::standardise(named) {
                Ok(address) => mailboxes.at(&address).cloned(),
                Err(_) => {
                    let named = Named::parse(named).map_err(|_| fault(FaultCode::NotFound))?;
                    match named.find(work.reader(), &self.writer.principal, Mailbox::object())? {
                        Some(id) => lookup::one::<Mailbox>(work, id)?.filter(|mailbox| !mailbox.is_archived()),
                        None => None,
                    }
                }
            },
            None => {
                let written = self.mail.to.iter().chain(&self.mail.cc).map(|person| &person.address);
                let mut all = self.mail.delivered_to.iter().chain(written);
                all.find_map(|address| mailboxes.at(address)).cloned()
            }
        };
        match found {
            Some(mailbox) if mailbox.get(Mailbox::is_active) => Ok(mailbox),
            Some(_) | None => Err(fault(FaultCode::NotFound)),
        }
    }

    /// The active user who has the sender's address: an agent who answers by mail.
    fn agent(&self, work: &mut Work<'_>) -> Result<Option<Id>, Problem> {
        let Some(sender) = &self.mail.from else { return Ok(None) };
        let active = User::email.eq(sender.address.clone()).and(User::status.eq(UserStatus::Active));
        Ok(lookup::find::<User>(work, &Predicate::Archived(false).and(active), 1)?.first().map(Record::id))
    }

    /// The contact with the sender's address, the oldest of several; a new one, if there is none and somebody wrote it.
    fn contact(&self, work: &mut Work<'_>, sender: &Person) -> Result<Option<Id>, Problem> {
        let found = contacts_at(work, &sender.address)?;
        if let Some(known) = found.iter().min_by_key(|contact| contact.id()) {
            return Ok(Some(known.id()));
        }
        if self.mail.automatic.is_some() {
            return Ok(None);
        }
        let local = sender.address.split('@').next().unwrap_or_default();
        let name = sender.name.clone().unwrap_or_else(|| local.to_owned());
        let body = json!({(Contact::name.name()): shortened(&name, 200), (Contact::emails.name()): [{"value": sender.address}]});
        let (contact, _) = self.writer.on(Contact::object()).create(work, &body)?;
        Ok(Some(contact.id()))
    }

    /// The ticket that it belongs to: of the message it reports on, of a token that it carries, of the messages that it refers to, the
    /// nearest first.
    fn conversation(&self, work: &mut Work<'_>, contact: Option<Id>, agent: Option<Id>) -> Result<Option<Target>, Problem> {
        let reported = self.mail.bounce.as_ref().and_then(|bounce| bounce.original_id.as_deref());
        let mut found = Vec::new();
        if let Some(message) = reported.map(|id| message_of(work, &key_of(id))).transpose()?.flatten() {
            found.extend(message.get(TicketMessage::ticket_id).map(|ticket| (ticket, MatchedBy::Report)));
        }
        if found.is_empty() {
            found.extend(self.ticket_of_token(work, reported)?.map(|ticket| (ticket, MatchedBy::Token)));
        }
        for id in &self.mail.answers {
            if let Some(message) = message_of(work, &key_of(id))? {
                found.extend(message.get(TicketMessage::ticket_id).map(|ticket| (ticket, MatchedBy::References)));
            }
        }
        for (ticket, matched_by) in found {
            let ticket = conversation(work, ticket)?;
            if !ticket.is_archived() {
                let known = self.mail.automatic.is_some() || agent.is_some() || self.takes_part(work, &ticket, contact)?;
                return Ok(Some(Target { ticket, matched_by, is_from_stranger: !known }));
            }
        }
        Ok(None)
    }

    /// The ticket of the first token of ours that it carries: in the id of a message, in an address, in the subject.
    fn ticket_of_token(&self, work: &mut Work<'_>, reported: Option<&str>) -> Result<Option<Id>, Problem> {
        let Some(key) = work.reader().link_key()? else { return Ok(None) };
        let tokens = Tokens { key: &key, tenant: work.tenant().id };
        for id in reported.into_iter().chain(self.mail.answers.iter().map(String::as_str)) {
            let Some(ticket) = tokens.ticket_in(id) else { continue };
            // The message may have gone to another ticket since.
            let message = message_of(work, &key_of(id))?;
            return Ok(message.and_then(|message| message.get(TicketMessage::ticket_id)).or(Some(ticket)));
        }
        let written = self.mail.to.iter().chain(&self.mail.cc).map(|person| &person.address);
        let addressed = self.mail.delivered_to.iter().chain(written).find_map(|address| tokens.ticket_in(address));
        let ticket = match (addressed, tokens.number_in(&self.mail.subject)) {
            (None, Some((number, _))) => {
                lookup::find::<Ticket>(work, &Ticket::number.eq(number.to_owned()), 1)?.first().map(Record::id)
            }
            (addressed, _) => addressed,
        };
        // What was erased has no ticket any more.
        Ok(match ticket {
            Some(ticket) => lookup::one::<Ticket>(work, ticket)?.map(|ticket| ticket.id()),
            None => None,
        })
    }

    /// Whether the sender had part in a conversation: asked, wrote, or was written to.
    fn takes_part(&self, work: &mut Work<'_>, ticket: &Record<Ticket>, contact: Option<Id>) -> Result<bool, Problem> {
        let Some(sender) = &self.mail.from else { return Ok(false) };
        if contact.is_some() && ticket.get(Ticket::contact_id) == contact {
            return Ok(true);
        }
        let messages = lookup::find::<TicketMessage>(work, &TicketMessage::ticket_id.eq(ticket.id()), MOST_MESSAGES)?;
        // Who had no part got none by writing.
        Ok(messages.iter().filter(|message| !message.get(TicketMessage::is_from_stranger)).any(|message| {
            message.get(TicketMessage::sender_address) == Some(sender.address.as_str())
                || message.get(TicketMessage::to_addresses).contains(&sender.address)
                || message.get(TicketMessage::cc_addresses).contains(&sender.address)
                || (contact.is_some() && message.get(TicketMessage::contact_id) == contact)
        }))
    }

    /// Marks the message that could not be delivered.
    fn note_bounce(&self, work: &mut Work<'_>) -> Result<bool, Problem> {
        let Some(bounce) = &self.mail.bounce else { return Ok(false) };
        // It may still arrive.
        if bounce.is_delayed {
            return Ok(true);
        }
        let Some(sent) = bounce.original_id.as_deref().map(key_of) else { return Ok(true) };
        let Some(message) = message_of(work, &sent)? else { return Ok(true) };
        let schema = without_custom_fields(TicketMessage::object());
        let Some(loaded) = work.load(&schema, &Unrestricted, message.id(), &Predicate::all())? else { return Ok(true) };
        let mut record = loaded.record.clone();
        let told = [
            bounce.recipient.as_deref().map(|recipient| format!("{recipient}:")),
            bounce.status.clone(),
            bounce.diagnostic.clone(),
        ];
        let reason = told.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let bounced = record.of_mut::<TicketMessage>();
        let mut recipients = recipients_of(bounced);
        // A report that names nobody is of all of them; one may name an address that forwarding led to.
        let named =
            |one: &MailRecipient| bounce.recipient.as_deref().is_some_and(|named| one.address.eq_ignore_ascii_case(named));
        let names_one = recipients.iter().any(named);
        let is_only = recipients.len() == 1;
        for one in recipients.iter_mut().filter(|one| named(one) || !names_one && (is_only || bounce.recipient.is_none())) {
            one.state = RecipientState::Bounced;
            one.permanent = Some(true);
            one.error = Some(shortened(&reason, 300)).filter(|reason| !reason.is_empty());
            one.at = Some(self.writer.now);
        }
        bounced.set(TicketMessage::recipients, recipients);
        bounced.set(TicketMessage::bounced_at, Some(self.writer.now));
        bounced.set(TicketMessage::delivery_state, Some(DeliveryState::Bounced));
        bounced.set(TicketMessage::bounce_reason, Some(shortened(&reason, 1_000)).filter(|reason| !reason.is_empty()));
        work.update(&schema, &loaded, &mut record, &Change::new("bounced"))?;
        Ok(true)
    }

    /// The ticket itself or, where a mail of somebody cannot open it again, a new one that follows it up.
    fn where_it_goes_on(&self, work: &mut Work<'_>, ticket: Record<Ticket>) -> Result<Record<Ticket>, Problem> {
        if self.mail.automatic.is_some() || goes_on(work, &self.writer, &ticket)? {
            return Ok(ticket);
        }
        self.create_ticket(work, follow_up_of(&ticket))
    }

    fn open(&self, work: &mut Work<'_>, mailbox: &Record<Mailbox>, contact: Option<Id>) -> Result<Record<Ticket>, Problem> {
        let body = members().with(Ticket::contact_id, contact).with(Ticket::queue_id, mailbox.get(Mailbox::queue_id));
        self.create_ticket(work, body)
    }

    fn create_ticket(&self, work: &mut Work<'_>, body: Members<Ticket>) -> Result<Record<Ticket>, Problem> {
        let subject = if self.mail.subject.is_empty() {
            shortened(self.text(200).lines().next().unwrap_or("–"), 100)
        } else {
            self.mail.subject.clone()
        };
        let body = body
            .with(Ticket::subject, subject)
            .with(Ticket::description, Some(self.text(LONGEST_DESCRIPTION)))
            .with(Ticket::channel, Some(TicketChannel::Email));
        let (ticket, _) = self.writer.create(work, &body.into_json())?;
        Ok(ticket.into_entity())
    }

    /// The text of the mail; where it has none, what its HTML says, or its subject.
    fn text(&self, longest: usize) -> String {
        let of_html = || self.mail.html.as_deref().map(text_of);
        let text = self.mail.text.clone().or_else(of_html).filter(|text| !text.trim().is_empty());
        let text = text.unwrap_or_else(|| self.mail.subject.clone());
        if text.trim().is_empty() { "–".to_owned() } else { shortened(&text, longest) }
    }

    /// Its HTML, with its pictures at the addresses of their files.
    fn html(&self, file_ids: &[Id]) -> Option<String> {
        let file = |content: &str| {
            let (_, place) = self.pictures.iter().find(|(id, _)| id == content)?;
            Some(format!("/v1/files/{}/content", file_ids.get(*place)?))
        };
        Some(with_pictures(self.mail.html.as_deref()?, file))
    }
}

/// What is answered of a message that was taken in.
fn answer(status: u16, message: &Record<TicketMessage>, mailboxes: &Mailboxes) -> Result<Answer, Problem> {
    let taken = InboundMail {
        ticket_id: message.get(TicketMessage::ticket_id).unwrap_or(Id::NIL),
        message_id: message.id(),
        matched_by: message.get(TicketMessage::matched_by).unwrap_or(MatchedBy::None).as_str(),
        automatic: message.get(TicketMessage::kind) == Some(MessageKind::Automatic),
        from_stranger: message.get(TicketMessage::is_from_stranger),
        looped: message.get(TicketMessage::sender_address).is_some_and(|sender| mailboxes.is_own(sender)),
    };
    Answer::json(status, &taken)
}

fn addresses(people: &[Person]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for person in people.iter().take(MOST_ADDRESSES) {
        if !all.contains(&person.address) {
            all.push(person.address.clone());
        }
    }
    all
}

/// Notes where the quotation begins in a message, and what stands before it.
fn tell_quotation(message: &mut Record<TicketMessage>) {
    let body = message.get(TicketMessage::body).to_owned();
    let begins = quotation::begin(&body);
    message.set(TicketMessage::quoted_from, begins.and_then(|at| i64::try_from(body[..at].chars().count()).ok()));
    message.set(TicketMessage::reply_text, Some(begins.map_or(body.as_str(), |at| body[..at].trim_end()).to_owned()));
}

/// The live contacts with an address. Nobody else looks for it until the work ends: two first requests of one person at once make one
/// contact.
pub fn contacts_at(work: &mut Work<'_>, address: &str) -> Result<Vec<Record<Contact>>, Problem> {
    work.lock(&format!("mail from {address}"))?;
    let Some(emails) = recurring::EMAILS.of(Contact::object()) else { return Ok(Vec::new()) };
    let with = Predicate::test(emails, Op::Any, Operand::List(vec![Operand::Text(address.to_owned())]));
    lookup::find::<Contact>(work, &Predicate::Archived(false).and(with), 100)
}

/// The message with the id of a channel.
pub fn message_of(work: &mut Work<'_>, key: &str) -> Result<Option<Record<TicketMessage>>, Problem> {
    let by_mail = Predicate::Archived(false).and(TicketMessage::channel_id.is_null());
    let live = by_mail.and(TicketMessage::channel_message_id.eq(key.to_owned()));
    Ok(lookup::find::<TicketMessage>(work, &live, 1)?.into_iter().next())
}
