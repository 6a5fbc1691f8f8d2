//! `tableorder restore`: what a backup holds, put back all or not at all.

use std::path::PathBuf;

use clap::Args;

use super::connect::{Connected, Reached};
use super::interrupt::unless_interrupted;
use super::{CliError, archive, say};
use crate::config::Config;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The file that `tableorder backup` has written
    file: PathBuf,
    /// Replace everything that is in the database
    #[arg(long)]
    force: bool,
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> Result<(), CliError> {
    let Arguments { file, force } = arguments;
    let archive = unless_interrupted(archive::Archive::open(config, &file)).await?;
    let reached = unless_interrupted(Reached::open(config)).await?;
    let loaded = match unless_interrupted(archive::load(&archive, &reached, force)).await {
        Ok(loaded) => loaded,
        Err(error) => {
            reached.close().await;
            return Err(format!("nothing was changed: {error}").into());
        }
    };
    // From here on it is no longer interrupted.
    let contents = match loaded.commit().await {
        Ok(contents) => contents,
        Err(error) => {
            reached.close().await;
            return Err(format!("PostgreSQL did not confirm that all is restored: {error}").into());
        }
    };
    let migrated = Connected::on(reached, config).await;
    migrated.map_err(|error| format!("all is restored, but could not be migrated: {error}"))?.close().await;
    say(format_args!(
        "restored: {} stores, {} orders, {} events; clients load everything anew, and everybody logs in again",
        contents.stores, contents.orders, contents.events
    ));
    Ok(())
}
