use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::GzDecoder;
use sha2::{Digest, Sha256};
use tar::{Archive, Entry, EntryType};

use super::writer::count_rows;
use super::{FORMAT, FORMAT_ENTRY, FORMAT_PREFIX, MANIFEST_ENTRY, MAX_MANIFEST, MAX_PIECE, Manifest};
use crate::backup::{BackupError, Progress, Result, TABLES};

/// The first bytes of a `pg_dump` file. Version 0.1.0 made its backups with `pg_dump`.
const PG_DUMP: &[u8] = b"PGDMP";

/// The first bytes of a gzip file.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// Whole rows of one table.
pub(in crate::backup) struct Rows {
    pub(in crate::backup) table: &'static str,
    pub(in crate::backup) text: Vec<u8>,
}

/// The rows of one table that were read so far.
struct ReadTable {
    table: &'static str,
    pieces: u32,
    rows: u64,
    bytes: u64,
    digest: Sha256,
}

/// Reads the whole file and passes its rows to `receive`. The rows are known to be complete only when this returns `Ok`,
/// because the manifest is at the end of the file.
///
/// [`MAX_PIECE`] and [`MAX_MANIFEST`] bound the memory, whatever the file contains.
pub(in crate::backup) fn read(
    path: &Path,
    progress: &dyn Progress,
    mut receive: impl FnMut(Rows) -> Result<()>,
) -> Result<Manifest> {
    let file = open(path)?;
    let length = file.metadata().map_err(BackupError::file(path))?.len();
    progress.begin(length);
    let position = Arc::new(AtomicU64::new(0));
    let file = BufReader::with_capacity(1 << 16, Positioned { file, position: Arc::clone(&position) });
    let mut archive = Archive::new(GzDecoder::new(file));
    let mut seen: Vec<ReadTable> = Vec::new();
    let mut manifest = None;
    // Raw: the reader refuses tar extensions, which may have any length, instead of interpreting them.
    let entries = archive.entries().map_err(broken)?.raw(true);
    for (index, entry) in entries.enumerate() {
        let mut entry = entry.map_err(broken)?;
        let name = name_of(&entry)?;
        if index == 0 {
            check_format(&name, &mut entry, path)?;
        } else if manifest.is_some() {
            return Err(BackupError::damaged("there is data after its manifest"));
        } else if name == MANIFEST_ENTRY {
            let json = content(&mut entry, MAX_MANIFEST)?;
            let parsed = serde_json::from_slice(&json);
            manifest = Some(parsed.map_err(|error| BackupError::damaged(format!("its manifest: {error}")))?);
        } else {
            let table = begin_piece(&name, &mut seen, progress)?;
            let text = content(&mut entry, MAX_PIECE)?;
            table.rows += count_rows(&text);
            table.bytes += text.len() as u64;
            table.digest.update(&text);
            receive(Rows { table: table.table, text })?;
            progress.at(position.load(Ordering::Relaxed));
        }
    }
    let manifest: Manifest = manifest.ok_or_else(|| BackupError::damaged("it ends early"))?;
    check_end(archive.into_inner(), path)?;
    check_tables(&manifest, seen)?;
    Ok(manifest)
}

/// Counts the bytes that were read from the file.
struct Positioned {
    file: File,
    position: Arc<AtomicU64>,
}

