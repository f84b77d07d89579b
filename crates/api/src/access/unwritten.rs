//! What a server keeps in mind while its database can be read but not written to, as on a full disk: attempts to log in, so that nobody
//! guesses on unhindered, and the sessions of those who came in. Such a session has an access token and no refresh token, and is gone
//! with the process. A file of SQLite has one server, which therefore knows them all; nodes of PostgreSQL would not know each other's.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use farley_domain::values::{id::Id, time::Timestamp};
use farley_persistence::LoginFailureRow;

use super::{
    throttle::{Subject, counted},
    tokens::ACCESS_SECONDS,
};
use crate::http::problem::Problem;

/// Of how many subjects attempts are remembered; the oldest are forgotten first.
const MOST_SUBJECTS: usize = 10_000;
/// How many sessions there may be.
const MOST_SESSIONS: u64 = 10_000;

/// A session that could not be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brief {
    pub tenant: Id,
    pub user: Id,
    pub begun: Timestamp,
}

pub struct Unwritten {
    failures: Mutex<HashMap<String, LoginFailureRow>>,
    sessions: moka::sync::Cache<Id, Brief>,
}

impl Default for Unwritten {
    fn default() -> Unwritten {
        let lasting = Duration::from_secs(ACCESS_SECONDS.unsigned_abs());
        let sessions = moka::sync::Cache::builder().max_capacity(MOST_SESSIONS).time_to_live(lasting).build();
        Unwritten { failures: Mutex::default(), sessions }
    }
}

impl Unwritten {
    /// Counts an attempt against each subject, as [`super::throttle::attempt`] does in the database.
    pub fn attempt(&self, subjects: &[Subject], now: Timestamp) -> Result<(), Problem> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let mut attempted = Vec::new();
        for subject in subjects {
            attempted.push(counted(subject, failures.get(&subject.name), now)?);
        }
        if failures.len() + attempted.len() > MOST_SUBJECTS {
            let mut times: Vec<Timestamp> = failures.values().map(|row| row.since).collect();
            let (_, middle, _) = times.select_nth_unstable(MOST_SUBJECTS / 2);
            let middle = *middle;
            failures.retain(|_, row| row.since > middle);
        }
        for row in attempted {
            failures.insert(row.subject.clone(), row);
        }
        Ok(())
    }

    /// Forgets the attempts of an account that logged in; those of the address stay.
    pub fn succeeded(&self, [account, _]: &[Subject; 2]) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(&account.name);
    }

    pub fn begin(&self, session: Id, brief: Brief) {
        self.sessions.insert(session, brief);
    }

    #[must_use]
    pub fn session(&self, session: Id) -> Option<Brief> {
        self.sessions.get(&session)
    }

    /// Ends a session; whether it was one of these.
    pub fn end(&self, session: Id) -> bool {
        self.sessions.remove(&session).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::clock;

    #[test]
    fn attempts_slow_down_as_in_the_database() {
        let (unwritten, now) = (Unwritten::default(), clock::now());
        let subjects = |email: &str| [Subject::account(Id::NIL, email), Subject::address("192.0.2.1")];
        for _ in 0..5 {
            assert!(unwritten.attempt(&subjects("a@example.cn"), now).is_ok());
        }
        assert!(unwritten.attempt(&subjects("a@example.cn"), now).is_err());
        assert!(unwritten.attempt(&subjects("b@example.cn"), now).is_ok(), "another account");
        assert!(unwritten.attempt(&subjects("a@example.cn"), now.plus_seconds(3_600)).is_ok(), "later");
        unwritten.succeeded(&subjects("a@example.cn"));
        for number in 0..MOST_SUBJECTS + 10 {
            let _known = unwritten.attempt(&[Subject::account(Id::NIL, &number.to_string())], now);
        }
        assert!(unwritten.failures.lock().unwrap().len() <= MOST_SUBJECTS);
    }
}
