//! Codes to sign in with: asked for by an address, mailed by a job, so that whoever asks learns nothing of who is known.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    customers::contact::Contact,
    model::{fault::Language, field::Hint, record::Record},
    service::{
        mailbox::Mailbox,
        portal::{Portal, admits},
    },
    values::{email, id::Id},
};
use farley_persistence::{Origin, PortalCodeRow, TenantKey, Work};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Found;
use crate::{
    access::{
        sealed,
        state::{State, state_of},
        throttle::{self, Subject},
    },
    http::{
        clock,
        problem::{Code, Problem},
        request::{OpenBody, client_address, limit_by_address, parameters, refuse_rest, request_id_of, tag_of},
    },
    records::{
        area::{Halt, Job},
        body::read_plain,
        lookup,
        mail::{self, Letter},
    },
    service::mail::taking::contacts_at,
};

/// The kind of the jobs that mail a code.
pub const KIND: &str = "portal_code_mail";
/// How long a code works, in seconds.
const CODE_SECONDS: i64 = 600;
/// How many codes there are: eight digits.
const CODES: u64 = 100_000_000;
/// What the digests of codes begin with, so that none is one of something else.
const CODE: &[u8] = b"portal code ";

crate::body! {
    /// Who wants to sign in.
    pub struct PortalCodeRequest {
        /// The contact's e-mail address.
        email: String => text(254).required().hint(Hint::Email).example("fang@example.cn"),
    }
    example json!({"email": "fang@example.cn"})
}

/// What the job that mails a code goes by. The code is made when it is sent, so that it is kept nowhere but as a digest.
#[derive(Serialize, Deserialize)]
struct Asked {
    portal_id: Id,
    email: String,
}

/// Request a code to sign in to a portal
///
/// Mails a code of eight digits, valid once and for ten minutes, if a contact has this e-mail address. The response is the same whether
/// there is such a contact or not. A new code replaces the one before. Repeated requests for an address or from an IP address are slowed
/// down (429). If the server has no mail server, the response is 409 `mail_not_configured`.
#[utoipa::path(tag = "portals", operation_id = "requestPortalCode", request_body = PortalCodeRequest, security(()),
    params(("token" = String, Path, description = "The token of the portal.")),
    responses((status = 204, description = "The request was accepted."),
              (status = 409, description = "The server is not configured to send mail.")))]
#[post("/v1/portal/{token}/codes")]
pub async fn ask(request: HttpRequest, body: OpenBody) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let found = Found::of(&request).await?;
    let asked = read_plain::<PortalCodeRequest>(&body.0)?;
    let (state, now) = (state_of(&request)?, clock::now());
    if state.settings.smtp_url.is_none() {
        return Err(Problem::new(Code::MailNotConfigured));
    }
    let email = address_of(asked.get(PortalCodeRequest::email));
    let from = client_address(&request).map(|address| address.to_string()).unwrap_or_default();
    throttle::attempt(&state.store, &[Subject::code_for(found.record.id(), &email), Subject::code_from(&from)], now).await?;
    let origin = Origin { request_id: Some(request_id_of(&request)), ..Origin::system(now) };
    let portal = found.record.id();
    let queued = state.store.write::<_, Problem>(found.tenant, origin, move |work| {
        let key = tag_of(format!("{portal} {email}").as_bytes());
        let payload = serde_json::to_value(Asked { portal_id: portal, email: email.clone() })?;
        work.enqueue_once(KIND, key.trim_matches('"'), &payload, now, mail::ATTEMPTS)?;
        Ok(())
    });
    queued.await?;
    Ok(HttpResponse::NoContent().finish())
}

/// An address as contacts have it.
pub fn address_of(typed: &str) -> String {
    email::standardise(typed).unwrap_or_else(|_| typed.trim().to_lowercase())
}

/// The contact who signs in with an address: of several the oldest, as for mail.
pub fn contact_at(work: &mut Work<'_>, email: &str) -> Result<Option<Record<Contact>>, Problem> {
    let found = contacts_at(work, email)?;
    Ok(found.into_iter().filter(admits).min_by_key(Record::id))
}

/// What is kept of a code.
fn digest(work: &mut Work<'_>, portal: Id, email: &str, code: &str) -> Result<Vec<u8>, Problem> {
    let key = work.file_link_key(&clock::random_bytes::<32>())?;
    sealed::digest(&key, &[CODE, portal.0.as_bytes(), email.as_bytes(), b" ", code.as_bytes()])
}

