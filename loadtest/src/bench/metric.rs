//! A metric: its value, its baseline and the floor that it must reach.

use serde::Serialize;

use super::turns::Turns;
use crate::quantiles::{Quantiles, milliseconds};

/// The titles of the table's columns; the last is shown where there is a grown database.
pub const COLUMNS: [&str; 10] =
    ["metric", "server", "baseline", "ratio", "floor", "met", "p50 ms", "p99 ms", "cpu µs", "grown"];

/// How much slower a metric may be on a grown database.
const GROWTH: f64 = 1.15;

/// The results of a group.
#[derive(Debug, Default)]
pub struct Outcome {
    pub metrics: Vec<Metric>,
    pub curve: Vec<Point>,
}

impl From<Vec<Metric>> for Outcome {
    fn from(metrics: Vec<Metric>) -> Self {
        Self { metrics, curve: Vec::new() }
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

/// The value that a metric must reach.
#[derive(Debug, Clone, Copy, Serialize)]
pub enum Floor {
    /// This share of its baseline.
    Ratio(f64),
    /// At most this much.
    AtMost(f64),
}

#[derive(Debug, Clone, Serialize)]
pub struct Metric {
    name: String,
    unit: Unit,
    value: f64,
    baseline: Option<f64>,
    ratio: Option<f64>,
    floor: Option<Floor>,
    met: Option<bool>,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    /// The server's processor time a request; PostgreSQL's is not in it.
    cpu_us: Option<f64>,
    /// How many times slower or larger on the grown database.
    grown: Option<f64>,
}

impl Metric {
    pub fn new(name: impl Into<String>, unit: Unit, value: f64) -> Self {
        Self {
            name: name.into(),
            unit,
            value,
            baseline: None,
            ratio: None,
            floor: None,
            met: None,
            p50_ms: None,
            p99_ms: None,
            cpu_us: None,
            grown: None,
        }
    }

    /// Responses a second, beside their baseline.
    pub fn of_turns(name: &str, turns: &Turns, floor: f64) -> Self {
        let ratio = turns.empty.rate / turns.baseline;
        let metric = Self {
            baseline: Some(turns.baseline),
            ratio: Some(ratio),
            floor: Some(Floor::Ratio(floor)),
            met: Some(ratio >= floor),
            cpu_us: Some(turns.empty.cpu * 1e6),
            ..Self::new(name, Unit::PerSecond, turns.empty.rate)
        };
        metric.times(turns.empty.times).grown(turns.grown.map(|grown| turns.empty.rate / grown.rate))
    }

    pub fn at_most(mut self, most: f64) -> Self {
        self.floor = Some(Floor::AtMost(most));
        self.met = Some(self.value <= most);
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

    /// The cells of its row in the table.
    pub fn cells(&self) -> [String; COLUMNS.len()] {
        let number = |value: Option<f64>| value.map(|value| format!("{value:.2}")).unwrap_or_default();
        [
            self.name.clone(),
            self.unit.show(self.value),
            self.baseline.map(|baseline| self.unit.show(baseline)).unwrap_or_default(),
            number(self.ratio),
            self.floor.map(|floor| floor.show(self.unit)).unwrap_or_default(),
            self.met.map(|met| if met { "yes" } else { "**no**" }).unwrap_or_default().to_owned(),
            number(self.p50_ms),
            number(self.p99_ms),
            self.cpu_us.map(|cpu| format!("{cpu:.0}")).unwrap_or_default(),
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
