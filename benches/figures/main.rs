//! How fast the server is, each figure beside what this machine could do at best.
//!
//! ```sh
//! cargo bench --bench figures
//! cargo bench --bench figures -- --only order --only hot --seconds 5 --json figures.json --chart figures.svg
//! ```
//!
//! It starts a durable PostgreSQL and the release server, and drives them over real HTTP, all on the same cores. A
//! figure and its limit are measured in turns, so that a noisy machine blurs them alike; what is shown is the median
//! of the turns. An answer other than the expected one fails its figure: nothing that failed is counted.
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
    reason = "a measurement that cannot go on should say where, and its numbers are far from any type's end"
)]

mod arguments;
mod bare;
mod bench;
mod chart;
mod dashboard;
mod delivery;
mod figure;
mod http;
mod idle;
mod load;
mod login;
mod menu;
mod order;
mod postgres;
mod progress;
mod quantiles;
mod report;
mod server;
mod sse;
mod start;
mod statements;
mod stores;
mod turns;

use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use arguments::{Arguments, Group};
use bench::Bench;
use figure::Outcome;
use report::Report;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Result<T, E = Failure> = std::result::Result<T, E>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(answers) = &arguments.bare_server {
        bare::serve(answers);
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let measured = runtime.block_on(async {
        // Given up, it takes everything it started with it.
        tokio::select! {
            measured = measure(arguments) => measured,
            () = told_to_stop() => Err("stopped".into()),
        }
    });
    match measured {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("figures: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Measures what is asked for; says whether all of it could be measured.
async fn measure(arguments: Arguments) -> Result<bool> {
    let bench = Bench::set_up(arguments).await?;
    let mut report = Report::new(&bench).await?;
    for group in bench.arguments.groups() {
        progress::say(format_args!("{group}"));
        match measure_group(&bench, group).await {
            Ok(outcome) => report.add(group, outcome),
            Err(failure) => report.add_failure(group, failure.as_ref()),
        }
    }
    report.print();
    if let Some(file) = &bench.arguments.json {
        report.write_json(file)?;
    }
    if let Some(file) = &bench.arguments.chart {
        chart::write(file, &report)?;
    }
    let is_complete = report.is_complete();
    bench.tear_down().await;
    Ok(is_complete)
}

async fn measure_group(bench: &Bench, group: Group) -> Result<Outcome> {
    match group {
        Group::Menu => menu::measure(bench).await,
        Group::Order => order::measure(bench).await,
        Group::Hot => order::measure_hot(bench).await,
        Group::Dashboard => dashboard::measure(bench).await,
        Group::Delivery => delivery::measure(bench).await,
        Group::Idle => idle::measure(bench).await,
        Group::Start => start::measure(bench).await,
        Group::Login => login::measure(bench).await,
    }
}

async fn told_to_stop() {
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    let mut interrupt = signal(SignalKind::interrupt()).unwrap();
    let mut hang_up = signal(SignalKind::hangup()).unwrap();
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hang_up.recv() => {}
    }
}
