//! What all handlers share: the store, the settings and the caches in front of the store.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use actix_web::{HttpRequest, web};
use farley_persistence::Store;

use super::{
    contents::Contents, pass::Open, passwords::Passwords, principal::Principals, tail::Tails, tokens::Tokens, turns::Turns,
};
use crate::{
    http::{
        limits::{Limits, Submissions},
        networks::Networks,
        outgoing::Outgoing,
        problem::{Code, Problem},
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
    pub turns: Turns,
    /// The latest of each tenant's log, for those who listen.
    pub tails: Tails,
    /// How many streams there are.
    pub streams: Open,
    pub stopping: Arc<Stopping>,
    /// Opened when the first file is asked for: a server without files needs no folder to write to.
    contents: OnceLock<Arc<Contents>>,
    /// Made when the first call goes out.
    outgoing: OnceLock<Outgoing>,
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
            turns: Turns::default(),
            tails: Tails::default(),
            streams: Open::default(),
            stopping: Arc::default(),
            contents: OnceLock::new(),
            outgoing: OnceLock::new(),
            background: store.in_background(),
            store,
            settings,
        })
    }

    /// What calls addresses that users choose.
    pub fn outgoing(&self) -> Result<&Outgoing, Problem> {
        if let Some(outgoing) = self.outgoing.get() {
            return Ok(outgoing);
        }
        // What cannot be read has been refused at the start.
        let outgoing = Outgoing::new(Networks::read(&self.settings.webhook_allow).unwrap_or_default())?;
        Ok(self.outgoing.get_or_init(|| outgoing))
    }

    /// Where the contents of files are kept.
    pub fn contents(&self) -> Result<Arc<Contents>, Problem> {
        if let Some(contents) = self.contents.get() {
            return Ok(Arc::clone(contents));
        }
        let opened = Contents::open(&self.settings).map_err(|error| {
            tracing::error!(error, "the store of files cannot be opened");
            Problem::new(Code::Unavailable).retry_after(30)
        })?;
        Ok(Arc::clone(self.contents.get_or_init(|| Arc::new(opened))))
    }
}

/// The state that the handler of a request works on.
pub fn state_of(request: &HttpRequest) -> Result<Arc<State>, Problem> {
    let state = request.app_data::<web::Data<State>>().map(|state| Arc::clone(state));
    state.ok_or_else(|| Problem::internal("the application is not set up"))
}
