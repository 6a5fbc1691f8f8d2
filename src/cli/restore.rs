//! `tableorder restore`: loads a backup, all of it or nothing.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::backup::contents;
use super::connect::Reached;
use super::interrupt::unless_interrupted;
use super::progress::Bar;
use super::{CliError, say, with_causes};
use crate::backup;
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
    // Before a database is created for it.
    unless_interrupted(backup::verify(&file, Arc::new(backup::Silent))).await?;
    let reached = unless_interrupted(Reached::open(config)).await?;
    let options = reached.direct(config)?;
    let result = unless_interrupted(backup::restore(&options, &file, force, Arc::new(Bar::new()))).await;
    if result.is_err() {
        // What cannot be removed now is removed by the next restore.
        let _ = backup::discard_unfinished(&options).await;
    }
    reached.close().await;
    let manifest = result.map_err(|error| format!("nothing was changed: {}", with_causes(&*error)))?;
    say(format_args!("restored: {}; clients load everything anew, and everybody logs in again", contents(&manifest)));
    Ok(())
}
