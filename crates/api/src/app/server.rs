//! The server: the application put together, started, and shut down with grace.

use std::{sync::Arc, time::Duration};

use actix_cors::Cors;
use actix_web::{
    App as Actix, HttpResponse, HttpServer,
    dev::{Server, ServerHandle},
    middleware::from_fn,
    web,
};
use farley_domain::{
    sales::leads::form::LeadForm,
    service::{knowledge::help_center::HelpCenter, portal::Portal},
};
use utoipa::OpenApi;

use super::{
    documentation, endpoints, routes, welcome,
    workers::{self, Workers},
};
use crate::{
    access::state::State,
    http::{
        middleware,
        problem::{Problem, describe},
    },
    identity::{bootstrap, learning},
    openapi,
    records::public,
    service,
    settings::{Settings, cores},
};

/// The OpenAPI document of this server.
#[must_use]
pub fn document() -> serde_json::Value {
    openapi::document(endpoints::Handwritten::openapi())
}

/// The OpenAPI document as it is served and checked in.
#[must_use]
pub fn document_text() -> String {
    openapi::text(&document())
}

/// The document as it is checked in, which is the one that `document_text` makes: a test holds them equal. To make it at every start
/// would take a fifth of a second and 50 MB.
pub static DOCUMENT: &str = include_str!("../../../../openapi/farley.json");

/// A server that listens, and what it stands on.
pub struct Running {
    pub server: Server,
    pub state: Arc<State>,
    pub workers: Arc<Workers>,
    pub addresses: Vec<std::net::SocketAddr>,
    pub welcome: Option<bootstrap::Welcome>,
}

impl Running {
    /// Serves until told to end; then requests are finished, jobs handed back, and the store is closed.
    pub async fn run(self) -> Result<(), String> {
        let Running { server, state, workers, .. } = self;
        actix_web::rt::spawn(end_when_told(server.handle(), Arc::clone(&state)));
        server.await.map_err(|error| error.to_string())?;
        workers::stop(&workers).await;
        tokio::task::spawn_blocking(move || state.store.close()).await.map_err(|error| error.to_string())
    }
}

/// Ends the server when the process is told to: what goes on without an end of its own hears of it first, and jobs are handed back
/// while requests are finished. Whoever asks twice does not want to wait.
async fn end_when_told(server: ServerHandle, state: Arc<State>) {
    let mut graceful = told_to_end().await;
    state.stopping.begin();
    loop {
        // The order is given at once; the future only waits for it to be carried out.
        let stopped = server.stop(graceful);
        tokio::select! {
            () = stopped => return,
            _ = told_to_end() => graceful = false,
        }
    }
}

/// Waits for an order to end; whether there is time.
#[cfg(unix)]
async fn told_to_end() -> bool {
    use actix_web::rt::signal::unix::{SignalKind, signal};
    let kinds = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::quit()));
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut quit)) = kinds else { return std::future::pending().await };
    tokio::select! {
        _ = terminate.recv() => true,
        _ = interrupt.recv() => false,
        _ = quit.recv() => false,
    }
}

#[cfg(not(unix))]
async fn told_to_end() -> bool {
    drop(actix_web::rt::signal::ctrl_c().await);
    false
}

/// Opens the store, makes what a first start needs, and listens.
pub async fn start(settings: Settings) -> Result<Running, String> {
    // A first start that cannot listen must not have made an administrator, whose password would be lost.
    drop(std::net::TcpListener::bind(settings.listen).map_err(|error| cannot_listen(settings.listen, &error))?);
    let opening = tokio::task::spawn_blocking(move || super::open_for_requests(settings)).await;
    let state = opening.map_err(|error| error.to_string())??;
    let failed = |problem: Problem| describe(&problem);
    let welcome = bootstrap::first_start(&state).await.map_err(failed)?;
    learning::catch_up(&state).await.map_err(failed)?;
    state.tokens.refresh(&state.store).await.map_err(failed)?;
    let background = workers::start(&state);
    let listen = state.settings.listen;
    let workers = match state.settings.workers {
        0 => cores(),
        workers => workers,
    };
    let data = web::Data::from(Arc::clone(&state));
    let limits = web::Data::from(Arc::clone(&state.limits));
    let stopping = web::Data::from(Arc::clone(&state.stopping));
    let factory = move || {
        Actix::new()
            .app_data(data.clone())
            .app_data(limits.clone())
            .app_data(stopping.clone())
            .wrap(cors(&data.settings.cors_origins))
            .wrap(from_fn(public::cors::<LeadForm, _>))
            .wrap(from_fn(public::cors::<HelpCenter, _>))
            .wrap(from_fn(public::cors::<Portal, _>))
            .wrap(from_fn(service::survey_cors))
            // Around the others, so that what they refuse is told as any other problem.
            .wrap(from_fn(middleware::serve))
            .configure(routes::configure)
            .route("/", web::get().to(welcome::welcome))
            .configure(documentation::configure)
            .default_service(web::to(|| async { Err::<HttpResponse, _>(Problem::not_found()) }))
    };
    let server = HttpServer::new(factory)
        .workers(workers)
        .worker_max_blocking_threads(4)
        .client_request_timeout(Duration::from_secs(15))
        .keep_alive(Duration::from_secs(75))
        // Who closes their side has hung up: nothing more is done for them.
        .h1_allow_half_closed(false)
        .disable_signals()
        .shutdown_timeout(state.settings.shutdown_timeout)
        .bind(listen)
        .map_err(|error| cannot_listen(listen, &error))?;
    let addresses = server.addrs();
    Ok(Running { server: server.run(), state, workers: background, addresses, welcome })
}

fn cannot_listen(address: std::net::SocketAddr, error: &std::io::Error) -> String {
    format!("setting FARLEY_LISTEN: cannot listen on {address}: {error}")
}

/// Browsers may call from the origins of the allow-list, and see the headers that matter.
fn cors(origins: &str) -> Cors {
    const EXPOSED: [&str; 13] = [
        "Accept-Ranges",
        "Content-Disposition",
        "Content-Range",
        "ETag",
        "Link",
        "Location",
        "RateLimit",
        "RateLimit-Policy",
        "Retry-After",
        "X-Total-Count",
        "X-Request-Id",
        "Idempotency-Replayed",
        "traceparent",
    ];
    let mut cors = Cors::default()
        .allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
        // Whatever the browser asks for: tracing and other tools add headers of their own, and an origin is trusted or is not.
        .allow_any_header()
        .expose_headers(EXPOSED)
        .block_on_origin_mismatch(false)
        .max_age(3600);
    for origin in origins.split(',').map(str::trim).filter(|origin| !origin.is_empty()) {
        cors = if origin == "*" { cors.allow_any_origin() } else { cors.allowed_origin(origin) };
    }
    cors
}
