//! `GET /`: what this is, and where to go on from here.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
};
use serde::Serialize;

/// What a server says of itself.
#[derive(Serialize)]
struct Welcome {
    name: &'static str,
    version: &'static str,
    documentation: &'static str,
    openapi: &'static str,
    health: &'static str,
    readiness: &'static str,
    login: &'static str,
}

const WELCOME: Welcome = Welcome {
    name: "Farley",
    version: env!("CARGO_PKG_VERSION"),
    documentation: "/docs",
    openapi: "/openapi.json",
    health: "/healthz",
    readiness: "/readyz",
    login: "/v1/auth/login",
};

const PAGE: &str = concat!(
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Farley</title>",
    "<h1>Farley</h1><p>A CRM without a user interface: this is its REST/JSON API, version ",
    env!("CARGO_PKG_VERSION"),
    ".</p><ul><li><a href=\"/docs/\">Documentation</a>, to read and to try out</li>",
    "<li><a href=\"/openapi.json\">OpenAPI document</a></li><li><a href=\"/readyz\">Whether it is ready</a></li></ul>",
    "<p lang=\"zh-CN\">Farley 是没有界面的 CRM：这里是它的 REST/JSON API。<a href=\"/docs/\">文档</a></p></html>\n",
);

/// A page for browsers, JSON for all others.
pub async fn welcome(request: HttpRequest) -> HttpResponse {
    let accepts = request.headers().get(header::ACCEPT).map(HeaderValue::as_bytes).unwrap_or_default();
    let mut response = HttpResponse::Ok();
    response.insert_header((header::VARY, "Accept"));
    if accepts.windows(9).any(|part| part == b"text/html") {
        let policy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";
        response.insert_header((header::CONTENT_SECURITY_POLICY, policy)).content_type("text/html; charset=utf-8").body(PAGE)
    } else {
        response.json(WELCOME)
    }
}
