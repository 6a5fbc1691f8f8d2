//! Streams on which nothing happens: what they hold, and what they take.

use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::Result;
use crate::bench::{Bench, House};
use crate::figure::{Figure, Outcome, Unit};
use crate::server::Server;
use crate::sse::Subscribers;

const STREAMS: usize = 10_000;

/// As long as each stream's heartbeat is apart, so that all of them are in it.
const REST: Duration = Duration::from_secs(15);

pub async fn measure(bench: &Bench) -> Result<Outcome> {
    allow_many_files()?;
    let here = rest(bench, &bench.empty).await?;
    let grown = match &bench.grown {
        Some(house) => Some(rest(bench, house).await?.memory / here.memory),
        None => None,
    };
    let figures = vec![
        Figure::new("10,000 idle streams: memory of each", Unit::Kibibytes, here.memory / 1024.0)
            .at_most(16.0)
            .grown(grown),
        Figure::new("10,000 idle streams: processor", Unit::PercentOfACore, here.processor * 100.0).at_most(2.0),
    ];
    Ok(figures.into())
}

struct Rest {
    /// Bytes a stream.
    memory: f64,
    /// Share of a core.
    processor: f64,
}

/// On a server of its own, whose memory has not been used for anything else.
async fn rest(bench: &Bench, house: &House) -> Result<Rest> {
    let server = Server::start(bench.postgres.directory(), &house.url).await?;
    let first = Subscribers::open(server.address, vec![house.stores[0].admin.clone()]).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = server.resident()?;
    let tokens = house.stores.iter().map(|store| store.admin.clone()).cycle().take(STREAMS).collect();
    let streams = Subscribers::open(server.address, tokens).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let memory = (server.resident()? - before) / STREAMS as f64;
    let worked = server.cpu()?;
    tokio::time::sleep(REST).await;
    let processor = server.cpu()?.saturating_sub(worked).as_secs_f64() / REST.as_secs_f64();
    streams.close().await?;
    first.close().await?;
    server.stop().await?;
    Ok(Rest { memory, processor })
}

/// A stream is a file, here and in the server, which has our limits.
fn allow_many_files() -> Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    if usize::try_from(most)? < STREAMS + 500 {
        return Err(format!("only {most} files may be open").into());
    }
    Ok(())
}
