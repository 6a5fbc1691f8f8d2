//! How far a command is: a bar at a terminal, a line a step elsewhere.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often the bar moves by itself.
const TICK: Duration = Duration::from_millis(200);

pub(super) struct Progress {
    bar: ProgressBar,
    is_terminal: bool,
}

impl Progress {
    /// Progress over `length` bytes.
    pub(super) fn new(length: u64) -> Self {
        let bar = ProgressBar::new(length);
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {percent}% {elapsed} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        Self { bar, is_terminal: io::stderr().is_terminal() }
    }

    /// What is done next.
    #[expect(clippy::print_stderr, reason = "this is for the person who reads along, and no part of the answer")]
    pub(super) fn step(&self, what: &str) {
        if self.is_terminal {
            self.bar.set_message(what.to_owned());
        } else {
            eprintln!("{what}");
        }
    }

    /// What is done just now, in a step that has many parts.
    pub(super) fn part(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// This much is done.
    pub(super) fn at(&self, position: u64) {
        self.bar.set_position(position);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
