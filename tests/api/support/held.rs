//! Holds connections of the pool.

use scoped_futures::ScopedFutureExt;
use tableorder::database::Database;
use tableorder::error::Result;
use tokio::sync::{mpsc, watch};

/// Holds a connection of the pool until it is dropped.
pub struct HeldConnection {
    _release: watch::Sender<()>,
}

pub async fn hold_connection(database: &Database) -> Result<HeldConnection> {
    let (release, released) = watch::channel(());
    let (acquired, mut is_acquired) = mpsc::channel(1);
    let database = database.clone();
    let holding = tokio::spawn(async move {
        let hold = database.read(|_| {
            let (acquired, mut released) = (acquired.clone(), released.clone());
            async move {
                acquired.send(()).await.unwrap();
                let _ = released.changed().await;
                Ok(())
            }
            .scope_boxed()
        });
        hold.await
    });
    tokio::select! {
        Some(()) = is_acquired.recv() => Ok(HeldConnection { _release: release }),
        refused = holding => Err(refused.unwrap().unwrap_err()),
    }
}
