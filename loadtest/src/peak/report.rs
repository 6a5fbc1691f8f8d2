//! The results, as tables in Markdown and as JSON.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::arguments::Arguments;
use super::delivery::Delivery;
use super::requests::{Answers, Outcome};
use super::usage::{CpuPercent, Memory};
use crate::Result;
use crate::quantiles::{Quantiles, milliseconds};

#[derive(Debug, Serialize)]
pub struct Report {
    pub machine: String,
    pub date: String,
    pub arguments: Arguments,
    /// Limits that differ from the default settings.
    pub settings: BTreeMap<String, String>,
    pub orders: Requests,
    pub menu_reads: Requests,
    pub delivery: Delivery,
    pub delivery_ms: Milliseconds,
    pub opening_seconds: f64,
    pub most_late_ms: f64,
    pub cpu_percent: CpuPercent,
    pub memory_before_streams: Memory,
    pub memory_with_streams: Memory,
    pub memory_at_end: Memory,
}

/// One kind of request.
#[derive(Debug, Serialize)]
pub struct Requests {
    pub asked_per_second: f64,
    pub reached_per_second: f64,
    pub latency_ms: Milliseconds,
    pub errors: BTreeMap<String, usize>,
}

#[derive(Debug, Serialize)]
pub struct Milliseconds {
    p50: f64,
    p95: f64,
    p99: f64,
    max: f64,
}

/// The measurements taken during the load.
pub struct Measured {
    pub outcome: Outcome,
    pub delivery: Delivery,
    pub opening: Duration,
    pub cpu: CpuPercent,
    /// Before the streams were opened, with the streams, and at the end.
    pub memory: [Memory; 3],
}

impl Report {
    pub fn new(
        (machine, date): (String, String),
        arguments: Arguments,
        settings: &[(&'static str, String)],
        measured: Measured,
    ) -> Self {
        let Measured { outcome, delivery, opening, cpu, memory: [before, with_streams, at_end] } = measured;
        let duration = Duration::from_secs(arguments.seconds);
        Self {
            machine,
            date,
            settings: settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            orders: Requests::new(arguments.orders, duration, outcome.orders),
            menu_reads: Requests::new(arguments.menu_reads, duration, outcome.menu_reads),
            arguments,
            delivery_ms: delivery.times.into(),
            delivery,
            opening_seconds: opening.as_secs_f64(),
            most_late_ms: milliseconds(outcome.most_late),
            cpu_percent: cpu,
            memory_before_streams: before,
            memory_with_streams: with_streams,
            memory_at_end: at_end,
        }
    }

    /// Whether every request was answered and every stream received each of its events once.
    pub fn is_clean(&self) -> bool {
        let Delivery { refused, closed, missed, duplicate, foreign, .. } = self.delivery;
        let has_errors = !self.orders.errors.is_empty() || !self.menu_reads.errors.is_empty();
        !has_errors && [refused, closed, missed, duplicate, foreign] == [0; 5]
    }

    pub fn print(&self) {
        let Self { machine, date, arguments, delivery, cpu_percent: cpu, .. } = self;
        println!("\n{machine}, {date}");
        println!(
            "{} stores, {} streams ({} dashboards), {} instances, {} s; streams opened in {:.0} s\n",
            arguments.stores,
            arguments.streams,
            arguments.dashboards(),
            arguments.instances,
            arguments.seconds,
            self.opening_seconds
        );
        println!("|            | asked | reached |  p50 ms |  p95 ms |  p99 ms |  max ms | errors |");
        println!("|------------|------:|--------:|--------:|--------:|--------:|--------:|-------:|");
        for (name, requests) in [("Orders", &self.orders), ("Menu reads", &self.menu_reads)] {
            let Requests { asked_per_second: asked, reached_per_second: reached, latency_ms, errors } = requests;
            let errors: usize = errors.values().sum();
            println!("| {name:10} | {asked:3.0}/s | {reached:5.1}/s | {} | {errors:6} |", latency_ms.cells());
        }
        println!("| Delivery   |       |         | {} | {:6} |", self.delivery_ms.cells(), delivery.missed);
        println!("\n| events expected | received | missed | duplicate | foreign | streams refused | streams closed |");
        println!("|----------------:|---------:|-------:|----------:|--------:|----------------:|---------------:|");
        println!(
            "| {:15} | {:8} | {:6} | {:9} | {:7} | {:15} | {:14} |",
            delivery.expected,
            delivery.received,
            delivery.missed,
            delivery.duplicate,
            delivery.foreign,
            delivery.refused,
            delivery.closed
        );
        println!("\n|            | processor | memory before streams | with streams | at the end |");
        println!("|------------|----------:|----------------------:|-------------:|-----------:|");
        let memory = [&self.memory_before_streams, &self.memory_with_streams, &self.memory_at_end];
        for (name, cpu, memory) in [
            ("Server", cpu.servers, memory.map(|memory| memory.servers)),
            ("PostgreSQL", cpu.postgres, memory.map(|memory| memory.postgres)),
        ] {
            let [before, with_streams, at_end] = memory;
            println!("| {name:10} | {cpu:7.1} % | {before:17.0} MiB | {with_streams:8.0} MiB | {at_end:6.0} MiB |");
        }
        println!("| Load       | {:7.1} % |                       |              |            |", cpu.load);
        println!("\nprocessor in percent of one core; requests were sent at most {:.1} ms late", self.most_late_ms);
        for (name, requests) in [("orders", &self.orders), ("menu reads", &self.menu_reads)] {
            for (error, count) in &requests.errors {
                println!("error of {name}: {error}: {count} times");
            }
        }
        let settings: Vec<_> = self.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        println!("default settings but for {}", settings.join(" "));
    }

    pub fn write_json(&self, file: &Path) -> Result<()> {
        Ok(serde_json::to_writer_pretty(File::create(file)?, self)?)
    }
}

impl Requests {
    fn new(asked: f64, duration: Duration, answers: Answers) -> Self {
        // The last responses may arrive after the planned end of the load.
        let took = duration.max(answers.last).as_secs_f64();
        Self {
            asked_per_second: asked,
            reached_per_second: answers.times.len() as f64 / took,
            latency_ms: Quantiles::of(answers.times).into(),
            errors: answers.errors,
        }
    }
}

impl From<Quantiles> for Milliseconds {
    fn from(times: Quantiles) -> Self {
        let Quantiles { p50, p95, p99, max } = times;
        let [p50, p95, p99, max] = [p50, p95, p99, max].map(milliseconds);
        Self { p50, p95, p99, max }
    }
}

impl Milliseconds {
    fn cells(&self) -> String {
        [self.p50, self.p95, self.p99, self.max].map(|value| format!("{value:7.1}")).join(" | ")
    }
}
