//! What a raw message says.

use std::borrow::Cow;

use mail_parser::{
    Address, Encoding, Message, MessageParser, MessagePart, MimeHeaders, PartType,
    decoders::{base64::base64_decode, html::html_to_text, quoted_printable::quoted_printable_decode},
};

use super::{
    automatic::{self, Automatic},
    bounce::{self, Bounce},
    charset,
    html::{harmless, is_too_deep},
};
use crate::values::email;

/// How many addresses of one header are read.
const ADDRESSES: usize = 100;
/// How many messages it can be an answer to.
const ANSWERED: usize = 100;
/// The longest subject, in characters.
const SUBJECT: usize = 300;
/// The longest id of a message that is looked at, in bytes (RFC 5322 gives a line 998).
const LONGEST_ID: usize = 998;

/// Somebody with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The address in standard form.
    pub address: String,
    /// The name beside it; none if it says nothing.
    pub name: Option<String>,
}

/// Something that came along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The name that the sender gave it; none if they gave none.
    pub name: Option<String>,
    /// The type that it was declared to be.
    pub media_type: String,
    /// The id by which the HTML of the mail shows it.
    pub content_id: Option<String>,
    pub content: Vec<u8>,
}

/// A message as far as it could be read.
#[derive(Debug, Clone, Default)]
pub struct Mail {
    /// Its own id, without the angle brackets.
    pub id: Option<String>,
    /// The ids of the messages that it answers, those nearest first: In-Reply-To, then References from the last to the first.
    pub answers: Vec<String>,
    pub from: Option<Person>,
    pub to: Vec<Person>,
    pub cc: Vec<Person>,
    /// The addresses under which it was delivered, as servers on the way wrote them down.
    pub delivered_to: Vec<String>,
    /// The subject in one line; empty if there is none.
    pub subject: String,
    /// The text, if it has a text of its own.
    pub text: Option<String>,
    /// The text as HTML that has been made harmless; the addresses of pictures are those of parts of the mail.
    pub html: Option<String>,
    pub attachments: Vec<Attachment>,
    /// What kind of machine wrote it; none if somebody did.
    pub automatic: Option<Automatic>,
    /// Whether a machine may answer it.
    pub may_be_answered: bool,
    /// What it reports of a message that was sent.
    pub bounce: Option<Bounce>,
}

/// Reads a raw message. What is broken in it is left out.
#[must_use]
pub fn read(raw: &[u8]) -> Mail {
    let Some(message) = MessageParser::default().parse(raw) else {
        let text = charset::decode(raw, None);
        return Mail { text: Some(text).filter(|text| !text.trim().is_empty()), ..Mail::default() };
    };
    let from = people(message.from().or_else(|| message.sender())).into_iter().next().map(|person| renamed(person, &message));
    let subject = subject(&message);
    let written_by = automatic::writer(&message, from.as_ref().map(|from| from.address.as_str()), &subject);
    let (text, html) = bodies(&message);
    // Where the parts are broken, the text can be taken for something that came along, or for nothing.
    let is_lost = |part: &MessagePart<'_>| {
        text.is_none() && html.is_none() && matches!(part.body, PartType::Text(_)) && part.attachment_name().is_none()
    };
    let lost = joined(message.attachments().filter(|part| is_lost(part)).map(|part| decoded(&message, part)), "\n");
    let came_along = message.attachments().filter(|part| !is_lost(part));
    let attachments: Vec<Attachment> = came_along.filter_map(|part| attachment(&message, part)).collect();
    let text = match text.or(lost) {
        None if html.is_none() && attachments.iter().all(|part| part.content.is_empty()) => whatever_is_there(&message),
        text => text,
    };
    Mail {
        id: message.message_id().and_then(clean_id),
        answers: answers(&message),
        to: people(message.to()),
        cc: people(message.cc()),
        delivered_to: delivered_to(&message),
        attachments,
        may_be_answered: from.is_some() && automatic::may_be_answered(&message, written_by),
        automatic: written_by,
        bounce: bounce::read(&message),
        from,
        subject,
        text,
        html,
    }
}

