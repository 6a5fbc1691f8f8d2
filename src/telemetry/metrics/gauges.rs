//! States, read when somebody asks.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use tokio::runtime::Handle;

use super::gauge;
use crate::database::Database;
use crate::events::Hub;
use crate::security::password::Passwords;

/// Where states are read, and the limits beside which they say something.
#[derive(Debug)]
pub(crate) struct Gauges {
    pub(crate) database: Database,
    pub(crate) hub: Hub,
    pub(crate) passwords: Passwords,
    pub(crate) connections_limit: u32,
    pub(crate) streams_limit: usize,
    pub(crate) hash_queue_limit: usize,
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let to = &mut encoder;
        let pool = self.database.pool_state();
        gauge(to, "database_up", "Whether PostgreSQL answers: 1 or 0", u64::from(pool.is_open))?;
        gauge(to, "database_connections", "Connections of the pool, idle or in use", pool.connections)?;
        gauge(to, "database_connections_idle", "Connections of the pool that nobody uses", pool.idle)?;
        gauge(to, "database_connections_limit", "DATABASE_MAX_CONNECTIONS", self.connections_limit)?;

        let hub = self.hub.state();
        gauge(to, "streams_open", "Event streams that are open", self.hub.open_streams())?;
        gauge(to, "streams_limit", "SSE_MAX_CONNECTIONS", self.streams_limit)?;
        gauge(to, "hub_stores", "Stores that somebody listens to here", hub.stores)?;
        let help = "Events that came before their turn and wait for those before them";
        gauge(to, "hub_events_waiting", help, hub.events_waiting)?;
        let help =
            "Whether other instances' changes are heard of at once (or, with EVENT_WAKE_UPS=false, polled): 1 or 0";
        gauge(to, "hub_listening", help, u64::from(hub.is_listening))?;

        gauge(to, "hash_queue_length", "Passwords that are hashed or wait for it", self.passwords.queue_length())?;
        gauge(to, "hash_queue_limit", "LOGIN_QUEUE", self.hash_queue_limit)?;

        if let Ok(runtime) = Handle::try_current() {
            gauge(to, "tasks", "Tasks of the asynchronous runtime", runtime.metrics().num_alive_tasks())?;
        }
        Ok(())
    }
}
