//! PostgreSQL that hangs: it takes what it is sent, and says nothing.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;

use super::start::eventually;
use crate::{server::Server, support::TestDb};

/// Whatever is between Farley and its database.
struct Between {
    url: String,
    frozen: Arc<AtomicBool>,
}

impl Between {
    fn start(url: &str) -> Between {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let here = listener.local_addr().expect("an address").to_string();
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let (front, rest) = address.split_once('@').expect("a user");
        let (host, name) = rest.split_once('/').expect("a database");
        let socket = query.strip_prefix("host=").map(|folder| format!("{folder}/.s.PGSQL.5432"));
        let (host, frozen) = (host.to_owned(), Arc::new(AtomicBool::new(false)));
        let between = Between { url: format!("{front}@{here}/{name}"), frozen: Arc::clone(&frozen) };
        std::thread::spawn(move || {
            for from in listener.incoming().flatten() {
                let back = from.try_clone().expect("a socket");
                match &socket {
                    Some(socket) => {
                        let to = UnixStream::connect(socket).expect("the database");
                        let end = |to: &UnixStream| drop(to.shutdown(Shutdown::Both));
                        let other = to.try_clone().expect("a socket");
                        pump(from, to, end, &frozen);
                        pump(other, back, |to| drop(to.shutdown(Shutdown::Both)), &frozen);
                    }
                    None => {
                        let to = TcpStream::connect(&host).expect("the database");
                        let end = |to: &TcpStream| drop(to.shutdown(Shutdown::Both));
                        let other = to.try_clone().expect("a socket");
                        pump(from, to, end, &frozen);
                        pump(other, back, end, &frozen);
                    }
                }
            }
        });
        between
    }

    fn freeze(&self, frozen: bool) {
        self.frozen.store(frozen, Ordering::SeqCst);
    }
}

/// Carries what comes from one side to the other, unless all is frozen.
fn pump<W: Write + Send + 'static>(
    mut from: impl Read + Send + 'static,
    mut to: W,
    end: impl Fn(&W) + Send + 'static,
    frozen: &Arc<AtomicBool>,
) {
    let frozen = Arc::clone(frozen);
    std::thread::spawn(move || {
        let mut bytes = [0; 8192];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            while frozen.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(10));
            }
            if to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        end(&to);
    });
}

/// Nobody waits for a database that hangs, and all is well when it goes on.
pub async fn a_database_that_hangs_is_not_waited_for(db: TestDb) {
    let between = Between::start(&db.url);
    let url = between.url.clone();
    let server = Server::start_with(db, |settings| settings.database_url = Some(url)).await;
    let admin = server.admin().await;
    let create = |name: &str| admin.post("/v1/customers", json!({"name": name}));
    create("before").await.ok(201);
    // The watch begins a second after the start.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    between.freeze(true);
    let begun = Instant::now();
    let (ready, list) = (server.anybody().get("/readyz"), admin.get("/v1/customers"));
    let (ready, list, created) = tokio::join!(async { ready.await }, async { list.await }, async { create("during").await });
    for answer in [ready, list, created] {
        assert_eq!(answer.header("retry-after"), "2");
        answer.refused(503, "unavailable");
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    // Once that is known, nobody waits at all.
    let begun = Instant::now();
    server.anybody().get("/readyz").await.refused(503, "unavailable");
    admin.get("/v1/customers").await.refused(503, "unavailable");
    server.anybody().get("/healthz").await.ok(200);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    between.freeze(false);
    eventually(|| async { server.anybody().get("/readyz").await.status == 200 }).await;
    create("after").await.ok(201);
    assert!(admin.names("/v1/customers").await.contains(&"after".to_owned()));
}
