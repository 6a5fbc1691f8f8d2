use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{BackupError, Result};

/// The file that a backup is written to. Until it is complete, it is a temporary file in the same directory, which is
/// deleted when this is dropped.
pub(super) struct Target {
    path: PathBuf,
    directory: PathBuf,
    replace: bool,
    file: NamedTempFile,
}

impl Target {
    pub(super) fn new(path: &Path, replace: bool) -> Result<Self> {
        let refused = |why: String| BackupError::Refused(why);
        let name = path.file_name().ok_or_else(|| refused(format!("{} is not a file name", path.display())))?;
        if path.is_dir() {
            return Err(refused(format!("{} is a directory", path.display())));
        }
        if !replace && path.symlink_metadata().is_ok() {
            return Err(BackupError::Exists(path.to_owned()));
        }
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let prefix = format!(".{}.", name.to_string_lossy());
        // Only its owner can read it (0600): it contains password hashes.
        let file = tempfile::Builder::new().prefix(&prefix).suffix(".part").tempfile_in(directory);
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => refused(format!("there is no directory {}", directory.display())),
            _ => BackupError::file(directory)(error),
        })?;
        Ok(Self { path: path.to_owned(), directory: directory.to_owned(), replace, file })
    }

    /// A second handle of the temporary file.
    pub(super) fn handle(&self) -> Result<File> {
        self.file.as_file().try_clone().map_err(BackupError::file(&self.path))
    }

    /// The temporary file's path.
    pub(super) fn temporary_path(&self) -> &Path {
        self.file.path()
    }

    /// Flushes the file to the disk, renames it to its final name, and returns its length in bytes.
    pub(super) fn complete(self) -> Result<u64> {
        let file_error = |cause: io::Error| BackupError::file(&self.path)(cause);
        self.file.as_file().sync_all().map_err(file_error)?;
        let file = if self.replace {
            self.file.persist(&self.path).map_err(|error| file_error(error.error))?
        } else {
            self.file.persist_noclobber(&self.path).map_err(|error| match error.error.kind() {
                io::ErrorKind::AlreadyExists => BackupError::Exists(self.path.clone()),
                _ => file_error(error.error),
            })?
        };
        File::open(&self.directory).and_then(|directory| directory.sync_all()).map_err(file_error)?;
        Ok(file.metadata().map_err(file_error)?.len())
    }
}
