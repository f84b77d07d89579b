//! How an article comes to its readers: handed in, sent back or published, and withdrawn. What is published is a version that stays as it
//! is. Who may create versions judges what is handed in.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        record::Record,
    },
    query::predicate::Predicate,
    service::knowledge::{
        article::{Article, ArticleStatus, version_of},
        article_version::ArticleVersion,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Change, Work};
use serde_json::json;

use super::article;
use crate::{
    access::{
        call::Call,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::{problem::Problem, request::Body},
    records::{
        action::{Asked, act},
        behaviour::{Shown, Writing},
        body::Nothing,
        lookup,
        mutation::Answer,
        write::Writer,
    },
};

crate::body! {
    /// Why an article is sent back.
    pub struct ArticleReturn {
        /// What is to be changed.
        note: Option<String> => long_text(2_000),
    }
    example json!({"note": "请补充 Mac 的步骤"})
}

/// Submit an article for review
///
/// Hands in a draft. Returns 409 if there is no draft to hand in, and 422 if it has no text.
#[utoipa::path(tag = "articles", operation_id = "submitArticle", request_body = Nothing,
    params(("id" = String, Path, description = "The id of the article, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The article, in review.", body = ref("#/components/schemas/Article"))))]
#[post("/v1/articles/{id}/submit")]
pub async fn submit(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Article, Nothing>((call, request, body), Action::Update, |work, asked| {
        demand(asked.record(), ArticleStatus::Draft, &["update"])?;
        demand_text(asked.record())?;
        let mut record = asked.record().clone();
        record.set(Article::status, ArticleStatus::InReview);
        record.set(Article::submitted_at, asked.loaded.record.next_change_at(asked.writer.now));
        record.clear(Article::review_note);
        asked.store(work, record, "submitted")
    })
    .await
}

/// Send an article back
///
/// Makes an article in review a draft again, with a note for its author. Returns 409 if it is not in review. Requires the permission
/// to create article versions.
#[utoipa::path(tag = "articles", operation_id = "sendBackArticle", request_body = ArticleReturn,
    params(("id" = String, Path, description = "The id of the article, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The article, a draft again.", body = ref("#/components/schemas/Article"))))]
#[post("/v1/articles/{id}/send-back")]
pub async fn send_back(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    permit(&call).await?;
    act::<Article, ArticleReturn>((call, request, body), Action::Update, |work, asked| {
        demand(asked.record(), ArticleStatus::InReview, &["submit"])?;
        let mut record = asked.record().clone();
        record.set(Article::status, ArticleStatus::Draft);
        record.clear(Article::submitted_at);
        record.set(Article::review_note, asked.body.get(ArticleReturn::note).map(str::to_owned));
        asked.store(work, record, "sent_back")
    })
    .await
}

/// Publish an article
///
/// Makes an article in review the version that readers get, in place of the former one. Returns 409 if it is not in review. Requires the
/// permission to create article versions.
#[utoipa::path(tag = "articles", operation_id = "publishArticle", request_body = Nothing,
    params(("id" = String, Path, description = "The id of the article, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The published article.", body = ref("#/components/schemas/Article"))))]
#[post("/v1/articles/{id}/publish")]
pub async fn publish(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    permit(&call).await?;
    act::<Article, Nothing>((call, request, body), Action::Update, publish_one).await
}

fn publish_one(work: &mut Work<'_>, asked: &Asked<Article, Nothing>) -> Result<Answer, Problem> {
    let article = asked.record();
    demand(article, ArticleStatus::InReview, &["submit"])?;
    demand_text(article)?;
    let now = asked.loaded.record.next_change_at(asked.writer.now);
    end_current(work, article.id(), now)?;
    let number = work.reader().count(ArticleVersion::object(), &ArticleVersion::article_id.eq(article.id()))? + 1;
    let mut version = version_of(article, number, now);
    work.insert(&without_custom_fields(ArticleVersion::object()), version.any_mut(), &Change::new("created"))?;
    let mut record = article.clone();
    record.set(Article::status, ArticleStatus::Published);
    record.set(Article::published_version, number);
    record.set(Article::published_at, now);
    record.clear(Article::submitted_at);
    record.clear(Article::review_note);
    asked.store(work, record, "published")
}

/// Withdraw an article
///
/// Takes the published version back from its readers at once; the article becomes a draft. Returns 409 if nothing is published. Requires
/// the permission to create article versions.
#[utoipa::path(tag = "articles", operation_id = "withdrawArticle", request_body = Nothing,
    params(("id" = String, Path, description = "The id of the article, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The article, no longer published.", body = ref("#/components/schemas/Article"))))]
#[post("/v1/articles/{id}/withdraw")]
pub async fn withdraw(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    permit(&call).await?;
    act::<Article, Nothing>((call, request, body), Action::Update, |work, asked| {
        if asked.record().is_null(Article::published_version) {
            return Err(Problem::state("not published", &["publish"]));
        }
        let mut record = asked.record().clone();
        let now = asked.loaded.record.next_change_at(asked.writer.now);
        let writing = Writing::new(&asked.writer.principal, now, Some(asked.record()));
        article::withdraw(work, &writing, &mut record)?;
        let record = asked.writer.store(work, &asked.loaded, record.into_any(), "withdrawn")?;
        asked.writer.answer(work, 200, &record, Shown::new())
    })
    .await
}

/// Ends the version of an article that readers get, if there is one.
pub fn end_current(work: &mut Work<'_>, article: Id, now: Timestamp) -> Result<(), Problem> {
    let current = ArticleVersion::article_id.eq(article).and(ArticleVersion::ended_at.is_null());
    let schema = without_custom_fields(ArticleVersion::object());
    for version in lookup::find::<ArticleVersion>(work, &current, 1)? {
        let Some(loaded) = work.load(&schema, &Unrestricted, version.id(), &Predicate::all())? else { continue };
        let mut ended = loaded.record.of::<ArticleVersion>().clone();
        ended.set(ArticleVersion::ended_at, now);
        work.update(&schema, &loaded, ended.any_mut(), &Change::new("ended"))?;
    }
    Ok(())
}

/// Before anything is looked at: whoever publishes creates versions.
async fn permit(call: &Call) -> Result<(), Problem> {
    let judged = |call: Call| async move { Writer::of(&call, ArticleVersion::object()).permit(Action::Create) };
    call.clone().judged(judged).await
}

fn demand(article: &Record<Article>, needed: ArticleStatus, otherwise: &[&str]) -> Result<(), Problem> {
    let status = article.get(Article::status).unwrap_or(ArticleStatus::Draft);
    if status == needed {
        return Ok(());
    }
    let (state, allowed): (&str, &[&str]) = match status {
        ArticleStatus::Draft => ("a draft", otherwise),
        ArticleStatus::InReview => ("in review", &["send-back", "publish"]),
        ArticleStatus::Published => ("published", &["update", "withdraw"]),
    };
    Err(Problem::state(state, allowed))
}

fn demand_text(article: &Record<Article>) -> Result<(), Problem> {
    if article.get(Article::body).is_some_and(|body| !body.trim().is_empty()) {
        return Ok(());
    }
    Err(Problem::rule(Fault::new(Article::body.pointer(), FaultCode::Required).into()))
}
