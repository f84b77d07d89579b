//! What anybody may read at a help center: the published versions of public articles, and nothing else.

use std::{collections::HashMap, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, get, http::header};
use farley_domain::{
    model::{entity::Entity, object::Schema, record::Record},
    query::{
        list::ListQuery,
        predicate::{Predicate, parse},
    },
    service::knowledge::{
        article_category::{ArticleCategory, with_parts},
        article_version::{ArticleVersion, in_language, open_to_all},
        help_center::HelpCenter,
        markdown,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Layout, Reader};
use serde::Serialize;
use utoipa::ToSchema;

use super::help_center::Found;
use crate::{
    access::{
        state::state_of,
        unrestricted::{Unrestricted, all_of, without_custom_fields},
    },
    http::{
        problem::Problem,
        request::{limit_by_address, parameters, refuse_rest, served_from_caches},
    },
    records::{
        body,
        read::{PageInfo, next_link},
    },
};

/// How long caches serve what they have, in seconds: so long may what was withdrawn still be seen.
const FRESH_SECONDS: u32 = 60;
/// How many translations of an article are named.
const MOST_TRANSLATIONS: usize = 100;

/// A help center.
#[derive(Serialize, ToSchema)]
pub struct PublicHelpCenter {
    #[schema(example = "帮助中心")]
    name: String,
    /// The language of its articles, if none is asked for; null if all are.
    #[schema(example = "zh-CN")]
    language: Option<String>,
    /// Whether visitors can say if an article was helpful.
    takes_votes: bool,
    /// The categories that have articles, and those above them, in their order.
    categories: Vec<PublicCategory>,
}

/// A category of a help center.
#[derive(Serialize, ToSchema)]
pub struct PublicCategory {
    #[schema(value_type = String, format = "uuid")]
    id: Id,
    #[schema(example = "打印机")]
    name: String,
    /// The category it is a part of.
    #[schema(value_type = Option<String>, format = "uuid")]
    parent_id: Option<Id>,
    description: Option<String>,
    /// The number of articles in the category itself, in any language.
    #[schema(example = 12)]
    article_count: i64,
}

/// An article in a list.
#[derive(Serialize, ToSchema)]
pub struct PublicArticleHead {
    #[schema(value_type = String, format = "uuid")]
    id: Id,
    #[schema(example = "KB-000012")]
    number: Option<String>,
    #[schema(example = "打印机无法开机怎么办")]
    title: String,
    #[schema(example = "检查电源和保险丝，再按复位键。")]
    summary: Option<String>,
    #[schema(example = "zh-CN")]
    language: String,
    #[schema(value_type = Option<String>, format = "uuid")]
    category_id: Option<Id>,
    #[schema(value_type = String, format = "date-time")]
    published_at: Timestamp,
}

/// An article.
#[derive(Serialize, ToSchema)]
pub struct PublicArticle {
    #[serde(flatten)]
    head: PublicArticleHead,
    /// The text as sanitised HTML.
    #[schema(example = "<ol>\n<li>检查电源线</li>\n</ol>\n")]
    body_html: String,
    /// The same article in other languages.
    translations: Vec<PublicTranslation>,
}

/// An article in another language.
#[derive(Serialize, ToSchema)]
pub struct PublicTranslation {
    #[schema(value_type = String, format = "uuid")]
    id: Id,
    #[schema(example = "en")]
    language: String,
    #[schema(example = "The printer does not start")]
    title: String,
}

/// A page of articles.
#[derive(Serialize, ToSchema)]
pub struct PublicArticles {
    data: Vec<PublicArticleHead>,
    page: PageInfo,
}

crate::query! {
    /// Which articles of a help center to list.
    pub struct HelpArticlesQuery {
        /// The text to search for, as in the other lists; the best match comes first.
        q: Option<String> => long_text(parse::MAX_QUERY).example("打印机"),
        /// Only articles in this language; `zh` finds `zh-CN` and other regions too. Defaults to the language of the help center.
        language: Option<String> => language().example("zh-CN"),
        /// Only articles of this category and those that are parts of it.
        category_id: Option<Id> => reference("article_category"),
        /// The maximum number of articles, 1 to 100.
        limit: i64 => integer(1, 100).default(20),
        /// The `page.next` of the previous page, to continue from there.
        cursor: Option<String> => long_text(4_000),
    }
}

/// Get a help center
///
/// Returns its name and categories. No log-in is required; browsers can request it from its allowed origins. Caches may serve it, and
/// its articles, for a minute.
#[utoipa::path(tag = "help-centers", operation_id = "getPublicHelpCenter", security(()),
    params(("token" = String, Path, description = "The token of the help center.")),
    responses((status = 200, description = "The help center.", body = PublicHelpCenter),
              (status = 304, description = "The one that the client has."),
              (status = 403, description = "This site is not allowed to show the help center.")))]
