//! Tables, and the dashboard that shows them.

use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::database::Database;
use crate::error::{ErrorCode, Result};
use crate::events::{Hub, Scope, record};
use crate::models::{DashboardTable, Money, NewEvent, SessionId, StoreId, TableId};
use crate::repositories::{order, session, table};

/// Tables. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TableService {
    database: Database,
    hub: Hub,
    clock: Clock,
}

/// A stay that was completed.
#[derive(Debug)]
pub struct CompletedStay {
    /// The session.
    pub session_id: SessionId,
    /// How many orders it had.
    pub order_count: i64,
    /// Their sum.
    pub total_amount: Money,
    /// When it ended.
    pub completed_at: DateTime<Utc>,
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
    pub fn new(database: Database, hub: Hub, clock: Clock) -> Self {
        Self { database, hub, clock }
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

    /// 이용 완료: ends the table's stay. Whatever was ordered before is on its bill, whatever comes after is
    /// refused.
    ///
    /// # Errors
    /// `TABLE_NOT_FOUND`, `SESSION_NOT_FOUND` if no stay has started.
    pub async fn complete(&self, store: StoreId, table: TableId) -> Result<CompletedStay> {
        let mut tx = self.database.begin().await?;
        if table::find_token_version(tx.conn(), store, table).await?.is_none() {
            return Err(ErrorCode::TableNotFound.into());
        }
        let session_id = session::lock_to_complete(tx.conn(), store, table).await?;
        let (order_count, total_amount) = order::sum_of_session(tx.conn(), store, session_id).await?;
        let completed_at = self.clock.now();
        session::complete(tx.conn(), store, session_id, completed_at).await?;
        let event = NewEvent::session_completed(session_id, table);
        let recorded = record(&mut tx, store, event, completed_at).await?;
        tx.commit().await?;
        self.hub.publish(recorded);
        Ok(CompletedStay { session_id, order_count, total_amount, completed_at })
    }
}
