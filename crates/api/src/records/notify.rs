//! Notifications made in the transaction of the write that causes them.

use std::sync::Arc;

use farley_domain::{
    activities::{
        mentions::MENTION_IDS,
        notification::{Channel, Notification, NotificationKind, preference},
    },
    identity::access::Action,
    model::{entity::Entity, object::Object, record::Record, recurring},
    values::id::Id,
};
use farley_persistence::{Change, Layout, Work};
use serde::{Deserialize, Serialize};

use super::{
    behaviour::{Behaviours, Writing},
    mail,
};
use crate::{
    access::{
        grants::asker_of,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::problem::Problem,
};

/// The kind of the jobs that send a notification by e-mail.
pub const MAIL: &str = "notification_mail";

/// What a job sends by e-mail.
#[derive(Serialize, Deserialize)]
pub struct Mail {
    pub user_id: Id,
    pub kind: NotificationKind,
    /// The object type of the record it happened to.
    pub object: String,
    pub record_id: Id,
    pub title: Option<String>,
    /// How many records it is about, if it sums up.
    #[serde(default)]
    pub count: Option<i64>,
}

/// What users are to know of.
pub struct News<'a> {
    pub kind: NotificationKind,
    pub object: &'static Object,
    pub record: &'a Record,
    /// Who did it; none for Farley itself.
    pub actor: Option<Id>,
    /// How many records it is about, where one piece of news sums up what happened to many.
    pub count: Option<i64>,
}

/// Tells users of a write that has just been stored: of what is now theirs, of being mentioned, of what the behaviour of the object
/// has to tell. Nobody is told of what they did themselves.
pub fn of_write(
    work: &mut Work<'_>,
    writing: &Writing<'_>,
    (object, behaviour): (&'static Object, &Behaviours),
    record: &Record,
) -> Result<(), Problem> {
    if let Some(owner) = given(writing.before, record) {
        tell(work, &news_of(writing, NotificationKind::Assigned, (object, record)), &[owner])?;
    }
    of_write_but_giving(work, writing, (object, behaviour), record)
}

/// Whom a write gave the record to.
#[must_use]
pub fn given(before: Option<&Record>, record: &Record) -> Option<Id> {
    let owner = record.get(recurring::OWNER_ID).filter(|_| !record.is_archived())?;
    Some(owner).filter(|owner| before.and_then(|before| before.get(recurring::OWNER_ID)) != Some(*owner))
}

fn news_of<'a>(writing: &Writing<'_>, kind: NotificationKind, (object, record): (&'static Object, &'a Record)) -> News<'a> {
    let actor = Some(writing.principal.user_id()).filter(|_| !writing.principal.is_system());
    News { kind, object, record, actor, count: None }
}

/// The same but for what is now theirs: who is given many records at once is told of all of them together.
pub fn of_write_but_giving(
    work: &mut Work<'_>,
    writing: &Writing<'_>,
    (object, behaviour): (&'static Object, &Behaviours),
    record: &Record,
) -> Result<(), Problem> {
    if record.is_archived() {
        return Ok(());
    }
    let before = writing.before;
    let news = |work: &mut Work<'_>, kind, users: &[Id]| tell(work, &news_of(writing, kind, (object, record)), users);
    if let Some(owner) = record.get(recurring::OWNER_ID).filter(|_| given(before, record).is_none())
        && let Some(kind) = before.and_then(|before| (behaviour.news)(before, record))
    {
        news(work, kind, &[owner])?;
    }
    if object.bears(MENTION_IDS) {
        let known = before.map(|before| before.get(MENTION_IDS)).unwrap_or_default();
        let new: Vec<Id> = record.get(MENTION_IDS).into_iter().filter(|id| !known.contains(id)).collect();
        news(work, NotificationKind::Mentioned, &new)?;
    }
    Ok(())
}

/// Tells users of something, by the ways they want to hear of it; nobody of what they did themselves.
pub fn tell(work: &mut Work<'_>, news: &News<'_>, users: &[Id]) -> Result<(), Problem> {
    tell_in_words(work, news, users, None)
}

/// The same in words of somebody's own, in place of the name of the record.
pub fn tell_in_words(work: &mut Work<'_>, news: &News<'_>, users: &[Id], words: Option<&str>) -> Result<(), Problem> {
    for user in users.iter().filter(|user| Some(**user) != news.actor) {
        // Who is no longer active hears of nothing.
        let Some(asker) = asker_of(work.reader(), *user)? else { continue };
        let preferences = work.reader().notification_preferences(*user)?;
        let [app, email] = [Channel::App, Channel::Email].map(|channel| preference(&preferences, news.kind, channel));
        if !app && !email {
            continue;
        }
        // A title tells of the record, so only who may read that sees it.
        let title = match (asker.rows(news.object, Action::Read), news.object.field(news.object.title)) {
            (Some(rows), Some(field)) if asker.sees(news.object, field) => {
                let layout =
                    Arc::new(Layout::of(&without_custom_fields(news.object), &|_| true, Some(&[field.name.to_string()]), &[]));
                let row = work.reader().get(&layout, &Unrestricted, news.record.id(), &rows)?;
                let title = |row: farley_persistence::Row| {
                    Some(words.map_or(row.cell(&field.name)?.as_text()?, |words| words).chars().take(300).collect::<String>())
                };
                row.and_then(title)
            }
            (_, _) => None,
        };
        if email {
            let letter = Mail {
                user_id: *user,
                kind: news.kind,
                object: news.object.name.to_owned(),
                record_id: news.record.id(),
                title: title.clone(),
                count: news.count,
            };
            work.enqueue(MAIL, &serde_json::to_value(letter)?, work.origin.now, mail::ATTEMPTS)?;
        }
        if app {
            let object = <Notification as Entity>::object();
            let mut record = Record::new(object);
            let notification = record.of_mut::<Notification>();
            notification.set(Notification::user_id, *user);
            notification.set(Notification::kind, news.kind);
            notification.set(Notification::object, news.object.name.to_owned());
            notification.set(Notification::record_id, news.record.id());
            notification.set(Notification::title, title);
            notification.set(Notification::record_count, news.count);
            notification.set(Notification::actor_id, news.actor);
            work.insert(&without_custom_fields(object), &mut record, &Change::new("created"))?;
        }
    }
    Ok(())
}