impl Read for Positioned {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.position.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

fn open(path: &Path) -> Result<File> {
    let mut file = File::open(path).map_err(BackupError::file(path))?;
    let mut first = Vec::new();
    if file.metadata().map_err(BackupError::file(path))?.is_file() {
        Read::by_ref(&mut file).take(PG_DUMP.len() as u64).read_to_end(&mut first).map_err(BackupError::file(path))?;
        file.seek(SeekFrom::Start(0)).map_err(BackupError::file(path))?;
    }
    if first == PG_DUMP {
        return Err(BackupError::OldFormat(path.to_owned()));
    }
    if first.starts_with(GZIP) { Ok(file) } else { Err(BackupError::NotABackup(path.to_owned())) }
}

type Source = GzDecoder<BufReader<Positioned>>;

fn name_of(entry: &Entry<'_, Source>) -> Result<String> {
    let header = entry.header();
    if header.entry_type() != EntryType::Regular {
        return Err(BackupError::damaged("it has an entry that is not a plain file"));
    }
    Ok(String::from_utf8_lossy(&header.path_bytes()).into_owned())
}

fn check_format(name: &str, entry: &mut Entry<'_, Source>, path: &Path) -> Result<()> {
    let not_a_backup = || BackupError::NotABackup(path.to_owned());
    if name != FORMAT_ENTRY || entry.size() > FORMAT.len() as u64 + 20 {
        return Err(not_a_backup());
    }
    let format = content(entry, FORMAT.len() as u64 + 20)?;
    if format == FORMAT.as_bytes() {
        Ok(())
    } else if format.starts_with(FORMAT_PREFIX.as_bytes()) {
        Err(BackupError::Newer("the backup"))
    } else {
        Err(not_a_backup())
    }
}

/// Reads an entry of at most `limit` bytes.
fn content(entry: &mut Entry<'_, Source>, limit: u64) -> Result<Vec<u8>> {
    let size = entry.size();
    if size > limit {
        return Err(BackupError::damaged(format!("an entry has {size} bytes; at most {limit} are allowed")));
    }
    let mut content = Vec::new();
    entry.take(limit).read_to_end(&mut content).map_err(broken)?;
    if content.len() as u64 == size { Ok(content) } else { Err(BackupError::damaged("it ends early")) }
}

/// Checks that the piece `name` is the next one, and returns its table. Tables and pieces have a fixed order.
fn begin_piece<'a>(name: &str, seen: &'a mut Vec<ReadTable>, progress: &dyn Progress) -> Result<&'a mut ReadTable> {
    let unexpected = || BackupError::damaged(format!("the entry {name:?} is not expected at its position"));
    let (table, piece) = name.split_once('/').ok_or_else(unexpected)?;
    let index_of = |table: &str| TABLES.iter().position(|known| *known == table);
    let index = index_of(table).ok_or_else(unexpected)?;
    let last = seen.last().and_then(|seen| index_of(seen.table));
    if last.is_none_or(|last| last < index) {
        let table = TABLES.get(index).copied().ok_or_else(unexpected)?;
        progress.step(table);
        seen.push(ReadTable { table, pieces: 0, rows: 0, bytes: 0, digest: Sha256::new() });
    }
    let current = seen.last_mut().ok_or_else(unexpected)?;
    current.pieces += 1;
    if current.table == table && piece == format!("{:06}", current.pieces) { Ok(current) } else { Err(unexpected()) }
}

/// Reads the rest of the file, which also checks the checksum of the compressed data, and checks that nothing follows.
fn check_end(mut source: Source, path: &Path) -> Result<()> {
    let mut padding = [0; 1 << 13];
    loop {
        match source.read(&mut padding).map_err(broken)? {
            0 => break,
            read if padding.iter().take(read).all(|byte| *byte == 0) => {}
            _ => return Err(BackupError::damaged("there is data after its end")),
        }
    }
    let mut file = source.into_inner();
    let mut next = [0];
    match file.read(&mut next).map_err(BackupError::file(path))? {
        0 => Ok(()),
        _ => Err(BackupError::damaged("there is data after its end")),
    }
}

/// Compares the manifest with the rows that were read.
fn check_tables(manifest: &Manifest, seen: Vec<ReadTable>) -> Result<()> {
    let mut seen = seen.into_iter().peekable();
    for table in &manifest.tables {
        let read = seen.next_if(|seen| seen.table == table.name);
        let (rows, bytes, digest) =
            read.map_or_else(|| (0, 0, Sha256::new()), |seen| (seen.rows, seen.bytes, seen.digest));
        if (rows, bytes) != (table.rows, table.bytes) || hex::encode(digest.finalize()) != table.sha256 {
            return Err(BackupError::damaged(format!("the rows of {} differ from the manifest", table.name)));
        }
    }
    match seen.next() {
        None => Ok(()),
        Some(seen) => Err(BackupError::damaged(format!("the manifest does not list {}", seen.table))),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is passed to `map_err`")]
fn broken(error: io::Error) -> BackupError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => BackupError::damaged("it ends early"),
        _ => BackupError::damaged(error.to_string()),
    }
}
