//! `loadtest bench`: how fast the server is, each metric beside its baseline on this machine.
//!
//! It starts a durable PostgreSQL and the release server, and sends requests over real HTTP, all on the same cores. A
//! metric and its baseline are measured in turns, so that other work on the machine affects both alike; the result is the
//! median of the turns. A response other than the expected one fails its metric: failures are never counted as work.

mod arguments;
mod bare;
mod chart;
mod dashboard;
mod delivery;
mod deployment;
mod idle;
mod load;
mod login;
mod menu;
mod metric;
mod order;
mod report;
mod start;
mod statements;
mod subscribers;
mod turns;

pub use arguments::Arguments;
pub use bare::{Arguments as BareServerArguments, serve as serve_bare};

use crate::{Result, progress};
use arguments::Group;
use deployment::Bench;
use metric::Outcome;
use report::Report;

/// Measures what is asked for. `false` if some of it could not be measured.
pub async fn run(arguments: Arguments) -> Result<bool> {
    let bench = Bench::set_up(arguments).await?;
    let mut report = Report::new(&bench).await?;
    for group in bench.arguments.groups() {
        progress::log(format_args!("{group}"));
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
