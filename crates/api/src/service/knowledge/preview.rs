//! How an article will look to its readers.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{
    identity::access::Action,
    model::entity::Entity,
    query::predicate::Predicate,
    service::knowledge::{article::Article, markdown},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::call::Call,
    http::{
        problem::Problem,
        request::{json_unless_held, parameters, refuse_rest},
    },
    records::named::Named,
};

/// An article as HTML.
#[derive(Serialize, ToSchema)]
pub struct ArticlePreview {
    #[schema(example = "打印机无法开机怎么办")]
    title: String,
    /// The text as sanitised HTML.
    #[schema(example = "<ol>\n<li>检查电源线</li>\n</ol>\n")]
    body_html: String,
}

/// Preview an article
///
/// Returns the article as it is being written, as readers of the next version will get it.
#[utoipa::path(tag = "articles", operation_id = "previewArticle",
    params(("id" = String, Path, description = "The id of the article, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The article as HTML.", body = ArticlePreview)))]
#[get("/v1/articles/{id}/preview")]
pub async fn preview(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let rows = call.rows(Article::object(), Action::Read)?;
    call.demand_fields(Article::object(), &[Article::title.field(), Article::body.field()])?;
    refuse_rest(&parameters(&request)?, &[])?;
    let named = Named::parse(request.match_info().query("id"))?;
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let reading = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let object = Article::object();
        let id = named.find(reader, &principal, object)?.ok_or_else(Problem::not_found)?;
        let row = reader.get(&principal.layout(object), &principal.view(now), id, &Predicate::Archived(false).and(rows))?;
        let article = row.ok_or_else(Problem::not_found)?.to_record()?.into_entity::<Article>();
        Ok(ArticlePreview {
            title: article.get(Article::title).to_owned(),
            body_html: markdown::to_html(article.get(Article::body).unwrap_or_default()),
        })
    });
    json_unless_held(&request, &reading.await?)
}
