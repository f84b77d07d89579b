//! What all handlers share: the store, the settings and the caches in front of the store.

use std::sync::Arc;

use farley_persistence::Store;

use crate::{
    caller::Callers,
    identity::{passwords::Passwords, tokens::Tokens},
    limits::{Limits, Submissions},
    settings::Settings,
    workers::Workers,
};

pub struct App {
    /// For requests: a statement may take as long as the setting says.
    pub store: Store,
    /// The same for what goes on in the background, for as long as it takes.
    pub background: Store,
    pub settings: Settings,
    pub callers: Callers,
    pub tokens: Tokens,
    pub passwords: Passwords,
    pub limits: Limits,
    pub submissions: Submissions,
    pub workers: Workers,
}

impl App {
    #[must_use]
    pub fn new(store: Store, settings: Settings) -> Arc<App> {
        Arc::new(App {
            callers: Callers::default(),
            tokens: Tokens::default(),
            passwords: Passwords::default(),
            limits: Limits::per_minute(settings.rate_limit),
            submissions: Submissions::default(),
            workers: Workers::default(),
            background: store.in_background(),
            store,
            settings,
        })
    }
}
