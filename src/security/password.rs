//! Password hashing with argon2id, on one thread of low priority per core behind a bounded queue: a flood of logins
//! slows down logins more than orders.

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, PasswordHasher, Version};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Registry;
#[cfg(target_os = "linux")]
use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::{AppError, ErrorCode, Result};
use crate::telemetry::metrics::gauge;

/// Memory in KiB, passes, lanes.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// Work for a hashing thread, which lends it its memory.
type Job = Box<dyn FnOnce(&mut Vec<Block>) + Send>;

/// Hashes and verifies passwords. Cheap to clone; the threads end with the last clone.
#[derive(Debug, Clone)]
pub struct Passwords {
    jobs: Sender<Job>,
    /// One permit for each password that waits or is being hashed.
    queue: Arc<Semaphore>,
    queue_size: usize,
    /// Verified in place of an account that does not exist, so that the answer takes as long.
    dummy_hash: Arc<str>,
}

/// A place in the queue of passwords to be hashed.
#[derive(Debug)]
pub struct QueuePlace {
    _permit: OwnedSemaphorePermit,
}

impl Passwords {
    /// Starts the threads. At most `queue_size` passwords wait or are being hashed.
    ///
    /// # Errors
    /// When the system's random source fails or a thread cannot be started.
    pub fn new(queue_size: usize) -> Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        for index in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            let receiver = Arc::clone(&receiver);
            let thread = thread::Builder::new().name(format!("argon2-{index}"));
            thread.spawn(move || run_jobs(&receiver)).map_err(AppError::internal)?;
        }
        Ok(Self {
            jobs: sender,
            queue: Arc::new(Semaphore::new(queue_size)),
            queue_size,
            dummy_hash: hash_now("no account has this hash")?.into(),
        })
    }

    /// Adds the metrics of the queue to `registry`.
    pub fn register(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(self.clone()));
    }

    /// The number of passwords that wait or are being hashed.
    #[must_use]
    pub fn queue_length(&self) -> usize {
        self.queue_size.saturating_sub(self.queue.available_permits())
    }

    /// Takes a place in the queue.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when the queue is full.
    pub fn enter_queue(&self) -> Result<QueuePlace> {
        let permit = Arc::clone(&self.queue).try_acquire_owned();
        permit
            .map(|permit| QueuePlace { _permit: permit })
            .map_err(|error| AppError::caused_by(ErrorCode::ServiceUnavailable, error))
    }

    /// Hashes `password` into a PHC string.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when the queue is full.
    pub async fn hash(&self, password: String) -> Result<String> {
        let place = self.enter_queue()?;
        self.run(place, move |_| hash_now(&password)).await?
    }

    /// Whether `hash` was made of `password`. Without a hash the answer is no and takes as long.
    ///
    /// # Errors
    /// When a stored hash is damaged.
    pub async fn verify(&self, place: QueuePlace, password: String, hash: Option<String>) -> Result<bool> {
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy_hash.as_ref().to_owned());
        let matches = self.run(place, move |blocks| is_password(&password, &hash, blocks)).await?;
        Ok(matches.map_err(|error| AppError::internal(error.to_string()))? && exists)
    }

    /// Runs `work` on a hashing thread.
    async fn run<T: Send + 'static>(
        &self,
        place: QueuePlace,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = oneshot::channel();
        let job = move |blocks: &mut Vec<Block>| {
            let result = work(blocks);
            // Held until here: a cancelled request keeps its place while its password is still to be hashed.
            drop(place);
            let _ = sender.send(result);
        };
        self.jobs.send(Box::new(job)).map_err(|_| AppError::internal("the hashing threads have ended"))?;
        receiver.await.map_err(AppError::internal)
    }
}

impl Collector for Passwords {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let to = &mut encoder;
        gauge(to, "hash_queue_length", "Passwords that are hashed or wait for it", self.queue_length())?;
        gauge(to, "hash_queue_limit", "LOGIN_QUEUE", self.queue_size)
    }
}