/// Whether a code is the one of which this is kept.
pub fn is_right(work: &mut Work<'_>, (portal, email): (Id, &str), code: &str, kept: &[u8]) -> Result<bool, Problem> {
    let key = work.file_link_key(&clock::random_bytes::<32>())?;
    Ok(sealed::is_digest(&key, &[CODE, portal.0.as_bytes(), email.as_bytes(), b" ", code.as_bytes()], kept))
}

/// Mails a code to the contact who has the address, if there is one.
pub async fn perform(job: Job) -> Result<(), Halt> {
    let asked: Asked = serde_json::from_str(&job.payload).map_err(|error| Halt::Failed(error.to_string()))?;
    let code = format!("{:08}", u64::from_be_bytes(clock::random_bytes::<8>()) % CODES);
    let Some(issued) = issue(&job.state, job.tenant, asked, code.clone()).await? else { return Ok(()) };
    let Issued { contact, email, brand, sender, language } = issued;
    let letter = letter(contact.get(Contact::name), &brand, &code, language);
    let to = (contact.get(Contact::name).to_owned(), email);
    mail::send_from(&job.state.settings, sender, &to, letter, job.lease.job).await.map_err(Halt::Failed)
}

/// A code that was kept, and to whom it goes.
struct Issued {
    contact: Record<Contact>,
    email: String,
    brand: String,
    /// The name and the address that it comes from, if not from the server's.
    sender: Option<(String, String)>,
    language: Language,
}

async fn issue(state: &State, tenant: TenantKey, asked: Asked, code: String) -> Result<Option<Issued>, Problem> {
    let now = clock::now();
    let written = state.background.write::<_, Problem>(tenant, Origin::system(now), move |work| {
        let Asked { portal_id, email } = &asked;
        let portal = lookup::one::<Portal>(work, *portal_id)?;
        let Some(portal) = portal.filter(|portal| !portal.is_archived() && portal.get(Portal::is_active)) else {
            return Ok(None);
        };
        let Some(contact) = contact_at(work, email)? else { return Ok(None) };
        keep(work, *portal_id, email, &code)?;
        let mailbox = portal.get(Portal::mailbox_id).map(|mailbox| lookup::one::<Mailbox>(work, mailbox)).transpose()?.flatten();
        let sender = mailbox.filter(|mailbox| !mailbox.is_archived()).map(|mailbox| {
            let name = mailbox.get(Mailbox::sender_name).unwrap_or(mailbox.get(Mailbox::name));
            (name.to_owned(), mailbox.get(Mailbox::address).to_owned())
        });
        let country = work.reader().own_tenant()?.map(|tenant| tenant.country).unwrap_or_default();
        let language = match contact.get(Contact::language) {
            Some(language) => Language::from_accept(language),
            None if country == "CN" => Language::Chinese,
            None => Language::English,
        };
        let brand = portal.get(Portal::name).to_owned();
        Ok(Some(Issued { contact, email: email.clone(), brand, sender, language }))
    });
    written.await
}

/// Keeps a code for an address, in place of the one before.
pub fn keep(work: &mut Work<'_>, portal: Id, email: &str, code: &str) -> Result<(), Problem> {
    let row = PortalCodeRow {
        tenant_id: work.tenant().id,
        portal_id: portal,
        email: email.to_owned(),
        code_hash: digest(work, portal, email, code)?,
        attempts: 0,
        expires_at: work.origin.now.plus_seconds(CODE_SECONDS),
    };
    Ok(work.set_portal_code(&row)?)
}

fn letter(name: &str, brand: &str, code: &str, language: Language) -> Letter {
    match language {
        Language::English => Letter {
            subject: format!("{code} is your code for {brand}"),
            text: format!(
                "Hello {name},\n\nyour code to sign in to {brand} is:\n\n{code}\n\nIt works once, within ten minutes. If you did not ask for \
                 it, ignore this message, and give the code to nobody.\n"
            ),
        },
        Language::Chinese => Letter {
            subject: format!("{brand} 登录验证码：{code}"),
            text: format!(
                "{name}，您好：\n\n您登录“{brand}”的验证码是：\n\n{code}\n\n验证码十分钟内有效，只能使用一次。如果这不是您本人的操作，请忽略本邮件，\
                 也不要把验证码告诉任何人。\n"
            ),
        },
    }
}
