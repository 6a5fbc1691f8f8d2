//! The arguments of `loadtest bench`.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Write the metrics here, as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Draw latency over load and over subscribers here, as SVG
    #[arg(long, value_name = "FILE")]
    pub chart: Option<PathBuf>,
    /// Measure only this; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<Group>,
    /// How long one turn takes
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// How many turns a metric and its baseline take
    #[arg(long, default_value_t = 5)]
    pub turns: usize,
    /// Measure everything on a database with this many past orders too (making 5,000,000 takes two to three minutes)
    #[arg(long, value_name = "ORDERS", default_value_t = 0)]
    pub grown: u64,
    /// The server's release binary; by default the one beside this program
    #[arg(long, value_name = "PATH")]
    pub program: Option<PathBuf>,
}

impl Arguments {
    /// The groups that are to be measured.
    pub fn groups(&self) -> Vec<Group> {
        let all = Group::value_variants().iter().copied();
        all.filter(|group| self.only.is_empty() || self.only.contains(group)).collect()
    }

    /// How long one turn takes.
    pub fn turn(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// Metrics that are measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Group {
    Menu,
    Order,
    Hot,
    Dashboard,
    Delivery,
    Idle,
    Start,
    Login,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().unwrap().get_name())
    }
}
