//! What is going on, on standard error.

use std::fmt::Display;
use std::sync::LazyLock;
use std::time::Instant;

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Says what happens now, and how long it took to get here.
pub fn say(what: impl Display) {
    eprintln!("[{:4} s] {what}", STARTED.elapsed().as_secs());
}
