//! HTTP itself: what a request asks for, problems, limits, and what surrounds every handler. It knows neither records nor who asks.

pub mod clock;
pub mod compression;
pub mod csv_file;
pub mod html_form;
pub mod limits;
pub mod middleware;
pub mod networks;
pub mod origins;
pub mod outgoing;
pub mod page;
pub mod problem;
pub mod proxies;
pub mod request;
pub mod stopping;
pub mod telemetry;
pub mod template;
pub mod tls;