#[get("/v1/help/{token}")]
pub async fn describe(request: HttpRequest) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let found = Found::of(&request).await?;
    let state = state_of(&request)?;
    let categories = state.store.read::<_, Problem>(found.tenant, categories).await?;
    let center = &found.record;
    let shown = PublicHelpCenter {
        name: center.get(HelpCenter::name).to_owned(),
        language: center.get(HelpCenter::language).map(str::to_owned),
        takes_votes: center.get(HelpCenter::takes_votes),
        categories,
    };
    served_from_caches(&request, &shown, FRESH_SECONDS)
}

/// The categories that have public articles, with those above them; of others not even the name is told.
fn categories(reader: &mut Reader<'_>) -> Result<Vec<PublicCategory>, Problem> {
    let mut all = all_of::<ArticleCategory>(reader)?;
    all.sort_by_key(|category| (category.get(ArticleCategory::sort_order), category.get(ArticleCategory::created_at)));
    let above: Vec<(Id, Option<Id>)> =
        all.iter().map(|category| (category.id(), category.get(ArticleCategory::parent_id))).collect();
    let mut counts: HashMap<Id, i64> = HashMap::new();
    for category in &all {
        let within = open_to_all().and(ArticleVersion::category_id.eq(category.id()));
        counts.insert(category.id(), reader.count(ArticleVersion::object(), &within)?);
    }
    let count = |id: &Id| counts.get(id).copied().unwrap_or(0);
    let shown = all.iter().filter(|category| with_parts(category.id(), &above).iter().any(|part| count(part) > 0));
    let shown = shown.map(|category| PublicCategory {
        id: category.id(),
        name: category.get(ArticleCategory::name).to_owned(),
        parent_id: category.get(ArticleCategory::parent_id),
        description: category.get(ArticleCategory::description).map(str::to_owned),
        article_count: count(&category.id()),
    });
    Ok(shown.collect())
}

/// List articles of a help center
///
/// Returns published public articles, the latest first, or the best match first with `q`. No log-in is required.
#[utoipa::path(tag = "help-centers", operation_id = "listPublicArticles", security(()),
    params(HelpArticlesQuery, ("token" = String, Path, description = "The token of the help center.")),
    responses((status = 200, description = "A page of articles.", body = PublicArticles),
              (status = 304, description = "The one that the client has."),
              (status = 403, description = "This site is not allowed to show the help center.")))]
#[get("/v1/help/{token}/articles")]
pub async fn list(request: HttpRequest) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    let asked = body::read_query::<HelpArticlesQuery>(&parameters(&request)?)?;
    let found = Found::of(&request).await?;
    let language = asked.get(HelpArticlesQuery::language).or(found.record.get(HelpCenter::language)).map(str::to_owned);
    let category = asked.get(HelpArticlesQuery::category_id);
    let mut own = vec![("limit".to_owned(), asked.get(HelpArticlesQuery::limit).to_string())];
    let texts = [("q", asked.get(HelpArticlesQuery::q)), ("cursor", asked.get(HelpArticlesQuery::cursor))];
    own.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.to_owned()))));
    if asked.get(HelpArticlesQuery::q).is_none() {
        own.push(("sort".to_owned(), format!("-{}", ArticleVersion::published_at.name())));
    }
    let state = state_of(&request)?;
    let reading = state.store.read::<_, Problem>(found.tenant, move |reader| {
        let mut query = ListQuery::from_parameters(ArticleVersion::object(), &own, &Unrestricted)?;
        let mut within = open_to_all();
        if let Some(language) = &language {
            within = within.and(in_language(language));
        }
        if let Some(category) = category {
            let all = all_of::<ArticleCategory>(reader)?;
            let above: Vec<_> = all.iter().map(|one| (one.id(), one.get(ArticleCategory::parent_id))).collect();
            within = within.and(ArticleVersion::category_id.is_in(with_parts(category, &above)));
        }
        query.predicate = query.predicate.and(within);
        let page = reader.list(&head_layout(), &Unrestricted, &query)?;
        let heads = page.rows.iter().map(|row| Ok(head(&row.to_record()?.into_entity())));
        let data = heads.collect::<Result<Vec<_>, Problem>>()?;
        let next = page.next.map(|cursor| cursor.encode(ArticleVersion::object(), &query.sort));
        Ok(PublicArticles { data, page: PageInfo { has_more: next.is_some(), next, total: None } })
    });
    let page = reading.await?;
    let link = page.page.next.as_ref().map(|next| next_link(&request, next));
    let mut response = served_from_caches(&request, &page, FRESH_SECONDS)?;
    if let Some(link) = link.and_then(|link| header::HeaderValue::from_str(&link).ok()) {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// Get an article of a help center
///
/// Returns a published public article as HTML, with its translations. No log-in is required.
#[utoipa::path(tag = "help-centers", operation_id = "getPublicArticle", security(()),
    params(("token" = String, Path, description = "The token of the help center."),
        ("id" = String, Path, description = "The id of the article.")),
    responses((status = 200, description = "The article.", body = PublicArticle),
              (status = 304, description = "The one that the client has."),
              (status = 403, description = "This site is not allowed to show the help center.")))]
