//! Load on a server, and what it took.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{Error, client::Client};

/// How hard and how long.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub connections: usize,
    pub warm_up: Duration,
    pub measured: Duration,
}

/// What a work took.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub per_second: f64,
    /// Milliseconds.
    pub p50: f64,
    pub p99: f64,
}

impl Measured {
    /// From the microseconds that each piece of work took.
    pub fn of(mut taken: Vec<u32>, during: Duration) -> Measured {
        taken.sort_unstable();
        let at = |share: usize| taken.get(taken.len() * share / 100).map_or(0.0, |micros| f64::from(*micros) / 1000.0);
        Measured { per_second: count(taken.len()) / during.as_secs_f64(), p50: at(50), p99: at(99) }
    }

    /// The same where one piece of work is several things, such as rows.
    pub fn times(self, things: usize) -> Measured {
        Measured { per_second: self.per_second * count(things), ..self }
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts are far below what a float holds exactly")]
pub fn count(things: usize) -> f64 {
    things as f64
}

/// The request that a connection sends as its so-manieth.
pub type Requests = Arc<dyn Fn(usize, usize) -> Vec<u8> + Send + Sync>;

/// Sends requests over all connections, each as fast as its answers come; every answer must have the status.
pub async fn over_http(address: SocketAddr, load: Load, status: u16, requests: &Requests) -> Result<Measured, Error> {
    let mut tasks = JoinSet::new();
    for connection in 0..load.connections {
        let requests = Arc::clone(requests);
        tasks.spawn(async move {
            let mut client = Client::connect(address).await?;
            let begun = Instant::now();
            let mut taken = Vec::with_capacity(1 << 16);
            for number in 0.. {
                let request = requests(connection, number);
                let sent = Instant::now();
                let (got, body) = client.send(&request).await?;
                if got != status {
                    let body = String::from_utf8_lossy(&body[..body.len().min(500)]).into_owned();
                    return Err(Error::Answer(format!("status {got} instead of {status}: {body}")));
                }
                let now = Instant::now();
                if now - begun > load.warm_up + load.measured {
                    break;
                }
                if now - begun > load.warm_up {
                    taken.push(micros(now - sent));
                }
            }
            Ok::<_, Error>(taken)
        });
    }
    let mut taken = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        taken.extend(ended.map_err(|error| Error::Answer(error.to_string()))??);
    }
    Ok(Measured::of(taken, load.measured))
}

pub fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}
