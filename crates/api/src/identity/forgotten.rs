//! A forgotten password: a link by mail, or a token by hand where there is no mail, and the new password set with it.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    identity::{password, user::User},
    model::{entity::Entity, fault::Language, field::Hint, operand::Operand},
    values::{email, id::Id},
};
use farley_persistence::{Origin, TenantKey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    auth::{set_password_by_token, tenant_of_slug},
    session::MAX_TOKEN,
};
use crate::{
    access::{
        grants::asker_of,
        state::{State, state_of},
        throttle::{self, Subject},
        tokens::{NO_TENANT, new_secret, secret_hash},
        unrestricted::user_record,
    },
    http::{
        clock,
        problem::{Code, Problem},
        request::{OpenBody, client_address, limit_by_address, parameters, refuse_rest, request_id_of, tag_of},
    },
    records::{
        area::{Halt, Job},
        body::read_plain,
        mail::{self, Letter},
    },
};

/// The kind of the jobs that mail a link.
pub const KIND: &str = "password_reset_mail";
/// How long a mailed link works, in seconds.
const LINK_SECONDS: i64 = 3600;

crate::body! {
    /// Whose password was forgotten.
    pub struct ForgotPasswordRequest {
        /// The e-mail address the user logs in with.
        email: String => text(254).required().hint(Hint::Email).example("admin@example.com"),
        /// The short name of the tenant. Defaults to the default tenant.
        tenant: Option<String> => text(254).example("default"),
    }
    example json!({"email": "admin@example.com"})
}

crate::body! {
    /// A new password, set with a one-time token.
    pub struct ResetPasswordRequest {
        /// The token from the mailed link, from a password reset by an administrator, or from an invitation.
        token: String => long_text(MAX_TOKEN).required().example("ft_…"),
        /// At least 10 characters; common passwords are rejected.
        password: String => long_text(password::MAX_LENGTH).required().hint(Hint::NewPassword),
    }
    example Value::Null
}

/// What the job that mails a link looks for. The token is made when it is sent, so that it is stored nowhere but as a hash.
#[derive(Serialize, Deserialize)]
struct Forgotten {
    email: String,
}

/// Request a password reset
///
/// Mails a link to set a new password, valid for one hour, if an active user has this e-mail address. The response is the same
/// whether such a user exists or not. Repeated requests for an address or from an IP address are slowed down (429). If the
/// server has no mail server or no page for new passwords (`FARLEY_SMTP_URL`, `FARLEY_PASSWORD_RESET_URL`), the response is
/// 409 `mail_not_configured`, and an administrator can reset the password with `POST /v1/users/{id}/reset-password`.
#[utoipa::path(tag = "auth", operation_id = "forgotPassword", request_body = ForgotPasswordRequest, security(()),
    responses((status = 409, description = "The server is not configured to send mail."),
              (status = 204, description = "The request was accepted.")))]
#[post("/v1/auth/forgot-password")]
pub async fn forgot_password(request: HttpRequest, body: OpenBody) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let state = state_of(&request)?;
    let now = clock::now();
    let form = read_plain::<ForgotPasswordRequest>(&body.0)?;
    if state.settings.smtp_url.is_none() || state.settings.password_reset_url.is_none() {
        return Err(Problem::new(Code::MailNotConfigured));
    }
    let typed = form.get(ForgotPasswordRequest::email);
    let email = email::standardise(typed).unwrap_or_else(|_| typed.to_lowercase());
    let slug = form.get(ForgotPasswordRequest::tenant).map(str::to_owned);
    let tenant = state.store.read::<_, Problem>(NO_TENANT, move |reader| tenant_of_slug(reader, slug.as_deref())).await?;
    let address = client_address(&request).map(|address| address.to_string()).unwrap_or_default();
    let subjects =
        [Subject::reset_of_account(tenant.map_or(NO_TENANT.id, |tenant| tenant.id), &email), Subject::reset_from(&address)];
    throttle::attempt(&state.store, &subjects, now).await?;
    // Whether there is such a user is looked up by the job alone: the request takes as long either way.
    if let Some(tenant) = tenant {
        let origin = Origin { request_id: Some(request_id_of(&request)), ..Origin::system(now) };
        let queued = state.store.write::<_, Problem>(tenant, origin, move |work| {
            let key = tag_of(email.as_bytes());
            let payload = serde_json::to_value(Forgotten { email: email.clone() })?;
            work.enqueue_once(KIND, key.trim_matches('"'), &payload, now, mail::ATTEMPTS)?;
            Ok(())
        });
        queued.await?;
    }
    Ok(HttpResponse::NoContent().finish())
}

