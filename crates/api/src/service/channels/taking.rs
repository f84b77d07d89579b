//! Where a message of a channel goes: to the sender's ticket of its conversation, or to a new one.

use std::sync::Arc;

use farley_domain::{
    customers::contact::Contact,
    identity::access::Action,
    integration::file::FiledObject,
    model::{
        entity::Entity,
        field::Op,
        input::{Members, members},
        operand::Operand,
        record::Record,
        recurring,
        template::shortened,
    },
    query::{
        list::{ListQuery, SortBy, SortKey, Start},
        predicate::Predicate,
    },
    service::{
        channel::{Channel, ChannelKind, MessageLink, Sender},
        ticket::{Ticket, TicketChannel, last_happening},
        ticket_message::{MessageKind, TicketMessage},
    },
    values::{email, id::Id, phone, time::Timestamp},
};
use farley_persistence::Work;
use serde_json::{Value, json};

use super::inbound::{ChannelMessage, InboundMessage};
use crate::{
    access::{
        principal,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::problem::Problem,
    integration::file::kept::Kept,
    records::{lookup, named::Named, write::Writer},
    service::{
        incoming::{LONGEST_DESCRIPTION, goes_on, key_of, status_kept},
        merging::conversation,
        ticket::follow_up_of,
    },
};

/// How many contacts with an address or number are looked at.
const CANDIDATES: usize = 10;

/// A message being taken in.
pub struct Taking {
    pub channel: Arc<Record<Channel>>,
    pub asked: Record<ChannelMessage>,
    pub now: Timestamp,
}

impl Taking {
    /// Takes it in, with the files that it brings along: what is answered, and under which status.
    pub fn take(&self, work: &mut Work<'_>, files: &Kept) -> Result<(u16, InboundMessage), Problem> {
        let channel = self.channel.id();
        let key = key_of(self.asked.get(ChannelMessage::channel_message_id));
        let conversation_id = self.asked.get(ChannelMessage::conversation_id);
        // The same message twice at once is one message, and the first two of a conversation are of one ticket.
        work.lock(&format!("channel {channel} message {key}"))?;
        work.lock(&format!("channel {channel} conversation {conversation_id}"))?;
        if let Some(known) = message_of(work, channel, &key)? {
            return Ok((200, answer(&known)));
        }
        let principal = Arc::new(principal::system(work.reader())?);
        let writer = Writer { principal, object: TicketMessage::object(), now: self.now, parent: None, quiet: false };
        let contact = self.contact(work, &writer)?;
        let ticket = match self.conversation(work, contact)? {
            Some(ticket) if goes_on(work, &writer, &ticket)? => ticket,
            Some(ticket) => self.create_ticket(work, &writer, follow_up_of(&ticket))?,
            None => {
                let queue = self.channel.get(Channel::queue_id);
                let body = members().with(Ticket::contact_id, Some(contact)).with(Ticket::queue_id, queue);
                self.create_ticket(work, &writer, body)?
            }
        };
        let status = status_kept(work, &writer, &ticket)?;
        // What is nobody's upload belongs to the ticket at first.
        let file_ids = files.files(work, &writer, Some((FiledObject::Ticket, ticket.id())))?;
        let latest = ticket.next_change_at(self.now);
        let sent = self
            .asked
            .get(ChannelMessage::sent_at)
            .map(|at| at.min(latest).max(last_happening(&ticket).unwrap_or(at.min(latest))));
        let body = members()
            .with(TicketMessage::ticket_id, Some(ticket.id()))
            .with(TicketMessage::kind, Some(MessageKind::Incoming))
            .with(TicketMessage::channel, Some(self.way()))
            .with(TicketMessage::body, self.text())
            .with(TicketMessage::contact_id, Some(contact))
            .with(TicketMessage::channel_message_id, Some(key))
            .with(TicketMessage::status_id, status)
            .with(TicketMessage::sent_at, sent)
            .with(TicketMessage::file_ids, file_ids);
        let sender = self.sender();
        let (record, _) = writer.create_with(work, &body.into_json(), |record| {
            let message = record.of_mut::<TicketMessage>();
            message.set(TicketMessage::channel_id, Some(channel));
            message.set(TicketMessage::conversation_id, Some(conversation_id.to_owned()));
            message.set(TicketMessage::channel_sender_id, Some(sender.id.clone()));
            message.set(TicketMessage::sender_name, sender.name.clone());
            message.set(TicketMessage::links, self.links());
        })?;
        Ok((202, answer(record.of())))
    }

    fn way(&self) -> TicketChannel {
        self.channel.get(Channel::kind).unwrap_or(ChannelKind::Other).of_tickets()
    }

    fn sender(&self) -> Sender {
        let nobody = Sender { id: String::new(), name: None, phone: None, email: None };
        self.asked.get(ChannelMessage::sender).unwrap_or(nobody)
    }

    fn links(&self) -> Vec<MessageLink> {
        let attachments = self.asked.get(ChannelMessage::attachments).into_iter();
        let link = |attachment: farley_domain::service::channel::Attachment| {
            let url = attachment.url?;
            Some(MessageLink { name: attachment.name, media_type: attachment.media_type, url })
        };
        attachments.filter_map(link).collect()
    }

    /// What was written; where that is nothing, what came along.
    fn text(&self) -> String {
        let names = || {
            let attachments = self.asked.get(ChannelMessage::attachments).into_iter();
            let names: Vec<String> = attachments.filter_map(|attachment| attachment.name.or(attachment.url)).collect();
            if names.is_empty() { "–".to_owned() } else { names.join(", ") }
        };
        self.asked.get(ChannelMessage::text).map_or_else(names, str::to_owned)
    }

    /// The sender's latest ticket of the conversation.
    fn conversation(&self, work: &mut Work<'_>, contact: Id) -> Result<Option<Record<Ticket>>, Problem> {
        let theirs = Predicate::Archived(false)
            .and(TicketMessage::conversation_id.eq(self.asked.get(ChannelMessage::conversation_id).to_owned()))
            .and(TicketMessage::channel_id.eq(self.channel.id()))
            .and(TicketMessage::contact_id.eq(contact));
        let query = ListQuery {
            predicate: theirs,
            sort: vec![
                SortKey { by: SortBy::Field(TicketMessage::created_at.field().clone()), descending: true },
                SortKey { by: SortBy::Field(TicketMessage::id.field().clone()), descending: true },
            ],
            limit: 1,
            start: Start::First,
            fields: None,
            expand: Vec::new(),
            total: false,
            as_of: None,
        };
        let layout = Work::layout(&without_custom_fields(TicketMessage::object()));
        let Some(row) = work.reader().list(&layout, &Unrestricted, &query)?.rows.into_iter().next() else { return Ok(None) };
        let latest = row.to_record()?.into_entity::<TicketMessage>();
        let Some(ticket) = latest.get(TicketMessage::ticket_id) else { return Ok(None) };
        Ok(Some(conversation(work, ticket)?).filter(|ticket| !ticket.is_archived()))
    }

    fn create_ticket(&self, work: &mut Work<'_>, writer: &Writer, body: Members<Ticket>) -> Result<Record<Ticket>, Problem> {
        let text = self.text();
        let subject = shortened(text.lines().find(|line| !line.trim().is_empty()).unwrap_or("–").trim(), 100);
        let body = body
            .with(Ticket::subject, subject)
            .with(Ticket::description, Some(shortened(&text, LONGEST_DESCRIPTION)))
            .with(Ticket::channel, Some(self.way()));
        let (ticket, _) = writer.on(Ticket::object()).create(work, &body.into_json())?;
        Ok(ticket.into_entity())
    }

    /// The contact whom the channel knows by the sender's id; else the only one with the sender's number or address, who is known by it
    /// from here on; else a new one.
    fn contact(&self, work: &mut Work<'_>, writer: &Writer) -> Result<Id, Problem> {
        let sender = self.sender();
        let system = self.channel.get(Channel::sender_system).unwrap_or_default().to_owned();
        work.lock(&format!("sender {system} {}", sender.id))?;
        if let Some(known) = work.reader().by_external_id(Contact::NAME, &system, &sender.id)? {
            return Ok(known);
        }
        let country = writer.principal.standards(self.now).country.to_owned();
        let phone = sender.phone.as_deref().and_then(|typed| phone::standardise(typed, &country).ok());
        let email = sender.email.as_deref().and_then(|typed| email::standardise(typed).ok());
        let writer = writer.on(Contact::object());
        if let Some(contact) = only_one(work, phone.as_deref(), email.as_deref())?
            && !contact.get(Contact::external_ids).contains_key(&system)
        {
            let loaded = writer.load(work, &Named::Id(contact.id()), Action::Update)?;
            let mut contact = loaded.record.of::<Contact>().clone();
            let mut external_ids = contact.get(Contact::external_ids).clone();
            external_ids.insert(system, sender.id.into());
            contact.set(Contact::external_ids, external_ids);
            let id = contact.id();
            writer.store(work, &loaded, contact.into_any(), "updated")?;
            return Ok(id);
        }
        let name = sender.name.clone().unwrap_or_else(|| sender.id.clone());
        let points = |point: Option<String>| Value::from_iter(point.map(|value| json!({"value": value})));
        let mut body = members::<Contact>()
            .with(Contact::name, name)
            .with(Contact::language, self.channel.get(Channel::language).map(str::to_owned))
            .with(Contact::external_ids, serde_json::Map::from_iter([(system, Value::from(sender.id))]))
            .into_json();
        if let Some(body) = body.as_object_mut() {
            // As it was typed, which is kept beside the standard form.
            body.insert(Contact::phones.name().to_owned(), points(phone.and(sender.phone)));
            body.insert(Contact::emails.name().to_owned(), points(email.and(sender.email)));
        }
        let (contact, _) = writer.create(work, &body)?;
        Ok(contact.id())
    }
}

/// The only live contact with a number or an address.
fn only_one(work: &mut Work<'_>, phone: Option<&str>, email: Option<&str>) -> Result<Option<Record<Contact>>, Problem> {
    let mut found: Vec<Record<Contact>> = Vec::new();
    for (points, value) in [(recurring::PHONES, phone), (recurring::EMAILS, email)] {
        let (Some(field), Some(value)) = (points.of(Contact::object()), value) else { continue };
        let with = Predicate::test(field, Op::Any, Operand::List(vec![Operand::Text(value.to_owned())]));
        for contact in lookup::find::<Contact>(work, &Predicate::Archived(false).and(with), CANDIDATES)? {
            if !found.iter().any(|known| known.id() == contact.id()) {
                found.push(contact);
            }
        }
    }
    Ok(found.pop().filter(|_| found.is_empty()))
}

fn answer(message: &Record<TicketMessage>) -> InboundMessage {
    InboundMessage {
        ticket_id: message.get(TicketMessage::ticket_id).unwrap_or(Id::NIL),
        message_id: message.id(),
        contact_id: message.get(TicketMessage::contact_id),
    }
}

/// The message of a channel with the id that this gave it.
pub fn message_of(work: &mut Work<'_>, channel: Id, key: &str) -> Result<Option<Record<TicketMessage>>, Problem> {
    let live = Predicate::Archived(false)
        .and(TicketMessage::channel_message_id.eq(key.to_owned()))
        .and(TicketMessage::channel_id.eq(channel));
    Ok(lookup::find::<TicketMessage>(work, &live, 1)?.into_iter().next())
}
