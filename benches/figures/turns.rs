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
    pub ours: Measured,
    /// Ours on the grown database.
    pub grown: Option<Measured>,
}

/// Measures the limit, then ours, then the limit again …
pub async fn in_turns(
    bench: &Bench,
    limit: impl AsyncFn() -> Result<f64>,
    ours: impl AsyncFn(&House) -> Result<Measured>,
) -> Result<Turns> {
    let (mut limits, mut empty, mut grown) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 1..=bench.arguments.turns {
        let best = limit().await?;
        let here = ours(&bench.empty).await?;
        progress::say(format_args!("  turn {turn}: limit {best:.0}/s, ours {:.0}/s", here.rate));
        limits.push(best);
        empty.push(here);
        if let Some(house) = &bench.grown {
            let here = ours(house).await?;
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

fn middle(turns: &[Measured]) -> Measured {
    Measured {
        answers: turns.iter().map(|turn| turn.answers).sum(),
        rate: median(turns.iter().map(|turn| turn.rate).collect()),
        times: Quantiles::median(&turns.iter().map(|turn| turn.times).collect::<Vec<_>>()),
    }
}
