//! Mail: one message to one user, sent from a job by the mail server of the settings. What a job fails to send, it tries again.

use farley_domain::{
    identity::user::User,
    model::{fault::Language, record::Record},
    values::id::Id,
};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
};
use secrecy::ExposeSecret;

use crate::settings::Settings;

/// How often a mail is tried.
pub const ATTEMPTS: i64 = 8;

/// What is written to somebody.
#[derive(Debug)]
pub struct Letter {
    pub subject: String,
    pub text: String,
}

/// Sends a letter to a user; nothing, where there is no mail server. The job gives the message its id.
pub async fn send(settings: &Settings, user: &Record<User>, letter: Letter, job: Id) -> Result<(), String> {
    send_to(settings, &addressed(user), letter, job).await
}

/// The same to anybody, by name and address.
pub async fn send_to(settings: &Settings, to: &(String, String), letter: Letter, job: Id) -> Result<(), String> {
    send_from(settings, None, to, letter, job).await
}

/// The same from somebody else than the server's own sender, by name and address.
pub async fn send_from(
    settings: &Settings,
    from: Option<(String, String)>,
    to: &(String, String),
    letter: Letter,
    job: Id,
) -> Result<(), String> {
    let Some(url) = &settings.smtp_url else { return Ok(()) };
    let message = match from {
        None => message_to(&settings.mail_from, to, letter, job)?,
        Some((name, address)) => {
            let address = address.parse().map_err(|error| format!("the address of the sender: {error}"))?;
            message_between(Mailbox::new(Some(name), address), to, letter, job)?
        }
    };
    let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret()).map_err(|error| error.to_string())?;
    transport.build().send(message).await.map(drop).map_err(|error| error.to_string())
}

/// The user's own language; where that is not set, the one of the company's country.
#[must_use]
pub fn language(user: &Record<User>, country: &str) -> Language {
    match user.get(User::language) {
        Some(language) => Language::from_accept(language),
        None if country == "CN" => Language::Chinese,
        None => Language::English,
    }
}

/// A letter as it goes over the wire.
pub fn message(from: &str, user: &Record<User>, letter: Letter, job: Id) -> Result<Message, String> {
    message_to(from, &addressed(user), letter, job)
}

fn addressed(user: &Record<User>) -> (String, String) {
    (user.get(User::name).to_owned(), user.get(User::email).to_owned())
}

fn message_to(from: &str, to: &(String, String), letter: Letter, job: Id) -> Result<Message, String> {
    message_between(from.parse().map_err(|error| format!("FARLEY_MAIL_FROM: {error}"))?, to, letter, job)
}

fn message_between(from: Mailbox, (name, address): &(String, String), letter: Letter, job: Id) -> Result<Message, String> {
    let address = address.parse().map_err(|error| format!("the address of the recipient: {error}"))?;
    let to = Mailbox::new(Some(name.clone()), address);
    Message::builder()
        // Tried again after the mail server took it, it is still the same message.
        .message_id(Some(format!("<{job}@{}>", from.email.domain())))
        .from(from)
        .to(to)
        .subject(letter.subject)
        .header(ContentType::TEXT_PLAIN)
        .body(letter.text)
        .map_err(|error| error.to_string())
}
