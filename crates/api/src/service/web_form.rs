//! Requests that come by web forms: each becomes a ticket with what was said as its first message.

use std::sync::Arc;

use farley_domain::{
    customers::contact::Contact,
    model::{
        entity::Entity,
        field::Op,
        input::{self, members},
        object::Object,
        operand::Operand,
        record::Record,
        recurring,
        template::shortened,
    },
    query::predicate::Predicate,
    sales::leads::form::LeadForm,
    service::{
        mailbox::Mailbox,
        queue::Queue,
        ticket::{Ticket, TicketChannel},
        ticket_category::TicketCategory,
        ticket_form::Asked,
        ticket_message::{MessageKind, TicketMessage},
    },
    values::{id::Id, name, time::Timestamp},
};
use farley_persistence::Work;
use sha2::{Digest, Sha256};

use super::mail::{
    acknowledging::{self, acknowledge},
    mailboxes::Mailboxes,
    taking::{contacts_at, message_of},
};
use crate::{
    access::principal::Principal,
    http::problem::Problem,
    records::{lookup, named::Named, write::Writer},
};

/// For how long the same answer is taken once, in seconds; it may be twice as long.
const REPEATED: i64 = 600;
/// How many contacts of one phone number are looked at.
const MOST: usize = 100;

/// What a visitor asks for.
pub struct Request<'a> {
    pub form: &'a Record<LeadForm>,
    pub asked: Asked,
    /// The text that they consented to.
    pub consent: Option<&'a str>,
    /// All that they sent, by which it is known if it comes again.
    pub text: String,
    pub now: Timestamp,
}

/// Opens a ticket for a request, and tells its number.
pub fn open(work: &mut Work<'_>, system: &Arc<Principal>, request: &Request<'_>) -> Result<String, Problem> {
    let (key, former) = keys(request);
    // Whoever clicks twice asks once.
    work.lock(&key)?;
    for key in [&key, &former] {
        if let Some(ticket) = message_of(work, key)?.and_then(|message| message.get(TicketMessage::ticket_id))
            && let Some(ticket) = lookup::one::<Ticket>(work, ticket)?
        {
            return Ok(number_of(&ticket));
        }
    }
    let writer = Writer { principal: Arc::clone(system), object: Ticket::object(), now: request.now, parent: None, quiet: false };
    let contact = contact(work, &writer, &request.asked)?;
    let mailbox = match request.form.get(LeadForm::mailbox_id) {
        Some(mailbox) => Mailboxes::of(work)?.active(mailbox).cloned(),
        None => None,
    };
    let ticket = create(work, &writer, request, contact)?;
    let message = say(work, &writer, request, (&ticket, contact, mailbox.as_ref()))?;
    if let (Some(mailbox), Some(contact), Some(sender)) = (&mailbox, contact, request.asked.emails.first()) {
        let acknowledged =
            acknowledging::Request { ticket: &ticket, message: &message, contact, sender: &sender.value, now: request.now };
        acknowledge(work, mailbox, &acknowledged)?;
    }
    Ok(number_of(&ticket))
}

fn number_of(ticket: &Record<Ticket>) -> String {
    ticket.get(Ticket::number).unwrap_or_default().to_owned()
}

/// By what the first message of the ticket is known again: in this stretch of time, and in the one before.
fn keys(request: &Request<'_>) -> (String, String) {
    let digest = Sha256::new().chain_update(request.form.id().0.as_bytes()).chain_update(&request.text).finalize();
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let stretch = request.now.milliseconds() / (REPEATED * 1000);
    (format!("form:{digest}:{stretch}"), format!("form:{digest}:{}", stretch - 1))
}

