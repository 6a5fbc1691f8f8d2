use std::time::Duration;

use sqlx::PgConnection;
use tokio::time::Instant;

use super::{BackupError, Result};
use crate::repositories::{catalogue, event};

/// PostgreSQL may list a closed connection for this long.
const CLOSE_GRACE: Duration = Duration::from_secs(2);

/// The interval at which the connections are counted again.
const INTERVAL: Duration = Duration::from_millis(50);

/// Fails while a server or another command is connected to the database, because servers cache data that is about to be
/// replaced.
pub(super) async fn refuse_while_connected(conn: &mut PgConnection) -> Result<()> {
    let asked = Instant::now();
    loop {
        match catalogue::connections(conn).await? {
            0 => return Ok(()),
            _ if asked.elapsed() < CLOSE_GRACE => tokio::time::sleep(INTERVAL).await,
            connections => {
                return Err(BackupError::Refused(format!(
                    "tableorder is connected to the database ({connections} connections); stop every server on it first"
                )));
            }
        }
    }
}

/// Fails while a server or another command is connected to the database. A server that starts from now on waits for the end
/// of the transaction, because it reads the epoch before it caches anything.
///
/// # Errors
/// [`BackupError::Refused`] while a server or another command is connected.
pub async fn lock_out_servers(conn: &mut PgConnection) -> Result<()> {
    // Check first: while a server runs, the lock would have to wait for its polls.
    refuse_while_connected(conn).await?;
    event::lock_epoch(conn).await?;
    refuse_while_connected(conn).await
}
