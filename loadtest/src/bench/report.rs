//! The metrics as a table in Markdown and as JSON.

use std::fmt;
use std::fs::File;
use std::path::Path;

use serde::Serialize;

use super::arguments::Group;
use super::deployment::Bench;
use super::metric::{COLUMNS, Metric, Outcome, Point};
use crate::Result;
use crate::machine::Machine;
use crate::progress;

/// All results, and the machine they are from.
#[derive(Debug, Serialize)]
pub struct Report {
    machine: String,
    date: String,
    turns: usize,
    seconds_a_turn: u64,
    past_orders: u64,
    metrics: Vec<Metric>,
    failures: Vec<String>,
    /// Order latency over connections.
    pub orders: Vec<Point>,
    /// Delivery latency over subscribers.
    pub delivery: Vec<Point>,
}

impl Report {
    pub async fn new(bench: &Bench) -> Result<Self> {
        let Machine { description, date } = Machine::read(&bench.postgres).await?;
        Ok(Self {
            machine: description,
            date,
            turns: bench.arguments.turns,
            seconds_a_turn: bench.arguments.turn().as_secs(),
            past_orders: bench.arguments.grown,
            metrics: Vec::new(),
            failures: Vec::new(),
            orders: Vec::new(),
            delivery: Vec::new(),
        })
    }

    pub fn add(&mut self, group: Group, outcome: Outcome) {
        self.metrics.extend(outcome.metrics);
        match group {
            Group::Order => self.orders = outcome.curve,
            Group::Delivery => self.delivery = outcome.curve,
            _ => {}
        }
    }

    pub fn add_failure(&mut self, group: Group, failure: &dyn fmt::Display) {
        progress::log(format_args!("{group} failed: {failure}"));
        self.failures.push(format!("{group}: {failure}"));
    }

    /// Whether everything that was asked for could be measured.
    pub fn is_complete(&self) -> bool {
        self.failures.is_empty()
    }

    pub fn print(&self) {
        println!(
            "\n{}, {}; medians of {} turns of {} s each\n",
            self.machine, self.date, self.turns, self.seconds_a_turn
        );
        let shown = if self.past_orders > 0 { COLUMNS.len() } else { COLUMNS.len() - 1 };
        let titles = COLUMNS.map(str::to_owned);
        let rows: Vec<_> = std::iter::once(titles).chain(self.metrics.iter().map(Metric::cells)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        for (index, row) in rows.iter().enumerate() {
            for (column, cell) in row[..shown].iter().enumerate() {
                let width = width(column);
                if column == 0 { print!("| {cell:width$} ") } else { print!("| {cell:>width$} ") }
            }
            println!("|");
            if index == 0 {
                for column in 0..shown {
                    print!("|{}{}", "-".repeat(width(column) + 1), if column == 0 { "-" } else { ":" });
                }
                println!("|");
            }
        }
        for failure in &self.failures {
            println!("\nnot measured: {failure}");
        }
    }

    pub fn write_json(&self, file: &Path) -> Result<()> {
        Ok(serde_json::to_writer_pretty(File::create(file)?, self)?)
    }
}
