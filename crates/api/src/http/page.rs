//! Plain pages, for people whose browser shows an answer itself.

use std::rc::Rc;

use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder, body::BoxBody, http::header};
use farley_domain::model::fault::Language;

use super::problem::{BY_LANGUAGE, Problem};

/// Nothing of a page is loaded or run, and no other site shows it within its own.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// On what an answer depends that comes as a page or as JSON.
const BY_WISH: &str = "accept";

/// Whether whoever asks would rather have a page than JSON. Browsers that go to a page say so; scripts take anything.
#[must_use]
pub fn is_wished(request: &HttpRequest) -> bool {
    let accepts = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (mut page, mut json, mut any) = (None, None, None);
    for (place, range) in accepts.split(',').enumerate() {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0_f32);
        let known = match kind.as_str() {
            "text/html" | "application/xhtml+xml" => &mut page,
            "application/json" | "application/problem+json" => &mut json,
            "application/*" | "*/*" => &mut any,
            _ => continue,
        };
        known.get_or_insert((weight, place));
    }
    let (page, json) = (page.unwrap_or((0.0, 0)), json.or(any).unwrap_or((0.0, usize::MAX)));
    page.0 > 0.0 && (page.0 > json.0 || (page.0 >= json.0 && page.1 < json.1))
}

/// Stands in the extensions of a request whose problems are shown as pages: what people call the inputs, by name.
#[derive(Clone, Default)]
pub struct Shown(Rc<Vec<(String, String)>>);

impl Shown {
    #[must_use]
    pub fn with_labels(labels: Vec<(String, String)>) -> Shown {
        Shown(Rc::new(labels))
    }

    /// Lets the problems of a request be shown so.
    pub fn on(self, request: &HttpRequest) {
        request.extensions_mut().insert(self);
    }

    /// The same answer as a page.
    #[must_use]
    pub fn answer(&self, answer: HttpResponse, problem: &Problem, language: Language) -> HttpResponse {
        let told = problem.to_json(language, "", "");
        let text = |member: &str| told[member].as_str().unwrap_or_default().to_owned();
        let faults: Vec<String> = problem
            .faults
            .0
            .iter()
            .map(|fault| {
                let name = fault.pointer.trim_start_matches('/');
                let label = self.0.iter().find(|(known, _)| known == name).map_or(name, |(_, label)| label.as_str());
                let message = fault.message(language);
                match (label, language) {
                    ("", _) => message,
                    (label, Language::English) => format!("{label}: {message}"),
                    (label, Language::Chinese) => format!("{label}：{message}"),
                }
            })
            .collect();
        let lead = match language {
            _ if faults.is_empty() => text("detail"),
            Language::English => "Please go back and correct the following.".to_owned(),
            Language::Chinese => "请返回并修改以下内容。".to_owned(),
        };
        let body = html(language, &text("title"), &lead, &faults);
        let mut answer = answer.map_body(|_, _| BoxBody::new(body));
        for (name, value) in headers() {
            answer.headers_mut().insert(name, value);
        }
        answer.headers_mut().append(header::VARY, header::HeaderValue::from_static(BY_WISH));
        answer
    }
}

/// A page with a message.
#[must_use]
pub fn of_message(mut response: HttpResponseBuilder, language: Language, title: &str, message: &str) -> HttpResponse {
    for header in headers() {
        response.insert_header(header);
    }
    response.insert_header((header::CONTENT_LANGUAGE, language.tag()));
    response.insert_header((header::VARY, format!("{BY_WISH}, {BY_LANGUAGE}")));
    response.body(html(language, title, message, &[]))
}

fn headers() -> [(header::HeaderName, header::HeaderValue); 3] {
    let value = header::HeaderValue::from_static;
    [
        (header::CONTENT_TYPE, value("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, value(POLICY)),
        (header::CACHE_CONTROL, value("no-store")),
    ]
}

fn html(language: Language, title: &str, message: &str, items: &[String]) -> String {
    let (tag, title) = (language.tag(), escaped(title));
    let lines: String =
        message.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("<p>{}</p>", escaped(line))).collect();
    let items: String = items.iter().map(|item| format!("<li>{}</li>", escaped(item))).collect();
    let items = if items.is_empty() { items } else { format!("<ul>{items}</ul>") };
    format!(
        "<!doctype html><html lang=\"{tag}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title}</title>\
         <style>body{{font:1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}}</style></head>\
         <body><h1>{title}</h1>{lines}{items}</body></html>"
    )
}

/// A text as it stands in a page.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn browsers_want_pages_and_scripts_do_not() {
        let wishes = |accept: &str| is_wished(&TestRequest::default().insert_header(("Accept", accept)).to_http_request());
        for page in [
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
            "text/html",
            "text/html, */*",
            "TEXT/HTML;level=1, application/json",
            "application/json;q=0.5, text/html;q=0.6, */*",
        ] {
            assert!(wishes(page), "{page}");
        }
        for json in [
            "",
            "*/*",
            "application/json",
            "application/json, text/html",
            "application/json, text/plain, */*",
            "text/html;q=0, */*;q=0.1",
            "text/html;q=0.5, application/json",
            "image/png",
            "text/html;q=x;q=0.1, */*",
        ] {
            assert!(!wishes(json), "{json}");
        }
        assert!(!is_wished(&TestRequest::default().to_http_request()));
    }

    #[test]
    fn pages_show_texts_as_they_are() {
        let page = html(Language::Chinese, "<b>", "a & b\n\n'c'", &["\"x\"".to_owned()]);
        assert!(page.contains("<h1>&lt;b&gt;</h1><p>a &amp; b</p><p>&#39;c&#39;</p><ul><li>&quot;x&quot;</li></ul>"), "{page}");
        assert!(page.contains("lang=\"zh-CN\""));
    }
}
