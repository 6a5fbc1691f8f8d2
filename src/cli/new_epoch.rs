//! `tableorder new-epoch`: necessary after the database was recovered to an earlier time.
//!
//! After such a recovery, stream cursors, ids and token versions are used a second time, with another meaning. A new epoch
//! invalidates the old ones: clients load everything again and log in again.

use sqlx::Connection;
use uuid::Uuid;

use super::connect::DatabaseTarget;
use super::interrupt::unless_interrupted;
use super::{CliError, print_result};
use crate::backup::lock_out_servers;
use crate::config::Config;
use crate::repositories::{catalogue, event};

pub(super) async fn run(config: &Config) -> Result<(), CliError> {
    let target = DatabaseTarget::of_existing(config).await?;
    let result = unless_interrupted(renew(&target)).await;
    target.close().await;
    result?;
    print_result("a new epoch has begun: clients load everything again, and all users and tablets must log in again");
    Ok(())
}

async fn renew(target: &DatabaseTarget) -> Result<(), CliError> {
    let mut connection = target.connect("tableorder-new-epoch").await?;
    let mut tx = connection.begin().await?;
    if !catalogue::contents(&mut tx).await?.is_ours {
        return Err("the database has no tables of tableorder".into());
    }
    lock_out_servers(&mut tx).await?;
    event::set_epoch(&mut tx, Uuid::new_v4()).await?;
    tx.commit().await?;
    // The change is committed, so an error here does not matter.
    let _ = connection.close().await;
    Ok(())
}
