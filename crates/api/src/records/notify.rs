//! Notifications made in the transaction of the write that causes them.

use std::sync::Arc;

use farley_domain::{
    activities::notification::{Notification, NotificationKind, preference},
    entity::Entity,
    id::Id,
    identity::access::Action,
    object::Object,
    record::Record,
};
use farley_persistence::{Change, Layout, Work};
use serde_json::{Value, json};

use super::behaviour::{Behaviours, Writing};
use crate::{
    access::{
        grants::asker_of,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::problem::Problem,
};

/// The kind of the jobs that send a notification by e-mail.
pub const MAIL: &str = "notification_mail";
/// How often a mail is tried.
const MAIL_ATTEMPTS: i64 = 8;

/// What users are to know of.
pub struct News<'a> {
    pub kind: NotificationKind,
    pub object: &'static Object,
    pub record: &'a Record,
    /// Who did it; none for Farley itself.
    pub actor: Option<Id>,
}

/// Tells users of a write that has just been stored: of what is now theirs, of being mentioned, of what the behaviour of the object
/// has to tell. Nobody is told of what they did themselves.
pub fn of_write(
    work: &mut Work<'_>,
    writing: &Writing<'_>,
    (object, behaviour): (&'static Object, &Behaviours),
    record: &Record,
) -> Result<(), Problem> {
    if record.is_archived() {
        return Ok(());
    }
    let before = writing.before;
    let changed = |name: &str| before.map_or(&Value::Null, |before| before.get(name)) != record.get(name);
    let actor = Some(writing.principal.user_id()).filter(|_| !writing.principal.is_system());
    let news = |work: &mut Work<'_>, kind, users: &[Id]| tell(work, &News { kind, object, record, actor }, users);
    if let Some(owner) = record.id_of("owner_id").filter(|_| object.has("owner_id")) {
        if changed("owner_id") {
            news(work, NotificationKind::Assigned, &[owner])?;
        } else if let Some(kind) = before.and_then(|before| (behaviour.news)(before, record)) {
            news(work, kind, &[owner])?;
        }
    }
    if object.has("mention_ids") && changed("mention_ids") {
        let ids = |record: &Record| -> Vec<Id> {
            let ids = record.get("mention_ids").as_array().into_iter().flatten();
            ids.filter_map(|id| id.as_str()?.parse().ok()).collect()
        };
        let known = before.map(ids).unwrap_or_default();
        let new: Vec<Id> = ids(record).into_iter().filter(|id| !known.contains(id)).collect();
        news(work, NotificationKind::Mentioned, &new)?;
    }
    Ok(())
}

/// Tells users of something, by the ways they want to hear of it; nobody of what they did themselves.
pub fn tell(work: &mut Work<'_>, news: &News<'_>, users: &[Id]) -> Result<(), Problem> {
    for user in users.iter().filter(|user| Some(**user) != news.actor) {
        // Who is no longer active hears of nothing.
        let Some(asker) = asker_of(work.reader(), *user)? else { continue };
        let preferences = work.reader().notification_preferences(*user)?;
        let wants = |channel: &str| preference(&preferences, news.kind, channel);
        if !wants("app") && !wants("email") {
            continue;
        }
        // A title tells of the record, so only who may read that sees it.
        let title = match (asker.rows(news.object, Action::Read), news.object.field(news.object.title)) {
            (Some(rows), Some(field)) if asker.sees(news.object, field) => {
                let layout =
                    Arc::new(Layout::of(&without_custom_fields(news.object), &|_| true, Some(&[field.name.to_string()]), &[]));
                let row = work.reader().get(&layout, &Unrestricted, news.record.id(), &rows)?;
                row.and_then(|row| Some(row.cell(&field.name)?.as_text()?.chars().take(300).collect::<String>()))
            }
            (_, _) => None,
        };
        if wants("email") {
            let payload = json!({
                "user_id": user, "kind": news.kind.as_str(), "object": news.object.name, "record_id": news.record.id(), "title": title,
            });
            work.enqueue(MAIL, &payload, work.origin.now, MAIL_ATTEMPTS)?;
        }
        if wants("app") {
            let mut record = Record::new(<Notification as Entity>::object());
            for (name, value) in [
                ("user_id", json!(user)),
                ("kind", json!(news.kind.as_str())),
                ("object", json!(news.object.name)),
                ("record_id", json!(news.record.id())),
                ("title", json!(title)),
                ("actor_id", json!(news.actor)),
            ] {
                record.set(name, value);
            }
            work.insert(&without_custom_fields(<Notification as Entity>::object()), &mut record, &Change::new("created"))?;
        }
    }
    Ok(())
}
