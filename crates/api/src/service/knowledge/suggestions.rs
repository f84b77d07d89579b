//! Articles that may answer a ticket, or any text.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get, post};
use farley_domain::{
    identity::access::Action,
    model::{entity::Entity, field::Field},
    query::{
        list::{ListQuery, SortBy, SortKey, Start},
        predicate::{Predicate, parse::within_sight},
    },
    service::{
        knowledge::{
            article_version::{ArticleVersion, current, in_language},
            suggestion::{Found, MOST_MATCHES, question, ranked, terms_of},
        },
        ticket::Ticket,
    },
    values::id::Id,
};
use farley_persistence::{Layout, Reader, Row};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    access::{call::Call, principal::Principal},
    http::{
        problem::Problem,
        request::{Body, parameters},
    },
    records::{body, mutation::Mutation, named::Named},
};

/// How many characters of a text are looked at.
const LONGEST: usize = 20_000;

crate::body! {
    /// The text to be answered.
    pub struct ArticleQuestion {
        /// The text, such as what somebody is typing into a form.
        text: String => long_text(LONGEST).required().example("打印机无法开机，按电源键没有反应"),
        /// Only articles in this language; `zh` finds `zh-CN` and other regions too.
        language: Option<String> => language(),
        /// The maximum number of articles.
        limit: i64 => integer(1, 20).default(5),
    }
    example json!({"text": "打印机无法开机，按电源键没有反应"})
}

crate::query! {
    /// Which articles to suggest.
    pub struct SuggestionsQuery {
        /// Only articles in this language; `zh` finds `zh-CN` and other regions too.
        language: Option<String> => language().example("zh-CN"),
        /// The maximum number of articles, 1 to 20.
        limit: i64 => integer(1, 20).default(5),
    }
}

/// Articles that may help.
#[derive(Serialize, ToSchema)]
pub struct ArticleSuggestions {
    /// The best first.
    data: Vec<ArticleSuggestion>,
}

/// An article that may help.
#[derive(Serialize, ToSchema)]
pub struct ArticleSuggestion {
    /// The weight of the words that it shares with the text, as a part of that of all words that any article shares: from 0 to 1.
    #[schema(example = 0.72, minimum = 0.0, maximum = 1.0)]
    score: f64,
    /// Its published version, without the body.
    #[schema(value_type = Object)]
    version: Row,
}

/// Suggest articles for a text
///
/// Finds published articles that share words with a text, rare words before common ones and titles before bodies, among those that you can
/// read.
#[utoipa::path(tag = "articles", operation_id = "suggestArticles", request_body = ArticleQuestion,
    responses((status = 200, description = "The articles.", body = ArticleSuggestions)))]
#[post("/v1/articles/suggest")]
pub async fn suggest(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    Mutation::nothing(&request, &body.0)?;
    call.rows(ArticleVersion::object(), Action::Read)?;
    let asked = body::read::<ArticleQuestion>(&body.0, &call.principal.standards(call.now))?;
    let wanted = Wanted {
        language: asked.get(ArticleQuestion::language).map(str::to_owned),
        limit: usize::try_from(asked.get(ArticleQuestion::limit)).unwrap_or(1),
    };
    let text = asked.get(ArticleQuestion::text).to_owned();
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let reading = call
        .state
        .store
        .read::<_, Problem>(call.tenant(), move |reader| wanted.find(reader, &Asker { principal: &principal, now }, &[&text]));
    Ok(HttpResponse::Ok().json(reading.await?))
}

/// Suggest articles for a ticket
///
/// Finds published articles that share words with the subject and description of a ticket, as POST /v1/articles/suggest does for any text.
#[utoipa::path(tag = "tickets", operation_id = "suggestTicketArticles",
    params(SuggestionsQuery, ("id" = String, Path, description = "The id of the ticket, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The articles.", body = ArticleSuggestions)))]