/// An id without brackets and blanks; none if nothing is left, or too much.
#[must_use]
pub fn clean_id(id: &str) -> Option<String> {
    let id: String = id.chars().filter(|character| !character.is_whitespace() && !"<>".contains(*character)).collect();
    (!id.is_empty() && id.len() <= LONGEST_ID && !id.contains(char::is_control)).then_some(id)
}

/// A field in lines of `name: value`, with what is folded under it.
pub fn header_line(text: &str, name: &str) -> Option<String> {
    let mut found: Option<String> = None;
    for line in text.lines() {
        if let Some(value) = &mut found {
            if line.starts_with([' ', '\t']) {
                value.push(' ');
                value.push_str(line.trim());
                continue;
            }
            break;
        }
        found = line
            .split_once(':')
            .filter(|(field, _)| field.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned());
    }
    found.filter(|value| !value.is_empty())
}

fn answers(message: &Message<'_>) -> Vec<String> {
    let mut ids = Vec::new();
    let list = |header: &mail_parser::HeaderValue<'_>| -> Vec<String> {
        match header.as_text_list() {
            Some(all) => all.iter().filter_map(|id| clean_id(id)).collect(),
            None => header.as_text().and_then(clean_id).into_iter().collect(),
        }
    };
    let of_thread = list(message.references());
    for id in list(message.in_reply_to()).into_iter().chain(of_thread.into_iter().rev()) {
        if !ids.contains(&id) && ids.len() < ANSWERED {
            ids.push(id);
        }
    }
    ids
}

fn people(addresses: Option<&Address<'_>>) -> Vec<Person> {
    let all = addresses.into_iter().flat_map(Address::iter).take(ADDRESSES);
    all.filter_map(|found| {
        let address = email::standardise(found.address.as_deref()?).ok()?;
        let name = found.name.as_deref().map(one_line).filter(|name| !name.is_empty() && *name != address);
        Some(Person { address, name })
    })
    .collect()
}

/// The sender with a name that was written without saying in which characters, as old programs do.
fn renamed(person: Person, message: &Message<'_>) -> Person {
    let broken = person.name.as_ref().is_some_and(|name| name.contains(char::REPLACEMENT_CHARACTER));
    if !broken {
        return person;
    }
    let written = raw_header(message, "From").map(|raw| charset::decode(raw, None));
    let name =
        written.as_deref().and_then(|written| written.split('<').next()).map(|name| one_line(name.trim().trim_matches('"')));
    Person { name: name.filter(|name| !name.is_empty()), ..person }
}

fn subject(message: &Message<'_>) -> String {
    let read = message.subject().unwrap_or_default();
    let read = if read.contains(char::REPLACEMENT_CHARACTER) {
        raw_header(message, "Subject").map_or(Cow::Borrowed(read), |raw| Cow::Owned(charset::decode(raw, None)))
    } else {
        Cow::Borrowed(read)
    };
    one_line(&read).chars().take(SUBJECT).collect()
}

/// The bytes of a header.
fn raw_header<'m>(message: &'m Message<'_>, name: &str) -> Option<&'m [u8]> {
    let header = message.headers().iter().find(|header| header.name().eq_ignore_ascii_case(name))?;
    message.raw_message().get(header.offset_start() as usize..header.offset_end() as usize)
}

/// A text without line ends and other controls.
pub(super) fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn delivered_to(message: &Message<'_>) -> Vec<String> {
    const NAMES: [&str; 4] = ["Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To"];
    let named = message.headers_raw().filter(|(name, _)| NAMES.iter().any(|known| known.eq_ignore_ascii_case(name)));
    let addresses = named.flat_map(|(_, value)| value.split(','));
    let standard = addresses.filter_map(|address| email::standardise(address.trim().trim_matches(['<', '>'])).ok());
    standard.take(ADDRESSES).collect()
}

fn text_of(message: &Message<'_>) -> Option<String> {
    let plain = message.text_bodies().filter(|part| matches!(part.body, PartType::Text(_)));
    joined(plain.map(|part| decoded(message, part)), "\n")
}

