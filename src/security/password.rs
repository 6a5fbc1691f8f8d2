//! Passwords: argon2id, off the async threads, and never more at a time than the machine has cores.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;

use crate::error::{AppError, ErrorCode, Result};

/// Memory in KiB, passes, lanes.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// Hashes and checks passwords. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    /// A hash of no password, checked where the account does not exist, so that it takes as long.
    dummy: Arc<str>,
}

impl Passwords {
    /// A hasher for this machine.
    ///
    /// # Errors
    /// When the system's random source fails.
    pub fn new() -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self { permits: Arc::new(Semaphore::new(cores)), dummy: hash_now("no account has this hash")?.into() })
    }

    /// Hashes `password` into a PHC string.
    ///
    /// # Errors
    /// When the system's random source fails.
    pub async fn hash(&self, password: String) -> Result<String> {
        self.off_thread(move || hash_now(&password)).await?
    }

    /// Whether `password` is the one `hash` was made of. Without a hash the answer is no, and takes as long.
    ///
    /// # Errors
    /// When a stored hash is damaged.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy.as_ref().to_owned());
        let matches = self
            .off_thread(move || {
                let hash = PasswordHash::new(&hash).map_err(|error| AppError::internal(error.to_string()))?;
                Ok::<_, AppError>(argon2()?.verify_password(password.as_bytes(), &hash).is_ok())
            })
            .await??;
        Ok(exists && matches)
    }

    async fn off_thread<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let unavailable = |error| AppError::caused_by(ErrorCode::ServiceUnavailable, error);
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(unavailable)?;
        tokio::task::spawn_blocking(move || {
            // Held by the work itself: a caller that gives up does not make room for more.
            let _permit = permit;
            work()
        })
        .await
        .map_err(AppError::internal)
    }
}

fn argon2() -> Result<Argon2<'static>> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).map_err(|error| AppError::internal(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Hashes `password` on this thread: for a command line, where nobody waits beside.
///
/// # Errors
/// When the system's random source fails.
pub fn hash_now(password: &str) -> Result<String> {
    let hash = argon2()?.hash_password(password.as_bytes());
    Ok(hash.map_err(|error| AppError::internal(error.to_string()))?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_verified_and_another_is_not() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("비밀번호 1234".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("비밀번호 1234".to_owned(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("1234".to_owned(), Some(hash)).await.unwrap());
        assert!(!passwords.verify("no account has this hash".to_owned(), None).await.unwrap());
    }
}
