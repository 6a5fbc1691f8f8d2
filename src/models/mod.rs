//! Domain types: typed ids, money, the order status, sessions, menu items, events.
//!
//! A model parses its input, so that every value is valid: a [`Price`] in hand is a valid price. Rules that need no
//! other data belong here. SQL belongs to `repositories`, request and response bodies belong to `schemas`, and
//! transactional rules belong to `services`.
//!
//! A file to imitate: `money.rs`.

mod audit;
mod business_day;
mod device;
mod event;
mod id;
mod idempotency;
mod menu;
mod money;
mod order;
mod page;
mod placement;
mod session;
mod setup;
mod store;
mod table;
mod throttle;
mod user;

pub use audit::{Actor, ActorKind, AuditAction, AuditEntry, AuditFilter, NewAuditEntry};
pub use business_day::BusinessCalendar;
pub use device::{Device, DeviceCursor, DevicePage, Pairing};
pub use event::{Audience, Event, EventKind, NewEvent, StorePosition, StreamHead};
pub use id::{CategoryId, DeviceId, MenuItemId, OrderId, OrderItemId, SessionId, StoreId, TableId, UserId};
pub use idempotency::{IdempotencyKey, content_digest};
pub use menu::{Category, MenuData, MenuItem, MenuItemChange, MenuItemDetails};
pub use money::{Money, OutOfRange, Price, Quantity};
pub use order::{
    Cancellation, DayRange, InvalidTransition, LiveFilter, Order, OrderItem, OrderLine, OrderNumber, OrderStatus,
    PastOrder, StatusChange,
};
pub use page::{Page, PageLimit, SessionPage};
pub use placement::{PlacementOutcome, PricedLine, PricedOrder};
pub use session::{CompletedSession, ReopenedSession, Session, SessionTotals};
pub use setup::{SetupCode, SetupState, SetupStatus};
pub use store::{Store, StoreCode};
pub use table::{DashboardTable, Table};
pub use throttle::{AttemptCounts, AttemptKey, LockoutPolicy, SuccessLimit, network_of};
pub use user::{Role, User, Username};
