//! The arguments of `loadtest peak`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

#[derive(Debug, Clone, Args, Serialize)]
pub struct Arguments {
    /// How many restaurants
    #[arg(long, default_value_t = 100)]
    pub stores: usize,
    /// Open streams in all: of every ten in a store one is a dashboard, the others are tablets
    #[arg(long, default_value_t = 3_000)]
    pub streams: usize,
    /// Orders a second
    #[arg(long, default_value_t = 20.0)]
    pub orders: f64,
    /// Menu reads a second
    #[arg(long, default_value_t = 100.0)]
    pub menu_reads: f64,
    /// How long orders and menu reads are sent
    #[arg(long, default_value_t = 30)]
    pub seconds: u64,
    /// Servers on the database; each client uses one of them
    #[arg(long, default_value_t = 1)]
    pub instances: usize,
    /// The server's release binary; by default the one beside this program
    #[arg(long, value_name = "PATH")]
    pub program: Option<PathBuf>,
    /// Write the results here, as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

impl Arguments {
    /// Streams of the store with this index.
    pub fn streams_of(&self, store: usize) -> usize {
        self.streams / self.stores + usize::from(store < self.streams % self.stores)
    }

    /// Tables of each store: one for each tablet, and at least one to order from.
    pub fn tables(&self) -> usize {
        let streams = self.streams_of(0);
        (streams - dashboards(streams)).max(1)
    }

    /// Dashboards of all stores.
    pub fn dashboards(&self) -> usize {
        (0..self.stores).map(|store| dashboards(self.streams_of(store))).sum()
    }
}

/// Dashboards among the streams of a store.
pub fn dashboards(streams: usize) -> usize {
    streams.div_ceil(10)
}
