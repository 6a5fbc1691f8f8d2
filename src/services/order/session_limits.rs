//! The limits of a session's orders.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use scoped_futures::ScopedFutureExt;

use super::{OrderOrigin, OrderService};
use crate::config::SessionLimits;
use crate::error::{AppError, ErrorCode, Limit, Result};
use crate::events::append;
use crate::models::{NewEvent, SessionId, StoreId};
use crate::repositories::{session, table};
use crate::security::rate::RateLimit;

/// The minimum interval between notices about one limit of one session.
const NOTICE_INTERVAL: Duration = Duration::from_mins(1);

/// The maximum number of recent notices in memory.
const NOTICES: u64 = 10_000;

/// Limits the orders of each session. Clones share the counters.
#[derive(Debug, Clone)]
pub(super) struct SessionLimiter {
    limits: SessionLimits,
    rate: Option<Arc<RateLimit<(StoreId, SessionId)>>>,
    notices: Cache<(StoreId, SessionId, Limit), ()>,
}

impl SessionLimiter {
    pub(super) fn new(limits: SessionLimits) -> Self {
        let rate = limits
            .orders_per_second
            .map(|rate| Arc::new(RateLimit::per_second(Limit::SessionOrdersPerSecond, rate, limits.order_burst)));
        let notices = Cache::builder().max_capacity(NOTICES).time_to_live(NOTICE_INTERVAL).build();
        Self { limits, rate, notices }
    }

    /// Counts one more order of the session, whether it is placed or not.
    ///
    /// # Errors
    /// `TOO_MANY_REQUESTS`.
    pub(super) fn check_rate(&self, origin: OrderOrigin) -> Result<()> {
        self.rate.as_ref().map_or(Ok(()), |rate| rate.check(&(origin.store, origin.session)))
    }

    /// The maximum number of orders of a session.
    pub(super) fn max_orders(&self) -> usize {
        usize::try_from(self.limits.orders).unwrap_or(usize::MAX)
    }

    /// The error for a session that has reached its order limit.
    pub(super) fn too_many_orders(&self) -> AppError {
        AppError::limit_reached(ErrorCode::SessionFull, Limit::SessionOrders, self.limits.orders.into())
    }

    /// The error for an order that would exceed the session's line limit.
    pub(super) fn too_many_lines(&self) -> AppError {
        AppError::limit_reached(ErrorCode::SessionFull, Limit::SessionLines, self.limits.lines.into())
    }

    /// Whether the dashboards must be notified of the session's limit now.
    fn is_notice_due(&self, origin: OrderOrigin, limit: Limit) -> bool {
        self.notices.entry((origin.store, origin.session, limit)).or_insert(()).is_fresh()
    }
}

impl OrderService {
    /// Notifies the dashboards that a table's orders are refused, if `refused` names a limit. An error is only logged:
    /// it must not change the response to the tablet.
    pub(super) async fn notify_staff(&self, origin: OrderOrigin, refused: &AppError) {
        let Some((limit, maximum)) = refused.limit() else { return };
        if !self.limiter.is_notice_due(origin, limit) {
            return;
        }
        let OrderOrigin { store, table, session, .. } = origin;
        let notice = self.database.transaction(store, |tx| {
            async move {
                let is_running = session::find(tx, store, session).await?.is_some_and(|found| !found.is_completed());
                let Some(table) = table::find(tx, store, table).await?.filter(|_| is_running) else { return Ok(None) };
                let notice = NewEvent::limit_reached(limit, maximum, session, &table);
                append(tx, store, notice, self.clock.now()).await.map(Some)
            }
            .scope_boxed()
        });
        match notice.await {
            Ok(event) => event.into_iter().for_each(|event| self.hub.publish(event)),
            Err(error) => tracing::warn!(%error, cause = error.cause, "could not notify the dashboards of a limit"),
        }
    }
}