#[get("/v1/tickets/{id}/article-suggestions")]
pub async fn for_ticket(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let rows = call.rows(Ticket::object(), Action::Read)?;
    call.rows(ArticleVersion::object(), Action::Read)?;
    let asked = body::read_query::<SuggestionsQuery>(&parameters(&request)?)?;
    let wanted = Wanted {
        language: asked.get(SuggestionsQuery::language).map(str::to_owned),
        limit: usize::try_from(asked.get(SuggestionsQuery::limit)).unwrap_or(1),
    };
    let named = Named::parse(request.match_info().query("id"))?;
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let reading = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let object = Ticket::object();
        let id = named.find(reader, &principal, object)?.ok_or_else(Problem::not_found)?;
        let row = reader.get(&principal.layout(object), &principal.view(now), id, &Predicate::Archived(false).and(rows))?;
        let ticket = row.ok_or_else(Problem::not_found)?.to_record()?.into_entity::<Ticket>();
        // What is hidden from somebody is not told by what it leads to.
        let sees = |field: &Field| principal.asker.sees(object, field);
        let subject = if sees(Ticket::subject.field()) { ticket.get(Ticket::subject) } else { "" };
        let description = if sees(Ticket::description.field()) { ticket.get(Ticket::description) } else { None };
        let texts = [subject, description.unwrap_or_default()];
        wanted.find(reader, &Asker { principal: &principal, now }, &texts)
    });
    Ok(HttpResponse::Ok().json(reading.await?))
}

/// Which articles are wanted.
struct Wanted {
    language: Option<String>,
    limit: usize,
}

/// Who asks, and when.
struct Asker<'a> {
    principal: &'a Principal,
    now: farley_domain::values::time::Timestamp,
}

impl Wanted {
    fn find(&self, reader: &mut Reader<'_>, asker: &Asker<'_>, texts: &[&str]) -> Result<ArticleSuggestions, Problem> {
        let object = ArticleVersion::object();
        let (principal, view) = (asker.principal, asker.principal.view(asker.now));
        let schema = principal.schema(object);
        let rows = principal.asker.rows(object, Action::Read).unwrap_or_else(Predicate::nothing);
        let mut within = current().and(rows);
        if let Some(language) = &self.language {
            within = within.and(in_language(language));
        }
        let ids = Arc::new(Layout::of(&schema, &|_| true, Some(&[]), &[]));
        let mut found = Vec::new();
        for term in terms_of(texts.iter().copied()) {
            let mut matching = |in_titles: bool| -> Result<Vec<Id>, Problem> {
                let question = within_sight(question(&term, in_titles), &schema, &view);
                let query = ListQuery {
                    predicate: within.clone().and(Predicate::Matches(question)),
                    sort: vec![SortKey { by: SortBy::Field(ArticleVersion::id.field().clone()), descending: false }],
                    limit: MOST_MATCHES,
                    start: Start::First,
                    fields: None,
                    expand: Vec::new(),
                    total: false,
                    as_of: None,
                };
                Ok(reader.list(&ids, &view, &query)?.rows.iter().map(Row::id).collect())
            };
            let anywhere = matching(false)?;
            let in_title = if anywhere.is_empty() { Vec::new() } else { matching(true)? };
            found.push(Found { anywhere, in_title });
        }
        let all = usize::try_from(reader.count(object, &within)?).unwrap_or(0);
        let mut best = ranked(&found, all);
        best.truncate(self.limit);
        let shown: Vec<String> = object
            .fields
            .iter()
            .filter(|field| field.name != ArticleVersion::body.name())
            .map(|field| field.name.to_string())
            .collect();
        let layout = Arc::new(Layout::of(&schema, &|field| principal.asker.sees(object, field), Some(&shown), &[]));
        let best_ids: Vec<Id> = best.iter().map(|(id, _)| *id).collect();
        let mut rows = reader.by_ids(&layout, &view, &best_ids, &within)?;
        let mut data = Vec::new();
        for (id, score) in best {
            if let Some(place) = rows.iter().position(|row| row.id() == id) {
                // In hundredths: more would say more than is known.
                data.push(ArticleSuggestion { score: (score * 100.0).round() / 100.0, version: rows.swap_remove(place) });
            }
        }
        Ok(ArticleSuggestions { data })
    }
}
