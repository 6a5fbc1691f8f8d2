//! What happened in a store, as its dashboards and tablets are told.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::{SessionId, StoreId};

/// Who may see an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "event_audience", rename_all = "lowercase")]
pub enum Audience {
    /// The store's dashboards.
    Staff,
    /// The dashboards, and the tablets of the event's session.
    Session,
    /// The dashboards, and every tablet of the store.
    Everyone,
}

impl Audience {
    /// The audience as the database names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Session => "session",
            Self::Everyone => "everyone",
        }
    }
}

/// The kinds of event this version writes. It passes on kinds it does not know, which a newer instance
/// beside it may write: what an event is called and who may see it stand in its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A guest ordered.
    NewOrder,
    /// An order's status moved.
    OrderUpdated,
    /// An order was cancelled.
    OrderDeleted,
    /// A cancelled order came back.
    OrderRestored,
    /// A session was completed.
    SessionCompleted,
    /// A completed session goes on.
    SessionReopened,
    /// The menu changed.
    MenuChanged,
    /// An order was refused because its session has reached a limit.
    LimitReached,
}

impl EventKind {
    /// The event's name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NewOrder => "new_order",
            Self::OrderUpdated => "order_updated",
            Self::OrderDeleted => "order_deleted",
            Self::OrderRestored => "order_restored",
            Self::SessionCompleted => "session_completed",
            Self::SessionReopened => "session_reopened",
            Self::MenuChanged => "menu_changed",
            Self::LimitReached => "limit_reached",
        }
    }

    /// Who may see it.
    #[must_use]
    pub fn audience(self) -> Audience {
        match self {
            Self::NewOrder | Self::OrderUpdated | Self::OrderDeleted | Self::OrderRestored | Self::SessionCompleted => {
                Audience::Session
            }
            Self::LimitReached => Audience::Staff,
            // The tablet of the reopened session listens for the session after it.
            Self::SessionReopened | Self::MenuChanged => Audience::Everyone,
        }
    }
}

/// An event about to be written.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// What happened.
    pub kind: EventKind,
    /// The session it concerns, if it concerns one.
    pub session_id: Option<SessionId>,
    /// Its data.
    pub data: Box<RawValue>,
}

/// An event as it stands in the table, the truth of what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place in the store's events: 1, 2, 3 … without holes, in commit order.
    pub seq: i64,
    /// Its name on the wire.
    pub kind: String,
    /// Who may see it.
    pub audience: Audience,
    /// The session it concerns, if it concerns one.
    pub session_id: Option<SessionId>,
    /// Its data: one line of JSON.
    pub data: String,
    /// When it was written, by the clock of the instance that did.
    pub created_at: DateTime<Utc>,
}

impl Event {
    /// The store's menu version that the event announces, if it is a `menu_changed`.
    #[must_use]
    pub fn menu_version(&self) -> Option<i64> {
        if self.kind != EventKind::MenuChanged.as_str() {
            return None;
        }
        let data: serde_json::Value = serde_json::from_str(&self.data).ok()?;
        data.get("menu_version")?.as_i64()
    }
}

/// The position of a store, as instances announce it and poll it. Each number grows only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorePosition {
    /// The store.
    pub store_id: StoreId,
    /// The newest event's seq.
    pub event_seq: i64,
    /// Grows whenever a token of the store may have been revoked.
    pub access_version: i64,
    /// Grows with every change of a category or menu item.
    pub menu_version: i64,
}

impl StorePosition {
    /// A position that is before every other.
    #[must_use]
    pub fn zero(store_id: StoreId) -> Self {
        Self { store_id, event_seq: 0, access_version: 0, menu_version: 0 }
    }
}

/// The end of a store's events, and the versions that belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamHead {
    /// The newest event's seq.
    pub event_seq: i64,
    /// Events up to and including this seq may have been deleted.
    pub pruned_seq: i64,
    /// Grows whenever a token of the store may have been revoked.
    pub access_version: i64,
    /// Grows with every change of a category or menu item.
    pub menu_version: i64,
}
