//! `tableorder new-epoch`: what has to follow when the database went back to an earlier moment.
//!
//! What was given out after that moment will be given out again: the places of streams, which clients resume from,
//! and the ids and versions that tokens carry. So clients are made to load everything anew, and to log in again.

use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::connect::Reached;
use super::interrupt::unless_interrupted;
use super::{CliError, say};
use crate::config::Config;
use crate::repositories::deployment;

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
    if !deployment::tables(&mut tx).await?.1 {
        return Err("the database holds nothing of tableorder's".into());
    }
    refuse_while_connected(&mut tx).await?;
    begin(&mut tx).await?;
    tx.commit().await?;
    // It is done, and closed in any case.
    let _ = connection.close().await;
    Ok(())
}

/// Begins a new epoch with the transaction.
pub(super) async fn begin(conn: &mut PgConnection) -> Result<(), CliError> {
    deployment::set_epoch(conn, Uuid::new_v4()).await?;
    // Tokens say of which epoch they are; but those of a version before that do not.
    deployment::end_staff_logins(conn).await?;
    deployment::end_tablet_logins(conn).await?;
    Ok(())
}

/// Servers remember what would no longer be so. One that starts from here on waits for the transaction to end before
/// it reads the epoch, and so before it remembers anything.
pub(super) async fn refuse_while_connected(conn: &mut PgConnection) -> Result<(), CliError> {
    // Asked before, too: whoever works now would keep the lock waiting.
    for is_locked in [false, true] {
        if is_locked {
            deployment::lock_epoch(conn).await?;
        }
        let connections = deployment::connections(conn).await?;
        if connections > 0 {
            return Err(format!(
                "tableorder is connected to the database ({connections} connections): stop every server on it first"
            )
            .into());
        }
    }
    Ok(())
}
