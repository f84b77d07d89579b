//! `farley serve`, `migrate` and `healthcheck`.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{Arc, OnceLock},
    time::Duration,
};

use actix_web::{App, HttpResponse, HttpServer, web};
use farley_persistence::Store;

use crate::{
    access::lane,
    app::{server, store_settings},
    http::telemetry,
    settings::Settings,
};

pub fn serve(settings: Settings) -> Result<(), String> {
    let _guard = telemetry::start(&settings)?;
    actix_web::rt::System::new().block_on(async {
        let store = Arc::new(OnceLock::new());
        if let Some(address) = settings.metrics_listen {
            metrics(address, Arc::clone(&store))?;
        }
        let running = server::start(settings).await?;
        // Nobody else has set it.
        drop(store.set(running.state.store.clone()));
        let engine = running.state.store.engine_name();
        for address in &running.addresses {
            eprintln!("listening on http://{address} ({engine}), documentation at http://{address}/docs");
        }
        if let Some(welcome) = &running.welcome {
            match &welcome.password {
                Some(password) => {
                    eprintln!("first start: log in as {} with the password {password} (shown only once)", welcome.email)
                }
                None => eprintln!("first start: log in as {} with the password from FARLEY_ADMIN_PASSWORD", welcome.email),
            }
        }
        running.run().await
    })
}

/// Serves the metrics on an address of their own, which need not be open to the world.
fn metrics(address: SocketAddr, store: Arc<OnceLock<Store>>) -> Result<(), String> {
    use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
    const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
    let wrong = |error: metrics_exporter_prometheus::BuildError| format!("the metrics cannot be kept: {error}");
    const JOB_BUCKETS: [f64; 8] = [0.01, 0.1, 1.0, 5.0, 30.0, 120.0, 600.0, 3_600.0];
    let buckets = |builder: PrometheusBuilder, name: &str, buckets: &[f64]| {
        builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), buckets).map_err(wrong)
    };
    let builder = buckets(PrometheusBuilder::new(), "farley_http_request_duration_seconds", &BUCKETS)?;
    let builder = buckets(builder, "farley_job_duration_seconds", &JOB_BUCKETS)?;
    let handle = builder.install_recorder().map_err(wrong)?;
    metrics::describe_histogram!(
        "farley_http_request_duration_seconds",
        metrics::Unit::Seconds,
        "How long requests took, by method, route and status."
    );
    metrics::describe_histogram!(
        "farley_job_duration_seconds",
        metrics::Unit::Seconds,
        "How long background jobs took, by kind and outcome."
    );
    metrics::describe_counter!("farley_logins_failed_total", metrics::Unit::Count, "Log-ins that failed.");
    lane::describe();
    let upkeep = handle.clone();
    actix_web::rt::spawn(async move {
        loop {
            actix_web::rt::time::sleep(Duration::from_secs(5)).await;
            upkeep.run_upkeep();
        }
    });
    let serve = move || {
        let (handle, store) = (handle.clone(), Arc::clone(&store));
        let render = move || {
            if let Some(store) = store.get() {
                lane::publish(&store.lanes());
            }
            let text = handle.render();
            async move { HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text) }
        };
        App::new().route("/metrics", web::get().to(render))
    };
    let server = HttpServer::new(serve).workers(1).disable_signals().bind(address);
    let server = server.map_err(|error| format!("setting FARLEY_METRICS_LISTEN: cannot listen on {address}: {error}"))?;
    actix_web::rt::spawn(server.run());
    Ok(())
}

/// Brings the database to the present schema.
pub fn migrate(settings: &Settings) -> Result<(), String> {
    let _guard = telemetry::start(settings)?;
    let store = farley_persistence::Store::open(&store_settings(settings)).map_err(|error| error.to_string())?;
    store.close();
    eprintln!("the database schema is up to date");
    Ok(())
}

/// Asks the server at the setting's address whether it is ready; for containers.
pub fn healthcheck(settings: &Settings) -> Result<(), String> {
    let mut address = settings.listen;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let said = |error: std::io::Error| format!("{address} does not answer: {error}");
    let wait = Duration::from_secs(5);
    let mut stream = TcpStream::connect_timeout(&address, wait).map_err(said)?;
    stream.set_read_timeout(Some(wait)).map_err(said)?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").map_err(said)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(said)?;
    if answer.starts_with(b"HTTP/1.1 200") {
        println!("ready");
        Ok(())
    } else {
        Err(format!("{address} is not ready"))
    }
}
