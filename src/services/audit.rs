//! The audit log.

use std::sync::Mutex;

use chrono::{DateTime, Utc};
use scoped_futures::ScopedFutureExt;
use uuid::{ContextV7, Timestamp, Uuid};

use crate::database::{Connection, Database};
use crate::error::Result;
use crate::models::{Actor, AuditEntry, AuditFilter, NewAuditEntry, PageLimit, StoreId};
use crate::repositories::audit;

/// Keeps entries of one millisecond in order.
static IDS: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// The audit log.
#[derive(Debug, Clone)]
pub struct AuditService {
    database: Database,
}

/// A page of the log.
#[derive(Debug)]
pub struct AuditPage {
    /// The entries, newest first.
    pub entries: Vec<AuditEntry>,
    /// Where the next page goes on, if there is one.
    pub next: Option<Uuid>,
}

impl AuditService {
    /// The log stored in `database`.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// A page of the store's log, newest first.
    pub async fn list(&self, store: StoreId, filter: &AuditFilter, limit: PageLimit) -> Result<AuditPage> {
        let mut entries = self.database.read(|conn| audit::list(conn, store, filter, limit).scope_boxed()).await?;
        let has_more = entries.len() > limit.get();
        entries.truncate(limit.get());
        Ok(AuditPage { next: entries.last().filter(|_| has_more).map(|entry| entry.id), entries })
    }
}

/// As [`record`], in a transaction whose commit does not wait for the disk.
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

/// Records what a transaction does, so that it is in the log if and only if it is done.
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
