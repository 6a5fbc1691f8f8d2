//! Events and their streams: each stream gets every event of its scope exactly once, in order.
//!
//! The source of truth is the events table, written in the transaction of the change ([`append`]). The [`Hub`] is a cache:
//! it sends the events of a store to its open streams in the order of their seq, and reads those that it missed from the
//! table. The JSON of an event is made in `services/`, the SSE response in `routers/`, and other instances are informed by
//! `cluster/`. A file to imitate: `cursor.rs`.

mod append;
mod cursor;
mod hub;
mod metrics;
mod pending;
pub mod retention;
mod stream;

pub use append::{AppendedEvent, append, append_menu_change};
pub use cursor::{Cursor, Scope};
pub use hub::{Hub, HubObserver, LiveEvent, StreamAccount, StreamLogin, StreamOwner, Subscription};
pub use pending::PendingPositions;
pub use stream::{EventStream, StreamAborted, StreamOptions, TokenCheck};
