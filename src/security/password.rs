//! Passwords: argon2id, on threads of their own that yield to everybody else, behind a queue that has an end: a flood
//! of logins makes logins slow, and orders hardly.
//!
//! A thread of the lowest rank still fills the caches and the memory bus, which every order waits for now and then.
//! While orders are coming in, passwords are therefore hashed one at a time, with a rest after each.

use std::num::NonZero;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::{AppError, ErrorCode, Result};
use crate::security::rush::Rush;

/// Memory in KiB, passes, lanes.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// How much longer than a hash took its thread rests, while orders are coming in.
const REST: u32 = 5;

/// Hashes and checks passwords. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Passwords {
    pool: Arc<ThreadPool>,
    /// One permit a thread of the pool.
    threads: Arc<Semaphore>,
    /// While orders are coming in, one thread at a time is at work.
    one_by_one: Arc<Semaphore>,
    rush: Rush,
    /// One permit for each that may wait or be at work.
    queue: Arc<Semaphore>,
    /// How many permits that are in all.
    places: usize,
    /// A hash of no password, checked where the account does not exist, so that it takes as long.
    dummy: Arc<str>,
}

/// The right to hash one password now.
#[derive(Debug)]
pub struct Turn {
    _place: OwnedSemaphorePermit,
    _thread: OwnedSemaphorePermit,
    _one_by_one: Option<OwnedSemaphorePermit>,
}

impl Passwords {
    /// A hasher for this machine, at which `queue` may wait, and which holds back in a `rush`.
    ///
    /// # Errors
    /// When the system's random source fails, or it gives no thread.
    pub fn new(queue: usize, rush: Rush) -> Result<Self> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("argon2-{index}"))
            .start_handler(|_| yield_to_everybody())
            // Who waits for the job is told by its silence.
            .panic_handler(|_| tracing::error!("hashing a password panicked"))
            .build();
        Ok(Self {
            pool: Arc::new(pool.map_err(AppError::internal)?),
            threads: Arc::new(Semaphore::new(threads)),
            one_by_one: Arc::new(Semaphore::new(1)),
            rush,
            queue: Arc::new(Semaphore::new(queue)),
            places: queue,
            dummy: hash_now("no account has this hash")?.into(),
        })
    }

    /// How many passwords are hashed now or wait for it.
    #[must_use]
    pub fn queue_length(&self) -> usize {
        self.places.saturating_sub(self.queue.available_permits())
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when as many wait as may.
    pub async fn turn(&self) -> Result<Turn> {
        let full = |error| AppError::caused_by(ErrorCode::ServiceUnavailable, error);
        let place = Arc::clone(&self.queue).try_acquire_owned().map_err(full)?;
        let thread = Arc::clone(&self.threads).acquire_owned().await.map_err(AppError::internal)?;
        let one_by_one = if self.rush.is_on() {
            Some(Arc::clone(&self.one_by_one).acquire_owned().await.map_err(AppError::internal)?)
        } else {
            None
        };
        Ok(Turn { _place: place, _thread: thread, _one_by_one: one_by_one })
    }

    /// Hashes `password` into a PHC string.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when as many wait as may.
    pub async fn hash(&self, password: String) -> Result<String> {
        let turn = self.turn().await?;
        self.off_thread(turn, move || hash_now(&password)).await?
    }

    /// Whether `password` is the one `hash` was made of. Without a hash the answer is no, and takes as long.
    ///
    /// # Errors
    /// When a stored hash is damaged.
    pub async fn verify(&self, turn: Turn, password: String, hash: Option<String>) -> Result<bool> {
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy.as_ref().to_owned());
        let matches = self
            .off_thread(turn, move || {
                let hash = PasswordHash::new(&hash).map_err(|error| AppError::internal(error.to_string()))?;
                Ok::<_, AppError>(argon2()?.verify_password(password.as_bytes(), &hash).is_ok())
            })
            .await??;
        Ok(exists && matches)
    }

    async fn off_thread<T: Send + 'static>(&self, turn: Turn, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let (sender, receiver) = oneshot::channel();
        let rush = self.rush.clone();
        self.pool.spawn(move || {
            let started = Instant::now();
            let result = work();
            let took = started.elapsed();
            // The turn is held until here, or for a rest: a caller that gives up does not make room for more.
            if rush.is_on() {
                let _ = sender.send(result);
                thread::sleep(took * REST);
                drop(turn);
            } else {
                drop(turn);
                let _ = sender.send(result);
            }
        });
        receiver.await.map_err(AppError::internal)
    }
}

/// Whatever else wants to run goes before this thread.
#[cfg(target_os = "linux")]
fn yield_to_everybody() {
    const NICEST: i32 = 19;
    // On Linux it concerns the calling thread alone. Where it is refused, all is as it was.
    let _ = rustix::process::nice(NICEST);
}

/// Elsewhere it would concern the whole process.
#[cfg(not(target_os = "linux"))]
fn yield_to_everybody() {}

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
        let passwords = Passwords::new(1, Rush::none()).unwrap();
        let hash = passwords.hash("비밀번호 1234".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let verify = async |password: &str, hash: Option<&String>| {
            let turn = passwords.turn().await.unwrap();
            passwords.verify(turn, password.to_owned(), hash.cloned()).await.unwrap()
        };
        assert!(verify("비밀번호 1234", Some(&hash)).await);
        assert!(!verify("1234", Some(&hash)).await);
        assert!(!verify("no account has this hash", None).await);
    }

    #[tokio::test]
    async fn while_orders_come_in_one_is_hashed_after_the_other() {
        let rush = Rush::none();
        let passwords = Passwords::new(2, rush.clone()).unwrap();
        rush.order();
        let first = passwords.turn().await.unwrap();
        let mut second = std::pin::pin!(passwords.turn());
        assert!(futures_util::poll!(second.as_mut()).is_pending());
        drop(first);
        second.await.unwrap();
    }

    #[tokio::test]
    async fn beyond_the_queue_nobody_waits() {
        let passwords = Passwords::new(1, Rush::none()).unwrap();
        let turn = passwords.turn().await.unwrap();
        assert_eq!(passwords.turn().await.unwrap_err().code, ErrorCode::ServiceUnavailable);
        drop(turn);
        passwords.turn().await.unwrap();
    }
}
