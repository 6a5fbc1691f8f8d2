//! Appends an event, in the transaction of the change that it describes.

use chrono::{DateTime, Utc};

use crate::database::Connection;
use crate::error::Result;
use crate::models::{Event, NewEvent, StoreId};
use crate::repositories::event;

/// An event that is in the table but may not be committed yet. Publish it after the commit.
#[derive(Debug)]
#[must_use = "publish it after the commit"]
pub struct AppendedEvent {
    /// The store.
    pub store: StoreId,
    /// The event as it is stored.
    pub event: Event,
}

/// Appends the store's next event. This must be the last step before the commit, because all other changes of the store
/// wait from here on.
pub async fn append(tx: &mut Connection, store: StoreId, new: NewEvent, now: DateTime<Utc>) -> Result<AppendedEvent> {
    let seq = event::next_seq(tx, store).await?;
    insert(tx, store, seq, new, now).await
}

/// Increments the store's menu version, and appends the event that `new` creates for it. This must be the last step before
/// the commit.
pub async fn append_menu_change(
    tx: &mut Connection,
    store: StoreId,
    new: impl FnOnce(i64) -> NewEvent + Send,
    now: DateTime<Utc>,
) -> Result<AppendedEvent> {
    let (seq, menu_version) = event::next_seq_and_menu_version(tx, store).await?;
    insert(tx, store, seq, new(menu_version), now).await
}

async fn insert(
    tx: &mut Connection,
    store: StoreId,
    seq: i64,
    new: NewEvent,
    now: DateTime<Utc>,
) -> Result<AppendedEvent> {
    event::insert(tx, store, seq, &new, now).await?;
    let NewEvent { kind, session_id, data } = new;
    let (kind, audience) = (kind.as_str().to_owned(), kind.audience());
    let event = Event { seq, kind, audience, session_id, data: data.get().to_owned(), created_at: now };
    Ok(AppendedEvent { store, event })
}
