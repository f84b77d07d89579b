//! Which template a request's path fits. actix tries the paths of a scope in turn, each by a regular expression, and builds all of these for
//! every thread that serves: here words are compared, and one expression is left, which takes the parameters out.

use std::sync::Arc;

use actix_web::{
    HttpMessage, Scope,
    dev::HttpServiceFactory,
    guard::{self, GuardContext},
    http::Method,
    web,
};
use utoipa::openapi::HttpMethod;

/// A path as OpenAPI writes it: `/v1/customers/{id}`.
pub struct Template {
    whole: Arc<str>,
    /// What stands between the slashes; nothing where anything may stand.
    words: Vec<Option<String>>,
}

/// The template that a request's path fits, for logs and metrics.
#[derive(Clone)]
pub struct Matched(pub Arc<str>);

impl Template {
    #[must_use]
    pub fn of(path: &str) -> Template {
        let words = path.split('/').map(|word| (!word.contains('{')).then(|| word.to_owned()));
        Template { whole: Arc::from(path), words: words.collect() }
    }

    #[must_use]
    pub fn takes(&self, path: &str) -> bool {
        let mut asked = path.split('/');
        let fits = |word: &Option<String>| {
            asked.next().is_some_and(|asked| word.as_ref().map_or(!asked.is_empty(), |word| word == asked))
        };
        self.words.iter().all(fits) && asked.next().is_none()
    }

    /// As `takes`, and remembers it for the request.
    #[must_use]
    pub fn matches(&self, context: &GuardContext<'_>) -> bool {
        let fits = self.takes(context.head().uri.path());
        if fits {
            context.req_data_mut().insert(Matched(Arc::clone(&self.whole)));
        }
        fits
    }
}

/// What serves a path, asked only for what fits it.
pub fn at(path: &str, service: impl HttpServiceFactory + 'static) -> Scope {
    let template = Template::of(path);
    web::scope("").guard(guard::fn_guard(move |context| template.matches(context))).service(service)
}

/// A documented handler, asked only for what it takes.
pub fn handler<H: utoipa::Path + HttpServiceFactory + 'static>(handler: H) -> Scope {
    let methods: Vec<Method> = H::methods().iter().map(method).collect();
    let template = Template::of(&H::path());
    let fits = move |context: &GuardContext<'_>| methods.contains(&context.head().method) && template.matches(context);
    web::scope("").guard(guard::fn_guard(fits)).service(handler)
}

/// The template that the path of a request was found to fit.
pub fn matched(request: &impl HttpMessage) -> Option<Arc<str>> {
    request.extensions().get::<Matched>().map(|matched| Arc::clone(&matched.0))
}

fn method(method: &HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_takes_what_fits_word_by_word() {
        let record = Template::of("/v1/customers/{id}/restore");
        for (path, fits) in [
            ("/v1/customers/1/restore", true),
            ("/v1/customers/ext:sap:1/restore", true),
            ("/v1/customers//restore", false),
            ("/v1/customers/1/restore/", false),
            ("/v1/customers/1", false),
            ("/v1/contacts/1/restore", false),
            ("v1/customers/1/restore", false),
        ] {
            assert_eq!(record.takes(path), fits, "{path}");
        }
        assert!(Template::of("/").takes("/"));
    }
}
