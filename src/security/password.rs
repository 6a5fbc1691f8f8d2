//! Passwords: argon2id, on threads of their own that yield to everybody else, behind a queue that has an end: a flood
//! of logins makes logins slow, and orders hardly.
//!
//! A thread of low rank still fills the caches and the memory bus, which every order waits for now and then.
//! While orders are coming in, passwords are therefore hashed on half of the threads, with a rest after each.

use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, PasswordHasher, Version};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Registry;
use rayon::{ThreadPool, ThreadPoolBuilder};
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::{AppError, ErrorCode, Result};
use crate::security::rush::Rush;
use crate::telemetry::metrics::gauge;

/// Memory in KiB, passes, lanes.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// How many times as long as it worked on a hash a thread rests, while orders are coming in. (Measured on two cores beside a flood
/// of guesses, of orders that otherwise take half a millisecond: with a rest of 5, two in a hundred took more than
/// three times as long; the 99th percentile is to stay below twice.)
const REST: u32 = 20;

/// Hashes and checks passwords. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Passwords {
    pool: Arc<ThreadPool>,
    /// Two permits a thread of the pool: while one password is hashed, what comes before it is done for the next.
    threads: Arc<Semaphore>,
    /// While orders are coming in, one permit for every other thread.
    in_a_rush: Arc<Semaphore>,
    rush: Rush,
    memory: Memory,
    /// One permit for each that may wait or be at work.
    queue: Arc<Semaphore>,
    /// How many permits that are in all.
    places: usize,
    /// A hash of no password, checked where the account does not exist, so that it takes as long.
    dummy: Arc<str>,
}

/// A place in the queue of passwords to be hashed.
#[derive(Debug)]
pub struct QueuePlace {
    _permit: OwnedSemaphorePermit,
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
            threads: Arc::new(Semaphore::new(threads * 2)),
            in_a_rush: Arc::new(Semaphore::new(threads.div_ceil(2))),
            rush,
            memory: Memory::default(),
            queue: Arc::new(Semaphore::new(queue)),
            places: queue,
            dummy: hash_now("no account has this hash")?.into(),
        })
    }

    /// Adds the metrics of the queue to `registry`.
    pub fn register(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(self.clone()));
    }

    /// How many passwords are hashed now or wait for it.
    #[must_use]
    pub fn queue_length(&self) -> usize {
        self.places.saturating_sub(self.queue.available_permits())
    }

    /// Takes a place in the queue.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when the queue is full.
    pub fn enter_queue(&self) -> Result<QueuePlace> {
        let place = Arc::clone(&self.queue).try_acquire_owned();
        place
            .map(|permit| QueuePlace { _permit: permit })
            .map_err(|error| AppError::caused_by(ErrorCode::ServiceUnavailable, error))
    }

    /// Hashes `password` into a PHC string.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when the queue is full.
    pub async fn hash(&self, password: String) -> Result<String> {
        let place = self.enter_queue()?;
        self.off_thread(place, move || hash_now(&password)).await?
    }

    /// Whether `password` is the one `hash` was made of. Without a hash the answer is no, and takes as long.
    ///
    /// # Errors
    /// When a stored hash is damaged.
    pub async fn verify(&self, place: QueuePlace, password: String, hash: Option<String>) -> Result<bool> {
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy.as_ref().to_owned());
        let (memory, queue, places) = (self.memory.clone(), Arc::clone(&self.queue), self.places);
        let matches = self.off_thread(place, move || {
            let mut blocks = memory.take();
            let matches = is_password(&password, &hash, &mut blocks);
            let others_wait = places.saturating_sub(queue.available_permits()) > 1;
            memory.give_back(blocks, others_wait);
            matches.map_err(|error| AppError::internal(error.to_string()))
        });
        Ok(matches.await?? && exists)
    }

    async fn off_thread<T: Send + 'static>(
        &self,
        place: QueuePlace,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let permits = self.thread_permits().await?;
        let (sender, receiver) = oneshot::channel();
        let rush = self.rush.clone();
        self.pool.spawn(move || {
            let before = worked();
            let result = work();
            let effort = worked().saturating_sub(before);
            // The permits are held until here, or for a rest: a caller that gives up does not make room for more.
            if rush.is_on() {
                let _ = sender.send(result);
                thread::sleep(effort * REST);
                drop((place, permits));
            } else {
                drop((place, permits));
                let _ = sender.send(result);
            }
        });
        receiver.await.map_err(AppError::internal)
    }

    /// The right to use a thread of the pool.
    async fn thread_permits(&self) -> Result<(OwnedSemaphorePermit, Option<OwnedSemaphorePermit>)> {
        let thread = Arc::clone(&self.threads).acquire_owned().await.map_err(AppError::internal)?;
        let in_a_rush = if self.rush.is_on() {
            Some(Arc::clone(&self.in_a_rush).acquire_owned().await.map_err(AppError::internal)?)
        } else {
            None
        };
        Ok((thread, in_a_rush))
    }
}

