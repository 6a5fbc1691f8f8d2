//! Shows the progress of a command: a bar at a terminal, else one line for each step.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::backup::Progress;

/// The interval at which the bar is redrawn.
const TICK: Duration = Duration::from_millis(200);

pub(super) struct Bar {
    bar: ProgressBar,
    is_terminal: bool,
}

impl Bar {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {percent}% {elapsed} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        Self { bar, is_terminal: io::stderr().is_terminal() }
    }
}

impl Progress for Bar {
    fn begin(&self, length: u64) {
        self.bar.set_length(length);
        self.bar.set_position(0);
    }

    #[expect(clippy::print_stderr, reason = "progress is not part of the command's output")]
    fn step(&self, name: &str) {
        if self.is_terminal {
            self.bar.set_message(name.to_owned());
        } else {
            eprintln!("{name}");
        }
    }

    fn at(&self, position: u64) {
        self.bar.set_position(position);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
