use std::time::Duration;

use sqlx::PgConnection;
use tokio::time::Instant;

use super::{BackupError, Result};
use crate::repositories::{catalogue, event};

/// How long a connection that was just closed may still be listed.
const CLOSING: Duration = Duration::from_secs(2);

/// How often the connections are counted meanwhile.
const INTERVAL: Duration = Duration::from_millis(50);

/// Refuses while a server or another command is connected to the database: servers remember what would no longer be so.
///
/// # Errors
/// [`BackupError::Refused`].
pub(super) async fn refuse_while_connected(conn: &mut PgConnection) -> Result<()> {
    let asked = Instant::now();
    loop {
        match catalogue::connections(conn).await? {
            0 => return Ok(()),
            _ if asked.elapsed() < CLOSING => tokio::time::sleep(INTERVAL).await,
            connections => {
                return Err(BackupError::Refused(format!(
                    "tableorder is connected to the database ({connections} connections): stop every server on it first"
                )));
            }
        }
    }
}

/// As [`refuse_while_connected`], and makes a server that starts from now on wait for the end of the transaction: it reads
/// the epoch before it remembers anything.
///
/// # Errors
/// As above.
pub async fn lock_out_servers(conn: &mut PgConnection) -> Result<()> {
    // Asked before as well: a server at work would keep the lock waiting.
    refuse_while_connected(conn).await?;
    event::lock_epoch(conn).await?;
    refuse_while_connected(conn).await
}
