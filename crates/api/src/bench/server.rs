//! Servers as child processes of the benchmark: Farley itself, and the bare route to compare with.

use std::{
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    Error,
    client::{Client, get},
};

/// How long a server may take to give its first answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server; it ends with this value.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// From the start of the process to its first answer.
    pub first_answer: Duration,
}

impl Server {
    /// Farley on a database.
    pub async fn farley(database_url: &str, (email, password): (&str, &str)) -> Result<Server, Error> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("serve")
            .env("DATABASE_URL", database_url)
            .env("FARLEY_LISTEN", address.to_string())
            .env("FARLEY_ADMIN_EMAIL", email)
            .env("FARLEY_ADMIN_PASSWORD", password)
            .env("FARLEY_RATE_LIMIT", "0")
            .env("FARLEY_LOG", "warn");
        Server::start(command, address, "/readyz").await
    }

    /// The bare route: see [`super::bare_route`].
    pub async fn bare() -> Result<Server, Error> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("bench-bare").arg(address.to_string());
        Server::start(command, address, "/").await
    }

    async fn start(mut command: Command, address: SocketAddr, path: &str) -> Result<Server, Error> {
        let begun = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let mut server = Server { child, address, first_answer: Duration::ZERO };
        while begun.elapsed() < PATIENCE {
            if let Some(ended) = server.child.try_wait()? {
                return Err(Error::Server(format!("it ended at once: {ended}")));
            }
            if answers(address, path).await {
                server.first_answer = begun.elapsed();
                return Ok(server);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Err(Error::Server(format!("no answer within {} s", PATIENCE.as_secs())))
    }

    /// Resident memory now and at its highest, in MB; none where the system does not tell.
    pub fn memory(&self) -> Option<(f64, f64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let kilobytes = |name: &str| -> Option<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().strip_suffix(" kB")?.trim().parse().ok()
        };
        Some((kilobytes("VmRSS:")? / 1024.0, kilobytes("VmHWM:")? / 1024.0))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn answers(address: SocketAddr, path: &str) -> bool {
    let Ok(mut client) = Client::connect(address).await else { return false };
    client.send(&get(path, None)).await.is_ok_and(|(status, _)| status == 200)
}

/// An address that nobody listens on.
fn free_address() -> Result<SocketAddr, Error> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}
