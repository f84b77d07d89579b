//! Which messages go out as mail, from which mailbox and to whom. It is decided when a message is written, in the work that writes it,
//! which also puts the job into the queue that sends it: no reply is lost, and none is sent that was not written.

use farley_domain::{
    customers::contact::Contact,
    identity::user::User,
    integration::file::File,
    model::{
        event::CauseKind,
        fault::{Fault, FaultCode, Faults},
        record::Record,
    },
    service::{
        mail::{
            header::MessageId,
            recipients::MailRecipient,
            reply::{self, Answered, Recipients},
            token::Tokens,
        },
        mailbox::Mailbox,
        ticket::{Ticket, TicketChannel},
        ticket_message::{DeliveryState, MessageKind, TicketMessage},
    },
    values::{email, id::Id},
};
use farley_persistence::Work;

use super::mailboxes::Mailboxes;
use crate::{
    http::{clock, problem::Problem},
    records::{behaviour::Writing, lookup, words::Words},
    service::reply_template::language_of,
};

/// How many of the latest messages are looked through for the one to answer.
const LOOKED_AT: usize = 50;
/// The most bytes of files that go along: what mail servers take, less what encoding adds.
const LARGEST: i64 = 18_000_000;
/// The longest subject, in characters: what mail programs put before it stays within what is read of one.
const SUBJECT: usize = 250;
/// The longest local part of an address (RFC 5321, 4.5.3.1.1).
const LOCAL: usize = 64;

/// Makes a new message of a ticket a mail, if it is to be one. What was sent elsewhere says so by its time or its id.
pub fn address(
    work: &mut Work<'_>,
    writing: &Writing<'_, TicketMessage>,
    (ticket, is_of_now): (&Record<Ticket>, bool),
    message: &mut Record<TicketMessage>,
) -> Result<(), Problem> {
    // It came in, or it is a record of what was said before.
    let imported = work.origin.cause.is_some_and(|cause| cause.kind == CauseKind::Import);
    if imported || !message.is_null(TicketMessage::matched_by) {
        return Ok(());
    }
    let kind = message.get(TicketMessage::kind);
    let given = Recipients { to: message.get(TicketMessage::to_addresses), cc: message.get(TicketMessage::cc_addresses) };
    let names_somebody = !given.to.is_empty() || !given.cc.is_empty();
    let goes_out = match kind {
        Some(MessageKind::Reply) => true,
        Some(MessageKind::Automatic) => names_somebody,
        Some(MessageKind::Incoming) => return Ok(()),
        Some(MessageKind::Note) | None => false,
    };
    if names_somebody && !goes_out {
        let fault = Fault::new(TicketMessage::to_addresses.pointer(), FaultCode::Conflicting);
        return Err(Problem::rule(fault.with("other", TicketMessage::kind.name()).into()));
    }
    let is_mail = message.get(TicketMessage::channel) == Some(TicketChannel::Email);
    if !goes_out || !is_mail || !is_of_now || !message.is_null(TicketMessage::channel_message_id) {
        return Ok(());
    }
    let mailboxes = Mailboxes::of(work)?;
    let answered = answered(work, ticket, message)?;
    let Some(mailbox) = mailbox_of(&mailboxes, ticket, message.get(TicketMessage::mailbox_id), answered.as_ref()) else {
        let asked_for = names_somebody || !message.is_null(TicketMessage::mailbox_id);
        let fault = || Fault::new(TicketMessage::mailbox_id.pointer(), FaultCode::Required);
        return if asked_for { Err(Problem::rule(fault().into())) } else { Ok(()) };
    };
    let recipients = recipients(work, (&mailboxes, ticket, answered.as_ref()), given)?;
    refuse_too_large(work, message)?;
    let signature = signature(work, writing, (ticket, mailbox), message)?;
    message.set(TicketMessage::signature, signature);
    write_down(work, ticket, message, (mailbox, answered.as_ref(), recipients))
}