/// Reset a password
///
/// Sets a new password with a one-time token. All sessions of the user end; the user logs in with the new password.
#[utoipa::path(tag = "auth", operation_id = "resetPassword", request_body = ResetPasswordRequest, security(()),
    responses((status = 204, description = "The password was set.")))]
#[post("/v1/auth/reset-password")]
pub async fn reset_password(request: HttpRequest, body: OpenBody) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let form = read_plain::<ResetPasswordRequest>(&body.0)?;
    let (token, password) = (form.get(ResetPasswordRequest::token), form.get(ResetPasswordRequest::password));
    set_password_by_token(&request, token, password).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Mails a link to the active user who has the address, if there is one.
pub async fn perform(job: Job) -> Result<(), Halt> {
    let Forgotten { email } = serde_json::from_str(&job.payload).map_err(|error| Halt::Failed(error.to_string()))?;
    let token = new_secret("ft_");
    let Some(link) = job.state.settings.password_reset_link(&token) else { return Ok(()) };
    let hash = secret_hash(&token);
    let issued = issue(&job.state, job.tenant, email, hash).await?;
    let Some((user, company, country)) = issued else { return Ok(()) };
    let letter = letter(user.get(User::name), &company, &link, mail::language(&user, &country));
    mail::send(&job.state.settings, &user, letter, job.lease.job).await.map_err(Halt::Failed)
}

type Issued = (farley_domain::model::record::Record<User>, String, String);

/// Keeps the hash of a token for the active user of an address; tells who it is, and the name and country of the company.
async fn issue(state: &State, tenant: TenantKey, email: String, hash: Vec<u8>) -> Result<Option<Issued>, Problem> {
    let now = clock::now();
    let written = state.background.write::<_, Problem>(tenant, Origin::system(now), move |work| {
        let found = work.reader().by_value(User::object(), User::email.field(), Operand::Text(email.clone()))?;
        let Some(id) = found else { return Ok(None) };
        // Who cannot log in has no password to forget.
        if asker_of(work.reader(), id)?.is_none() {
            return Ok(None);
        }
        let Some(user) = user_record(work.reader(), id)? else { return Ok(None) };
        let row = work.reader().own_tenant()?.ok_or_else(Problem::not_found)?;
        work.add_password_token(id, &hash, now.plus_seconds(LINK_SECONDS))?;
        note_issued(work, id, user.version());
        Ok(Some((user, row.name, row.country)))
    });
    written.await
}

/// Notes in the audit trail that somebody got a token to set a user's password with.
pub fn note_issued(work: &mut farley_persistence::Work<'_>, user: Id, version: i64) {
    work.event(User::NAME, "password_reset_issued", user, version, Map::new(), &[]);
}

fn letter(name: &str, company: &str, link: &str, language: Language) -> Letter {
    match language {
        Language::English => Letter {
            subject: "Reset your password".to_owned(),
            text: format!(
                "Hello {name},\n\nsomeone asked to reset the password of your account at {company}. To choose a new password, open \
                 this link within one hour:\n\n{link}\n\nThe link works once. If you did not ask for it, ignore this message: your \
                 password stays as it is.\n"
            ),
        },
        Language::Chinese => Letter {
            subject: "重置密码".to_owned(),
            text: format!(
                "{name}，您好：\n\n有人请求重置您在“{company}”的账号密码。请在一小时内打开以下链接，设置新密码：\n\n{link}\n\n\
                 该链接只能使用一次。如果这不是您本人的操作，请忽略本邮件，您的密码不会改变。\n"
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_hold_the_link_in_both_languages() {
        let link = "https://crm.example.com/reset?token=ft_x";
        for (language, name) in [(Language::English, "Hello Anna"), (Language::Chinese, "Anna，您好")] {
            let letter = letter("Anna", "Acme", link, language);
            assert!(letter.text.contains(name) && letter.text.lines().any(|line| line == link), "{}", letter.text);
        }
    }
}
