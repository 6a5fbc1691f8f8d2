//! `tableorder backup`: everything in one file, of one moment, while servers run.

use std::path::PathBuf;

use clap::Args;
use indicatif::HumanBytes;

use super::connect::Reached;
use super::interrupt::unless_interrupted;
use super::{CliError, archive, say};
use crate::config::Config;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The file to write; it appears once it is complete
    file: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> Result<(), CliError> {
    let Arguments { file, force } = arguments;
    let reached = Reached::of_existing(config).await?;
    let result = unless_interrupted(archive::dump(config, &reached, &file, force)).await;
    reached.close().await;
    let (contents, size) = result.map_err(|error| format!("no backup was made: {error}"))?;
    say(format_args!(
        "{}: {}, {} stores, {} orders, {} events",
        file.display(),
        HumanBytes(size),
        contents.stores,
        contents.orders,
        contents.events
    ));
    Ok(())
}
