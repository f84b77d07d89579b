//! Articles as they are written: translations belong to one original, and what is archived is withdrawn.

use farley_domain::{
    model::{
        fault::{Fault, FaultCode, Faults},
        record::Record,
    },
    query::predicate::Predicate,
    service::knowledge::article::{Article, ArticleStatus},
    values::id::Id,
};
use farley_persistence::Work;

use super::publishing;
use crate::{
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Writing},
        lookup,
    },
};

impl Behaviour for Article {
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let was_archived = writing.before.is_some_and(Record::is_archived);
        if record.is_archived() {
            if !was_archived {
                withdraw(work, writing, record)?;
            }
            return Ok(());
        }
        let changed = writing.before.is_none_or(|before| {
            was_archived || !before.agrees(Article::translation_of_id, record) || !before.agrees(Article::language, record)
        });
        if changed { check_translation(work, writing, record) } else { Ok(()) }
    }
}

/// Takes the version that readers get back from them, if there is one.
pub fn withdraw(work: &mut Work<'_>, writing: &Writing<'_, Article>, record: &mut Record<Article>) -> Result<(), Problem> {
    publishing::end_current(work, record.id(), writing.now)?;
    if !record.is_null(Article::published_version) {
        record.clear(Article::published_version);
        record.clear(Article::published_at);
    }
    if record.get(Article::status) == Some(ArticleStatus::Published) {
        record.set(Article::status, ArticleStatus::Draft);
    }
    Ok(())
}

/// A translation belongs to an original that is none itself, and is the only one of its language.
fn check_translation(work: &mut Work<'_>, writing: &Writing<'_, Article>, record: &Record<Article>) -> Result<(), Problem> {
    let original = record.get(Article::translation_of_id);
    let has_been_written = writing.before.is_some();
    if original.is_none() && !has_been_written {
        return Ok(());
    }
    // What is written to the same family at once comes one after the other.
    work.lock(&format!("translations {}", original.unwrap_or_else(|| record.id())))?;
    let mut faults = Faults::default();
    let pointer = || Article::translation_of_id.pointer();
    if let Some(original) = original {
        let above = lookup::one::<Article>(work, original)?;
        if above.is_some_and(|above| !above.is_null(Article::translation_of_id)) {
            faults.add(Fault::new(pointer(), FaultCode::IsTranslation));
        }
        let own = Predicate::Archived(false).and(Article::translation_of_id.eq(record.id()));
        if has_been_written && !lookup::find::<Article>(work, &own, 1)?.is_empty() {
            faults.add(Fault::new(pointer(), FaultCode::HasTranslations));
        }
    }
    faults.into_result(()).map_err(Problem::rule)?;
    match of_language(work, record)? {
        Some(_) => Err(Problem::duplicate_of_unseen(&Article::language.pointer())),
        None => Ok(()),
    }
}

/// Another live article of the same family in the same language.
fn of_language(work: &mut Work<'_>, record: &Record<Article>) -> Result<Option<Id>, Problem> {
    let original = farley_domain::service::knowledge::article::original_of(record);
    let family = Predicate::Or(vec![Article::id.eq(original), Article::translation_of_id.eq(original)]);
    let alike = Predicate::Archived(false).and(Article::language.eq(record.get(Article::language))).and(family);
    let found = lookup::find::<Article>(work, &alike, 2)?;
    Ok(found.into_iter().map(|other| other.id()).find(|other| *other != record.id()))
}
