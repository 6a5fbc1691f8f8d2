//! Events: none missed, none twice.
//!
//! The truth is the events table, written in the transaction of the change ([`append`]). The [`Hub`] is a cache: it hands
//! the events of a store to its open streams in the order of their seq, and reads from the table what it was not handed.

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
