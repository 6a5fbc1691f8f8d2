//! Events: nothing missed, nothing twice.
//!
//! The truth is the events table, written in the transaction of the change ([`append`]). The [`Hub`] is a
//! cache and a wake-up, never the truth: it hands a store's events to its open streams in seq order, and the
//! `follower` reads from the table whatever the hub was not handed. Wake-ups between instances say what moved; the
//! `poll` finds out what they failed to say.

mod append;
mod counts;
mod cursor;
mod follower;
mod hub;
mod mailbox;
mod payload;
mod poll;
pub mod retention;
mod stream;
mod telling;
mod versions;
mod wake_up;
mod word;

use sqlx::postgres::PgConnectOptions;

use crate::clock::Clock;
use crate::config::EventConfig;

pub use append::{AppendedEvent, append, append_menu_change};
pub use cursor::{Cursor, Scope};
pub use hub::{Hub, HubState, LiveEvent, StreamLimits, Subscription};
pub use stream::{BrokenOff, EventStream, StreamGuard, StreamOptions};
pub use versions::StoreVersions;
pub use wake_up::LISTENER_NAME;

/// The database was restored, or recovered to an earlier moment, while the server ran: what the server remembers and
/// what its streams have sent is of a past that is no more.
#[derive(Debug, thiserror::Error)]
#[error("the database was restored or recovered while this server ran; start it anew")]
pub struct OtherEpoch;

/// Keeps the hub's feeds up to date and the table pruned, until the server stops.
///
/// `listener` is how to reach PostgreSQL for `LISTEN`, on a connection of its own.
///
/// # Errors
/// [`OtherEpoch`], upon which the server must stop.
pub async fn run(hub: Hub, listener: PgConnectOptions, clock: Clock, config: EventConfig) -> Result<(), OtherEpoch> {
    let wake_ups = async {
        if config.wake_ups {
            tokio::join!(wake_up::announce(&hub), wake_up::listen(&hub, listener));
        } else {
            hub.rely_on_polling();
        }
    };
    let others = async {
        tokio::join!(follower::run(&hub), wake_ups, retention::run(&hub, &clock, config.retention));
        Ok(())
    };
    tokio::try_join!(poll::run(&hub), others).map(|((), ())| ())
}
