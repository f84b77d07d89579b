//! The application put together: its areas, routes, workers and the server.

pub mod documentation;
pub mod endpoints;
pub mod health;
pub mod routes;
pub mod server;
mod verbs;
mod welcome;
pub mod workers;

#[cfg(test)]
mod document_tests;

use std::{sync::Arc, time::Duration};

use farley_persistence::Store;

use crate::{
    access::state::State,
    activities, automation, customers,
    http::clock,
    identity, integration,
    records::area::{self, Area},
    reporting, sales, service,
    settings::{Settings, cores},
};

/// The areas that do something beside the generic work, and what the workers do for themselves.
pub static AREAS: [&Area; 9] = [
    &identity::AREA,
    &customers::AREA,
    &activities::AREA,
    &sales::AREA,
    &service::AREA,
    &automation::AREA,
    &reporting::AREA,
    &integration::AREA,
    &workers::AREA,
];

/// Opens the store and puts the application together for a command, whose statements may take their time. Blocks while the store
/// is opened and migrated.
pub fn open(settings: Settings) -> Result<Arc<State>, String> {
    open_store(&store_settings(&settings), settings)
}

/// The same to serve requests.
pub fn open_for_requests(settings: Settings) -> Result<Arc<State>, String> {
    if let Err(error) = crate::http::proxies::Proxies::read(&settings.trusted_proxies) {
        return Err(format!("setting FARLEY_TRUSTED_PROXIES: {error}"));
    }
    if let Err(error) = crate::http::networks::Networks::read(&settings.webhook_allow) {
        return Err(format!("setting FARLEY_WEBHOOK_ALLOW: {error}"));
    }
    let limit = Duration::try_from_secs_f64(settings.statement_timeout).ok().filter(|limit| !limit.is_zero());
    let state = open_store(&farley_persistence::Settings { statement_limit: limit, ..store_settings(&settings) }, settings)?;
    state.store.claim().map_err(|error| error.to_string())?;
    Ok(state)
}

fn open_store(opening: &farley_persistence::Settings, settings: Settings) -> Result<Arc<State>, String> {
    let store = Store::open(opening).map_err(|error| error.to_string())?;
    area::install(&AREAS, verbs::all);
    Ok(State::new(store, settings))
}

/// How the store is opened by commands.
#[must_use]
pub fn store_settings(settings: &Settings) -> farley_persistence::Settings {
    let url = settings.database_url();
    let connections = match settings.database_connections {
        _ if url.starts_with("sqlite:") => settings.sqlite_readers,
        0 => cores() * 4,
        connections => connections,
    };
    let heavy = match settings.heavy_readers {
        0 => (cores() * 2).clamp(4, 16),
        heavy => heavy,
    };
    farley_persistence::Settings { url, connections, heavy, statement_limit: None, new_id: clock::new_id }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::AREAS;

    #[test]
    fn no_object_and_no_job_is_named_twice() {
        let objects: Vec<_> = AREAS.iter().flat_map(|area| area.behaviours).map(|one| one.object_name()).collect();
        let kinds: Vec<_> = AREAS.iter().flat_map(|area| area.jobs).map(|job| job.kind).collect();
        assert_eq!(objects.iter().collect::<HashSet<_>>().len(), objects.len());
        assert_eq!(kinds.iter().collect::<HashSet<_>>().len(), kinds.len());
    }
}
