//! A mail to a customer as it goes over the wire. Its headers are made of types that hold no line end.

use std::time::SystemTime;

use farley_domain::{
    service::mail::header::{Line, MessageId, Named},
    values::time::Timestamp,
};
use lettre::{
    Address, Message,
    address::Envelope,
    message::{
        Attachment, Mailbox, MultiPart,
        header::{ContentType, HeaderName, HeaderValue},
    },
};

/// The headers by which machines know that nobody wrote it (RFC 3834), Exchange among them.
const AUTOMATIC: [(&str, &str); 2] = [("Auto-Submitted", "auto-replied"), ("X-Auto-Response-Suppress", "All")];

/// A mail to be sent.
pub struct Letter {
    pub id: MessageId,
    pub from: Named,
    pub to: Vec<Named>,
    pub cc: Vec<Named>,
    /// Where answers are wanted, if elsewhere than at the sender's.
    pub reply_to: Option<Named>,
    pub subject: Line,
    /// The message that it answers.
    pub answered: Option<MessageId>,
    /// The messages before it, oldest first.
    pub references: Vec<MessageId>,
    pub written_at: Timestamp,
    pub text: String,
    pub html: String,
    /// Whether nobody wrote it.
    pub automatic: bool,
    pub enclosed: Vec<Enclosed>,
}

/// Something that goes along.
pub struct Enclosed {
    pub name: Line,
    pub media_type: String,
    pub content: Vec<u8>,
}

impl Letter {
    /// The envelope, with exactly the recipients, and the raw message.
    pub fn written(self) -> Result<(Envelope, Vec<u8>), String> {
        let sender = address(&self.from)?;
        let recipients: Vec<Address> = self.to.iter().chain(&self.cc).map(address).collect::<Result<_, _>>()?;
        let envelope = Envelope::new(Some(sender), recipients).map_err(|error| error.to_string())?;
        let mut message = Message::builder()
            .message_id(Some(self.id.in_brackets()))
            .date(SystemTime::from(self.written_at.to_utc()))
            .from(mailbox(&self.from)?)
            .subject(self.subject.as_str());
        for person in &self.to {
            message = message.to(mailbox(person)?);
        }
        for person in &self.cc {
            message = message.cc(mailbox(person)?);
        }
        if let Some(person) = &self.reply_to {
            message = message.reply_to(mailbox(person)?);
        }
        if let Some(answered) = &self.answered {
            message = message.in_reply_to(answered.in_brackets());
        }
        if !self.references.is_empty() {
            let ids: Vec<String> = self.references.iter().map(MessageId::in_brackets).collect();
            message = message.references(ids.join(" "));
        }
        for (name, value) in AUTOMATIC.into_iter().filter(|_| self.automatic) {
            let name = HeaderName::new_from_ascii(name.to_owned()).map_err(|error| error.to_string())?;
            message = message.raw_header(HeaderValue::new(name, value.to_owned()));
        }
        let text = MultiPart::alternative_plain_html(self.text, self.html);
        let body = if self.enclosed.is_empty() {
            text
        } else {
            self.enclosed.into_iter().fold(MultiPart::mixed().multipart(text), |body, enclosed| {
                body.singlepart(
                    Attachment::new(enclosed.name.as_str().to_owned()).body(enclosed.content, kind(&enclosed.media_type)),
                )
            })
        };
        let written = message.envelope(envelope.clone()).multipart(body).map_err(|error| error.to_string())?;
        Ok((envelope, written.formatted()))
    }
}

/// The envelope of the same for some of the recipients.
pub fn envelope_for(whole: &Envelope, recipients: &[String]) -> Result<Envelope, String> {
    let named = |recipient: &String| Named::of(recipient, None).ok_or_else(|| format!("{recipient} cannot be written to"));
    let to = recipients.iter().map(|recipient| address(&named(recipient)?)).collect::<Result<Vec<_>, _>>()?;
    Envelope::new(whole.from().cloned(), to).map_err(|error| error.to_string())
}

fn address(person: &Named) -> Result<Address, String> {
    person.address().parse().map_err(|error| format!("{}: {error}", person.address()))
}

fn mailbox(person: &Named) -> Result<Mailbox, String> {
    Ok(Mailbox::new(person.name().map(str::to_owned), address(person)?))
}

/// The type of what goes along. A message would have to go unencoded, and is bytes as any.
fn kind(media_type: &str) -> ContentType {
    let unknown = || ContentType::parse("application/octet-stream");
    let known =
        (!media_type.starts_with("message/") && !media_type.starts_with("multipart/")).then(|| ContentType::parse(media_type));
    known.and_then(Result::ok).or_else(|| unknown().ok()).unwrap_or(ContentType::TEXT_PLAIN)
}

#[cfg(test)]
mod tests {
    use farley_domain::service::mail::read::read;

    use super::*;

    fn letter(text: &str) -> Letter {
        let named = |address: &str, name: &str| Named::of(address, Some(name)).unwrap();
        Letter {
            id: MessageId::of(&format!("{}.{}@example.cn", "a".repeat(32), "b".repeat(42))).unwrap(),
            from: named("support@example.cn", "技术支持, \"Acme\""),
            to: vec![named("fang@例子.公司", "王芳\r\nBcc: spy@example.org"), named("li@example.cn", "")],
            cc: vec![named("boss@example.cn", "Boss")],
            reply_to: Named::of("support+t@example.cn", None),
            subject: Line::of("Re: 打印机\r\nBcc: spy@example.org [T-1.aaaaaaaa]"),
            answered: MessageId::of("x@y"),
            references: (0..20).map(|n| MessageId::of(&format!("{}{n}@x", "c".repeat(200))).unwrap()).collect(),
            written_at: Timestamp::from_milliseconds(1_772_352_000_000),
            text: text.to_owned(),
            html: format!("<p>{text}</p>"),
            automatic: true,
            enclosed: vec![Enclosed {
                name: Line::of("报价单.pdf"),
                media_type: "application/pdf".to_owned(),
                content: b"%PDF-".to_vec(),
            }],
        }
    }

    #[test]
    fn what_is_written_is_read_as_it_was_meant() {
        let (envelope, raw) = letter("您好\n.\nFrom here").written().unwrap();
        let recipients: Vec<String> = envelope.to().iter().map(ToString::to_string).collect();
        assert_eq!(recipients, ["fang@xn--fsqu00a.xn--55qx5d", "li@example.cn", "boss@example.cn"]);
        let lines = || raw.split(|byte| *byte == b'\n');
        assert!(lines().all(|line| line.len() <= 998) && !lines().any(|line| line.to_ascii_lowercase().starts_with(b"bcc")));
        let mail = read(&raw);
        assert_eq!(mail.id, Some(format!("{}.{}@example.cn", "a".repeat(32), "b".repeat(42))));
        assert_eq!(mail.from.unwrap().name.as_deref(), Some("技术支持, \"Acme\""));
        assert_eq!(mail.subject, "Re: 打印机 Bcc: spy@example.org [T-1.aaaaaaaa]");
        assert_eq!((mail.answers.len(), mail.answers[0].as_str()), (21, "x@y"));
        assert_eq!(mail.text.unwrap().trim(), "您好\n.\nFrom here");
        assert_eq!(mail.to[0].name.as_deref(), Some("王芳 Bcc: spy@example.org"));
        assert!(mail.automatic.is_some());
        assert_eq!(mail.attachments[0].name.as_deref(), Some("报价单.pdf"));
        assert_eq!(mail.attachments[0].content, b"%PDF-");
    }
}
