//! Notifications by e-mail: jobs, tried again while the mail server cannot be reached; nothing is sent where none is set.

use farley_domain::{
    activities::notification::NotificationKind,
    identity::user::{User, UserStatus},
    model::{fault::Language, record::Record, registry},
    values::id::Id,
};
use farley_persistence::TenantKey;

use crate::{
    access::{state::State, unrestricted::user_record},
    http::problem::Problem,
    records::{
        mail::{self, Letter},
        notify::Mail,
    },
};

/// Sends one notification.
pub async fn perform(state: &State, tenant: TenantKey, job: Id, payload: &str) -> Result<(), String> {
    if state.settings.smtp_url.is_none() {
        return Ok(());
    }
    let news: Mail = serde_json::from_str(payload).map_err(|error| error.to_string())?;
    let user = news.user_id;
    let reading =
        state.background.read::<_, Problem>(tenant, move |reader| Ok((user_record(reader, user)?, reader.own_tenant()?)));
    let (user, tenant) = reading.await.map_err(|problem| crate::http::problem::describe(&problem))?;
    // Who has left meanwhile gets nothing.
    let is_active = |user: &Record<User>| user.get(User::status) == Some(UserStatus::Active) && !user.is_archived();
    let Some(user) = user.filter(is_active) else { return Ok(()) };
    let country = tenant.map(|tenant| tenant.country).unwrap_or_default();
    mail::send(&state.settings, &user, letter(&news, mail::language(&user, &country)), job).await
}

fn letter(mail: &Mail, language: Language) -> Letter {
    let in_language = |label: &farley_domain::model::field::Label| match language {
        Language::English => label.en.to_string(),
        Language::Chinese => label.zh.to_string(),
    };
    let kind = NotificationKind::choices().into_iter().find(|choice| choice.value == mail.kind.as_str());
    let kind = kind.map(|choice| in_language(&choice.label)).unwrap_or_default();
    let object = registry::object(&mail.object).map(|object| in_language(&object.label)).unwrap_or_default();
    let title = mail.title.as_deref();
    let subject = title.map_or_else(|| format!("{kind} · {object}"), |title| format!("{kind} · {title}"));
    let count = mail.count.map_or_else(String::new, |count| match language {
        Language::English => format!("Records: {count}\n"),
        Language::Chinese => format!("记录数：{count}\n"),
    });
    let text = format!("{kind}\n{object}: {}\n{}\n{count}", title.unwrap_or("–"), mail.record_id);
    Letter { subject, text }
}

#[cfg(test)]
mod tests {
    use farley_domain::model::entity::Entity;
    use serde_json::json;

    use super::*;

    #[test]
    fn mails_are_of_their_readers_language() {
        let members = json!({"name": "王芳", "email": "fang@example.cn"});
        let user = Record::from_json(User::object(), &members).into_entity();
        let news = Mail {
            user_id: Id::NIL,
            kind: NotificationKind::Assigned,
            object: "task".to_owned(),
            record_id: Id::NIL,
            title: Some("给客户发报价".to_owned()),
            count: None,
        };
        assert_eq!(mail::language(&user, "CN"), Language::Chinese);
        let made = |language| {
            mail::message("Farley <crm@example.cn>", &user, letter(&news, language), Id::NIL)
                .map(|mail| String::from_utf8(mail.formatted()))
        };
        for language in [Language::Chinese, Language::English] {
            let text = made(language).expect("a mail").expect("text");
            assert!(text.contains("Message-ID: <00000000-0000-0000-0000-000000000000@example.cn>"), "{text}");
            assert!(text.contains("To: =?utf-8?b?"), "{text}");
        }
    }
}
