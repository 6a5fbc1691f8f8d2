//! Events: changes in a store that are pushed to its dashboards and tablets.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::{SessionId, StoreId};

/// The streams that receive an event.
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
    /// The value of the PostgreSQL enum `event_audience`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Session => "session",
            Self::Everyone => "everyone",
        }
    }
}

/// The kinds of event that this version writes. A newer instance may write others: each row has its own name and
/// audience, so this version delivers kinds that it does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A guest ordered.
    NewOrder,
    /// An order's status changed.
    OrderUpdated,
    /// An order was cancelled.
    OrderDeleted,
    /// A cancelled order was restored.
    OrderRestored,
    /// A session was completed.
    SessionCompleted,
    /// A completed session was reopened.
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

    /// The streams that receive it.
    #[must_use]
    pub fn audience(self) -> Audience {
        match self {
            Self::NewOrder | Self::OrderUpdated | Self::OrderDeleted | Self::OrderRestored | Self::SessionCompleted => {
                Audience::Session
            }
            Self::LimitReached => Audience::Staff,
            // The tablet's stream may already belong to the next session, so the event goes to every tablet.
            Self::SessionReopened | Self::MenuChanged => Audience::Everyone,
        }
    }
}

/// An event to append.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Its kind.
    pub kind: EventKind,
    /// The session it belongs to, if any.
    pub session_id: Option<SessionId>,
    /// Its data.
    pub data: Box<RawValue>,
}

/// A row of the table `events`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The store's sequence number: 1, 2, 3 … in commit order, without gaps.
    pub seq: i64,
    /// Its name on the wire.
    pub kind: String,
    /// The streams that receive it.
    pub audience: Audience,
    /// The session it belongs to, if any.
    pub session_id: Option<SessionId>,
    /// Its data: one line of JSON.
    pub data: String,
    /// When it was written, by the clock of the instance that wrote it.
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

/// A store's newest event and versions, as instances announce and poll them. No number ever decreases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorePosition {
    /// The store.
    pub store_id: StoreId,
    /// The newest event's seq.
    pub event_seq: i64,
    /// Incremented whenever a token of the store may have been revoked.
    pub access_version: i64,
    /// Incremented by every change of a category or menu item.
    pub menu_version: i64,
}

impl StorePosition {
    /// The lowest position.
    #[must_use]
    pub fn zero(store_id: StoreId) -> Self {
        Self { store_id, event_seq: 0, access_version: 0, menu_version: 0 }
    }
}

/// The end of a store's event log, and the store's versions at that point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamHead {
    /// The newest event's seq.
    pub event_seq: i64,
    /// Events up to and including this seq may have been deleted.
    pub pruned_seq: i64,
    /// Incremented whenever a token of the store may have been revoked.
    pub access_version: i64,
    /// Incremented by every change of a category or menu item.
    pub menu_version: i64,
}
