//! The audit log.

use std::sync::Mutex;

use chrono::{DateTime, Utc};
use uuid::{ContextV7, Timestamp, Uuid};

use crate::database::{Database, Transaction};
use crate::error::Result;
use crate::models::{Actor, AuditEntry, AuditFilter, NewAuditEntry, PageLimit, StoreId};
use crate::repositories::audit;

/// Keeps entries of one millisecond in order.
static IDS: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// The audit log. Cheap to clone.
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
    /// The log kept in `database`.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// A page of the store's log, newest first.
    ///
    /// # Errors
    /// Of the database.
    pub async fn list(&self, store: StoreId, filter: &AuditFilter, limit: PageLimit) -> Result<AuditPage> {
        let mut entries = audit::list(self.database.acquire().await?.conn(), store, filter, limit).await?;
        let has_more = entries.len() > limit.get();
        entries.truncate(limit.get());
        Ok(AuditPage { next: entries.last().filter(|_| has_more).map(|entry| entry.id), entries })
    }
}

/// As [`record`], in a transaction whose commit does not wait for the disk.
///
/// # Errors
/// Of the database.
pub(super) async fn record_unflushed(
    tx: &mut Transaction,
    store: StoreId,
    by: &Actor,
    entry: &NewAuditEntry,
    now: DateTime<Utc>,
) -> Result<()> {
    audit::commit_unflushed(tx.conn()).await?;
    record(tx, store, by, entry, now).await
}

/// Writes down what `tx` does, so that it is known if and only if it is done.
///
/// # Errors
/// Of the database.
pub(super) async fn record(
    tx: &mut Transaction,
    store: StoreId,
    by: &Actor,
    entry: &NewAuditEntry,
    now: DateTime<Utc>,
) -> Result<()> {
    let (seconds, nanoseconds) = (now.timestamp().cast_unsigned(), now.timestamp_subsec_nanos());
    let id = Uuid::new_v7(Timestamp::from_unix(&IDS, seconds, nanoseconds));
    audit::insert(tx.conn(), store, id, by, entry, now).await
}
