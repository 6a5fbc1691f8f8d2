//! Group commit: items with the same key that arrive while a batch of that key is being written form the next batch.
//!
//! A single item is written at once. Under load many items share one write, and each gets its own outcome.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The maximum number of items in a batch.
const MAX_BATCH: usize = 32;

/// Writes the batches of a [`Batcher`].
pub(super) trait BatchWriter: Clone + Send + Sync + 'static {
    /// Items of different keys are never written together.
    type Key: Copy + Eq + Hash + Send;
    /// An item to write.
    type Item: Send;
    /// The result for one item.
    type Outcome: Send;
    /// The error when nothing can be written at the moment.
    type Unavailable: Clone + Send;

    /// The sort order of a batch's items, so that batches which lock several rows lock them in the same order.
    fn sort_key(item: &Self::Item) -> impl Ord;

    /// Writes `items` and returns the outcome of each, in the same order. It must return in bounded time.
    ///
    /// # Errors
    /// If nothing can be written at the moment. The items that wait for the next batch get the same error.
    fn write(
        &self,
        key: Self::Key,
        items: Vec<Self::Item>,
    ) -> impl Future<Output = Result<Vec<Self::Outcome>, Self::Unavailable>> + Send;
}

/// The reply to a submitter.
type Reply<W> = Result<<W as BatchWriter>::Outcome, <W as BatchWriter>::Unavailable>;

/// The items that wait for the next batch, by key. A key is present while one of its batches is being written.
type Queues<W> = HashMap<<W as BatchWriter>::Key, Vec<Pending<W>>>;

/// An item and its submitter.
struct Pending<W: BatchWriter> {
    item: W::Item,
    reply: oneshot::Sender<Reply<W>>,
}

/// Collects items into batches.
pub(super) struct Batcher<W: BatchWriter> {
    writer: W,
    queues: Arc<Mutex<Queues<W>>>,
}

impl<W: BatchWriter> Clone for Batcher<W> {
    fn clone(&self) -> Self {
        Self { writer: self.writer.clone(), queues: Arc::clone(&self.queues) }
    }
}

impl<W: BatchWriter> Batcher<W> {
    pub(super) fn new(writer: W) -> Self {
        Self { writer, queues: Arc::default() }
    }

    pub(super) fn writer(&self) -> &W {
        &self.writer
    }

    /// Writes `item` with the next batch of `key`. Once its batch has begun, the item is written even if the caller is
    /// cancelled. `None` if the writer panicked.
    pub(super) async fn submit(&self, key: W::Key, item: W::Item) -> Option<Reply<W>> {
        let (reply, outcome) = oneshot::channel();
        if self.push(key, Pending { item, reply }) {
            tokio::spawn(self.clone().write_batches(key));
        }
        outcome.await.ok()
    }

    /// Adds an item to the queue of its key. `true` if no batch of the key is being written: then the caller starts
    /// one.
    fn push(&self, key: W::Key, pending: Pending<W>) -> bool {
        match self.queues().entry(key) {
            Entry::Occupied(mut queue) => {
                queue.get_mut().push(pending);
                false
            }
            Entry::Vacant(entry) => {
                entry.insert(vec![pending]);
                true
            }
        }
    }

    /// Writes batches of `key` until no item is waiting.
    async fn write_batches(self, key: W::Key) {
        let _guard = QueueGuard { batcher: &self, key };
        loop {
            let batch = self.next_batch(key);
            if batch.is_empty() {
                return;
            }
            let (items, replies): (Vec<_>, Vec<_>) = batch.into_iter().map(|one| (one.item, one.reply)).unzip();
            match self.writer.write(key, items).await {
                Ok(outcomes) => {
                    for (reply, outcome) in replies.into_iter().zip(outcomes) {
                        // Sending fails if the submitter was cancelled.
                        let _ = reply.send(Ok(outcome));
                    }
                }
                Err(unavailable) => {
                    let waiting = self.queues().get_mut(&key).map(std::mem::take).unwrap_or_default();
                    for reply in replies.into_iter().chain(waiting.into_iter().map(|one| one.reply)) {
                        let _ = reply.send(Err(unavailable.clone()));
                    }
                }
            }
        }
    }

    /// Takes the waiting items, at most one batch. Removes the key if no item is waiting. Items whose submitters were
    /// cancelled are dropped: nothing of them was written.
    fn next_batch(&self, key: W::Key) -> Vec<Pending<W>> {
        let mut queues = self.queues();
        let Some(queue) = queues.get_mut(&key) else { return Vec::new() };
        queue.retain(|pending| !pending.reply.is_closed());
        let mut batch: Vec<_> = queue.drain(..queue.len().min(MAX_BATCH)).collect();
        batch.sort_by(|a, b| W::sort_key(&a.item).cmp(&W::sort_key(&b.item)));
        if batch.is_empty() {
            queues.remove(&key);
        }
        batch
    }

    /// Locks the queues. The guard is never held across an await.
    fn queues(&self) -> MutexGuard<'_, Queues<W>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the queue of a key whose writer panicked, so that its submitters fail instead of waiting.
struct QueueGuard<'a, W: BatchWriter> {
    batcher: &'a Batcher<W>,
    key: W::Key,
}

