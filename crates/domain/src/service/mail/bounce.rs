//! Reports that a message was not delivered (RFC 3464): to whom, why, and which message it was.

use mail_parser::{Message, MimeHeaders};

use super::read::{clean_id, header_line};

/// What a report says of a message that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bounce {
    /// The recipient that was not reached.
    pub recipient: Option<String>,
    /// The status (RFC 3463), such as `5.1.1`: 5 for good, 4 for now.
    pub status: Option<String>,
    /// What the other server said.
    pub diagnostic: Option<String>,
    /// The id of the message that was sent.
    pub original_id: Option<String>,
    /// Whether the other server goes on trying.
    pub is_delayed: bool,
}

/// Reads a report; none if the message is none, or reports that all went well.
#[must_use]
pub fn read(message: &Message<'_>) -> Option<Bounce> {
    let report = message.parts.iter().find(|part| part.is_content_type("message", "delivery-status"))?;
    let text = String::from_utf8_lossy(report.contents());
    let field = |name: &str| header_line(&text, name);
    let action = field("Action").unwrap_or_default().to_ascii_lowercase();
    if ["delivered", "relayed", "expanded"].contains(&action.as_str()) {
        return None;
    }
    // `rfc822; name@example.com`
    let after_type = |value: String| value.split_once(';').map_or(value.clone(), |(_, rest)| rest.trim().to_owned());
    let sent = message
        .parts
        .iter()
        .find(|part| part.is_content_type("message", "rfc822") || part.is_content_type("text", "rfc822-headers"));
    let original_id = sent.and_then(|part| match part.message() {
        Some(nested) => nested.message_id().map(str::to_owned),
        // Some give no more than a line or two of them.
        None => header_line(&String::from_utf8_lossy(part.contents()), "Message-ID"),
    });
    Some(Bounce {
        recipient: field("Final-Recipient").or_else(|| field("Original-Recipient")).map(after_type),
        status: field("Status").map(|status| status.split_whitespace().next().unwrap_or_default().to_owned()),
        diagnostic: field("Diagnostic-Code").map(after_type),
        is_delayed: action == "delayed",
        original_id: original_id.as_deref().and_then(clean_id),
    })
}
