//! Hashes of passwords: Argon2id with the parameters OWASP asks for, on few threads of their own, so that log-ins cannot eat the
//! machine.

use std::sync::{Arc, Mutex, PoisonError, mpsc};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use crate::{http::problem::Problem, settings::cores};

type Work = Box<dyn FnOnce() + Send>;

pub struct Passwords {
    running: Semaphore,
    threads: mpsc::Sender<Work>,
    /// Verified against when there is no such user, so that the answer takes as long.
    decoy: String,
}

impl Default for Passwords {
    fn default() -> Passwords {
        // At most half of the cores, and half a dozen hashes at 19 MiB.
        let count = (cores() / 2).clamp(1, 6);
        let (threads, queue) = mpsc::channel::<Work>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..count {
            let queue = Arc::clone(&queue);
            let next = move || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let thread = std::thread::Builder::new().name("passwords".to_owned());
            // Without a thread the queue is closed, and who sends work there is told.
            drop(thread.spawn(move || {
                while let Ok(work) = next() {
                    work();
                }
            }));
        }
        Passwords { running: Semaphore::new(count), threads, decoy: hash_now("decoy").unwrap_or_default() }
    }
}

impl Passwords {
    /// Waits until a password can be worked on.
    pub async fn turn(&self) -> Result<Turn<'_>, Problem> {
        let permit = self.running.acquire().await.map_err(Problem::internal)?;
        Ok(Turn { passwords: self, _permit: permit })
    }

    pub async fn hash(&self, password: &str) -> Result<String, Problem> {
        let password = password.to_owned();
        self.turn().await?.run(move || hash_now(&password)).await?
    }
}

/// The right to work on one password now.
pub struct Turn<'p> {
    passwords: &'p Passwords,
    _permit: SemaphorePermit<'p>,
}

impl Turn<'_> {
    /// Whether the password is the one hashed; without a hash the answer is no, after the same work.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Problem> {
        let known = hash.is_some();
        let (password, hash) = (password.to_owned(), hash.unwrap_or(&self.passwords.decoy).to_owned());
        let fits = self
            .run(move || match PasswordHash::new(&hash) {
                Ok(parsed) => hasher().verify_password(password.as_bytes(), &parsed).is_ok(),
                Err(_) => false,
            })
            .await?;
        Ok(fits && known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let (sender, done) = oneshot::channel();
        // Who asked may have gone.
        let work: Work = Box::new(move || drop(sender.send(work())));
        self.passwords.threads.send(work).map_err(Problem::internal)?;
        done.await.map_err(Problem::internal)
    }
}

/// OWASP's minimum for Argon2id: 19 MiB, two passes, one lane.
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

fn hash_now(password: &str) -> Result<String, Problem> {
    let salt = crate::http::clock::random_bytes::<16>();
    let hash = hasher().hash_password_with_salt(password.as_bytes(), &salt).map_err(Problem::internal)?;
    Ok(hash.to_string())
}
