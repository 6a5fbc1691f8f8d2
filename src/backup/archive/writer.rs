use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tar::{Builder, Header};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{FORMAT, FORMAT_ENTRY, MANIFEST_ENTRY, Manifest, TableRows, run_at_low_priority};
use crate::backup::{BackupError, Result};

/// The number of pieces that may wait for the writing thread.
const QUEUE: usize = 4;

/// Compresses and writes on a separate thread, while the connection delivers the next rows.
pub(in crate::backup) struct ArchiveWriter {
    parts: mpsc::Sender<Part>,
    written: JoinHandle<Result<Manifest>>,
}

enum Part {
    /// The rows that follow are of this table.
    Table { name: String, columns: Vec<String>, last_id: Option<i64> },
    /// Whole rows.
    Rows(Vec<u8>),
    /// There are no more rows. The manifest has no tables yet.
    End(Manifest),
}

impl ArchiveWriter {
    /// Starts to write an archive to `file`. Errors name it `path`.
    pub(in crate::backup) fn start(file: impl Write + Send + 'static, path: &Path) -> Self {
        let (parts, receiver) = mpsc::channel(QUEUE);
        let path = path.to_owned();
        let write = run_at_low_priority(move || write(file, receiver).map_err(BackupError::file(&path)));
        Self { parts, written: tokio::spawn(write) }
    }

    /// Begins a table.
    pub(in crate::backup) async fn table(
        &mut self,
        name: &str,
        columns: Vec<String>,
        last_id: Option<i64>,
    ) -> Result<()> {
        self.send(Part::Table { name: name.to_owned(), columns, last_id }).await
    }

    /// Writes whole rows of the current table.
    pub(in crate::backup) async fn rows(&mut self, rows: Vec<u8>) -> Result<()> {
        self.send(Part::Rows(rows)).await
    }

    /// Completes the archive and returns `manifest` with its tables.
    pub(in crate::backup) async fn finish(mut self, manifest: Manifest) -> Result<Manifest> {
        self.send(Part::End(manifest)).await?;
        self.result().await
    }

    async fn send(&mut self, part: Part) -> Result<()> {
        if self.parts.send(part).await.is_ok() {
            return Ok(());
        }
        // The thread has ended early, so its result is an error.
        self.result().await.map(|_| ())
    }

    async fn result(&mut self) -> Result<Manifest> {
        (&mut self.written).await.map_err(|error| BackupError::Refused(error.to_string()))?
    }
}

/// The table that is being written.
struct Table {
    name: String,
    columns: Vec<String>,
    last_id: Option<i64>,
    rows: u64,
    bytes: u64,
    pieces: u32,
    digest: Sha256,
}

impl Table {
    fn complete(self) -> TableRows {
        let Self { name, columns, last_id, rows, bytes, digest, .. } = self;
        TableRows { name, columns, rows, bytes, sha256: hex::encode(digest.finalize()), last_id }
    }
}

fn write(file: impl Write, mut parts: mpsc::Receiver<Part>) -> io::Result<Manifest> {
    let mut archive = Builder::new(GzEncoder::new(file, Compression::fast()));
    entry(&mut archive, FORMAT_ENTRY, FORMAT.as_bytes())?;
    let mut tables: Vec<TableRows> = Vec::new();
    let mut current: Option<Table> = None;
    while let Some(part) = parts.blocking_recv() {
        match part {
            Part::Table { name, columns, last_id } => {
                tables.extend(current.take().map(Table::complete));
                let digest = Sha256::new();
                current = Some(Table { name, columns, last_id, rows: 0, bytes: 0, pieces: 0, digest });
            }
            Part::Rows(rows) => {
                let Some(table) = &mut current else { continue };
                table.pieces += 1;
                table.rows += count_rows(&rows);
                table.bytes += rows.len() as u64;
                table.digest.update(&rows);
                entry(&mut archive, &format!("{}/{:06}", table.name, table.pieces), &rows)?;
            }
            Part::End(manifest) => {
                tables.extend(current.take().map(Table::complete));
                let manifest = Manifest { tables, ..manifest };
                entry(&mut archive, MANIFEST_ENTRY, &serde_json::to_vec_pretty(&manifest)?)?;
                archive.into_inner()?.finish()?.flush()?;
                return Ok(manifest);
            }
        }
    }
    Err(io::Error::other("the backup was cancelled"))
}

/// The number of rows in the text format of `COPY`. A line break inside a value is escaped, so each line is one row.
pub(super) fn count_rows(rows: &[u8]) -> u64 {
    rows.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

fn entry(archive: &mut Builder<impl Write>, name: &str, content: &[u8]) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o600);
    archive.append_data(&mut header, name, content)
}
