//! What is seen of a server from outside: its log, and its traces, sent to an OpenTelemetry collector if there is one
//! (OTLP over HTTP). Spans hold routes, kinds, numbers and ids of requests; no names, no addresses, no bodies.

use std::{collections::HashMap, io::IsTerminal};

use opentelemetry::{
    propagation::TextMapPropagator,
    trace::{TraceContextExt, TracerProvider},
};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing::{Span, level_filters::LevelFilter};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::settings::{LogFormat, Settings};

/// The target of spans that are traced. They are of the level TRACE, which costs nothing where nobody listens.
pub const TRACED: &str = "farley::traced";

const TRACEPARENT: &str = "traceparent";

/// Ends the traces when it is dropped: what was not sent yet is sent.
#[must_use]
pub struct Guard {
    provider: Option<SdkTracerProvider>,
}

type Layers = Vec<Box<dyn Layer<Registry> + Send + Sync>>;

/// Says what happens on standard error, as text or as JSON, and sends traces if there is where to.
pub fn start(settings: &Settings) -> Result<Guard, String> {
    let filter = EnvFilter::try_new(&settings.log).map_err(|error| format!("setting FARLEY_LOG: {error}"))?;
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    // Colours are for terminals; in a file they are noise.
    let plain = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty()) || !std::io::stderr().is_terminal();
    let log = log.with_ansi(!plain);
    let log = match settings.log_format {
        LogFormat::Text => log.compact().with_filter(filter).boxed(),
        LogFormat::Json => {
            log.json().flatten_event(true).with_current_span(true).with_span_list(false).with_filter(filter).boxed()
        }
    };
    let mut layers = vec![log];
    let guard = traces(settings, &mut layers)?;
    tracing_subscriber::registry().with(layers).try_init().map_err(|error| error.to_string())?;
    Ok(guard)
}

/// The `traceparent` that a request is answered with: of its own span, or, where nobody listens to spans, of one made for it in the
/// trace that the request names.
#[must_use]
pub fn answered(span: &Span, given: Option<&str>) -> Option<String> {
    span.in_scope(traceparent).or_else(|| continued(given?))
}

/// A step further in the trace that a `traceparent` (W3C Trace Context) names; none if it names none.
fn continued(given: &str) -> Option<String> {
    let parts: Vec<&str> = given.trim().split('-').collect();
    let [version, trace, parent, flags, ..] = parts.as_slice() else { return None };
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let names_something = |text: &str| text.bytes().any(|byte| byte != b'0');
    let known = is_hex(version, 2) && *version != "ff" && (*version != "00" || parts.len() == 4);
    let valid =
        known && is_hex(trace, 32) && is_hex(parent, 16) && is_hex(flags, 2) && names_something(trace) && names_something(parent);
    // The low half of a new id is random.
    let span = super::clock::new_id().0.as_u128() & u128::from(u64::MAX);
    valid.then(|| format!("00-{trace}-{span:016x}-{flags}"))
}

fn traces(settings: &Settings, layers: &mut Layers) -> Result<Guard, String> {
    let Some(endpoint) = &settings.otel_endpoint else { return Ok(Guard { provider: None }) };
    if !endpoint.starts_with("http://") {
        return Err("setting FARLEY_OTEL_ENDPOINT must begin with http://, as a collector beside the server has it".to_owned());
    }
    let endpoint = endpoint.trim_end_matches('/');
    let path = if endpoint.ends_with("/v1/traces") { "" } else { "/v1/traces" };
    let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary);
    let exporter = exporter.with_endpoint(format!("{endpoint}{path}")).build();
    let exporter = exporter.map_err(|error| format!("setting FARLEY_OTEL_ENDPOINT: {error}"))?;
    let resource = Resource::builder().with_service_name(settings.otel_service_name.clone()).build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("farley"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false);
    layers.push(layer.with_filter(Targets::new().with_target(TRACED, LevelFilter::TRACE)).boxed());
    Ok(Guard { provider: Some(provider) })
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(provider) = &self.provider
            && let Err(error) = provider.shutdown()
        {
            eprintln!("the last traces could not be sent: {error}");
        }
    }
}

/// Makes a span part of the trace that a `traceparent` (W3C Trace Context) names.
pub fn follow(span: &Span, traceparent: Option<&str>) {
    let Some(traceparent) = traceparent else { return };
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    // A span that nobody listens to has no parent.
    drop(span.set_parent(TraceContextPropagator::new().extract(&carrier)));
}

/// Names a span by what turned out while it was under way.
pub fn rename(span: &Span, name: String) {
    span.context().span().update_name(name);
}

/// The `traceparent` of the span under way, for work that goes on elsewhere.
#[must_use]
pub fn traceparent() -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

#[cfg(test)]
mod tests {
    use super::continued;

    #[test]
    fn a_trace_goes_on_under_a_span_of_its_own() {
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let answered = continued(given).unwrap();
        assert_eq!(answered[..36], given[..36]);
        assert_eq!(&answered[52..], "-01");
        assert_ne!(answered, given);
        for wrong in
            ["", "00", "00-0-0-01", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", &given.replace("4bf", "4BF")]
        {
            assert_eq!(continued(wrong), None, "{wrong}");
        }
        assert_eq!(continued("00-00000000000000000000000000000000-00f067aa0ba902b7-01"), None);
    }
}
