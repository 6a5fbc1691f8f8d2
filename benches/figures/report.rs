//! The figures as a table (in Markdown, ready for the README) and as JSON.

use std::fmt;
use std::fs::{self, File};
use std::path::Path;

use serde::Serialize;

use crate::Result;
use crate::arguments::Group;
use crate::bench::Bench;
use crate::load::cores;
use crate::progress;
use crate::quantiles::{Quantiles, milliseconds};
use crate::turns::Turns;

/// How much slower a figure may be on a grown database.
const GROWTH: f64 = 1.15;

/// What measuring a group brought.
#[derive(Debug, Default)]
pub struct Outcome {
    pub figures: Vec<Figure>,
    pub curve: Vec<Point>,
}

impl From<Vec<Figure>> for Outcome {
    fn from(figures: Vec<Figure>) -> Self {
        Self { figures, curve: Vec::new() }
    }
}

/// Latency at a load, or with so many subscribers.
#[derive(Debug, Clone, Serialize)]
pub struct Point {
    pub at: usize,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

impl Point {
    pub fn new(at: usize, times: Quantiles) -> Self {
        Self { at, p50_ms: milliseconds(times.p50), p99_ms: milliseconds(times.p99) }
    }
}

#[derive(Debug, Clone, Copy, Serialize)]
pub enum Unit {
    PerSecond,
    Milliseconds,
    Mebibytes,
    Kibibytes,
    PercentOfACore,
    Count,
}

/// What a figure must reach.
#[derive(Debug, Clone, Copy, Serialize)]
pub enum Floor {
    /// This share of its limit.
    Ratio(f64),
    /// At most this much.
    AtMost(f64),
}

#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    group: Option<String>,
    name: String,
    unit: Unit,
    ours: f64,
    limit: Option<f64>,
    ratio: Option<f64>,
    floor: Option<Floor>,
    met: Option<bool>,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    /// How many times slower or larger on the grown database.
    grown: Option<f64>,
}

impl Figure {
    pub fn new(name: impl Into<String>, unit: Unit, ours: f64) -> Self {
        Self {
            group: None,
            name: name.into(),
            unit,
            ours,
            limit: None,
            ratio: None,
            floor: None,
            met: None,
            p50_ms: None,
            p99_ms: None,
            grown: None,
        }
    }

    /// Answers a second, beside their limit.
    pub fn of_turns(name: &str, turns: &Turns, floor: f64) -> Self {
        let ratio = turns.ours.rate / turns.limit;
        let figure = Self {
            limit: Some(turns.limit),
            ratio: Some(ratio),
            floor: Some(Floor::Ratio(floor)),
            met: Some(ratio >= floor),
            ..Self::new(name, Unit::PerSecond, turns.ours.rate)
        };
        figure.times(turns.ours.times).grown(turns.grown.map(|grown| turns.ours.rate / grown.rate))
    }

    pub fn at_most(mut self, most: f64) -> Self {
        self.floor = Some(Floor::AtMost(most));
        self.met = Some(self.ours <= most);
        self
    }

    pub fn times(mut self, times: Quantiles) -> Self {
        self.p50_ms = Some(milliseconds(times.p50));
        self.p99_ms = Some(milliseconds(times.p99));
        self
    }

    /// How many times slower or larger it is on the grown database, where that was measured.
    pub fn grown(mut self, by: Option<f64>) -> Self {
        self.grown = by;
        if let Some(by) = by {
            self.met = Some(self.met != Some(false) && by <= GROWTH);
        }
        self
    }

    fn cells(&self) -> [String; 9] {
        let number = |value: Option<f64>| value.map(|value| format!("{value:.2}")).unwrap_or_default();
        [
            self.name.clone(),
            self.unit.show(self.ours),
            self.limit.map(|limit| self.unit.show(limit)).unwrap_or_default(),
            number(self.ratio),
            self.floor.map(|floor| floor.show(self.unit)).unwrap_or_default(),
            self.met.map(|met| if met { "yes" } else { "**no**" }).unwrap_or_default().to_owned(),
            number(self.p50_ms),
            number(self.p99_ms),
            self.grown.map(|by| format!("{by:.2} ×")).unwrap_or_default(),
        ]
    }
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::PerSecond => format!("{}/s", thousands(value)),
            Self::Milliseconds => format!("{value:.1} ms"),
            Self::Mebibytes => format!("{value:.1} MiB"),
            Self::Kibibytes => format!("{value:.1} KiB"),
            Self::PercentOfACore => format!("{value:.1} %"),
            Self::Count if value.fract() == 0.0 => thousands(value),
            Self::Count => format!("{value:.2}"),
        }
    }
}

impl Floor {
    fn show(self, unit: Unit) -> String {
        match self {
            Self::Ratio(least) => format!("≥ {least:.2}"),
            Self::AtMost(most) => format!("≤ {}", unit.show(most)),
        }
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

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
        self.figures
            .extend(outcome.figures.into_iter().map(|figure| Figure { group: Some(group.to_string()), ..figure }));
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
        let titles =
            ["figure", "ours", "limit", "ratio", "floor", "met", "p50 ms", "p99 ms", "grown"].map(str::to_owned);
        let shown = if self.past_orders > 0 { 9 } else { 8 };
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
