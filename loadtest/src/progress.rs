//! Progress messages on standard error.

use std::fmt::Display;
use std::sync::LazyLock;
use std::time::Instant;

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Prints what begins now, after the seconds since the first message.
pub fn log(message: impl Display) {
    eprintln!("[{:4} s] {message}", STARTED.elapsed().as_secs());
}
