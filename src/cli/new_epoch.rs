//! `tableorder new-epoch`: necessary after the database went back to an earlier moment.
//!
//! Cursors of streams, ids and token versions from after that moment will be given again. With a new epoch, clients load
//! everything anew and log in again.

use sqlx::Connection;
use uuid::Uuid;

use super::connect::Reached;
use super::interrupt::unless_interrupted;
use super::{CliError, say};
use crate::backup::lock_out_servers;
use crate::config::Config;
use crate::repositories::{catalogue, event};

pub(super) async fn run(config: &Config) -> Result<(), CliError> {
    let reached = Reached::of_existing(config).await?;
    let result = unless_interrupted(renew(&reached)).await;
    reached.close().await;
    result?;
    say("a new epoch has begun: clients load everything anew, and everybody logs in again");
    Ok(())
}

async fn renew(reached: &Reached) -> Result<(), CliError> {
    let mut connection = reached.connect("tableorder-new-epoch").await?;
    let mut tx = connection.begin().await?;
    if !catalogue::contents(&mut tx).await?.is_ours {
        return Err("the database holds nothing of tableorder".into());
    }
    lock_out_servers(&mut tx).await?;
    event::set_epoch(&mut tx, Uuid::new_v4()).await?;
    tx.commit().await?;
    // It is done, and closed in any case.
    let _ = connection.close().await;
    Ok(())
}
