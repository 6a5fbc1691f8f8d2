//! The command line: one file for each command, with its arguments, its steps and its messages.
//!
//! Rules of the domain belong in `services/`, SQL in `repositories/`. `serve.rs` starts and stops the server; requests are
//! handled in `server.rs`, `middleware/` and the modules below. A file to imitate: `store.rs`.

mod backup;
pub mod connect;
mod health;
mod interrupt;
mod migrate;
mod new_epoch;
mod openapi;
mod password;
mod private_server;
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

/// The error of a command. Its message is for the person at the terminal, never for a client of the API.
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
    /// Migrate the database's schema to this version
    Migrate,
    /// Write the whole database to a file, while servers run
    Backup(backup::Arguments),
    /// Load a backup into the database, while no server runs
    Restore(restore::Arguments),
    /// Begin a new epoch, after PostgreSQL was recovered to an earlier time by other means
    NewEpoch,
    /// Create and list stores
    #[command(subcommand)]
    Store(store::Command),
    /// Create users and reset their passwords
    #[command(subcommand)]
    User(user::Command),
    /// Check whether the server on this machine is ready
    Health,
    /// Print the OpenAPI document
    Openapi,
}

/// Runs the command given on the command line. The runtime is started here and not in `main`, so that all code is compiled
/// as part of the library.
#[must_use]
#[expect(clippy::print_stderr, reason = "a command reports its errors on standard error")]
pub fn run() -> ExitCode {
    let command = Arguments::parse().command.unwrap_or(Command::Serve);
    let result = Runtime::new().map_err(CliError::from).and_then(|runtime| runtime.block_on(dispatch(command)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let message = with_causes(&*error);
            let lines: Vec<_> = message.lines().map(printable).collect();
            eprintln!("tableorder: {}", lines.join("\n"));
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
        Command::Backup(arguments) => Box::pin(backup::run(&config, arguments)).await,
        Command::Restore(arguments) => restore::run(&config, arguments).await,
        Command::NewEpoch => new_epoch::run(&config).await,
        Command::Store(command) => store::run(&config, command).await,
        Command::User(command) => user::run(&config, command).await,
        Command::Health => health::run(&config.http).await,
        Command::Openapi => Ok(()),
    }
}

/// The error's message, followed by those of its causes. A cause that the message already contains is left out.
fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = error.source();
    }
    message
}

/// Escapes control characters: a text from a backup could otherwise control the terminal.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() { printable.extend(character.escape_default()) } else { printable.push(character) }
    }
    printable
}

/// Prints a notice on standard error, because it is not part of the command's output.
#[expect(clippy::print_stderr, reason = "this is for the person at the terminal")]
fn print_notice(line: impl std::fmt::Display) {
    eprintln!("{line}");
}

/// Prints the command's output.
#[expect(clippy::print_stdout, reason = "this is for the person at the terminal")]
fn print_result(line: impl std::fmt::Display) {
    println!("{line}");
}
