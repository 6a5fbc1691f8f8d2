//! Limits the passwords that are queued or being hashed. Each of them holds a permit, and one store can hold only a part of
//! the permits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{AppError, ErrorCode, Limit, Result};
use crate::models::StoreId;

/// The permits. Clones share them.
#[derive(Debug, Clone)]
pub struct HashQueue {
    size: usize,
    used: Arc<Mutex<Used>>,
}

#[derive(Debug, Default)]
struct Used {
    all: usize,
    /// `None`: logins to stores that do not exist, which share one part, and passwords of new stores. (While that part is
    /// full, a refusal reveals that a store does not exist. Store codes are not secret.)
    by_store: HashMap<Option<StoreId>, usize>,
}

/// The permit of one password.
#[derive(Debug)]
pub struct HashPermit {
    queue: HashQueue,
    store: Option<StoreId>,
}

impl HashQueue {
    /// A queue with `size` permits.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self { size, used: Arc::default() }
    }

    /// The number of permits.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The number of permits in use.
    #[must_use]
    pub fn length(&self) -> usize {
        self.used().all
    }

    /// Takes a permit. A store can hold as many permits as are free: alone half of the queue, and less while other stores use
    /// it, too. So no store can fill it.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE`.
    pub fn acquire(&self, store: Option<StoreId>) -> Result<HashPermit> {
        let mut used = self.used();
        let free = self.size.saturating_sub(used.all);
        let of_store = used.by_store.get(&store).copied().unwrap_or_default();
        if of_store >= free {
            let maximum = i64::try_from(self.size).unwrap_or(i64::MAX);
            let refused = AppError::limit_reached(ErrorCode::ServiceUnavailable, Limit::QueuedPasswords, maximum);
            return Err(AppError {
                cause: Some("the queue of passwords, or the store's part of it, is full".into()),
                ..refused
            });
        }
        *used.by_store.entry(store).or_default() += 1;
        used.all += 1;
        Ok(HashPermit { queue: self.clone(), store })
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for HashPermit {
    fn drop(&mut self) {
        let mut used = self.queue.used();
        used.all -= 1;
        if let Some(of_store) = used.by_store.get_mut(&self.store) {
            *of_store -= 1;
            if *of_store == 0 {
                used.by_store.remove(&self.store);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(queue: &HashQueue, store: i64) -> Vec<HashPermit> {
        std::iter::from_fn(|| queue.acquire(Some(StoreId(store))).ok()).collect()
    }

    #[test]
    fn a_store_uses_half_of_the_queue_and_leaves_a_part_to_others() {
        let queue = HashQueue::new(64);
        let first = fill(&queue, 1);
        let second = fill(&queue, 2);
        assert_eq!((first.len(), second.len()), (32, 16));
        let refused = queue.acquire(Some(StoreId(1))).unwrap_err();
        assert_eq!(
            (refused.code, refused.limit()),
            (ErrorCode::ServiceUnavailable, Some((Limit::QueuedPasswords, 64)))
        );
        let third = queue.acquire(None).unwrap();
        assert_eq!(queue.length(), 49);
        drop((first, second, third));
        assert_eq!(queue.length(), 0);
        assert_eq!(fill(&queue, 1).len(), 32);
    }

    #[test]
    fn a_queue_of_one_takes_one_password() {
        let queue = HashQueue::new(1);
        let permit = queue.acquire(None).unwrap();
        queue.acquire(Some(StoreId(1))).unwrap_err();
        drop(permit);
        queue.acquire(Some(StoreId(1))).unwrap();
    }
}
