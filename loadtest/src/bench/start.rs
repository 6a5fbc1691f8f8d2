//! A start on a database that exists.

use std::fs;
use std::time::Duration;

use super::deployment::{Bench, Deployment};
use super::metric::{Metric, Outcome, Unit};
use crate::Result;
use crate::quantiles::{median, milliseconds};

const STARTS: usize = 5;

const MEBIBYTE: f64 = 1024.0 * 1024.0;

pub async fn measure(bench: &Bench) -> Result<Outcome> {
    let (time, memory) = start(bench, &bench.empty).await?;
    let grown = match &bench.grown {
        Some(deployment) => Some(start(bench, deployment).await?),
        None => None,
    };
    let size = fs::metadata(bench.program.path())?.len() as f64;
    let metrics = vec![
        Metric::new("Start: exec to first healthy response", Unit::Milliseconds, time)
            .at_most(200.0)
            .grown(grown.map(|(grown, _)| grown / time)),
        Metric::new("Start: memory", Unit::Mebibytes, memory / MEBIBYTE)
            .at_most(40.0)
            .grown(grown.map(|(_, grown)| grown / memory)),
        Metric::new("Binary, stripped", Unit::Mebibytes, size / MEBIBYTE).at_most(32.0),
    ];
    Ok(metrics.into())
}

/// Milliseconds to the first healthy response, and the memory half a second later.
async fn start(bench: &Bench, deployment: &Deployment) -> Result<(f64, f64)> {
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let server = bench.start_server(deployment).await?;
        times.push(milliseconds(server.started_in));
        // The server opens its other connections to the database meanwhile.
        tokio::time::sleep(Duration::from_millis(500)).await;
        memory.push(server.resident()?);
        server.stop().await?;
    }
    Ok((median(times), median(memory)))
}
