//! Hashes of passwords: Argon2id with the parameters OWASP asks for, a few at a time so that log-ins cannot eat the machine.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use crate::http::problem::Problem;

pub struct Passwords {
    running: Semaphore,
    /// Verified against when there is no such user, so that the answer takes as long.
    decoy: String,
}

impl Default for Passwords {
    fn default() -> Passwords {
        Passwords { running: Semaphore::new(2), decoy: hash_now("decoy").unwrap_or_default() }
    }
}

impl Passwords {
    pub async fn hash(&self, password: &str) -> Result<String, Problem> {
        let password = password.to_owned();
        self.run(move || hash_now(&password)).await?
    }

    /// Whether the password is the one hashed; without a hash the answer is no, after the same work.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Problem> {
        let known = hash.is_some();
        let (password, hash) = (password.to_owned(), hash.unwrap_or(&self.decoy).to_owned());
        let fits = self
            .run(move || match PasswordHash::new(&hash) {
                Ok(parsed) => hasher().verify_password(password.as_bytes(), &parsed).is_ok(),
                Err(_) => false,
            })
            .await?;
        Ok(fits && known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let _turn = self.running.acquire().await.map_err(Problem::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(Problem::internal)
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