/// Runs jobs until the last [`Passwords`] is dropped.
fn run_jobs(jobs: &Mutex<Receiver<Job>>) {
    lower_thread_priority();
    let mut blocks = Vec::new();
    while let Some(job) = next_job(jobs, &mut blocks) {
        // The job's caller gets an error, because the job drops its end of the channel.
        if catch_unwind(AssertUnwindSafe(|| job(&mut blocks))).is_err() {
            tracing::error!("hashing a password panicked");
        }
    }
}

/// The next job, or `None` when there will be no more.
///
/// `blocks` is the memory that argon2 fills. It is kept from one job to the next, because getting 19 MiB from the system
/// takes nearly as long as a hash. It is released before a wait, so that an idle server stays small.
fn next_job(jobs: &Mutex<Receiver<Job>>, blocks: &mut Vec<Block>) -> Option<Job> {
    // A thread that waits for a job holds the lock, so a lock that is taken means an empty queue. (It may also be held for
    // a moment by a thread that takes a job; then the memory is released without need.)
    let queued = jobs.try_lock().ok().and_then(|jobs| jobs.try_recv().ok());
    queued.or_else(|| {
        *blocks = Vec::new();
        jobs.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    })
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
    // `Output` compares in constant time.
    Ok(Output::new(&output)? == *expected)
}

/// Makes the calling thread yield to threads of normal priority.
#[cfg(target_os = "linux")]
pub fn lower_thread_priority() {
    // `thread-priority` converts 22 to nice 10. Not 19: beside a process that uses all cores, a hash would take seconds.
    const LOW: u8 = 22;
    if let Ok(low) = ThreadPriorityValue::try_from(LOW) {
        // If the system refuses, hashing works at the normal priority.
        let _ = set_current_thread_priority(ThreadPriority::Crossplatform(low));
    }
}

/// Only Linux has a nice value per thread.
#[cfg(not(target_os = "linux"))]
pub fn lower_thread_priority() {}

fn argon2() -> Result<Argon2<'static>> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).map_err(|error| AppError::internal(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Hashes `password` on the calling thread. For commands, which have nothing else to do meanwhile.
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
        let passwords = Passwords::new(1).unwrap();
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
    async fn a_panic_while_hashing_stops_no_thread() {
        let passwords = Passwords::new(1).unwrap();
        for _ in 0..thread::available_parallelism().unwrap().get() {
            let place = passwords.enter_queue().unwrap();
            passwords.run(place, |_| panic!("on purpose")).await.unwrap_err();
        }
        passwords.hash("1234".to_owned()).await.unwrap();
    }

    #[test]
    fn memory_is_kept_for_a_queued_job_and_released_before_a_wait() {
        let (sender, jobs) = mpsc::channel::<Job>();
        let (jobs, mut blocks) = (Mutex::new(jobs), vec![Block::default()]);
        sender.send(Box::new(|_| ())).unwrap();
        assert!(next_job(&jobs, &mut blocks).is_some());
        assert_eq!(blocks.len(), 1);
        drop(sender);
        assert!(next_job(&jobs, &mut blocks).is_none());
        assert_eq!(blocks.capacity(), 0);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn hashing_threads_have_a_low_priority() {
        let passwords = Passwords::new(1).unwrap();
        let place = passwords.enter_queue().unwrap();
        let stat = passwords.run(place, |_| std::fs::read_to_string("/proc/thread-self/stat").unwrap()).await.unwrap();
        // After the name, the nice value is the 17th field.
        let nice = stat.rsplit(')').next().unwrap().split_whitespace().nth(16).unwrap();
        assert_eq!(nice, "10");
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
    fn a_full_queue_refuses_more() {
        let passwords = Passwords::new(1).unwrap();
        let place = passwords.enter_queue().unwrap();
        assert_eq!(passwords.enter_queue().unwrap_err().code, ErrorCode::ServiceUnavailable);
        drop(place);
        passwords.enter_queue().unwrap();
    }
}
