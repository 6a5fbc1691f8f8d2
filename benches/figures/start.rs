//! A start on a database that exists.

use std::fs;
use std::time::Duration;

use crate::Result;
use crate::bench::{Bench, House};
use crate::figure::{Figure, Outcome, Unit};
use crate::quantiles::{median, milliseconds};
use crate::server::{BINARY, Server};

const STARTS: usize = 5;

const MEBIBYTE: f64 = 1024.0 * 1024.0;

pub async fn measure(bench: &Bench) -> Result<Outcome> {
    let (time, memory) = start(bench, &bench.empty).await?;
    let grown = match &bench.grown {
        Some(house) => Some(start(bench, house).await?),
        None => None,
    };
    let size = fs::metadata(BINARY)?.len() as f64;
    let figures = vec![
        Figure::new("Start: exec to first healthy answer", Unit::Milliseconds, time)
            .at_most(200.0)
            .grown(grown.map(|(grown, _)| grown / time)),
        Figure::new("Start: memory", Unit::Mebibytes, memory / MEBIBYTE)
            .at_most(40.0)
            .grown(grown.map(|(_, grown)| grown / memory)),
        Figure::new("Binary, stripped", Unit::Mebibytes, size / MEBIBYTE).at_most(32.0),
    ];
    Ok(figures.into())
}

/// Milliseconds to the first healthy answer, and the memory it then settles at.
async fn start(bench: &Bench, house: &House) -> Result<(f64, f64)> {
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let server = Server::start(bench.postgres.directory(), &house.url).await?;
        times.push(milliseconds(server.started_in));
        // Until its other connections to the database are made, too.
        tokio::time::sleep(Duration::from_millis(500)).await;
        memory.push(server.resident()?);
        server.stop().await?;
    }
    Ok((median(times), median(memory)))
}
