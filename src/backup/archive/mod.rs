//! The file format.

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

/// The first entry, and its content. Another format gets another number.
const FORMAT_ENTRY: &str = "format";
const FORMAT: &str = "tableorder backup 1\n";
const FORMAT_PREFIX: &str = "tableorder backup ";

/// The last entry.
const MANIFEST_ENTRY: &str = "manifest.json";

/// The largest manifest, in bytes.
const MAX_MANIFEST: u64 = 1 << 20;

/// A piece of a table holds whole rows and is completed once it has this many bytes.
pub(super) const PIECE: usize = 1 << 20;

/// The largest piece, in bytes: a row may make one larger than [`PIECE`].
const MAX_PIECE: u64 = 64 << 20;

/// Reads the whole file and compares its rows with its manifest.
///
/// # Errors
/// When it is not a backup that this version can restore, or is damaged.
pub async fn verify(path: &Path, progress: Arc<dyn Progress>) -> Result<Manifest> {
    let path = path.to_owned();
    run_at_low_priority(move || read(&path, &*progress, |_| Ok(()))).await
}

/// Runs `work` on a thread of its own that yields to those that answer requests.
pub(super) async fn run_at_low_priority<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = oneshot::channel();
    let thread = thread::Builder::new().name("backup".to_owned());
    let started = thread.spawn(move || {
        lower_thread_priority();
        let _ = sender.send(work());
    });
    started.map_err(|error| BackupError::Refused(format!("no thread can be started: {error}")))?;
    receiver.await.map_err(|_| BackupError::Refused("the thread that reads and writes the file panicked".to_owned()))?
}