/// What stands below the headers of a message whose parts are so broken that none of them is a text: without what separates parts.
fn whatever_is_there(message: &Message<'_>) -> Option<String> {
    let raw = message.raw_message();
    let ends = |blank: &[u8]| raw.windows(blank.len()).position(|window| window == blank).map(|at| at + blank.len());
    let below = ends(b"\r\n\r\n").or_else(|| ends(b"\n\n"))?;
    let raw = &raw[below..];
    let is_of_parts = |line: &&str| line.starts_with("--") || line.to_ascii_lowercase().starts_with("content-");
    let all = charset::decode(raw, None).replace('\0', "");
    let kept: Vec<&str> = all.lines().filter(|line| !is_of_parts(line)).collect();
    Some(kept.join("\n").trim().to_owned()).filter(|text| !text.is_empty())
}

/// The text, and the HTML made harmless. HTML that is nested too deep to be made harmless is read as text.
fn bodies(message: &Message<'_>) -> (Option<String>, Option<String>) {
    let (text, html) = (text_of(message), html_of(message));
    match html {
        Some(html) if is_too_deep(&html) => (text.or_else(|| Some(html_to_text(&html))), None),
        Some(html) => (text, Some(harmless(&html)).filter(|html| !html.trim().is_empty())),
        None => (text, None),
    }
}

fn html_of(message: &Message<'_>) -> Option<String> {
    let html = message.html_bodies().filter(|part| matches!(part.body, PartType::Html(_)));
    joined(html.map(|part| decoded(message, part)), "\n")
}

/// Apple Mail writes a text with pictures in between as several parts.
fn joined<'t>(parts: impl Iterator<Item = Cow<'t, str>>, between: &str) -> Option<String> {
    let parts: Vec<Cow<'t, str>> = parts.collect();
    let text = parts.join(between).replace("\r\n", "\n").replace('\0', "");
    (!text.trim().is_empty()).then_some(text)
}

/// The text of a part, seen through a wrong label.
fn decoded<'m>(message: &'m Message<'_>, part: &'m MessagePart<'_>) -> Cow<'m, str> {
    let read = part.text_contents().unwrap_or_default();
    let label = part.content_type().and_then(|kind| kind.attribute("charset"));
    let trusted =
        label.is_some_and(|label| !["us-ascii", "iso-8859-1", "windows-1252"].contains(&label.to_ascii_lowercase().as_str()));
    if read.is_ascii() || (trusted && !read.contains(char::REPLACEMENT_CHARACTER)) {
        return Cow::Borrowed(read);
    }
    let place = part.raw_body_offset() as usize..part.raw_end_offset() as usize;
    let Some(raw) = message.raw_message().get(place) else { return Cow::Borrowed(read) };
    let bytes = match part.encoding {
        Encoding::None => Some(Cow::Borrowed(raw)),
        Encoding::QuotedPrintable => quoted_printable_decode(raw).map(Cow::Owned),
        Encoding::Base64 => base64_decode(raw).map(Cow::Owned),
    };
    bytes.map_or(Cow::Borrowed(read), |bytes| Cow::Owned(charset::decode(&bytes, label)))
}

fn attachment(message: &Message<'_>, part: &MessagePart<'_>) -> Option<Attachment> {
    let kind = part.content_type().map(|kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("octet-stream")));
    let content = match &part.body {
        PartType::Multipart(_) => return None,
        PartType::Message(nested) if part.encoding != Encoding::None => nested.raw_message().to_vec(),
        PartType::Message(_) => {
            message.raw_message().get(part.raw_body_offset() as usize..part.raw_end_offset() as usize)?.to_vec()
        }
        PartType::Text(_) | PartType::Html(_) | PartType::Binary(_) | PartType::InlineBinary(_) => part.contents().to_vec(),
    };
    let nested_name = part.message().and_then(|nested| nested.subject()).map(|subject| format!("{}.eml", one_line(subject)));
    Some(Attachment {
        name: part.attachment_name().map(one_line).filter(|name| !name.is_empty()).or(nested_name),
        content_id: part.content_id().and_then(clean_id),
        media_type: kind.unwrap_or_else(|| "application/octet-stream".to_owned()).to_ascii_lowercase(),
        content,
    })
}
