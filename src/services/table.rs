//! Tables, and the dashboard that shows them.

use crate::database::Database;
use crate::error::Result;
use crate::events::{Hub, Scope};
use crate::models::{DashboardTable, StoreId};
use crate::repositories::table;

/// Tables. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TableService {
    database: Database,
    hub: Hub,
}

/// The dashboard at one moment.
#[derive(Debug)]
pub struct Dashboard {
    /// The stream position it is true at: subscribing from there sees every later change once.
    pub event_id: String,
    /// The tables, by number.
    pub tables: Vec<DashboardTable>,
}

impl TableService {
    /// Tables kept in `database`.
    #[must_use]
    pub fn new(database: Database, hub: Hub) -> Self {
        Self { database, hub }
    }

    /// The dashboard.
    ///
    /// # Errors
    /// Of the database.
    pub async fn dashboard(&self, store: StoreId) -> Result<Dashboard> {
        let (event_seq, tables) = table::dashboard(self.database.acquire().await?.conn(), store).await?;
        let event_id = self.hub.cursor(store, Scope::Staff, event_seq).to_string();
        Ok(Dashboard { event_id, tables })
    }
}