#[get("/v1/help/{token}/articles/{id}")]
pub async fn article(request: HttpRequest) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let found = Found::of(&request).await?;
    let id = article_named(&request)?;
    let state = state_of(&request)?;
    let reading = state.store.read::<_, Problem>(found.tenant, move |reader| {
        let version = open_version(reader, id)?.ok_or_else(Problem::not_found)?;
        let family = ArticleVersion::original_id.is(version.get(ArticleVersion::original_id));
        let query = open_to_all().and(family);
        let others = reader.find(&without_custom_fields(ArticleVersion::object()), &Unrestricted, &query, MOST_TRANSLATIONS)?;
        let others = others.into_iter().map(Record::into_entity::<ArticleVersion>).filter(|other| other.id() != version.id());
        let translations = others.filter_map(|other| {
            Some(PublicTranslation {
                id: other.get(ArticleVersion::article_id)?,
                language: other.get(ArticleVersion::language).to_owned(),
                title: other.get(ArticleVersion::title).to_owned(),
            })
        });
        let body_html = markdown::to_html(version.get(ArticleVersion::body));
        Ok(PublicArticle { head: head(&version), body_html, translations: translations.collect() })
    });
    served_from_caches(&request, &reading.await?, FRESH_SECONDS)
}

/// The article that a path names.
pub fn article_named(request: &HttpRequest) -> Result<Id, Problem> {
    request.match_info().query("id").parse().map_err(|_| Problem::not_found())
}

/// The version of an article that anybody gets.
pub fn open_version(reader: &mut Reader<'_>, id: Id) -> Result<Option<Record<ArticleVersion>>, Problem> {
    let within: Predicate = open_to_all().and(ArticleVersion::article_id.eq(id));
    let found = reader.find(&without_custom_fields(ArticleVersion::object()), &Unrestricted, &within, 1)?;
    Ok(found.into_iter().next().map(Record::into_entity))
}

/// What lists read of a version: not its text.
fn head_layout() -> Arc<Layout> {
    let names = [
        ArticleVersion::article_id.name(),
        ArticleVersion::article_number.name(),
        ArticleVersion::title.name(),
        ArticleVersion::summary.name(),
        ArticleVersion::language.name(),
        ArticleVersion::category_id.name(),
        ArticleVersion::published_at.name(),
    ];
    // What pages go on from.
    let also = [ArticleVersion::created_at.name().to_owned()];
    let schema: Schema = without_custom_fields(ArticleVersion::object());
    Arc::new(Layout::of(&schema, &|_| true, Some(&names.map(str::to_owned)), &also))
}

fn head(version: &Record<ArticleVersion>) -> PublicArticleHead {
    PublicArticleHead {
        id: version.get(ArticleVersion::article_id).unwrap_or(Id::NIL),
        number: version.get(ArticleVersion::article_number).map(str::to_owned),
        title: version.get(ArticleVersion::title).to_owned(),
        summary: version.get(ArticleVersion::summary).map(str::to_owned),
        language: version.get(ArticleVersion::language).to_owned(),
        category_id: version.get(ArticleVersion::category_id),
        published_at: version.get(ArticleVersion::published_at).unwrap_or(Timestamp::from_milliseconds(0)),
    }
}
