//! What a file is and holds, found out before anything is touched.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use tokio::io::AsyncReadExt;

use super::child::{Call, Program};
use super::programs;
use crate::cli::CliError;
use crate::config::Config;
use crate::database::MIGRATIONS;

/// What every file in `pg_dump`'s custom format begins with.
const MAGIC: &[u8] = b"PGDMP";

/// A backup that can be restored by this version.
pub(in crate::cli) struct Archive {
    path: PathBuf,
    pg_restore: PathBuf,
    /// Its bytes.
    pub(super) size: u64,
}

/// A part of a backup on its way.
pub(super) struct Section {
    pub(super) program: Program,
    /// The file as the program reads it: the two share one position.
    position: File,
}

impl Section {
    /// How far into the file the program has read, in bytes.
    pub(super) fn position(&mut self) -> u64 {
        self.position.stream_position().unwrap_or_default()
    }
}

impl Archive {
    /// Looks what the file is.
    ///
    /// # Errors
    /// When it is no backup of ours, not whole as far as can be seen, or of a version that this one does not know.
    pub(in crate::cli) async fn open(config: &Config, path: &Path) -> Result<Self, CliError> {
        let told = |error: io::Error| CliError::from(format!("{}: {error}", path.display()));
        let mut file = File::open(path).map_err(told)?;
        let metadata = file.metadata().map_err(told)?;
        let mut magic = Vec::new();
        if metadata.is_file() {
            Read::by_ref(&mut file).take(MAGIC.len() as u64).read_to_end(&mut magic).map_err(told)?;
        }
        if magic != MAGIC {
            return Err(is_foreign(path));
        }
        let pg_restore = programs::pg_restore(config)?;
        let archive = Self { path: path.to_owned(), pg_restore, size: metadata.len() };
        let list = archive.read(&["--list"]).await?;
        if !list.lines().any(|line| line.contains(" TABLE public event_epochs ")) {
            return Err(is_foreign(path));
        }
        let migrations = archive.read(&["--data-only", "--table=_sqlx_migrations", "--file=-"]).await?;
        check_versions(&migrations)?;
        Ok(archive)
    }

    /// Begins to read a section of it: `pre-data`, `data` or `post-data`.
    pub(super) fn section(&self, name: &str) -> Result<Section, CliError> {
        let section = format!("--section={name}");
        self.start(&[&section, "--schema=public", "--no-owner", "--no-privileges", "--file=-"])
    }

    /// A section that fits into memory.
    pub(super) async fn section_text(&self, name: &str) -> Result<String, CliError> {
        text(self.section(name)?).await
    }

    async fn read(&self, arguments: &[&str]) -> Result<String, CliError> {
        let told = |error: CliError| CliError::from(format!("{} cannot be read: {error}", self.path.display()));
        text(self.start(arguments)?).await.map_err(told)
    }

    fn start(&self, arguments: &[&str]) -> Result<Section, CliError> {
        let position = File::open(&self.path)?;
        let program = start(&self.pg_restore, arguments, position.try_clone()?, None)?;
        Ok(Section { program, position })
    }
}

async fn text(mut section: Section) -> Result<String, CliError> {
    let mut text = Vec::new();
    section.program.output()?.read_to_end(&mut text).await?;
    section.program.end().await?;
    Ok(String::from_utf8(text)?)
}

fn start(pg_restore: &Path, arguments: &[&str], input: File, output: Option<File>) -> Result<Program, CliError> {
    let call =
        Call { name: "pg_restore", path: pg_restore, arguments, variables: Vec::new(), input: Some(input), output };
    Program::start(call, |_| {})
}

/// Reads the whole file, as a restore will, and throws away what it reads.
pub(super) async fn check_readable(pg_restore: &Path, path: &Path) -> Result<(), CliError> {
    let nowhere = File::options().write(true).open("/dev/null")?;
    let arguments = ["--schema=public", "--file=-"];
    start(pg_restore, &arguments, File::open(path)?, Some(nowhere))?.end().await
}

fn is_foreign(path: &Path) -> CliError {
    format!("{} is no backup of tableorder's", path.display()).into()
}

/// Whether this version knows every migration the backup has seen, as `COPY` wrote them down.
fn check_versions(script: &str) -> Result<(), CliError> {
    let known: HashMap<i64, String> =
        MIGRATIONS.iter().map(|migration| (migration.version, hex::encode(&migration.checksum))).collect();
    let unclear = || CliError::from("the backup does not say clearly which migrations it has seen");
    let mut lines = script.lines().skip_while(|line| !line.starts_with("COPY "));
    let columns = lines.next().and_then(|copy| copy.split_once('(')?.1.split_once(')')).ok_or_else(unclear)?.0;
    let place = |name| columns.split(", ").position(|column| column == name).ok_or_else(unclear);
    let (version, success, checksum) = (place("version")?, place("success")?, place("checksum")?);
    for row in lines.take_while(|line| *line != "\\.") {
        let fields: Vec<&str> = row.split('\t').collect();
        let field = |place: usize| fields.get(place).copied().ok_or_else(unclear);
        let version: i64 = field(version)?.parse().map_err(|_| unclear())?;
        match known.get(&version) {
            None => {
                return Err(format!(
                    "the backup is of a newer tableorder than this one (it has migration {version}); update first"
                )
                .into());
            }
            Some(own) if field(checksum)?.trim_start_matches("\\\\x") != own || field(success)? != "t" => {
                return Err(
                    format!("the backup's schema is of another tableorder (its migration {version} differs)").into()
                );
            }
            Some(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of a backup that has seen these migrations, the way `COPY` writes them.
    fn script(rows: &[(i64, &str, &str)]) -> String {
        let row = |(version, success, sum): &(i64, &str, &str)| format!("x\t{success}\t{version}\t{sum}\n");
        let rows = rows.iter().map(row).collect::<Vec<_>>().concat();
        format!("--\n\nCOPY public._sqlx_migrations (description, success, version, checksum) FROM stdin;\n{rows}\\.\n")
    }

    #[test]
    fn a_backup_is_known_by_the_migrations_it_has_seen() {
        let own = MIGRATIONS.iter().next().unwrap();
        let checksum = format!("\\\\x{}", hex::encode(&own.checksum));
        let told = |rows: &[(i64, &str, &str)]| check_versions(&script(rows)).map_err(|error| error.to_string());
        assert_eq!(told(&[]), Ok(()));
        assert_eq!(told(&[(own.version, "t", &checksum)]), Ok(()));
        assert!(
            told(&[(own.version, "t", &checksum), (29_990_101_000_001, "t", "\\\\x00")]).unwrap_err().contains("newer")
        );
        assert!(told(&[(own.version, "t", "\\\\x00")]).unwrap_err().contains("another tableorder"));
        assert!(told(&[(own.version, "f", &checksum)]).unwrap_err().contains("another tableorder"));
        assert!(told(&[(own.version, "t", "")]).is_err());
        assert!(check_versions("COPY public._sqlx_migrations (version) FROM stdin;\n1\n\\.\n").is_err());
        assert!(check_versions("").is_err());
    }
}
