//! The command line.

mod backup;
pub mod connect;
mod health;
mod interrupt;
mod migrate;
mod new_epoch;
mod openapi;
mod operators;
mod password;
mod progress;
mod restore;
mod serve;
mod store;
mod user;
mod welcome;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

use crate::config::Config;

/// What a command fails with: told to the person at the terminal, not to a client.
pub type CliError = Box<dyn std::error::Error + Send + Sync>;

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
    /// Bring the database's schema up to date
    Migrate,
    /// Write everything to a file, while servers run
    Backup(backup::Arguments),
    /// Put back what a backup holds, while no server runs
    Restore(restore::Arguments),
    /// Begin a new epoch, after PostgreSQL was recovered to an earlier moment by other means
    NewEpoch,
    /// Make and list stores
    #[command(subcommand)]
    Store(store::Command),
    /// Make staff accounts and reset their passwords
    #[command(subcommand)]
    User(user::Command),
    /// Ask the server on this machine whether it is ready
    Health,
    /// Print the OpenAPI document
    Openapi,
}

/// Runs the command of the command line. (The runtime is started here, not in `main`, so that everything is compiled as a
/// part of the library.)
#[must_use]
#[expect(clippy::print_stderr, reason = "a command reports its errors on standard error")]
pub fn run() -> ExitCode {
    let command = Arguments::parse().command.unwrap_or(Command::Serve);
    let result = Runtime::new().map_err(CliError::from).and_then(|runtime| runtime.block_on(dispatch(command)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tableorder: {}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(command: Command) -> Result<(), CliError> {
    if let Command::Openapi = command {
        return openapi::run();
    }
    let config = Config::from_env()?;
    match command {
        Command::Serve => serve::run(config).await,
        Command::Migrate => migrate::run(&config).await,
        Command::Backup(arguments) => backup::run(&config, arguments).await,
        Command::Restore(arguments) => restore::run(&config, arguments).await,
        Command::NewEpoch => new_epoch::run(&config).await,
        Command::Store(command) => store::run(&config, command).await,
        Command::User(command) => user::run(&config, command).await,
        Command::Health => health::run(&config.http).await,
        Command::Openapi => Ok(()),
    }
}

/// The mistake and what led to it, each said once.
fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !told.contains(&text) {
            told = format!("{told}: {text}");
        }
        cause = error.source();
    }
    told
}

/// Tells the person at the terminal what is no part of the answer.
#[expect(clippy::print_stderr, reason = "this is for the person at the terminal")]
fn tell(line: impl std::fmt::Display) {
    eprintln!("{line}");
}

/// Tells the person at the terminal what was done.
#[expect(clippy::print_stdout, reason = "this is for the person at the terminal")]
fn say(line: impl std::fmt::Display) {
    println!("{line}");
}