/// Who asks, if that is plain: the only contact with the address or number, or the only one of them who has the name too; a new one, if
/// there is none.
fn contact(work: &mut Work<'_>, writer: &Writer, asked: &Asked) -> Result<Option<Id>, Problem> {
    let mut found = match (asked.emails.first(), asked.phones.first()) {
        (Some(email), _) => contacts_at(work, &email.value)?,
        (None, Some(phone)) => {
            work.lock(&format!("request from {}", phone.value))?;
            let Some(phones) = recurring::PHONES.of(Contact::object()) else { return Ok(None) };
            let with = Predicate::test(phones, Op::Any, Operand::List(vec![Operand::Text(phone.value.clone())]));
            lookup::find::<Contact>(work, &Predicate::Archived(false).and(with), MOST)?
        }
        (None, None) => return Ok(None),
    };
    if found.len() > 1 {
        let key = asked.name.as_deref().map(name::person_key);
        found.retain(|contact| key.as_ref().is_some_and(|key| name::person_key(contact.get(Contact::name)) == *key));
        return Ok(if found.len() == 1 { found.first().map(Record::id) } else { None });
    }
    if let Some(known) = found.first() {
        return Ok(Some(known.id()));
    }
    let point = asked.emails.first().or(asked.phones.first()).map(|point| point.value.as_str()).unwrap_or_default();
    let name = asked.name.clone().unwrap_or_else(|| point.split('@').next().unwrap_or_default().to_owned());
    let body = members::<Contact>().with(Contact::name, shortened(&name, 200));
    let mut record: Record<Contact> = Record::new(Contact::object()).into_entity();
    record.set(Contact::emails, asked.emails.clone());
    record.set(Contact::phones, asked.phones.clone());
    let mut body = body.into_map();
    if let serde_json::Value::Object(points) = input::body_of(&record) {
        body.extend(points);
    }
    let (contact, _) = writer.on(Contact::object()).create(work, &serde_json::Value::Object(body))?;
    Ok(Some(contact.id()))
}

fn create(work: &mut Work<'_>, writer: &Writer, request: &Request<'_>, contact: Option<Id>) -> Result<Record<Ticket>, Problem> {
    let mut ticket = request.asked.ticket.clone();
    // A request is not lost because its queue or category has gone.
    if !is_live(work, Queue::object(), ticket.get(Ticket::queue_id))? {
        ticket.clear(Ticket::queue_id);
    }
    if !is_live(work, TicketCategory::object(), ticket.get(Ticket::category_id))? {
        ticket.clear(Ticket::category_id);
    }
    ticket.set(Ticket::contact_id, contact);
    ticket.set(Ticket::channel, Some(TicketChannel::WebForm));
    let (ticket, _) = writer.create(work, &input::body_of(&ticket))?;
    Ok(ticket.into_entity())
}

fn is_live(work: &mut Work<'_>, object: &'static Object, id: Option<Id>) -> Result<bool, Problem> {
    let Some(id) = id else { return Ok(true) };
    Ok(lookup::by_id(work, object, id)?.is_some_and(|record| !record.is_archived()))
}

/// Keeps what was said as the first message, with who says it as they gave it.
fn say(
    work: &mut Work<'_>,
    writer: &Writer,
    request: &Request<'_>,
    (ticket, contact, mailbox): (&Record<Ticket>, Option<Id>, Option<&Record<Mailbox>>),
) -> Result<Record<TicketMessage>, Problem> {
    let writer = Writer { parent: Some(Named::Id(ticket.id())), ..writer.on(TicketMessage::object()) };
    let asked = &request.asked;
    let body = members::<TicketMessage>()
        .with(TicketMessage::kind, Some(MessageKind::Incoming))
        .with(TicketMessage::channel, Some(TicketChannel::WebForm))
        .with(TicketMessage::subject, Some(ticket.get(Ticket::subject).to_owned()))
        .with(TicketMessage::body, asked.text.clone())
        .with(TicketMessage::contact_id, contact)
        .with(TicketMessage::channel_message_id, Some(keys(request).0));
    let (message, _) = writer.create_with(work, &body.into_json(), |record| {
        let message = record.of_mut::<TicketMessage>();
        message.set(TicketMessage::sender_address, asked.emails.first().map(|point| point.value.clone()));
        message.set(TicketMessage::sender_name, asked.name.clone());
        message.set(TicketMessage::mailbox_id, mailbox.map(Record::id));
    })?;
    if let Some(consent) = request.consent {
        let body = members::<TicketMessage>()
            .with(TicketMessage::kind, Some(MessageKind::Note))
            .with(TicketMessage::body, format!("✓ {consent}"));
        writer.create(work, &body.into_json())?;
    }
    Ok(message.into_entity())
}
