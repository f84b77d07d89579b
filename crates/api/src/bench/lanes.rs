//! What is light beside what is heavy: a GET by id and a create, while many clients ask for summaries, funnels and deep offsets as fast
//! as they are answered; and what is left of clients that hang up.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{io::AsyncWriteExt as _, net::TcpStream, task::JoinSet};

use super::{
    Error,
    client::{Client, get},
    measure::{Load, Measured, over_http},
    server::Server,
    table::{print_row, verdict},
    works::{Ground, Work, requests},
};

/// How many clients ask for what is heavy.
const HEAVY: usize = 50;
/// How many ask for what is light meanwhile.
const LIGHT: usize = 4;
/// How many hang up before they are answered.
const HUNG_UP: usize = 100;
/// What a light request may take, in milliseconds: half of them, and all but one in a hundred.
const AIM: (f64, f64) = (20.0, 100.0);
/// How long a client that is refused waits until it asks again, shorter than it is told.
const AGAIN: Duration = Duration::from_millis(100);

pub struct Lanes {
    alone: Measured,
    get: Measured,
    create: Measured,
    /// A second: heavy requests answered, and refused.
    heavy: (f64, f64),
    /// Milliseconds that a heavy request takes after many have hung up.
    after: f64,
}

#[derive(Default)]
struct Tally {
    over: AtomicBool,
    answered: AtomicU64,
    refused: AtomicU64,
}

/// What the heavy clients ask for, each the next one.
fn heavy(token: &str) -> Vec<Vec<u8>> {
    const PATHS: [&str; 5] = [
        "/v1/opportunities/summary?group_by=stage_id,created_at.month&sum=amount",
        "/v1/reports/sales-funnel",
        "/v1/opportunities?offset=9000&limit=200",
        "/v1/customers?offset=9000&limit=200&total=true",
        "/v1/opportunities/summary?group_by=customer.region,status&sum=amount",
    ];
    PATHS.iter().map(|path| get(path, Some(token))).collect()
}

pub async fn measure(farley: &Server, ground: &Ground, load: Load) -> Result<Lanes, Error> {
    let load = Load { connections: LIGHT, ..load };
    eprintln!("measuring: GET by id, alone and beside {HEAVY} heavy clients");
    let alone = over_http(farley.address, load, 200, &requests(&Work::Get, ground)).await?;
    let tally = Arc::new(Tally::default());
    let asked: Arc<[Vec<u8>]> = heavy(&ground.token).into();
    let mut clients = JoinSet::new();
    for number in 0..HEAVY {
        clients.spawn(ask(farley.address, Arc::clone(&asked), number, Arc::clone(&tally)));
    }
    let begun = Instant::now();
    let get = over_http(farley.address, load, 200, &requests(&Work::Get, ground)).await?;
    let create = over_http(farley.address, load, 201, &requests(&Work::Create, ground)).await?;
    let seconds = begun.elapsed().as_secs_f64();
    tally.over.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended.map_err(|error| Error::Answer(error.to_string()))??;
    }
    let a_second =
        |count: &AtomicU64| super::measure::count(usize::try_from(count.load(Ordering::Relaxed)).unwrap_or(0)) / seconds;
    let heavy = (a_second(&tally.answered), a_second(&tally.refused));
    let after = hang_up(farley.address, &asked).await?;
    Ok(Lanes { alone, get, create, heavy, after })
}

async fn ask(address: SocketAddr, asked: Arc<[Vec<u8>]>, first: usize, tally: Arc<Tally>) -> Result<(), Error> {
    let mut client = Client::connect(address).await?;
    for request in asked.iter().cycle().skip(first % asked.len()) {
        if tally.over.load(Ordering::Relaxed) {
            break;
        }
        let (status, body) = client.send(request).await?;
        match status {
            200 => drop(tally.answered.fetch_add(1, Ordering::Relaxed)),
            503 => {
                tally.refused.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(AGAIN).await;
            }
            status => return Err(Error::Answer(format!("status {status}: {}", String::from_utf8_lossy(body)))),
        }
    }
    Ok(())
}

/// Asks for something heavy half a second after many have asked and hung up; how long it takes.
async fn hang_up(address: SocketAddr, asked: &[Vec<u8>]) -> Result<f64, Error> {
    for request in asked.iter().cycle().take(HUNG_UP) {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request).await?;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut client = Client::connect(address).await?;
    let sent = Instant::now();
    let (status, _) = client.send(&asked[0]).await?;
    if status == 200 {
        Ok(sent.elapsed().as_secs_f64() * 1000.0)
    } else {
        Err(Error::Answer(format!("status {status} after clients hung up")))
    }
}

impl Lanes {
    pub fn print(&self) {
        let row = |label: &str, measured: &Measured, note: &str| print_row(label, measured, "", "", note);
        let reached = |measured: &Measured| measured.per_second > 0.0 && measured.p50 < AIM.0 && measured.p99 < AIM.1;
        let aim = |measured: &Measured| verdict(&format!("p50 < {} ms, p99 < {} ms", AIM.0, AIM.1), reached(measured));
        row(&format!("GET by id, {LIGHT} clients alone"), &self.alone, "");
        row(&format!("GET by id beside {HEAVY} heavy clients"), &self.get, &aim(&self.get));
        row(&format!("create beside {HEAVY} heavy clients"), &self.create, &aim(&self.create));
        println!("heavy requests meanwhile: {:.0} answered and {:.0} refused a second", self.heavy.0, self.heavy.1);
        println!("a summary 0.5 s after {HUNG_UP} clients hung up: {:.0} ms", self.after);
    }
}
