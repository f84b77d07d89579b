//! Whether an article was helpful: one vote a reader, which can be changed.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    identity::access::Action,
    model::{entity::Entity, record::Record},
    service::knowledge::{article::Article, help_center::HelpCenter},
    values::id::Id,
};
use farley_persistence::{Origin, Work};
use serde::Serialize;
use serde_json::{Map, json};
use utoipa::ToSchema;

use super::{
    help_center::Found,
    reading::{article_named, open_version},
};
use crate::{
    access::{call::Call, sealed::digest, state::state_of},
    http::{
        clock,
        problem::Problem,
        request::{Body, OpenBody, client_address, limit_by_address, parameters, refuse_rest, request_id_of},
    },
    records::{action::act, body::read_plain, lookup, mutation::Answer},
};

crate::body! {
    /// Whether an article was helpful.
    pub struct ArticleVote {
        /// Whether it was.
        helpful: Option<bool> => boolean().required().example(true),
    }
    example json!({"helpful": true})
}

crate::body! {
    /// Whether an article was helpful to a visitor.
    pub struct PublicArticleVote {
        /// Whether it was.
        helpful: Option<bool> => boolean().required().example(true),
        /// What the site knows the visitor by, if many have one address. Only a digest of it is kept.
        visitor: Option<String> => text(100).example("b7f3"),
    }
    example json!({"helpful": true, "visitor": "b7f3"})
}

/// A vote that was taken.
#[derive(Serialize, ToSchema)]
pub struct VoteTaken {
    helpful: bool,
}

/// Vote on an article
///
/// Says whether an article was helpful to you. A later vote takes the place of an earlier one.
#[utoipa::path(tag = "articles", operation_id = "voteOnArticle", request_body = ArticleVote,
    params(("id" = String, Path, description = "The id of the article, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The vote was taken.", body = VoteTaken)))]
#[post("/v1/articles/{id}/vote")]
pub async fn vote(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Article, ArticleVote>((call, request, body), Action::Read, |work, asked| {
        let helpful = asked.body.get(ArticleVote::helpful).unwrap_or(false);
        let user = asked.writer.principal.user_id();
        count(work, asked.record(), &[b"user", user.0.as_bytes()], helpful)?;
        Answer::json(200, &VoteTaken { helpful })
    })
    .await
}

/// Vote on an article of a help center
///
/// Says whether a published public article was helpful. A later vote of the same visitor takes the place of an earlier one: visitors are
/// identified by `visitor`, otherwise by their address. Votes from one address are limited to `votes_per_minute`. No log-in is required.
#[utoipa::path(tag = "help-centers", operation_id = "voteOnPublicArticle", request_body = PublicArticleVote, security(()),
    params(("token" = String, Path, description = "The token of the help center."),
        ("id" = String, Path, description = "The id of the article.")),
    responses((status = 200, description = "The vote was taken.", body = VoteTaken),
              (status = 403, description = "This site is not allowed to show the help center.")))]
#[post("/v1/help/{token}/articles/{id}/vote")]
pub async fn public_vote(request: HttpRequest, body: OpenBody) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let found = Found::of(&request).await?;
    let asked = read_plain::<PublicArticleVote>(&body.0)?;
    if !found.record.get(HelpCenter::takes_votes) {
        return Err(Problem::not_found());
    }
    let (state, now, address) = (state_of(&request)?, clock::now(), client_address(&request));
    state.submissions.take((found.record.id(), address), found.record.get(HelpCenter::votes_per_minute), now)?;
    let id = article_named(&request)?;
    let helpful = asked.get(PublicArticleVote::helpful).unwrap_or(false);
    let visitor = asked.get(PublicArticleVote::visitor).map(str::to_owned);
    let address = address.map(|address| address.to_string()).unwrap_or_default();
    let origin = Origin { request_id: Some(request_id_of(&request)), ..Origin::system(now) };
    let written = state.store.write::<_, Problem>(found.tenant, origin, move |work| {
        open_version(work.reader(), id)?.ok_or_else(Problem::not_found)?;
        let article = lookup::one::<Article>(work, id)?.ok_or_else(Problem::not_found)?;
        let voter: [&[u8]; 2] = match &visitor {
            Some(visitor) => [b"visitor", visitor.as_bytes()],
            None => [b"address", address.as_bytes()],
        };
        count(work, &article, &voter, helpful)
    });
    written.await?;
    Ok(HttpResponse::Ok().json(VoteTaken { helpful }))
}

/// Counts a vote, unless the reader has said the same before.
fn count(work: &mut Work<'_>, article: &Record<Article>, voter: &[&[u8]], helpful: bool) -> Result<(), Problem> {
    let key = work.file_link_key(&clock::random_bytes::<32>())?;
    let id: Id = article.id();
    let said: Vec<&[u8]> = [&b"vote"[..], id.0.as_bytes()].into_iter().chain(voter.iter().copied()).collect();
    let voter = digest(&key, &said)?;
    if let Some(counted) = work.vote(id, &voter, helpful)? {
        let change = json!({"from": counted.before, "to": helpful});
        let changes = Map::from_iter([(ArticleVote::helpful.name().to_owned(), change)]);
        work.event(Article::NAME, "voted", id, article.version(), changes, &[]);
    }
    Ok(())
}
