//! The figures as a table (in Markdown, ready for the README) and as JSON.

use std::fmt;
use std::fs::{self, File};
use std::path::Path;

use serde::Serialize;

use crate::Result;
use crate::arguments::Group;
use crate::bench::Bench;
use crate::figure::{COLUMNS, Figure, Outcome, Point};
use crate::load::cores;
use crate::progress;

/// All that was measured, and on what.
#[derive(Debug, Serialize)]
pub struct Report {
    machine: String,
    date: String,
    turns: usize,
    seconds_a_turn: u64,
    past_orders: u64,
    figures: Vec<Figure>,
    failures: Vec<String>,
    /// Order latency over connections.
    pub orders: Vec<Point>,
    /// Delivery latency over subscribers.
    pub delivery: Vec<Point>,
}

impl Report {
    pub async fn new(bench: &Bench) -> Result<Self> {
        let mut connection = bench.postgres.connect("tableorder").await?;
        let (date, version): (String, String) =
            sqlx::query_as("SELECT current_date::text, current_setting('server_version')")
                .fetch_one(&mut connection)
                .await?;
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
        let model = model.trim_start_matches([' ', '\t', ':']);
        let version = version.split(' ').next().unwrap_or_default();
        Ok(Self {
            machine: format!("{} × {model}, PostgreSQL {version}", cores()),
            date,
            turns: bench.arguments.turns,
            seconds_a_turn: bench.arguments.turn().as_secs(),
            past_orders: bench.arguments.grown,
            figures: Vec::new(),
            failures: Vec::new(),
            orders: Vec::new(),
            delivery: Vec::new(),
        })
    }

    pub fn add(&mut self, group: Group, outcome: Outcome) {
        self.figures.extend(outcome.figures);
        match group {
            Group::Order => self.orders = outcome.curve,
            Group::Delivery => self.delivery = outcome.curve,
            _ => {}
        }
    }

    pub fn add_failure(&mut self, group: Group, failure: &dyn fmt::Display) {
        progress::say(format_args!("{group} failed: {failure}"));
        self.failures.push(format!("{group}: {failure}"));
    }

    /// Whether all that was asked for could be measured.
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
        let rows: Vec<_> = std::iter::once(titles).chain(self.figures.iter().map(Figure::cells)).collect();
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