/// The channel of a message that tells none: that of the ticket; a reply goes the way that the customer's latest message came.
pub fn channel_of(
    work: &mut Work<'_>,
    ticket: &Record<Ticket>,
    message: &Record<TicketMessage>,
) -> Result<Option<TicketChannel>, Problem> {
    let of_ticket = ticket.get(Ticket::channel);
    if !message.get(TicketMessage::to_addresses).is_empty() && message.is_null(TicketMessage::matched_by) {
        return Ok(Some(TicketChannel::Email));
    }
    if message.get(TicketMessage::kind) != Some(MessageKind::Reply) {
        return Ok(of_ticket);
    }
    let written = work.reader().messages_of_ticket(ticket.id())?;
    let latest = written.iter().rev().find(|known| known.kind == MessageKind::Incoming);
    let latest = latest.map(|known| lookup::one::<TicketMessage>(work, known.id)).transpose()?.flatten();
    let Some(latest) = latest else { return Ok(of_ticket) };
    if is_form(&latest) && !latest.is_null(TicketMessage::sender_address) {
        // Who filled in a form waits for a mail, if there is a mailbox to send it from.
        let mailboxes = Mailboxes::of(work)?;
        if mailbox_of(&mailboxes, ticket, message.get(TicketMessage::mailbox_id), Some(&latest)).is_some() {
            return Ok(Some(TicketChannel::Email));
        }
    }
    Ok(latest.get(TicketMessage::channel).or(of_ticket))
}

/// Whether a message was written on a page, by somebody who is answered by mail.
fn is_form(message: &Record<TicketMessage>) -> bool {
    matches!(message.get(TicketMessage::channel), Some(TicketChannel::WebForm | TicketChannel::Portal))
}

/// The message that a new one answers: the one that it names, else the latest mail of somebody who takes part, else the latest one that
/// went out.
fn answered(
    work: &mut Work<'_>,
    ticket: &Record<Ticket>,
    message: &Record<TicketMessage>,
) -> Result<Option<Record<TicketMessage>>, Problem> {
    match message.get(TicketMessage::reply_to_id) {
        Some(named) => lookup::one::<TicketMessage>(work, named),
        None => latest_mail(work, ticket),
    }
}

/// The latest mail of somebody who takes part, else the latest one that went out.
fn latest_mail(work: &mut Work<'_>, ticket: &Record<Ticket>) -> Result<Option<Record<TicketMessage>>, Problem> {
    let written = work.reader().messages_of_ticket(ticket.id())?;
    let mut sent = None;
    let talk = written.iter().rev().filter(|known| matches!(known.kind, MessageKind::Incoming | MessageKind::Reply));
    for known in talk.take(LOOKED_AT) {
        let Some(found) = lookup::one::<TicketMessage>(work, known.id)?.filter(|found| !found.is_archived()) else { continue };
        let is_mail = (found.get(TicketMessage::channel) == Some(TicketChannel::Email) || is_form(&found))
            && !found.is_null(TicketMessage::sender_address);
        if !is_mail || found.get(TicketMessage::is_from_stranger) {
            continue;
        }
        if known.kind == MessageKind::Incoming {
            return Ok(Some(found));
        }
        sent = sent.or(Some(found));
    }
    Ok(sent)
}

/// The mailbox that a message goes out from: the one that it names, that of the message answered, that of the queue, or the only one.
fn mailbox_of<'m>(
    mailboxes: &'m Mailboxes,
    ticket: &Record<Ticket>,
    named: Option<Id>,
    answered: Option<&Record<TicketMessage>>,
) -> Option<&'m Record<Mailbox>> {
    if let Some(named) = named {
        return mailboxes.active(named);
    }
    let of_answered = answered.and_then(|answered| mailboxes.active(answered.get(TicketMessage::mailbox_id)?));
    of_answered.or_else(|| mailboxes.of_queue(ticket.get(Ticket::queue_id)?)).or_else(|| mailboxes.only())
}

