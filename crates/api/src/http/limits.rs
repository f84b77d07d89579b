//! How many requests a credential may make: a bucket that fills evenly, told in the `RateLimit` headers (RFC draft).

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use actix_web::http::header::{HeaderName, HeaderValue};
use farley_domain::values::{id::Id, time::Timestamp};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};

use super::{
    problem::{Code, Problem},
    proxies::Proxies,
};

pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

type Buckets = RateLimiter<u128, DefaultKeyedStateStore<u128>, DefaultClock, StateInformationMiddleware>;

pub struct Limits {
    buckets: Option<Buckets>,
    policy: HeaderValue,
    clock: DefaultClock,
    /// The largest body taken, in bytes.
    pub max_body: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// The proxies whose word on where a request comes from is taken.
    pub proxies: Proxies,
}

/// What the headers of an answer say.
#[derive(Clone, Debug)]
pub struct Standing {
    pub remaining: u32,
    pub reset: u64,
}

impl Limits {
    /// So many requests in any minute, no limit if 0; bodies of so many bytes, within this time.
    #[must_use]
    pub fn new(requests: u32, max_body: usize, body_timeout: Duration, proxies: Proxies) -> Limits {
        let quota = NonZeroU32::new(requests).map(Quota::per_minute);
        let policy = match quota {
            Some(_) => format!("\"default\";q={requests};w=60"),
            None => "\"unlimited\";q=4294967295;w=60".to_owned(),
        };
        Limits {
            buckets: quota.map(|quota| RateLimiter::dashmap(quota).with_middleware()),
            policy: HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("\"default\"")),
            clock: DefaultClock::default(),
            max_body,
            body_timeout,
            proxies,
        }
    }

    /// Takes one request off the bucket.
    pub fn take(&self, key: u128) -> Result<Standing, Problem> {
        let Some(buckets) = &self.buckets else { return Ok(Standing { remaining: u32::MAX, reset: 0 }) };
        match buckets.check_key(&key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let used = state.quota().burst_size().get().saturating_sub(remaining);
                let reset = state.quota().replenish_interval().saturating_mul(used).as_secs() + 1;
                Ok(Standing { remaining, reset })
            }
            Err(until) => {
                let wait: Duration = until.wait_time_from(self.clock.now());
                Err(Problem::new(Code::RateLimited).retry_after(wait.as_secs() + 1))
            }
        }
    }

    #[must_use]
    pub fn policy(&self) -> HeaderValue {
        self.policy.clone()
    }

    /// Forgets full buckets.
    pub fn tidy(&self) {
        if let Some(buckets) = &self.buckets {
            buckets.retain_recent();
        }
    }
}

/// How many answers each form has taken from each address in the present minute, on this node.
#[derive(Default)]
pub struct Submissions {
    taken: Mutex<HashMap<Submitter, Taken>>,
}

/// A form, and the address that answers it.
type Submitter = (Id, Option<IpAddr>);

/// How many answers were taken in which minute.
#[derive(Clone, Copy)]
struct Taken {
    minute: i64,
    count: i64,
}

impl Submissions {
    /// Counts an answer, if the form takes one more in this minute.
    pub fn take(&self, submitter: Submitter, per_minute: i64, now: Timestamp) -> Result<(), Problem> {
        let minute = now.milliseconds().div_euclid(60_000);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        // What was counted in another minute counts no more.
        if taken.len() > 10_000 {
            taken.retain(|_, taken| taken.minute == minute);
        }
        let of_submitter = taken.entry(submitter).or_insert(Taken { minute, count: 0 });
        if of_submitter.minute != minute {
            *of_submitter = Taken { minute, count: 0 };
        }
        if of_submitter.count >= per_minute {
            let rest = (60_000 - now.milliseconds().rem_euclid(60_000)) / 1000 + 1;
            return Err(Problem::new(Code::RateLimited).retry_after(u64::try_from(rest).unwrap_or(60)));
        }
        of_submitter.count += 1;
        Ok(())
    }
}