impl<W: BatchWriter> Drop for QueueGuard<'_, W> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.batcher.queues().remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future::join_all;
    use tokio::sync::{Semaphore, mpsc};
    use tokio::time::timeout;

    use super::*;

    /// Reports each batch, and writes it once a permit is added. Item 0 panics; item -1 makes the writer unavailable.
    #[derive(Clone)]
    struct TestWriter {
        batches: mpsc::UnboundedSender<(u8, Vec<i32>)>,
        permits: Arc<Semaphore>,
    }

    impl BatchWriter for TestWriter {
        type Key = u8;
        type Item = i32;
        type Outcome = i32;
        type Unavailable = &'static str;

        fn sort_key(item: &i32) -> impl Ord {
            *item
        }

        async fn write(&self, key: u8, items: Vec<i32>) -> Result<Vec<i32>, &'static str> {
            self.batches.send((key, items.clone())).unwrap();
            self.permits.acquire().await.unwrap().forget();
            assert!(!items.contains(&0), "a writer that panics");
            if items.contains(&-1) { Err("unavailable") } else { Ok(items.iter().map(|item| item * 10).collect()) }
        }
    }

    type Written = mpsc::UnboundedReceiver<(u8, Vec<i32>)>;

    fn batcher() -> (Batcher<TestWriter>, Written, Arc<Semaphore>) {
        let (batches, received) = mpsc::unbounded_channel();
        let permits = Arc::new(Semaphore::new(0));
        (Batcher::new(TestWriter { batches, permits: Arc::clone(&permits) }), received, permits)
    }

    fn submit(batcher: &Batcher<TestWriter>, item: i32) -> tokio::task::JoinHandle<Option<Reply<TestWriter>>> {
        let batcher = batcher.clone();
        tokio::spawn(async move { batcher.submit(1, item).await })
    }

    async fn wait_for_queue(batcher: &Batcher<TestWriter>, count: usize) {
        while batcher.queues().get(&1).map_or(0, Vec::len) < count {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn items_that_arrive_during_a_write_share_the_next_batch() {
        let (batcher, mut written, permits) = batcher();
        let first = submit(&batcher, 1);
        assert_eq!(written.recv().await, Some((1, vec![1])), "a single item is written at once");
        let others: Vec<_> = (2..40).map(|item| submit(&batcher, item)).collect();
        wait_for_queue(&batcher, 38).await;
        let another_key = tokio::spawn({
            let batcher = batcher.clone();
            async move { batcher.submit(2, 7).await }
        });
        assert_eq!(written.recv().await, Some((2, vec![7])), "another key does not wait");
        permits.add_permits(10);
        assert_eq!(written.recv().await, Some((1, (2..34).collect())));
        assert_eq!(written.recv().await, Some((1, (34..40).collect())));
        assert_eq!(first.await.unwrap(), Some(Ok(10)));
        assert_eq!(another_key.await.unwrap(), Some(Ok(70)));
        let outcomes = join_all(others).await.into_iter().map(|reply| reply.unwrap().unwrap().unwrap());
        assert_eq!(outcomes.collect::<Vec<_>>(), (2..40).map(|item| item * 10).collect::<Vec<_>>());
        while !batcher.queues().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn items_that_arrive_at_the_same_time_are_all_written() {
        let (batcher, _written, permits) = batcher();
        permits.add_permits(1_000_000);
        for _ in 0..500 {
            let together: Vec<_> = (1..=4).map(|item| submit(&batcher, item)).collect();
            for (item, submitted) in (1..).zip(together) {
                assert_eq!(submitted.await.unwrap(), Some(Ok(item * 10)));
            }
        }
    }

    #[tokio::test]
    async fn a_waiting_item_of_a_cancelled_submitter_is_not_written() {
        let (batcher, mut written, permits) = batcher();
        let first = submit(&batcher, 1);
        written.recv().await;
        let cancelled = submit(&batcher, 2);
        wait_for_queue(&batcher, 1).await;
        let kept = submit(&batcher, 3);
        wait_for_queue(&batcher, 2).await;
        cancelled.abort();
        cancelled.await.unwrap_err();
        permits.add_permits(2);
        assert_eq!(written.recv().await, Some((1, vec![3])));
        assert_eq!((first.await.unwrap(), kept.await.unwrap()), (Some(Ok(10)), Some(Ok(30))));
    }

    #[tokio::test]
    async fn items_behind_an_unavailable_write_fail_with_it() {
        let (batcher, mut written, permits) = batcher();
        let first = submit(&batcher, -1);
        written.recv().await;
        let behind = submit(&batcher, 2);
        wait_for_queue(&batcher, 1).await;
        permits.add_permits(2);
        assert_eq!(first.await.unwrap(), Some(Err("unavailable")));
        assert_eq!(behind.await.unwrap(), Some(Err("unavailable")));
        assert_eq!(batcher.submit(1, 3).await, Some(Ok(30)), "a later item is written");
    }

    #[tokio::test]
    async fn items_behind_a_panic_fail_instead_of_waiting() {
        let (batcher, mut written, permits) = batcher();
        let first = submit(&batcher, 0);
        written.recv().await;
        let behind = submit(&batcher, 2);
        wait_for_queue(&batcher, 1).await;
        permits.add_permits(2);
        assert_eq!((first.await.unwrap(), behind.await.unwrap()), (None, None));
        assert_eq!(timeout(Duration::from_secs(20), batcher.submit(1, 3)).await, Ok(Some(Ok(30))));
    }
}
