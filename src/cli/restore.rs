//! `tableorder restore`: replaces the database by a whole backup, or changes nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use indicatif::HumanBytes;
use nix::sys::statvfs::statvfs;
use sqlx::postgres::PgConnectOptions;

use super::backup::contents;
use super::connect::DatabaseTarget;
use super::interrupt::unless_interrupted;
use super::progress::Bar;
use super::{CliError, print_notice, print_result, with_causes};
use crate::backup::{self, Manifest, Progress, RestoreLock};
use crate::config::Config;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file written by `tableorder backup`
    file: PathBuf,
    /// Replace everything in the database
    #[arg(long)]
    force: bool,
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> Result<(), CliError> {
    let Arguments { file, force } = arguments;
    let verifying = Bar::new();
    verifying.step("verifying");
    // Verify the file before a database is created for it.
    let manifest = unless_interrupted(backup::verify(&file, Arc::new(verifying))).await?;
    if config.database.url.is_none() {
        check_space(&config.data_dir.join("postgres"), manifest.restored_bytes())?;
    }
    let target = unless_interrupted(DatabaseTarget::open(config)).await?;
    let options = target.direct(config)?;
    let restored = restore(&options, &file, &manifest, force).await;
    target.close().await;
    restored?;
    print_result(format_args!(
        "restored: {}; clients load everything again, and all users and tablets must log in again",
        contents(&manifest)
    ));
    Ok(())
}

/// Fails if the disk of the embedded database in `directory` has less than `needed` bytes of free space, because PostgreSQL
/// does not start on a full disk.
fn check_space(directory: &Path, needed: u64) -> Result<(), CliError> {
    let directory = std::path::absolute(directory)?;
    let Some(existing) = directory.ancestors().find(|directory| directory.exists()) else { return Ok(()) };
    let disk = statvfs(existing).map_err(|error| format!("{}: {error}", existing.display()))?;
    let free = disk.blocks_available().saturating_mul(disk.fragment_size());
    if needed <= free {
        return Ok(());
    }
    let (needed, free) = (HumanBytes(needed), HumanBytes(free));
    let directory = directory.display();
    Err(format!("nothing was changed: the restore may need {needed}, and the disk of {directory} has {free} free")
        .into())
}

async fn restore(options: &PgConnectOptions, file: &Path, manifest: &Manifest, force: bool) -> Result<(), CliError> {
    let nothing_changed = |error: CliError| format!("nothing was changed: {}", with_causes(&*error));
    let lock = unless_interrupted(RestoreLock::acquire(options)).await.map_err(nothing_changed)?;
    let progress = Arc::new(Bar::new());
    let preparing = backup::prepare_restore(&lock, options, file, manifest, force, Arc::<Bar>::clone(&progress));
    let mut prepared = match unless_interrupted(preparing).await {
        Ok(prepared) => prepared,
        Err(error) => {
            // If this fails, the next restore removes the rest.
            let _ = lock.discard_unfinished().await;
            return Err(nothing_changed(error).into());
        }
    };
    unless_interrupted(prepared.commit()).await.map_err(|error| {
        format!(
            "it is not known whether the database was replaced ({}); check with `tableorder store list`, and restore again \
             if it was not",
            with_causes(&*error)
        )
    })?;
    progress.step("statistics");
    if let Err(error) = unless_interrupted(prepared.analyze()).await {
        let cause = with_causes(&*error);
        print_notice(format_args!(
            "warning: no statistics ({cause}); requests are slow until PostgreSQL collects them"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_do_not_fit_on_the_disk_are_refused() {
        let missing = Path::new("no/such/directory");
        assert!(check_space(missing, 1).is_ok());
        let refused = check_space(missing, u64::MAX).unwrap_err().to_string();
        assert!(refused.contains("nothing was changed") && refused.contains("16.00 EiB"), "{refused}");
    }
}
