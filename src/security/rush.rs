//! Whether orders are coming in. Who hashes passwords then leaves the machine to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// An order is a reason to hold back for so long.
const LASTS: Duration = Duration::from_secs(1);

/// When the last order came in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Rush(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    began: Instant,
    /// Milliseconds from `began` to the end of the rush.
    ends: AtomicU64,
}

impl Rush {
    /// No order yet.
    #[must_use]
    pub fn none() -> Self {
        Self(Arc::new(Inner { began: Instant::now(), ends: AtomicU64::new(0) }))
    }

    /// An order comes in.
    pub fn order(&self) {
        self.0.ends.store(milliseconds(self.0.began.elapsed() + LASTS), Ordering::Relaxed);
    }

    /// Whether one came in lately.
    #[must_use]
    pub fn is_on(&self) -> bool {
        milliseconds(self.0.began.elapsed()) < self.0.ends.load(Ordering::Relaxed)
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
