//! `tableorder migrate`: the schema as a step of its own, before new servers start.

use super::connect::Connected;
use super::{CliError, say};
use crate::config::Config;

pub(super) async fn run(config: &Config) -> Result<(), CliError> {
    // Asked for by name: what is done at other starts does not matter.
    let mut config = config.clone();
    config.database.migrate_at_start = true;
    let connected = Connected::open(&config).await?;
    connected.close().await;
    say("the schema is up to date");
    Ok(())
}
