//! The timer for the one deadline that is set anew for every request and hardly ever reached: that its header has come.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

/// A connection's timer. The runtime knows of one alarm, which is left standing when its deadline is met in time, and
/// moved only when it goes off too early: a request takes no place in the runtime's queue of timers, which all cores
/// share.
#[derive(Clone, Default)]
pub(super) struct LazyTimer(Arc<Mutex<Option<Standing>>>);

/// An alarm the runtime knows of.
type Standing = Pin<Box<tokio::time::Sleep>>;

impl LazyTimer {
    /// Held for a few instructions, by the one task of the connection.
    fn swap(&self, alarm: Option<Standing>) -> Option<Standing> {
        std::mem::replace(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), alarm)
    }
}

impl Timer for LazyTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let standing = self.swap(None).filter(|alarm| alarm.deadline().into_std() <= deadline);
        let alarm = standing.unwrap_or_else(|| Box::pin(tokio::time::sleep_until(deadline.into())));
        Box::pin(LazySleep { deadline, alarm: Some(alarm), timer: self.clone() })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

impl fmt::Debug for LazyTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LazyTimer")
    }
}

/// Sleeps until a deadline.
struct LazySleep {
    deadline: Instant,
    /// Goes off at the deadline or before; there until it is dropped.
    alarm: Option<Standing>,
    timer: LazyTimer,
}

impl Sleep for LazySleep {}

impl Future for LazySleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline;
        let Some(alarm) = &mut self.alarm else { return Poll::Ready(()) };
        loop {
            ready!(alarm.as_mut().poll(context));
            if alarm.deadline().into_std() >= deadline {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(deadline.into());
        }
    }
}

impl Drop for LazySleep {
    fn drop(&mut self) {
        self.timer.swap(self.alarm.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// How long a sleep takes by the clock of the test.
    async fn took(sleep: Pin<Box<dyn Sleep>>, timer: &LazyTimer) -> Duration {
        let started = timer.now();
        sleep.await;
        timer.now() - started
    }

    #[tokio::test(start_paused = true)]
    async fn each_deadline_is_kept_whatever_alarm_the_last_one_left() {
        let timer = LazyTimer::default();
        let exactly = |took: Duration, wanted: Duration| {
            assert!(took >= wanted && took < wanted + Duration::from_millis(5), "{took:?} instead of {wanted:?}");
        };
        exactly(took(timer.sleep(3 * SECOND), &timer).await, 3 * SECOND);
        // Met in time: its alarm stays, one second from now, and goes off in the midst of the next.
        let mut met = timer.sleep(SECOND);
        assert!(futures_util::poll!(met.as_mut()).is_pending());
        drop(met);
        exactly(took(timer.sleep(10 * SECOND), &timer).await, 10 * SECOND);
        // Gone off while nobody slept.
        drop(timer.sleep(SECOND));
        tokio::time::sleep(2 * SECOND).await;
        exactly(took(timer.sleep(5 * SECOND), &timer).await, 5 * SECOND);
        // A shorter one after a longer.
        drop(timer.sleep(60 * SECOND));
        exactly(took(timer.sleep(SECOND), &timer).await, SECOND);
    }
}
