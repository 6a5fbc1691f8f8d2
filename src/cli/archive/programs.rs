//! Which `pg_dump` and `pg_restore` to use.

use std::path::{Path, PathBuf};

use crate::cli::CliError;
use crate::config::Config;
use crate::database::programs::{directories, major_version};

/// The `pg_dump` for a server of this major version: as new as the server or newer, which is what `pg_dump` asks for,
/// and no newer than need be.
pub(super) fn pg_dump(config: &Config, server: u32) -> Result<PathBuf, CliError> {
    let suitable = found(config, "pg_dump").into_iter().filter(|(major, _)| *major >= server);
    suitable.min_by_key(|(major, _)| *major).map(|(_, path)| path).ok_or_else(|| {
        let why = match &config.database.programs {
            Some(directory) => {
                format!("DATABASE_PROGRAMS_DIR={} has no pg_dump {server} or newer", directory.display())
            }
            None => format!("no pg_dump {server} or newer was found on this machine"),
        };
        CliError::from(format!(
            "{why}, and the database is a PostgreSQL {server}.\n{}",
            advice(&format!("postgresql-client-{server}"))
        ))
    })
}

/// The newest `pg_restore`: it reads what any older `pg_dump` has written.
pub(super) fn pg_restore(config: &Config) -> Result<PathBuf, CliError> {
    let newest = found(config, "pg_restore").into_iter().max_by_key(|(major, _)| *major);
    newest.map(|(_, path)| path).ok_or_else(|| {
        let why = match &config.database.programs {
            Some(directory) => format!("DATABASE_PROGRAMS_DIR={} has no pg_restore", directory.display()),
            None => "no pg_restore was found on this machine".to_owned(),
        };
        format!("{why}.\n{}", advice("postgresql-client")).into()
    })
}

fn advice(package: &str) -> String {
    format!("Install PostgreSQL's client programs (Debian, Ubuntu: apt install {package})")
}

/// Every program of this name, with its major version.
fn found(config: &Config, name: &str) -> Vec<(u32, PathBuf)> {
    let directories = match &config.database.programs {
        Some(directory) => vec![directory.clone()],
        None => directories(&config.data_dir.join("postgres").join("bin")),
    };
    let programs = directories.iter().map(|directory| directory.join(name)).filter(|path| Path::is_file(path));
    programs.filter_map(|path| major_version(&path).map(|major| (major, path))).collect()
}