/// Whom a message goes to: whom it names, else whom the message answered tells, else the contact of the ticket.
fn recipients(
    work: &mut Work<'_>,
    (mailboxes, ticket, answered): (&Mailboxes, &Record<Ticket>, Option<&Record<TicketMessage>>),
    given: Recipients,
) -> Result<Recipients, Problem> {
    let mut faults = Faults::default();
    for (handle, addresses) in [(TicketMessage::to_addresses, &given.to), (TicketMessage::cc_addresses, &given.cc)] {
        for (place, _) in addresses.iter().enumerate().filter(|(_, address)| mailboxes.is_own(address)) {
            faults.add(Fault::new(format!("{}/{place}", handle.pointer()), FaultCode::OwnMailbox));
        }
    }
    let mut found = match answered {
        _ if !given.to.is_empty() => Recipients { to: given.to, cc: Vec::new() },
        Some(answered) => {
            let (to, cc) = (answered.get(TicketMessage::to_addresses), answered.get(TicketMessage::cc_addresses));
            let sender = answered.get(TicketMessage::sender_address);
            let sender = sender.filter(|_| answered.get(TicketMessage::kind) != Some(MessageKind::Reply));
            Answered { sender, to: &to, cc: &cc }.recipients(|address| mailboxes.is_own(address))
        }
        None => Recipients { to: contact_address(work, ticket)?.into_iter().collect(), cc: Vec::new() },
    };
    if !given.cc.is_empty() {
        found.cc = given.cc;
    }
    found.cc.retain(|address| !found.to.contains(address));
    if found.to.is_empty() {
        faults.add(Fault::new(TicketMessage::to_addresses.pointer(), FaultCode::Required));
    }
    faults.into_result(found).map_err(Problem::rule)
}

/// The first address of the ticket's contact.
fn contact_address(work: &mut Work<'_>, ticket: &Record<Ticket>) -> Result<Option<String>, Problem> {
    let Some(contact) = ticket.get(Ticket::contact_id) else { return Ok(None) };
    let Some(contact) = lookup::one::<Contact>(work, contact)? else { return Ok(None) };
    let emails = contact.get(Contact::emails);
    Ok(emails.iter().find(|point| point.primary).or(emails.first()).map(|point| point.value.clone()))
}

fn refuse_too_large(work: &mut Work<'_>, message: &Record<TicketMessage>) -> Result<(), Problem> {
    let mut bytes = 0_i64;
    for file in message.get(TicketMessage::file_ids) {
        let size = lookup::one::<File>(work, file)?.and_then(|file| file.get(File::size_bytes));
        bytes = bytes.saturating_add(size.unwrap_or(0));
    }
    if bytes > LARGEST {
        let fault = Fault::new(TicketMessage::file_ids.pointer(), FaultCode::MailTooLarge).with("max", LARGEST);
        return Err(Problem::rule(fault.into()));
    }
    Ok(())
}

/// Writes into a message what it is as a mail, as it stays however often it is tried.
fn write_down(
    work: &mut Work<'_>,
    ticket: &Record<Ticket>,
    message: &mut Record<TicketMessage>,
    (mailbox, answered, recipients): (&Record<Mailbox>, Option<&Record<TicketMessage>>, Recipients),
) -> Result<(), Problem> {
    let key = work.file_link_key(&clock::random_bytes::<32>())?;
    let tokens = Tokens { key: &key, tenant: work.tenant().id };
    let own = message.get(TicketMessage::subject).map(str::to_owned);
    let of_answered = answered.and_then(|answered| answered.get(TicketMessage::subject)).map(str::to_owned);
    let base = own.or(of_answered).unwrap_or_else(|| ticket.get(Ticket::subject).to_owned());
    let number = ticket.get(Ticket::number).unwrap_or_default();
    let subject = reply::subject(&base, answered.is_some(), &tokens, number, SUBJECT);
    let domain = email::domain(mailbox.get(Mailbox::address));
    let domain =
        email::in_ascii(mailbox.get(Mailbox::address)).map_or(domain.to_owned(), |address| email::domain(&address).to_owned());
    let id = format!("{}.{}@{domain}", message.id().0.simple(), tokens.of_ticket(ticket.id()));
    // A domain may be too long to stand beside a token.
    let id =
        MessageId::of(&id).map_or_else(|| format!("{}@farley.invalid", message.id().0.simple()), |id| id.as_str().to_owned());
    message.set(TicketMessage::mailbox_id, Some(mailbox.id()));
    message.set(TicketMessage::sender_address, Some(mailbox.get(Mailbox::address).to_owned()));
    message.set(
        TicketMessage::sender_name,
        Some(mailbox.get(Mailbox::sender_name).unwrap_or(mailbox.get(Mailbox::name)).to_owned()),
    );
    let all = recipients.to.iter().chain(&recipients.cc);
    message.set(TicketMessage::recipients, all.map(|address| MailRecipient::queued(address)).collect::<Vec<_>>());
    message.set(TicketMessage::to_addresses, recipients.to);
    message.set(TicketMessage::cc_addresses, recipients.cc);
    message.set(TicketMessage::subject, Some(subject.as_str().to_owned()));
    message.set(TicketMessage::channel_message_id, Some(id));
    message.set(TicketMessage::delivery_state, Some(DeliveryState::Queued));
    if message.is_null(TicketMessage::reply_to_id) {
        message.set(TicketMessage::reply_to_id, answered.map(Record::id));
    }
    Ok(())
}