impl Collector for Passwords {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let to = &mut encoder;
        gauge(to, "hash_queue_length", "Passwords that are hashed or wait for it", self.queue_length())?;
        gauge(to, "hash_queue_limit", "LOGIN_QUEUE", self.places)
    }
}

/// What argon2 fills. Kept while others wait for it: taken from the system anew for each, it costs nearly as much as the
/// hash itself.
#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<Vec<Vec<Block>>>>);

impl Memory {
    fn take(&self) -> Vec<Block> {
        self.kept().pop().unwrap_or_default()
    }

    fn give_back(&self, blocks: Vec<Block>, others_wait: bool) {
        let mut kept = self.kept();
        if others_wait {
            kept.push(blocks);
        } else {
            kept.clear();
        }
    }

    /// Held for a few instructions, or for as long as it takes to give it all back to the system.
    fn kept(&self) -> MutexGuard<'_, Vec<Vec<Block>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether `hash`, a PHC string, was made of `password`.
fn is_password(password: &str, hash: &str, blocks: &mut Vec<Block>) -> argon2::password_hash::Result<bool> {
    use argon2::password_hash::Error;
    let hash = PasswordHash::new(hash)?;
    let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else { return Err(Error::Internal) };
    let (algorithm, params) = (Algorithm::try_from(hash.algorithm.as_str())?, Params::try_from(&hash)?);
    let version = hash.version.map(Version::try_from).transpose()?.unwrap_or_default();
    blocks.resize(params.block_count(), Block::default());
    let mut output = vec![0; expected.len()];
    let argon2 = Argon2::new(algorithm, version, params);
    argon2.hash_password_into_with_memory(password.as_bytes(), salt.as_ref(), &mut output, blocks)?;
    // In constant time.
    Ok(Output::new(&output)? == *expected)
}

/// For how long this thread had a processor: what others lacked meanwhile. By the clock on the wall a hash that had to
/// wait for a processor would be followed by a rest that long many times over.
fn worked() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs().try_into().unwrap_or_default())
}

/// Whatever else wants to run has nearly all of a processor that both want.
#[cfg(target_os = "linux")]
fn yield_to_everybody() {
    // Not the very last: beside a neighbour that takes all there is, a hash of rank 19 waits for seconds.
    const NICER: i32 = 10;
    // On Linux it concerns the calling thread alone. Where it is refused, all is as it was.
    let _ = rustix::process::nice(NICER);
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
            let place = passwords.enter_queue().unwrap();
            passwords.verify(place, password.to_owned(), hash.cloned()).await.unwrap()
        };
        assert!(verify("비밀번호 1234", Some(&hash)).await);
        assert!(!verify("1234", Some(&hash)).await);
        assert!(!verify("no account has this hash", None).await);
    }

    #[tokio::test]
    async fn while_orders_come_in_half_of_the_threads_are_left_to_them() {
        let rush = Rush::none();
        let passwords = Passwords::new(1_000, rush.clone()).unwrap();
        rush.order();
        let half = passwords.pool.current_num_threads().div_ceil(2);
        let mut turns = Vec::new();
        for _ in 0..half {
            turns.push(passwords.thread_permits().await.unwrap());
        }
        let mut next = std::pin::pin!(passwords.thread_permits());
        assert!(futures_util::poll!(next.as_mut()).is_pending());
        turns.pop();
        drop(next.await.unwrap());
    }

    #[test]
    fn a_thread_that_waits_does_not_work() {
        let before = worked();
        thread::sleep(Duration::from_millis(200));
        let waited = worked().saturating_sub(before);
        hash_now("1234").unwrap();
        let hashed = worked().saturating_sub(before + waited);
        assert!(waited < Duration::from_millis(5) && hashed > waited, "{waited:?}, {hashed:?}");
    }

    #[tokio::test]
    async fn a_hash_of_other_costs_is_verified_at_its_own_whatever_memory_is_at_hand() {
        let hash_at = |memory, version| {
            let argon2 = Argon2::new(Algorithm::Argon2id, version, Params::new(memory, 1, 1, None).unwrap());
            argon2.hash_password(b"1234").unwrap().to_string()
        };
        let mut blocks = Vec::new();
        for hash in [hash_at(64, Version::V0x13), hash_at(1_024, Version::V0x10), hash_at(8, Version::V0x13)] {
            assert!(is_password("1234", &hash, &mut blocks).unwrap(), "{hash}");
            assert!(!is_password("1235", &hash, &mut blocks).unwrap(), "{hash}");
        }
        assert!(is_password("1234", "$argon2id$v=19$m=64,t=1,p=1", &mut blocks).is_err());
    }

    #[test]
    fn beyond_the_queue_nobody_waits() {
        let passwords = Passwords::new(1, Rush::none()).unwrap();
        let place = passwords.enter_queue().unwrap();
        assert_eq!(passwords.enter_queue().unwrap_err().code, ErrorCode::ServiceUnavailable);
        drop(place);
        passwords.enter_queue().unwrap();
    }
}
