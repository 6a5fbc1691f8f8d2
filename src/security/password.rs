//! Password hashing with argon2id, on one low-priority thread per core behind a bounded queue, so that many logins slow
//! down other logins rather than orders.

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
use tokio::sync::oneshot;

use super::hash_queue::{HashPermit, HashQueue};
use crate::error::{AppError, Result};
use crate::models::StoreId;
use crate::telemetry::metrics::gauge;

/// The cost of argon2id: memory in KiB, passes, lanes.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// A stored hash may cost this many times as much. A hash from a restored file could otherwise demand so much memory that the
/// process aborts, or run for hours.
const MAX_COST_FACTOR: u32 = 4;

/// Work for a hashing thread. The thread passes its memory to it.
type Job = Box<dyn FnOnce(&mut Vec<Block>) + Send>;

/// Hashes and verifies passwords. Cheap to clone; the threads end with the last clone.
#[derive(Debug, Clone)]
pub struct Passwords {
    jobs: Sender<Job>,
    /// A place for each password that is queued or being hashed.
    queue: HashQueue,
    /// Verified for an unknown user, so that the answer takes the same time.
    dummy_hash: Arc<str>,
}

impl Passwords {
    /// Starts the threads. At most `queue_size` passwords are queued or being hashed.
    ///
    /// # Errors
    /// If the system's random source fails or a thread cannot be started.
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
            queue: HashQueue::new(queue_size),
            dummy_hash: hash_now("no account has this hash")?.into(),
        })
    }

    /// Adds the metrics of the queue to `registry`.
    pub fn register(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(self.clone()));
    }

    /// Acquires a permit to queue a password of `store`, or of no store.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` if the queue, or the store's part of it, is full.
    pub fn acquire_permit(&self, store: Option<StoreId>) -> Result<HashPermit> {
        self.queue.acquire(store)
    }

    /// Hashes a password of `store`, or of no store, into a PHC string.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` if the queue, or the store's part of it, is full.
    pub async fn hash(&self, store: Option<StoreId>, password: String) -> Result<String> {
        let permit = self.acquire_permit(store)?;
        self.run(permit, move |_| hash_now(&password)).await?
    }

    /// Whether `hash` is a hash of `password`. `None` for the hash returns `false` after the same time.
    ///
    /// # Errors
    /// If a stored hash is damaged.
    pub async fn verify(&self, permit: HashPermit, password: String, hash: Option<String>) -> Result<bool> {
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy_hash.as_ref().to_owned());
        let matches = self.run(permit, move |blocks| is_password(&password, &hash, blocks)).await?;
        Ok(matches.map_err(|error| AppError::internal(error.to_string()))? && exists)
    }

    /// Runs `work` on a hashing thread.
    async fn run<T: Send + 'static>(
        &self,
        permit: HashPermit,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = oneshot::channel();
        let job = move |blocks: &mut Vec<Block>| {
            let result = work(blocks);
            // Released only here: the password of a cancelled request is still hashed and must count.
            drop(permit);
            let _ = sender.send(result);
        };
        self.jobs.send(Box::new(job)).map_err(|_| AppError::internal("the hashing threads have ended"))?;
        receiver.await.map_err(AppError::internal)
    }
}

impl Collector for Passwords {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let to = &mut encoder;
        gauge(to, "hash_queue_length", "Passwords that are queued or being hashed", self.queue.length())?;
        gauge(to, "hash_queue_limit", "The limit of queued passwords (LOGIN_QUEUE)", self.queue.size())
    }
}

/// Runs jobs until the last [`Passwords`] is dropped.
fn run_jobs(jobs: &Mutex<Receiver<Job>>) {
    lower_thread_priority();
    let mut blocks = Vec::new();
    while let Some(job) = next_job(jobs, &mut blocks) {
        // The caller gets an error, because the job drops its end of the channel.
        if catch_unwind(AssertUnwindSafe(|| job(&mut blocks))).is_err() {
            tracing::error!("hashing a password panicked");
        }
    }
}

/// The next job, or `None` if there will be no more.
///
/// `blocks` is the memory that argon2 fills. It is reused for the next queued job, because getting 19 MiB from the system
/// takes nearly as long as a hash. It is released before a wait, so that an idle server uses little memory.
fn next_job(jobs: &Mutex<Receiver<Job>>, blocks: &mut Vec<Block>) -> Option<Job> {
    // A thread that waits for a job holds the lock, so a held lock means an empty queue. A thread that takes a job also
    // holds it for a moment; the memory is then released unnecessarily, which does no harm.
    let queued = jobs.try_lock().ok().and_then(|jobs| jobs.try_recv().ok());
    queued.or_else(|| {
        *blocks = Vec::new();
        jobs.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    })
}