/// Whom Farley itself answers by mail when a rule replies to a ticket: whoever wrote last, without copies; nobody, where the conversation
/// does not go by mail.
pub fn answered_by_itself(work: &mut Work<'_>, ticket: &Record<Ticket>) -> Result<Vec<String>, Problem> {
    let (mailboxes, answered) = (Mailboxes::of(work)?, latest_mail(work, ticket)?);
    if mailbox_of(&mailboxes, ticket, None, answered.as_ref()).is_none() {
        return Ok(Vec::new());
    }
    let mut to = match &answered {
        Some(answered) if answered.get(TicketMessage::kind) == Some(MessageKind::Incoming) => {
            answered.get(TicketMessage::sender_address).map(str::to_owned).into_iter().collect()
        }
        Some(answered) => answered.get(TicketMessage::to_addresses),
        None if ticket.get(Ticket::channel) == Some(TicketChannel::Email) => contact_address(work, ticket)?.into_iter().collect(),
        None => Vec::new(),
    };
    to.retain(|address| !mailboxes.is_own(address));
    Ok(to)
}

/// What is put under a mail: the signatures of whoever writes it and of the mailbox.
fn signature(
    work: &mut Work<'_>,
    writing: &Writing<'_, TicketMessage>,
    (ticket, mailbox): (&Record<Ticket>, &Record<Mailbox>),
    message: &Record<TicketMessage>,
) -> Result<Option<String>, Problem> {
    let mut signed = Vec::new();
    if message.get(TicketMessage::kind) == Some(MessageKind::Reply) && !writing.principal.is_system() {
        let author = lookup::one::<User>(work, writing.principal.user_id())?;
        signed.extend(author.and_then(|author| author.get(User::signature).map(str::to_owned)));
    }
    if let Some(wording) = mailbox.get(Mailbox::signature) {
        let language = language_of(work.reader(), ticket, message.get(TicketMessage::body))?;
        let words = Words { principal: writing.principal, now: writing.now, language: Some(&language) };
        signed.push(words.fill(work.reader(), ticket.any(), wording.in_language(Some(&language)))?);
    }
    signed.retain(|signature| !signature.is_empty());
    Ok((!signed.is_empty()).then(|| signed.join("\n")))
}

/// Where answers to a mail about a ticket are wanted: at the address of its mailbox, with the token of the ticket after a plus, where
/// mail to such an address is delivered.
#[must_use]
pub fn answers_at(mailbox: &Record<Mailbox>, tokens: &Tokens<'_>, ticket: Id) -> Option<String> {
    let (local, domain) = mailbox.get(Mailbox::address).rsplit_once('@')?;
    let tagged = format!("{local}+{}", tokens.of_ticket(ticket));
    (mailbox.get(Mailbox::has_plus_addresses) && tagged.len() <= LOCAL).then(|| format!("{tagged}@{domain}"))
}
