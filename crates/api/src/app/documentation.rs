//! The documentation: the OpenAPI document, whole or of a few tags, and the page that shows it.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use actix_web::{HttpRequest, HttpResponse, Resource, web};
use farley_domain::model::fault::{Fault, FaultCode, unknown};
use serde_json::Value;

use super::server::DOCUMENT;
use crate::{
    http::{
        problem::Problem,
        request::{parameters, tag_of, unless_held},
    },
    openapi,
    records::body,
};

pub fn configure(config: &mut web::ServiceConfig) {
    let read = |resource: Resource| resource.default_service(web::to(|| crate::records::refuse_method("GET, HEAD".to_owned())));
    config
        .service(read(web::resource("/openapi.json").route(web::get().to(openapi_json))))
        .service(read(web::resource(SHALLOW_PATH).route(web::get().to(shallow_json))))
        .service(web::redirect("/docs", "/docs/"))
        .service(read(web::resource(["/docs/", "/docs/index.html"]).route(web::get().to(page))))
        .service(docs());
}

/// What the page reads.
const SHALLOW_PATH: &str = "/docs/openapi.json";

/// The page that loads Swagger UI, under the name of what it documents.
const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Farley</title>
<link rel="stylesheet" href="./swagger-ui.css">
<link rel="stylesheet" href="./index.css">
<link rel="icon" type="image/png" href="./favicon-32x32.png" sizes="32x32">
<div id="swagger-ui"></div>
<script src="./swagger-ui-bundle.js" charset="utf-8"></script>
<script src="./swagger-ui-standalone-preset.js" charset="utf-8"></script>
<script src="./swagger-initializer.js" charset="utf-8"></script>
</html>
"#;

async fn page() -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(PAGE)
}

/// Swagger UI out of the binary itself: works offline, remembers who logged in. Everything begins folded, as there is much of it.
fn docs() -> utoipa_swagger_ui::SwaggerUi {
    let config = utoipa_swagger_ui::Config::from(SHALLOW_PATH)
        .persist_authorization(true)
        .try_it_out_enabled(true)
        .doc_expansion("none")
        .default_models_expand_depth(-1)
        .deep_linking(true)
        .filter(true)
        // Colours make ten thousand elements of the example of one page of records.
        .with_syntax_highlight(false);
    utoipa_swagger_ui::SwaggerUi::new("/docs/{_:.*}").config(config)
}

crate::query! {
    /// Which part of the document.
    pub struct DocumentQuery {
        /// Only the operations of these tags, with what they refer to.
        tag: Vec<String> => texts(50),
    }
}

/// A document as it is sent.
#[derive(Clone)]
struct Sent {
    text: web::Bytes,
    tag: String,
}

impl Sent {
    fn of(text: web::Bytes) -> Sent {
        let tag = tag_of(&text);
        Sent { text, tag }
    }
}

/// A document, whole and in the parts that were asked for. There are as many as tags: several together are put together each time.
struct Shelf {
    whole: Sent,
    parts: Mutex<HashMap<String, Sent>>,
}

static DEEP: LazyLock<Shelf> = LazyLock::new(|| Shelf::of(web::Bytes::from_static(DOCUMENT.as_bytes())));
static SHALLOW: LazyLock<Shelf> = LazyLock::new(|| {
    // The document was written by Farley itself; what could not be read would be shown as it is.
    let shallow = serde_json::from_str(DOCUMENT).map(|whole| openapi::shallow(whole).to_string());
    Shelf::of(shallow.map_or_else(|_| web::Bytes::from_static(DOCUMENT.as_bytes()), web::Bytes::from))
});

async fn openapi_json(request: HttpRequest) -> Result<HttpResponse, Problem> {
    DEEP.answer(&request)
}

async fn shallow_json(request: HttpRequest) -> Result<HttpResponse, Problem> {
    SHALLOW.answer(&request)
}

impl Shelf {
    fn of(whole: web::Bytes) -> Shelf {
        Shelf { whole: Sent::of(whole), parts: Mutex::default() }
    }

    fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, Problem> {
        let asked = body::read_query::<DocumentQuery>(&parameters(request)?)?;
        let mut tags = asked.get(DocumentQuery::tag);
        tags.sort_unstable();
        let sent = match tags.as_slice() {
            [] => self.whole.clone(),
            [tag] => {
                let known = self.parts.lock().unwrap_or_else(PoisonError::into_inner).get(tag).cloned();
                match known {
                    Some(sent) => sent,
                    None => {
                        let sent = self.part(&tags)?;
                        self.parts.lock().unwrap_or_else(PoisonError::into_inner).insert(tag.clone(), sent.clone());
                        sent
                    }
                }
            }
            _ => self.part(&tags)?,
        };
        Ok(unless_held(request, &sent.tag, || sent.text.clone()))
    }

    /// The document of a few tags.
    fn part(&self, tags: &[String]) -> Result<Sent, Problem> {
        let whole: Value = serde_json::from_slice(&self.whole.text)?;
        let known: Vec<&str> = whole["tags"].as_array().into_iter().flatten().filter_map(|tag| tag["name"].as_str()).collect();
        if let Some(other) = tags.iter().find(|tag| !known.contains(&tag.as_str())) {
            let pointer = DocumentQuery::tag.name().to_owned();
            let fault: Fault = unknown(pointer, FaultCode::UnknownChoice, other, known.iter().copied());
            return Err(fault.into());
        }
        let part = openapi::part(whole, &|tag| tags.iter().any(|wanted| wanted == tag));
        Ok(Sent::of(web::Bytes::from(part.to_string())))
    }
}
