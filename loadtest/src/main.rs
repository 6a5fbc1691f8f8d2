//! Test data, benchmarks and load for tableorder. `docs/benchmarks.md` describes the commands.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    unreachable_pub,
    missing_docs,
    reason = "a measurement that cannot go on should show where, and its numbers are far from the limits of their types"
)]

mod bench;
mod http;
mod machine;
mod peak;
mod postgres;
mod process;
mod progress;
mod quantiles;
mod seed;
mod server;
mod stores;
mod threads;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Result<T, E = Failure> = std::result::Result<T, E>;

/// Test data, benchmarks and load for tableorder.
#[derive(Debug, Parser)]
#[command(name = "loadtest", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make stores to try, or to test under load, in the database that `tableorder` would use
    Seed(seed::Arguments),
    /// Measure how fast the server is, each metric beside its baseline on this machine
    Bench(bench::Arguments),
    /// Put the load of many restaurants at dinner time on a server
    Peak(peak::Arguments),
    /// Serve the responses in a file, as the baseline that `bench` compares menu reads with
    #[command(hide = true)]
    BareServer(bench::BareServerArguments),
    /// Read some of the streams of `peak`, in a process of its own
    #[command(hide = true)]
    Streams,
}

fn main() -> ExitCode {
    let runtime = |threads| Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap();
    let result = match Arguments::parse().command {
        Command::Seed(arguments) => runtime(2).block_on(until_stopped(seed::run(arguments))).map(|()| true),
        Command::Bench(arguments) => runtime(2).block_on(until_stopped(bench::run(arguments))),
        Command::Peak(arguments) => runtime(1).block_on(until_stopped(peak::run(arguments))),
        Command::BareServer(arguments) => bench::serve_bare(&arguments).map(|()| true),
        Command::Streams => peak::read_streams().map(|()| true),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("loadtest: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Runs `work`; on a signal, drops it together with all processes that it started.
async fn until_stopped<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        result = work => result,
        _ = terminate.recv() => Err("stopped".into()),
        _ = interrupt.recv() => Err("stopped".into()),
        _ = hang_up.recv() => Err("stopped".into()),
    }
}
