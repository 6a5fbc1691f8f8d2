//! Measures a metric and its baseline in turns.

use std::time::Duration;

use super::deployment::{Bench, Deployment};
use super::load::{Load, Measured, Requests};
use crate::Result;
use crate::progress;
use crate::quantiles::{Quantiles, median};

/// The medians of all turns.
#[derive(Debug)]
pub struct Turns {
    pub baseline: f64,
    pub empty: ServerTurn,
    /// On the grown database.
    pub grown: Option<ServerTurn>,
}

/// The result of a turn on the server.
#[derive(Debug, Clone, Copy)]
pub struct ServerTurn {
    pub rate: f64,
    pub times: Quantiles,
    /// The server's processor time a request, in seconds; PostgreSQL's is not in it.
    pub cpu: f64,
}

/// Measures the baseline, then the server, then the baseline again …
pub async fn in_turns(
    bench: &Bench,
    baseline: impl AsyncFn() -> Result<f64>,
    load: impl AsyncFn(&Deployment) -> Result<Load>,
) -> Result<Turns> {
    let (mut baselines, mut empty, mut grown) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 1..=bench.arguments.turns {
        let best = baseline().await?;
        let here = take_turn(&bench.empty, load(&bench.empty).await?).await?;
        let ratio = here.rate / best;
        progress::log(format_args!("  turn {turn}: baseline {best:.0}/s, server {:.0}/s, ratio {ratio:.2}", here.rate));
        baselines.push(best);
        empty.push(here);
        if let Some(deployment) = &bench.grown {
            let here = take_turn(deployment, load(deployment).await?).await?;
            progress::log(format_args!("  turn {turn}: grown {:.0}/s", here.rate));
            grown.push(here);
        }
    }
    Ok(Turns { baseline: median(baselines), empty: middle(&empty), grown: (!grown.is_empty()).then(|| middle(&grown)) })
}

/// The load of one turn on the server.
pub fn turn(bench: &Bench, deployment: &Deployment, connections: usize, requests: &Requests, expected: u16) -> Load {
    Load {
        address: deployment.server.address,
        connections,
        requests: requests.clone(),
        expected,
        warm_up: Duration::from_millis(500),
        duration: bench.arguments.turn(),
    }
}

async fn take_turn(deployment: &Deployment, load: Load) -> Result<ServerTurn> {
    let before = deployment.server.cpu()?;
    let Measured { answers, rate, times } = load.run().await?;
    let worked = deployment.server.cpu()?.saturating_sub(before);
    Ok(ServerTurn { rate, times, cpu: worked.as_secs_f64() / answers as f64 })
}

fn middle(turns: &[ServerTurn]) -> ServerTurn {
    ServerTurn {
        rate: median(turns.iter().map(|turn| turn.rate).collect()),
        times: Quantiles::median(&turns.iter().map(|turn| turn.times).collect::<Vec<_>>()),
        cpu: median(turns.iter().map(|turn| turn.cpu).collect()),
    }
}
