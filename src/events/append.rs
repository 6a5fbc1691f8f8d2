//! Appending an event in the transaction of the change it describes.

use chrono::{DateTime, Utc};

use crate::database::Connection;
use crate::error::Result;
use crate::models::{Event, NewEvent, StoreId};
use crate::repositories::event;

/// An event that is in the table but perhaps not committed yet. It is published after the commit.
#[derive(Debug)]
#[must_use = "publish it after the commit"]
pub struct AppendedEvent {
    pub(super) store: StoreId,
    pub(super) event: Event,
    /// The menu version it is about, where it is about the menu.
    pub(super) menu_version: Option<i64>,
}

impl AppendedEvent {
    /// An event that is not about the menu and that the database has stored.
    pub fn stored(store: StoreId, event: Event) -> Self {
        Self { store, event, menu_version: None }
    }
}

/// Appends the store's next event. It must be the last step before the commit, since the store's other changes wait
/// from here on.
pub async fn append(tx: &mut Connection, store: StoreId, new: NewEvent, now: DateTime<Utc>) -> Result<AppendedEvent> {
    let seq = event::next_seq(tx, store).await?;
    Ok(AppendedEvent::stored(store, insert(tx, store, seq, new, now).await?))
}

/// Appends the event that the menu changed, at its next version. It must be the last step before the commit.
pub async fn append_menu_change(tx: &mut Connection, store: StoreId, now: DateTime<Utc>) -> Result<AppendedEvent> {
    let (seq, menu_version) = event::next_seq_and_menu_version(tx, store).await?;
    let event = insert(tx, store, seq, NewEvent::menu_changed(menu_version), now).await?;
    Ok(AppendedEvent { store, event, menu_version: Some(menu_version) })
}

async fn insert(tx: &mut Connection, store: StoreId, seq: i64, new: NewEvent, now: DateTime<Utc>) -> Result<Event> {
    event::insert(tx, store, seq, &new, now).await?;
    let NewEvent { kind, session_id, data } = new;
    let (kind, audience) = (kind.as_str().to_owned(), kind.audience());
    Ok(Event { seq, kind, audience, session_id, data: data.get().to_owned(), created_at: now })
}
