//! Placing an order.

use chrono::TimeDelta;
use scoped_futures::ScopedFutureExt;

use super::pricing::price;
use super::{OrderOrigin, OrderRequest, OrderService, Placed};
use crate::database::Connection;
use crate::error::{AppError, ErrorCode, Reason, Result};
use crate::models::{IdempotencyKey, Order, OrderStatus, PlacementOutcome, PricedOrder, content_digest};
use crate::repositories::{event, order, session};
use crate::services::MenuSnapshot;

/// How long after its order a key is known at the table, in whichever session. (As `place_orders_v2` has it.)
const RETRIED_WITHIN: TimeDelta = TimeDelta::hours(24);

/// How long an order may wait in an offline tablet.
const MAX_WAIT: TimeDelta = TimeDelta::hours(24);

/// The facts that decide how a refused order is answered.
struct Refusal {
    is_session_running: bool,
    menu_version: i64,
    /// The order that an earlier request with the same key placed, and the digest of its content.
    placed: Option<(Order, Option<Vec<u8>>)>,
}

impl OrderService {
    /// Places an order at the current prices. The same key with the same content again gives the first answer again,
    /// whatever became of the order or the session since: at any later time in the session, and within 24 hours at the
    /// table, where the tablet may have logged in again.
    ///
    /// # Errors
    /// `SESSION_ENDED`, `MENU_NOT_FOUND`, `MENU_UNAVAILABLE`, `MENU_CHANGED` if the guest saw another name or price,
    /// `ORDER_EXPIRED`, `IDEMPOTENCY_MISMATCH` for a key that was used for other content, `SESSION_FULL` and
    /// `TOO_MANY_REQUESTS`, of which the dashboards are notified.
    pub async fn place(&self, origin: OrderOrigin, request: &OrderRequest<'_>) -> Result<Placed> {
        if request.not_after.is_some_and(|not_after| not_after > self.clock.now() + MAX_WAIT) {
            return Err(AppError::invalid_field("not_after", Reason::TooFarAhead));
        }
        let placed = match self.limiter.check_rate(origin) {
            Ok(()) => self.place_or_replay(origin, request).await,
            Err(refused) => Err(refused),
        };
        if let Err(refused) = &placed {
            self.notify_staff(origin, refused).await;
        }
        placed
    }

    async fn place_or_replay(&self, origin: OrderOrigin, request: &OrderRequest<'_>) -> Result<Placed> {
        // Each attempt can only lose to a menu change that happens at the same moment.
        const ATTEMPTS: usize = 10;
        let OrderOrigin { store, .. } = origin;
        let mut menu = self.menus.current(store).await?;
        for _ in 0..ATTEMPTS {
            let refused = match self.price(origin, request, &menu) {
                Ok(priced) => match self.writer.place(store, priced).await? {
                    PlacementOutcome::Placed(order) => return Ok(Placed { order: *order, is_replayed: false }),
                    PlacementOutcome::SessionEnded => ErrorCode::SessionEnded.into(),
                    PlacementOutcome::KeyUsed => ErrorCode::Duplicate.into(),
                    PlacementOutcome::Expired => ErrorCode::OrderExpired.into(),
                    PlacementOutcome::TooManyOrders => self.limiter.too_many_orders(),
                    PlacementOutcome::TooManyLines => self.limiter.too_many_lines(),
                    PlacementOutcome::MenuChanged { menu_version } => {
                        menu = self.menus.at_least(store, menu_version).await?;
                        continue;
                    }
                },
                Err(refused) => refused,
            };
            let Refusal { is_session_running, menu_version, placed } = self.examine(origin, request).await?;
            if let Some((order, digest)) = placed {
                return replayed(order, digest.as_deref(), request);
            }
            // Whatever else is wrong with the order, the end of the session comes first.
            if !is_session_running {
                return Err(ErrorCode::SessionEnded.into());
            }
            if menu_version <= menu.version {
                return Err(refused);
            }
            menu = self.menus.at_least(store, menu_version).await?;
        }
        Err(AppError::caused_by(ErrorCode::ServiceUnavailable, "the menu keeps changing"))
    }

    fn price(&self, origin: OrderOrigin, request: &OrderRequest<'_>, menu: &MenuSnapshot) -> Result<PricedOrder> {
        // Checked again when it is written. Here it comes before whatever else is wrong with the order.
        if request.not_after.is_some_and(|not_after| not_after < self.clock.now()) {
            return Err(ErrorCode::OrderExpired.into());
        }
        price(origin, request, menu)
    }

    /// Reads why an order is refused, or that it is the retry of one that was placed.
    async fn examine(&self, origin: OrderOrigin, request: &OrderRequest<'_>) -> Result<Refusal> {
        let OrderOrigin { store, table, session, .. } = origin;
        let refusal = self.database.read(|conn| {
            async move {
                let found = session::find(conn, store, session).await?;
                let placed = match &request.key {
                    Some(key) => self.find_placed(conn, origin, key, request).await?,
                    None => None,
                };
                Ok(Refusal {
                    is_session_running: found.is_some_and(|found| !found.is_completed() && found.table_id == table),
                    menu_version: event::menu_version(conn, store).await?,
                    placed,
                })
            }
            .scope_boxed()
        });
        refusal.await
    }

    /// The order that an earlier request with this key placed, and the digest of its content: in the session, or with the
    /// same content at the table.
    async fn find_placed(
        &self,
        conn: &mut Connection,
        origin: OrderOrigin,
        key: &IdempotencyKey,
        request: &OrderRequest<'_>,
    ) -> Result<Option<(Order, Option<Vec<u8>>)>> {
        let OrderOrigin { store, table, session, .. } = origin;
        if let Some(placed) = order::find_by_key(conn, store, session, key).await? {
            return Ok(Some(placed));
        }
        let digest = content_digest(&request.lines, request.note);
        let since = self.clock.now() - RETRIED_WITHIN;
        let retried = order::find_retried(conn, store, table, key, &digest, since).await?;
        Ok(retried.map(|order| (order, Some(digest.to_vec()))))
    }
}

/// The answer to the retry of `order`, whose content had this digest: the order as it was answered first.
fn replayed(order: Order, digest: Option<&[u8]>, request: &OrderRequest<'_>) -> Result<Placed> {
    if digest != Some(&content_digest(&request.lines, request.note)) {
        return Err(ErrorCode::IdempotencyMismatch.into());
    }
    let order = Order { status: OrderStatus::Pending, updated_at: order.created_at, ..order };
    Ok(Placed { order, is_replayed: true })
}
