//! The file format of a backup; [`crate::backup`] describes it.

mod manifest;
mod reader;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::thread;

use tokio::sync::oneshot;

pub(super) use manifest::MAX_ID;
pub use manifest::{Manifest, TableRows};
pub(super) use reader::{Rows, read};
pub(super) use writer::ArchiveWriter;

use super::progress::Progress;
use super::{BackupError, Result};
use crate::security::password::lower_thread_priority;

/// The first entry, and its content. A new format gets a new number.
const FORMAT_ENTRY: &str = "format";
const FORMAT: &str = "tableorder backup 1\n";
const FORMAT_PREFIX: &str = "tableorder backup ";

/// The last entry.
const MANIFEST_ENTRY: &str = "manifest.json";

/// The largest manifest, in bytes.
const MAX_MANIFEST: u64 = 1 << 20;

/// The size in bytes at which a piece is complete. A piece holds whole rows of one table. It takes about a millisecond to
/// read and to compress: with 1 MiB, requests waited longer for a core during a backup.
pub(super) const PIECE: usize = 32 << 10;

/// The largest piece, in bytes. A large row may make a piece larger than [`PIECE`].
const MAX_PIECE: u64 = 64 << 20;

/// Reads the whole file and compares its rows with its manifest.
///
/// # Errors
/// If the file is damaged, or is not a backup that this version can restore.
pub async fn verify(path: &Path, progress: Arc<dyn Progress>) -> Result<Manifest> {
    let path = path.to_owned();
    run_at_low_priority(move || read(&path, &*progress, |_| Ok(()))).await
}

/// Runs `work` on a separate thread of low priority, so that requests are not delayed.
pub(super) async fn run_at_low_priority<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = oneshot::channel();
    let thread = thread::Builder::new().name("backup".to_owned());
    let started = thread.spawn(move || {
        lower_thread_priority();
        let _ = sender.send(work());
    });
    started.map_err(|error| BackupError::Refused(format!("a thread could not be started: {error}")))?;
    receiver.await.map_err(|_| BackupError::Refused("the thread that reads and writes the file panicked".to_owned()))?
}
