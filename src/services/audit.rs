//! The audit log.

use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use scoped_futures::ScopedFutureExt;
use uuid::{ContextV7, Timestamp, Uuid};

use crate::clock::Clock;
use crate::database::{Connection, Database, retention};
use crate::error::{AppError, Result};
use crate::models::{Actor, AuditAction, AuditEntry, AuditFilter, NewAuditEntry, PageLimit, StoreId};
use crate::repositories::{audit, store};

/// Generates ids that keep entries of the same millisecond in order.
static IDS: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// Reads the audit log and deletes old entries.
#[derive(Debug, Clone)]
pub struct AuditService {
    database: Database,
    clock: Clock,
    login_retention: Duration,
}

/// A page of the audit log.
#[derive(Debug)]
pub struct AuditPage {
    /// The entries, newest first.
    pub entries: Vec<AuditEntry>,
    /// The cursor of the next page, if there is one.
    pub next: Option<Uuid>,
}

impl AuditService {
    /// The service for `database`. Entries of logins are kept for `login_retention`.
    #[must_use]
    pub fn new(database: Database, clock: Clock, login_retention: Duration) -> Self {
        Self { database, clock, login_retention }
    }

    /// A page of the store's log, newest first.
    pub async fn list(&self, store: StoreId, filter: &AuditFilter, limit: PageLimit) -> Result<AuditPage> {
        let mut entries = self.database.read(|conn| audit::list(conn, store, filter, limit).scope_boxed()).await?;
        let has_more = entries.len() > limit.get();
        entries.truncate(limit.get());
        Ok(AuditPage { next: entries.last().filter(|_| has_more).map(|entry| entry.id), entries })
    }

    /// Deletes old entries of logins at once and then every hour. It never returns.
    pub async fn run_retention(&self) {
        retention::run("audit entries of logins", || self.prune_logins()).await;
    }

    /// Deletes the entries of logins of every store that are older than the retention, and returns their number.
    pub async fn prune_logins(&self) -> Result<u64> {
        let retention = TimeDelta::from_std(self.login_retention).map_err(AppError::internal)?;
        let before = first_id_at(self.clock.now() - retention);
        let stores = self.database.read(|conn| store::ids(conn).scope_boxed()).await?;
        let mut pruned = 0;
        for store in stores {
            for action in AuditAction::OF_LOGINS {
                let prune_batch = || {
                    self.database
                        .write(|conn| audit::delete_old(conn, store, *action, before, retention::BATCH).scope_boxed())
                };
                pruned += retention::in_batches(prune_batch).await?;
            }
        }
        Ok(pruned)
    }
}

/// The lowest id that an entry of this millisecond can have: ids begin with the time. If the clock was set back, ids
/// continue from the later time, so such entries are kept longer.
fn first_id_at(time: DateTime<Utc>) -> Uuid {
    let milliseconds = u64::try_from(time.timestamp_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &[0; 10]).into_uuid()
}

/// Like [`record`], in a transaction whose commit does not wait for the disk.
pub(super) async fn record_unflushed(
    tx: &mut Connection,
    store: StoreId,
    by: &Actor,
    entry: &NewAuditEntry,
    now: DateTime<Utc>,
) -> Result<()> {
    audit::commit_unflushed(tx).await?;
    record(tx, store, by, entry, now).await
}

/// Records a change in the transaction that makes it, so that the entry exists if and only if the change is committed.
pub(super) async fn record(
    tx: &mut Connection,
    store: StoreId,
    by: &Actor,
    entry: &NewAuditEntry,
    now: DateTime<Utc>,
) -> Result<()> {
    let (seconds, nanoseconds) = (now.timestamp().cast_unsigned(), now.timestamp_subsec_nanos());
    let id = Uuid::new_v7(Timestamp::from_unix(&IDS, seconds, nanoseconds));
    audit::insert(tx, store, id, by, entry, now).await
}
