//! `tableorder restore`: loads a whole backup, or changes nothing.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::backup::contents;
use super::connect::DatabaseTarget;
use super::interrupt::unless_interrupted;
use super::progress::Bar;
use super::{CliError, print_result, with_causes};
use crate::backup::{self, Progress};
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
    let target = unless_interrupted(DatabaseTarget::open(config)).await?;
    let options = target.direct(config)?;
    let result = unless_interrupted(backup::restore(&options, &file, &manifest, force, Arc::new(Bar::new()))).await;
    if result.is_err() {
        // If this fails, the next restore removes the rest.
        let _ = backup::discard_unfinished(&options).await;
    }
    target.close().await;
    result.map_err(|error| format!("nothing was changed: {}", with_causes(&*error)))?;
    print_result(format_args!(
        "restored: {}; clients load everything again, and all users and tablets must log in again",
        contents(&manifest)
    ));
    Ok(())
}
