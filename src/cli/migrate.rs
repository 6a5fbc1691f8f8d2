//! `tableorder migrate`: migrates the schema as a separate step, before new servers start.

use super::connect::MigratedDatabase;
use super::{CliError, print_result};
use crate::config::Config;

pub(super) async fn run(config: &Config) -> Result<(), CliError> {
    // This command migrates also with MIGRATE_AT_START=false.
    let mut config = config.clone();
    config.database.migrate_at_start = true;
    let migrated = MigratedDatabase::open(&config).await?;
    migrated.close().await;
    print_result("the schema is up to date");
    Ok(())
}
