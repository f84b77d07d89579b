//! What every share is told of: an actix route that answers a small JSON and does nothing else.

use std::net::SocketAddr;

use actix_web::{App, HttpResponse, HttpServer, web};
use serde::Serialize;

#[derive(Serialize)]
struct Small {
    id: u32,
    name: &'static str,
    status: &'static str,
}

/// Serves the bare route until the process ends.
pub async fn serve_bare(address: SocketAddr) -> std::io::Result<()> {
    let answer = || async { HttpResponse::Ok().json(Small { id: 42, name: "华为技术有限公司", status: "active" }) };
    let server = HttpServer::new(move || App::new().route("/", web::get().to(answer)));
    let workers = crate::settings::cores();
    server.workers(workers).bind(address)?.run().await
}
