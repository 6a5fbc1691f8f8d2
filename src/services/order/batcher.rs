//! Group commit: items of one key that arrive while a batch of that key is being written go together into the next.
//!
//! An item that arrives alone is written at once. Under load many share one write, each with an outcome of its own.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The most items of a batch.
const MAX_BATCH: usize = 32;

/// Writes the batches of a [`Batcher`].
pub(super) trait BatchWriter: Clone + Send + Sync + 'static {
    /// Items of different keys are never written together.
    type Key: Copy + Eq + Hash + Send;
    /// One thing to write.
    type Item: Send;
    /// The result for one item.
    type Outcome: Send;
    /// Why nothing can be written at the moment.
    type Unavailable: Clone + Send;

    /// What the items of a batch are sorted by, so that batches which lock several rows lock them in one order.
    fn sort_key(item: &Self::Item) -> impl Ord;

    /// Writes `items` and returns the outcome of each, in the same order. It must end in bounded time.
    ///
    /// # Errors
    /// When nothing can be written at the moment: the error is also that of the items that wait for the next batch.
    fn write(
        &self,
        key: Self::Key,
        items: Vec<Self::Item>,
    ) -> impl Future<Output = Result<Vec<Self::Outcome>, Self::Unavailable>> + Send;
}

/// What a submitter receives; nothing if the writer panicked.
type Reply<W> = Result<<W as BatchWriter>::Outcome, <W as BatchWriter>::Unavailable>;

/// The items that wait for the next batch of each key; a key is there while a batch of it is being written.
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

    /// Writes `item` with the next batch of `key`. Once its batch has begun, it is written even if the caller gives up.
    /// `None` if the writer panicked.
    pub(super) async fn submit(&self, key: W::Key, item: W::Item) -> Option<Reply<W>> {
        let (reply, outcome) = oneshot::channel();
        if self.push(key, Pending { item, reply }) {
            tokio::spawn(self.clone().write_batches(key));
        }
        outcome.await.ok()
    }

    /// Adds an item to the queue of its key. True when no batch of the key is being written: the caller must start.
    fn push(&self, key: W::Key, pending: Pending<W>) -> bool {
        match self.queues().entry(key) {
            Entry::Occupied(mut queue) => {
                queue.get_mut().push(pending);
                false
            }
            Entry::Vacant(place) => {
                place.insert(vec![pending]);
                true
            }
        }
    }

    /// Writes batches of `key` until no item waits.
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
                        // A submitter that gave up receives no outcome.
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

    /// The items that wait, up to a whole batch. Where none waits, the key is removed. Items whose submitters gave up
    /// are dropped: nothing of them was written.
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

    /// Held for a few instructions and never across an await.
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

    /// Reports each batch, and writes it once a permit is added. An item of 0 panics; one of -1 makes all unavailable.
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

    async fn waiting(batcher: &Batcher<TestWriter>, count: usize) {
        while batcher.queues().get(&1).map_or(0, Vec::len) < count {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn items_that_arrive_during_a_write_share_the_next() {
        let (batcher, mut written, permits) = batcher();
        let first = submit(&batcher, 1);
        assert_eq!(written.recv().await, Some((1, vec![1])), "alone, it is written at once");
        let others: Vec<_> = (2..40).map(|item| submit(&batcher, item)).collect();
        waiting(&batcher, 38).await;
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
    async fn items_that_arrive_at_the_same_moment_are_all_written() {
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
    async fn an_item_whose_submitter_gave_up_while_it_waited_is_not_written() {
        let (batcher, mut written, permits) = batcher();
        let first = submit(&batcher, 1);
        written.recv().await;
        let given_up = submit(&batcher, 2);
        waiting(&batcher, 1).await;
        let kept = submit(&batcher, 3);
        waiting(&batcher, 2).await;
        given_up.abort();
        given_up.await.unwrap_err();
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
        waiting(&batcher, 1).await;
        permits.add_permits(2);
        assert_eq!(first.await.unwrap(), Some(Err("unavailable")));
        assert_eq!(behind.await.unwrap(), Some(Err("unavailable")));
        assert_eq!(batcher.submit(1, 3).await, Some(Ok(30)), "a later item is tried");
    }

    #[tokio::test]
    async fn items_behind_a_panic_fail_instead_of_waiting() {
        let (batcher, mut written, permits) = batcher();
        let first = submit(&batcher, 0);
        written.recv().await;
        let behind = submit(&batcher, 2);
        waiting(&batcher, 1).await;
        permits.add_permits(2);
        assert_eq!((first.await.unwrap(), behind.await.unwrap()), (None, None));
        assert_eq!(timeout(Duration::from_secs(20), batcher.submit(1, 3)).await, Ok(Some(Ok(30))));
    }
}
