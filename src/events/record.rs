//! Writing an event in the transaction of the change it tells.

use chrono::{DateTime, Utc};

use crate::database::Transaction;
use crate::error::Result;
use crate::models::{Event, NewEvent, StoreId};
use crate::repositories::event;

/// An event that is written but perhaps not yet committed; hand it to the hub after the commit.
#[derive(Debug)]
#[must_use = "hand it to the hub after the commit"]
pub struct Recorded {
    pub(super) store: StoreId,
    pub(super) event: Event,
    /// The version it gave the menu; 0 where it did not touch it.
    pub(super) menu_version: i64,
}

/// Writes `new` as the store's next event: the last thing before the commit.
///
/// # Errors
/// Of the database.
pub async fn record(tx: &mut Transaction, store: StoreId, new: NewEvent, now: DateTime<Utc>) -> Result<Recorded> {
    let seq = event::next_seq(tx.conn(), store).await?;
    write(tx, store, seq, 0, new, now).await
}

/// Writes that the menu changed, at its next version: the last thing before the commit.
///
/// # Errors
/// Of the database.
pub async fn record_menu_change(tx: &mut Transaction, store: StoreId, now: DateTime<Utc>) -> Result<Recorded> {
    let (seq, menu_version) = event::next_seq_and_menu_version(tx.conn(), store).await?;
    write(tx, store, seq, menu_version, NewEvent::menu_changed(menu_version), now).await
}

async fn write(
    tx: &mut Transaction,
    store: StoreId,
    seq: i64,
    menu_version: i64,
    new: NewEvent,
    now: DateTime<Utc>,
) -> Result<Recorded> {
    event::insert(tx.conn(), store, seq, &new, now).await?;
    Ok(Recorded { menu_version, ..Recorded::new(store, seq, new, now) })
}

impl Recorded {
    /// `new`, which does not touch the menu and stands in the table as the store's event `seq`, written at `now`.
    pub fn new(store: StoreId, seq: i64, new: NewEvent, now: DateTime<Utc>) -> Self {
        let NewEvent { kind, session_id, data } = new;
        let (kind, audience) = (kind.as_str().to_owned(), kind.audience());
        let event = Event { seq, kind, audience, session_id, data, created_at: now };
        Self { store, event, menu_version: 0 }
    }
}
