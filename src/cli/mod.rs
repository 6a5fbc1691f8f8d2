//! The command line.

mod serve;
mod welcome;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Config;

/// What a command fails with: told to the person at the terminal, not to a client.
type CliError = Box<dyn std::error::Error + Send + Sync>;

/// An open-source table-order server.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API (the default)
    Serve,
}

/// Runs what the command line asks for.
#[expect(clippy::print_stderr, reason = "a command tells its mistakes on standard error")]
pub async fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match (Config::from_env(), arguments.command.unwrap_or(Command::Serve)) {
        (Err(error), _) => Err(error.into()),
        (Ok(config), Command::Serve) => serve::run(config).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tableorder: {error}");
            ExitCode::FAILURE
        }
    }
}
