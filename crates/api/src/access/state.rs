//! What all handlers share: the store, the settings and the caches in front of the store.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpRequest, web};
use farley_persistence::Store;

use super::{passwords::Passwords, principal::Principals, tokens::Tokens};
use crate::{
    http::{
        limits::{Limits, Submissions},
        problem::Problem,
        proxies::Proxies,
        stopping::Stopping,
    },
    settings::Settings,
};

pub struct State {
    /// For requests: a statement may take as long as the setting says.
    pub store: Store,
    /// The same for what goes on in the background, for as long as it takes.
    pub background: Store,
    pub settings: Settings,
    pub principals: Principals,
    pub tokens: Tokens,
    pub passwords: Passwords,
    pub limits: Arc<Limits>,
    pub submissions: Submissions,
    pub stopping: Arc<Stopping>,
}

impl State {
    #[must_use]
    pub fn new(store: Store, settings: Settings) -> Arc<State> {
        Arc::new(State {
            principals: Principals::default(),
            tokens: Tokens::default(),
            passwords: Passwords::default(),
            limits: Arc::new(Limits::new(
                settings.rate_limit,
                settings.max_body,
                Duration::from_secs(settings.body_timeout.into()),
                // What cannot be read has been refused at the start.
                Proxies::read(&settings.trusted_proxies).unwrap_or_default(),
            )),
            submissions: Submissions::default(),
            stopping: Arc::default(),
            background: store.in_background(),
            store,
            settings,
        })
    }
}

/// The state that the handler of a request works on.
pub fn state_of(request: &HttpRequest) -> Result<Arc<State>, Problem> {
    let state = request.app_data::<web::Data<State>>().map(|state| Arc::clone(state));
    state.ok_or_else(|| Problem::internal("the application is not set up"))
}
