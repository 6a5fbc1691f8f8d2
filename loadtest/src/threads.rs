//! Threads with a runtime of their own.

use std::num::NonZero;
use std::thread;

use tokio::sync::oneshot;

use crate::Result;

/// Runs `work` at once, on a thread with a runtime of its own.
pub fn on_own_thread<T, F>(work: impl FnOnce() -> F + Send + 'static) -> impl Future<Output = Result<T>>
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let (sender, receiver) = oneshot::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _ = sender.send(runtime.block_on(work()));
    });
    async { receiver.await.map_err(|_| "a thread of the load panicked".into()) }
}

pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}
