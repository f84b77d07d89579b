//! Failed log-ins and requests for password resets slow down: counted per account and per address, in the database, so that every node counts alike.

use farley_domain::values::{id::Id, time::Timestamp};
use farley_persistence::{LoginFailureRow, Origin, Store, Work};

use super::tokens::NO_TENANT;
use crate::http::problem::{Code, Problem};

/// Failures are forgotten after this time without another, in seconds.
const MEMORY_SECONDS: i64 = 15 * 60;

/// What failures are counted against.
#[derive(Clone, Debug)]
pub struct Subject {
    pub(super) name: String,
    /// How many failures are free.
    free: i64,
}

impl Subject {
    #[must_use]
    pub fn account(tenant: Id, email: &str) -> Subject {
        Subject { name: format!("account:{tenant}:{email}"), free: 5 }
    }

    /// Many people may share an address.
    #[must_use]
    pub fn address(address: &str) -> Subject {
        Subject { name: format!("address:{address}"), free: 50 }
    }

    /// Password resets asked for by an account's address: a mail each, so few are free.
    #[must_use]
    pub fn reset_of_account(tenant: Id, email: &str) -> Subject {
        Subject { name: format!("reset:account:{tenant}:{email}"), free: 3 }
    }

    /// Password resets asked for from an address of the network.
    #[must_use]
    pub fn reset_from(address: &str) -> Subject {
        Subject { name: format!("reset:address:{address}"), free: 20 }
    }

    /// Codes for a customer portal asked for by a contact's address: a mail each, so few are free.
    #[must_use]
    pub fn code_for(portal: Id, email: &str) -> Subject {
        Subject { name: format!("portal:code:{portal}:{email}"), free: 3 }
    }

    /// Codes for customer portals asked for from an address of the network.
    #[must_use]
    pub fn code_from(address: &str) -> Subject {
        Subject { name: format!("portal:code:address:{address}"), free: 40 }
    }

    /// Codes that a contact's address gives to a customer portal.
    #[must_use]
    pub fn portal_account(portal: Id, email: &str) -> Subject {
        Subject { name: format!("portal:account:{portal}:{email}"), free: 5 }
    }

    /// Codes that an address of the network gives to customer portals.
    #[must_use]
    pub fn portal_address(address: &str) -> Subject {
        Subject { name: format!("portal:address:{address}"), free: 50 }
    }

    /// How long to block after so many failures: 15 seconds, doubling up to 15 minutes.
    fn blocked_seconds(&self, failures: i64) -> Option<i64> {
        let beyond = failures - self.free;
        (beyond >= 0).then(|| (15_i64 << beyond.min(6)).min(MEMORY_SECONDS))
    }
}

/// Refuses a log-in while one of its subjects is blocked.
pub async fn check(store: &Store, subjects: &[Subject], now: Timestamp) -> Result<(), Problem> {
    let names: Vec<String> = subjects.iter().map(|subject| subject.name.clone()).collect();
    let blocked = store
        .read::<_, Problem>(NO_TENANT, move |reader| {
            let mut latest = None;
            for name in names {
                latest = latest.max(reader.login_failures(&name)?.and_then(|row| row.blocked_until));
            }
            Ok(latest)
        })
        .await?;
    refuse_until(blocked, now)
}

/// Counts an attempt as a failure against each of its subjects before it is judged, so that many at once are no more than one after
/// the other; refuses it while one of them is blocked.
pub async fn attempt(store: &Store, subjects: &[Subject], now: Timestamp) -> Result<(), Problem> {
    let subjects = subjects.to_vec();
    store
        .write::<_, Problem>(NO_TENANT, Origin::system(now), move |work| {
            for subject in &subjects {
                work.lock(&subject.name)?;
                let known = work.reader().login_failures(&subject.name)?;
                work.set_login_failures(&counted(subject, known.as_ref(), now)?)?;
            }
            Ok(())
        })
        .await
}

/// What is known of a subject with one more attempt, if it is not blocked.
pub(super) fn counted(subject: &Subject, known: Option<&LoginFailureRow>, now: Timestamp) -> Result<LoginFailureRow, Problem> {
    refuse_until(known.and_then(|row| row.blocked_until), now)?;
    let recent = known.filter(|row| row.since > now.plus_seconds(-MEMORY_SECONDS));
    let failures = recent.map_or(0, |row| row.failures) + 1;
    let blocked_until = subject.blocked_seconds(failures).map(|seconds| now.plus_seconds(seconds));
    Ok(LoginFailureRow { subject: subject.name.clone(), failures, since: now, blocked_until })
}

fn refuse_until(blocked_until: Option<Timestamp>, now: Timestamp) -> Result<(), Problem> {
    match blocked_until.filter(|until| *until > now) {
        None => Ok(()),
        Some(until) => {
            let seconds = (until.milliseconds() - now.milliseconds()).unsigned_abs() / 1000 + 1;
            Err(Problem::new(Code::RateLimited).retry_after(seconds))
        }
    }
}

/// Forgets the failures of an account that logged in, and takes this attempt off the address. Its failures stay: one good account must
/// not free it for guessing.
pub fn succeeded(work: &mut Work<'_>, [account, address]: &[Subject; 2]) -> Result<(), Problem> {
    // An attempt under way must not write back what it has counted before.
    work.lock(&account.name)?;
    work.clear_login_failures(&account.name)?;
    work.lock(&address.name)?;
    if let Some(row) = work.reader().login_failures(&address.name)? {
        let failures = row.failures - 1;
        let blocked_until = row.blocked_until.filter(|_| failures >= address.free);
        work.set_login_failures(&LoginFailureRow { failures, blocked_until, ..row })?;
    }
    Ok(())
}
