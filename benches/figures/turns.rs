//! A figure and its limit, in turns.

use std::time::Duration;

use crate::Result;
use crate::bench::{Bench, House};
use crate::load::{Load, Measured, Requests};
use crate::progress;
use crate::quantiles::{Quantiles, median};

/// The medians of all turns.
#[derive(Debug)]
pub struct Turns {
    pub limit: f64,
    pub ours: Ours,
    /// Ours on the grown database.
    pub grown: Option<Ours>,
}

/// What came of a turn on a server of ours.
#[derive(Debug, Clone, Copy)]
pub struct Ours {
    pub rate: f64,
    pub times: Quantiles,
    /// The server's processor time a request, in seconds; PostgreSQL's is not in it.
    pub cpu: f64,
}

/// Measures the limit, then ours, then the limit again …
pub async fn in_turns(
    bench: &Bench,
    limit: impl AsyncFn() -> Result<f64>,
    ours: impl AsyncFn(&House) -> Result<Load>,
) -> Result<Turns> {
    let (mut limits, mut empty, mut grown) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 1..=bench.arguments.turns {
        let best = limit().await?;
        let here = take_turn(&bench.empty, ours(&bench.empty).await?).await?;
        let ratio = here.rate / best;
        progress::say(format_args!("  turn {turn}: limit {best:.0}/s, ours {:.0}/s, ratio {ratio:.2}", here.rate));
        limits.push(best);
        empty.push(here);
        if let Some(house) = &bench.grown {
            let here = take_turn(house, ours(house).await?).await?;
            progress::say(format_args!("  turn {turn}: grown {:.0}/s", here.rate));
            grown.push(here);
        }
    }
    Ok(Turns { limit: median(limits), ours: middle(&empty), grown: (!grown.is_empty()).then(|| middle(&grown)) })
}

/// The load of one turn on a server of ours.
pub fn turn(bench: &Bench, house: &House, connections: usize, requests: &Requests, expected: u16) -> Load {
    Load {
        address: house.server.address,
        connections,
        requests: requests.clone(),
        expected,
        warm_up: Duration::from_millis(500),
        duration: bench.arguments.turn(),
    }
}

async fn take_turn(house: &House, load: Load) -> Result<Ours> {
    let before = house.server.cpu()?;
    let Measured { answers, rate, times } = load.run().await?;
    let worked = house.server.cpu()?.saturating_sub(before);
    Ok(Ours { rate, times, cpu: worked.as_secs_f64() / answers as f64 })
}

fn middle(turns: &[Ours]) -> Ours {
    Ours {
        rate: median(turns.iter().map(|turn| turn.rate).collect()),
        times: Quantiles::median(&turns.iter().map(|turn| turn.times).collect::<Vec<_>>()),
        cpu: median(turns.iter().map(|turn| turn.cpu).collect()),
    }
}
