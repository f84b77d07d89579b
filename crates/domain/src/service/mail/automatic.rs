//! Whether a message was written by a machine, and whether a machine may answer it (RFC 3834; what Exchange, list servers and
//! Chinese web mailers do instead).

use mail_parser::{Message, MimeHeaders};

/// What kind of machine wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Automatic {
    /// An answer that nobody wrote: out of office, received with thanks.
    Reply,
    /// A report that a message could not be delivered, or was.
    Report,
    /// Something sent to many.
    Bulk,
    /// Any other message of a machine.
    Generated,
}

/// Subjects that mail programs give their automatic replies where they set no header; QQ Mail and NetEase set none.
const SUBJECTS: &[&str] = &[
    "自动回复:",
    "自动回复：",
    "自動回覆:",
    "自動回覆：",
    "[自动回复]",
    "【自动回复】",
    "automatic reply:",
    "auto reply:",
    "auto-reply:",
    "autoreply:",
    "out of office:",
    "out of office autoreply:",
    "abwesenheitsnotiz:",
    "automatische antwort:",
];

/// Local parts behind which nobody reads.
const NOBODY: &[&str] = &["noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "do_not_reply", "bounce", "bounces"];

/// The value of a header in lower case, without comments and parameters.
fn value(message: &Message<'_>, name: &'static str) -> Option<String> {
    let (_, raw) = message.headers_raw().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(raw.split([';', '(']).next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Who wrote it, if a machine did. `from` is the sender's address, in standard form.
#[must_use]
pub fn writer(message: &Message<'_>, from: Option<&str>, subject: &str) -> Option<Automatic> {
    let local = from.and_then(|from| from.rsplit_once('@')).map_or("", |(local, _)| local);
    let reports = message.is_content_type("multipart", "report");
    if reports || ["mailer-daemon", "postmaster"].contains(&local) {
        return Some(Automatic::Report);
    }
    let says = |name: &'static str, values: &[&str]| value(message, name).is_some_and(|found| values.contains(&found.as_str()));
    match value(message, "Auto-Submitted").as_deref() {
        Some("auto-replied") => return Some(Automatic::Reply),
        Some("no" | "") | None => {}
        Some(_) => return Some(Automatic::Generated),
    }
    let answers = ["X-Autoreply", "X-Autorespond", "X-Auto-Reply-From", "X-Autoresponder"];
    let folded = subject.trim().to_lowercase();
    if answers.into_iter().any(|name| value(message, name).is_some_and(|found| found != "no"))
        || says("Precedence", &["auto_reply"])
        || says("Delivered-To", &["autoresponder"])
        || SUBJECTS.iter().any(|start| folded.starts_with(start))
    {
        return Some(Automatic::Reply);
    }
    if says("Precedence", &["bulk", "junk"])
        || (value(message, "List-Unsubscribe").is_some() && value(message, "List-Id").is_none())
    {
        return Some(Automatic::Bulk);
    }
    let returns_nowhere = value(message, "Return-Path").is_some_and(|path| path == "<>" || path.is_empty());
    let nobody = NOBODY
        .iter()
        .any(|name| local == *name || local.starts_with(&format!("{name}+")) || local.starts_with(&format!("{name}-")));
    (returns_nowhere || nobody).then_some(Automatic::Generated)
}

/// Whether a machine may answer it: a human wrote it to us, and neither they nor a list asks not to.
#[must_use]
pub fn may_be_answered(message: &Message<'_>, writer: Option<Automatic>) -> bool {
    let refuses = value(message, "X-Auto-Response-Suppress").is_some_and(|found| !found.is_empty() && found != "none");
    let lists = ["List-Id", "List-Post", "List-Unsubscribe"].into_iter().any(|name| value(message, name).is_some());
    let precedence = value(message, "Precedence").is_some_and(|found| found == "list");
    writer.is_none() && !refuses && !lists && !precedence
}
