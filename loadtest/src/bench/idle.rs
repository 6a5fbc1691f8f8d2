//! Memory and processor time of streams on which nothing happens.

use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::deployment::{Bench, Deployment};
use super::metric::{Metric, Outcome, Unit};
use super::subscribers::Subscribers;
use crate::Result;

const STREAMS: usize = 10_000;

/// The interval of the heartbeats, so that each stream has one.
const IDLE_TIME: Duration = Duration::from_secs(15);

pub async fn measure(bench: &Bench) -> Result<Outcome> {
    allow_many_files()?;
    let here = idle(bench, &bench.empty).await?;
    let grown = match &bench.grown {
        Some(deployment) => Some(idle(bench, deployment).await?.memory / here.memory),
        None => None,
    };
    let metrics = vec![
        Metric::new("10,000 idle streams: memory of each", Unit::Kibibytes, here.memory / 1024.0)
            .at_most(16.0)
            .grown(grown),
        Metric::new("10,000 idle streams: processor", Unit::PercentOfACore, here.processor * 100.0).at_most(2.0),
    ];
    Ok(metrics.into())
}

struct Idle {
    /// Bytes a stream.
    memory: f64,
    /// Share of a core.
    processor: f64,
}

/// On a server of its own, whose memory has not been used for anything else.
async fn idle(bench: &Bench, deployment: &Deployment) -> Result<Idle> {
    let server = bench.start_server(deployment).await?;
    let first = Subscribers::open(server.address, vec![deployment.stores[0].admin.clone()]).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = server.resident()?;
    let tokens = deployment.stores.iter().map(|store| store.admin.clone()).cycle().take(STREAMS).collect();
    let streams = Subscribers::open(server.address, tokens).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let memory = (server.resident()? - before) / STREAMS as f64;
    let worked = server.cpu()?;
    tokio::time::sleep(IDLE_TIME).await;
    let processor = server.cpu()?.saturating_sub(worked).as_secs_f64() / IDLE_TIME.as_secs_f64();
    streams.close().await?;
    first.close().await?;
    server.stop().await?;
    Ok(Idle { memory, processor })
}

/// A stream is an open file in this process and in the server, which inherits the limit.
fn allow_many_files() -> Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    if usize::try_from(most)? < STREAMS + 500 {
        return Err(format!("only {most} files may be open").into());
    }
    Ok(())
}
