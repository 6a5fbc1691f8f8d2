//! `tableorder backup`: writes a snapshot of the whole database to one file, while servers run.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use indicatif::HumanBytes;

use super::connect::DatabaseTarget;
use super::interrupt::unless_interrupted;
use super::progress::Bar;
use super::{CliError, print_result, printable, with_causes};
use crate::backup::{self, Manifest, Pace};
use crate::clock::Clock;
use crate::config::{Config, NO_ANSWER_TIMEOUT};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The file to write; it appears when the backup is complete
    #[arg(required = true)]
    file: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
    /// Do not limit the rate to 2 MiB of rows a second for the sake of requests
    #[arg(long)]
    fast: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check that a file is complete and can be restored, without a database
    Verify {
        /// A file written by `tableorder backup`
        file: PathBuf,
    },
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> Result<(), CliError> {
    let Arguments { command, file, force, fast } = arguments;
    if let Some(Command::Verify { file }) = command {
        let manifest = unless_interrupted(backup::verify(&file, Arc::new(Bar::new()))).await?;
        print_result(format_args!(
            "{} is complete: made {} by tableorder {}, {}",
            file.display(),
            manifest.created_at.format("%Y-%m-%d %H:%M:%S UTC"),
            printable(&manifest.version),
            contents(&manifest)
        ));
        return Ok(());
    }
    let Some(file) = file else { return Err("name the file to write".into()) };
    let target = DatabaseTarget::of_existing(config).await?;
    let pace = if fast { Pace::Unlimited } else { Pace::Limited };
    let options = target.direct(config)?;
    let (now, progress) = (Clock::system().now(), Arc::new(Bar::new()));
    let create = backup::create(&options, &file, force, pace, now, NO_ANSWER_TIMEOUT, progress);
    let result = unless_interrupted(create).await;
    target.close().await;
    let (manifest, size) = result.map_err(|error| format!("no backup was made: {}", with_causes(&*error)))?;
    print_result(format_args!("{}: {}, {}", file.display(), HumanBytes(size), contents(&manifest)));
    Ok(())
}

/// Describes the contents of a backup.
pub(super) fn contents(manifest: &Manifest) -> String {
    let counted = |(table, one): (&str, &str)| match manifest.rows_of(table) {
        1 => format!("1 {one}"),
        count => format!("{count} {table}"),
    };
    let counts = [("stores", "store"), ("orders", "order"), ("events", "event")].map(counted).join(", ");
    format!("{counts} ({} of rows)", HumanBytes(manifest.bytes()))
}
