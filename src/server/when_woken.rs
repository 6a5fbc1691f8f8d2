//! Waiting for what hardly ever happens, beside what happens all the time.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// A future that is polled only when it was itself what woke its task: whatever else wakes it costs a look at a flag.
///
/// (Each poll of a wait for the server's stop takes a lock that all connections share.)
pub(super) struct WhenWoken<F> {
    future: F,
    bell: Arc<Bell>,
    waker: Waker,
}

/// What the future wakes.
struct Bell {
    has_rung: AtomicBool,
    task: AtomicWaker,
}

impl<F> WhenWoken<F> {
    pub(super) fn new(future: F) -> Self {
        let bell = Arc::new(Bell { has_rung: AtomicBool::new(true), task: AtomicWaker::new() });
        Self { future, waker: Waker::from(Arc::clone(&bell)), bell }
    }
}

impl<F: Future + Unpin> Future for WhenWoken<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, bell, waker } = &mut *self;
        // Before the look, so that a ring between the two wakes the task.
        bell.task.register(context.waker());
        if bell.has_rung.load(Ordering::Acquire) && bell.has_rung.swap(false, Ordering::AcqRel) {
            return Pin::new(future).poll(&mut Context::from_waker(waker));
        }
        Poll::Pending
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_rung.store(true, Ordering::Release);
        self.task.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::time::Duration;

    use futures_util::poll;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn it_is_polled_when_it_was_woken_and_not_otherwise() {
        let (sender, mut receiver) = oneshot::channel();
        let mut polls = 0;
        {
            let mut waiting = WhenWoken::new(poll_fn(|context| {
                polls += 1;
                Pin::new(&mut receiver).poll(context)
            }));
            for _ in 0..10 {
                assert!(poll!(&mut waiting).is_pending());
            }
            sender.send(7).unwrap();
            assert_eq!(poll!(&mut waiting), Poll::Ready(Ok(7)));
        }
        assert_eq!(polls, 2);
    }

    #[tokio::test]
    async fn it_wakes_whoever_waits_for_it() {
        let (sender, receiver) = oneshot::channel();
        let receiver = pin!(receiver);
        let waiting = tokio::time::timeout(Duration::from_secs(10), WhenWoken::new(receiver));
        let send = async {
            tokio::task::yield_now().await;
            sender.send(7).unwrap();
        };
        let (told, ()) = tokio::join!(waiting, send);
        assert_eq!(told.unwrap(), Ok(7));
    }
}
