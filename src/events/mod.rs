//! Events: nothing missed, nothing twice.
//!
//! The truth is the events table, written in the transaction of the change ([`record`]). The [`Hub`] is a
//! cache and a wake-up, never the truth: it hands a store's events to its open streams in seq order, and the
//! [`follower`] reads from the table whatever the hub was not handed.

mod cursor;
pub mod follower;
mod hub;
mod payload;
mod record;
mod stream;

pub use cursor::{Cursor, Scope};
pub use hub::{Hub, LiveEvent, Subscription};
pub use record::{Recorded, record, record_menu_change};
pub use stream::{BrokenOff, EventStream, StreamGuard, StreamOptions};
