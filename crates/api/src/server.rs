//! The server: the application put together, started, and shut down with grace.

use std::{sync::Arc, time::Duration};

use actix_cors::Cors;
use actix_web::{App as Actix, HttpResponse, HttpServer, dev::Server, http::header, middleware, web};
use utoipa::OpenApi;

use crate::{
    app::App,
    frame, handwritten,
    identity::bootstrap,
    openapi,
    problem::Problem,
    routes,
    sales::leads::forms,
    settings::{Settings, cores},
    workers,
};

/// The OpenAPI document of this server.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    openapi::document(handwritten::Handwritten::openapi())
}

/// The OpenAPI document as it is served and checked in.
#[must_use]
pub fn document_text() -> String {
    let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text.push('\n');
    text
}

/// A server that listens, and what it stands on.
pub struct Running {
    pub server: Server,
    pub app: Arc<App>,
    pub addresses: Vec<std::net::SocketAddr>,
    pub welcome: Option<bootstrap::Welcome>,
}

impl Running {
    /// Serves until told to end; then requests are finished, jobs handed back, and the store is closed.
    pub async fn run(self) -> Result<(), String> {
        let Running { server, app, .. } = self;
        server.await.map_err(|error| error.to_string())?;
        workers::stop(&app).await;
        tokio::task::spawn_blocking(move || app.store.close()).await.map_err(|error| error.to_string())
    }
}

/// Opens the store, makes what a first start needs, and listens.
pub async fn start(settings: Settings) -> Result<Running, String> {
    let opening = settings.store_for_requests();
    let store = tokio::task::spawn_blocking(move || farley_persistence::Store::open(&opening)).await;
    let store = store.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    let app = App::new(store, settings);
    let failed = |problem: Problem| describe(&problem);
    let welcome = bootstrap::first_start(&app).await.map_err(failed)?;
    app.tokens.refresh(&app.store).await.map_err(failed)?;
    workers::start(&app);
    let listen = app.settings.listen;
    let workers = match app.settings.workers {
        0 => cores(),
        workers => workers,
    };
    let data = web::Data::from(Arc::clone(&app));
    let factory = move || {
        Actix::new()
            .app_data(data.clone())
            .wrap(middleware::from_fn(frame::serve))
            .wrap(cors(&data.settings.cors_origins))
            .wrap(middleware::from_fn(forms::cors))
            .configure(routes::configure)
            .route("/openapi.json", web::get().to(openapi_json))
            .service(web::redirect("/docs", "/docs/"))
            .service(docs())
            .default_service(web::to(|| async { Err::<HttpResponse, _>(Problem::not_found()) }))
    };
    let server = HttpServer::new(factory)
        .workers(workers)
        .worker_max_blocking_threads(4)
        .client_request_timeout(Duration::from_secs(15))
        .keep_alive(Duration::from_secs(75))
        // Who closes their side has hung up: nothing more is done for them.
        .h1_allow_half_closed(false)
        .shutdown_timeout(app.settings.shutdown_timeout)
        .bind(listen)
        .map_err(|error| format!("setting FARLEY_LISTEN: cannot listen on {listen}: {error}"))?;
    let addresses = server.addrs();
    Ok(Running { server: server.run(), app, addresses, welcome })
}

/// A problem in one line, for the command line.
#[must_use]
pub fn describe(problem: &Problem) -> String {
    let faults: Vec<String> = problem
        .faults
        .0
        .iter()
        .map(|fault| format!("{}: {}", fault.pointer, fault.message(farley_domain::fault::Language::English)))
        .collect();
    match (faults.is_empty(), problem.inside()) {
        (false, _) => faults.join("; "),
        (true, Some(inside)) => inside.to_string(),
        (true, None) => problem.to_string(),
    }
}

/// The document as it is checked in, which is the one that `document_text` makes: a test holds them equal. To make it at every start
/// would take a fifth of a second and 50 MB.
static DOCUMENT: &str = include_str!("../../../openapi/farley.json");

async fn openapi_json() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(DOCUMENT)
}

/// Swagger UI out of the binary itself: works offline, remembers who logged in.
fn docs() -> utoipa_swagger_ui::SwaggerUi {
    let config = utoipa_swagger_ui::Config::from("/openapi.json").persist_authorization(true).try_it_out_enabled(true);
    utoipa_swagger_ui::SwaggerUi::new("/docs/{_:.*}").config(config)
}

/// Browsers may call from the origins of the allow-list, and see the headers that matter.
fn cors(origins: &str) -> Cors {
    const EXPOSED: [&str; 9] = [
        "ETag",
        "Link",
        "Location",
        "RateLimit",
        "RateLimit-Policy",
        "Retry-After",
        "X-Total-Count",
        "X-Request-Id",
        "Idempotency-Replayed",
    ];
    let mut cors = Cors::default()
        .allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
        .allowed_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            header::ACCEPT_LANGUAGE,
        ])
        .allowed_header("Idempotency-Key")
        .allowed_header("X-Request-Id")
        .allowed_header("Last-Event-ID")
        .expose_headers(EXPOSED)
        .block_on_origin_mismatch(false)
        .max_age(3600);
    for origin in origins.split(',').map(str::trim).filter(|origin| !origin.is_empty()) {
        cors = if origin == "*" { cors.allow_any_origin() } else { cors.allowed_origin(origin) };
    }
    cors
}