/// Whether `hash`, a PHC string, is a hash of `password`.
fn is_password(password: &str, hash: &str, blocks: &mut Vec<Block>) -> argon2::password_hash::Result<bool> {
    use argon2::password_hash::Error;
    let hash = PasswordHash::new(hash)?;
    let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else { return Err(Error::Internal) };
    let (algorithm, params) = (Algorithm::try_from(hash.algorithm.as_str())?, Params::try_from(&hash)?);
    if is_excessive(&params) {
        return Err(Error::ParamInvalid { name: "m, t or p" });
    }
    let version = hash.version.map(Version::try_from).transpose()?.unwrap_or_default();
    blocks.resize(params.block_count(), Block::default());
    let mut output = vec![0; expected.len()];
    let argon2 = Argon2::new(algorithm, version, params);
    argon2.hash_password_into_with_memory(password.as_bytes(), salt.as_ref(), &mut output, blocks)?;
    // `Output` compares in constant time.
    Ok(Output::new(&output)? == *expected)
}

/// Whether `hash` is a PHC string whose verification would cost too much; [`Passwords::verify`] fails for it.
#[must_use]
pub fn is_too_costly(hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Params::try_from(&hash).is_ok_and(|params| is_excessive(&params)))
}

fn is_excessive(params: &Params) -> bool {
    let (memory, passes, lanes) = COST;
    params.m_cost() > MAX_COST_FACTOR * memory
        || params.t_cost() > MAX_COST_FACTOR * passes
        || params.p_cost() > MAX_COST_FACTOR * lanes
}

/// Gives the calling thread a lower priority than normal threads.
#[cfg(target_os = "linux")]
pub fn lower_thread_priority() {
    // `thread-priority` converts 22 to nice 10. With nice 19, a hash would take seconds while another process uses all cores.
    const LOW: u8 = 22;
    if let Ok(low) = ThreadPriorityValue::try_from(LOW) {
        // If the system refuses, hashing runs at the normal priority.
        let _ = set_current_thread_priority(ThreadPriority::Crossplatform(low));
    }
}

/// Does nothing: only Linux has a nice value per thread.
#[cfg(not(target_os = "linux"))]
pub fn lower_thread_priority() {}

fn argon2() -> Result<Argon2<'static>> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).map_err(|error| AppError::internal(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Hashes `password` on the calling thread; for commands, which may block.
///
/// # Errors
/// If the system's random source fails.
pub fn hash_now(password: &str) -> Result<String> {
    let hash = argon2()?.hash_password(password.as_bytes());
    Ok(hash.map_err(|error| AppError::internal(error.to_string()))?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_is_verified() {
        let passwords = Passwords::new(1).unwrap();
        let hash = passwords.hash(None, "비밀번호 1234".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let verify = async |password: &str, hash: Option<&String>| {
            let permit = passwords.acquire_permit(None).unwrap();
            passwords.verify(permit, password.to_owned(), hash.cloned()).await.unwrap()
        };
        assert!(verify("비밀번호 1234", Some(&hash)).await);
        assert!(!verify("1234", Some(&hash)).await);
        assert!(!verify("no account has this hash", None).await);
    }

    #[tokio::test]
    async fn a_panic_while_hashing_does_not_end_the_thread() {
        let passwords = Passwords::new(1).unwrap();
        for _ in 0..thread::available_parallelism().unwrap().get() {
            let permit = passwords.acquire_permit(None).unwrap();
            passwords.run(permit, |_| panic!("on purpose")).await.unwrap_err();
        }
        passwords.hash(None, "1234".to_owned()).await.unwrap();
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
        let permit = passwords.acquire_permit(None).unwrap();
        let stat = passwords.run(permit, |_| std::fs::read_to_string("/proc/thread-self/stat").unwrap()).await.unwrap();
        // The nice value is the 17th field after the name.
        let nice = stat.rsplit(')').next().unwrap().split_whitespace().nth(16).unwrap();
        assert_eq!(nice, "10");
    }

    #[tokio::test]
    async fn a_hash_is_verified_with_its_own_cost() {
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
    fn a_hash_of_excessive_cost_is_not_computed() {
        let cost = |cost: &str| format!("$argon2id$v=19${cost}$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA");
        for excessive in ["m=77825,t=1,p=1", "m=64,t=9,p=1", "m=64,t=1,p=5", "m=4294967295,t=4294967295,p=1"] {
            assert!(is_too_costly(&cost(excessive)), "{excessive}");
            assert!(is_password("1234", &cost(excessive), &mut Vec::new()).is_err(), "{excessive}");
        }
        assert!(!is_too_costly(&cost("m=77824,t=8,p=4")));
        assert!(!is_too_costly(&hash_now("1234").unwrap()));
    }
}
