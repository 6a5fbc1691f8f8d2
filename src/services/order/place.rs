//! Placing an order.

use chrono::TimeDelta;
use scoped_futures::ScopedFutureExt;

use super::pricing::price;
use super::{OrderOrigin, OrderRequest, OrderService, Placed};
use crate::database::Connection;
use crate::error::{AppError, ErrorCode, Reason, Result};
use crate::models::{IdempotencyKey, Order, OrderStatus, PlacementOutcome, PricedOrder, SessionId, content_digest};
use crate::repositories::{event, order, session};
use crate::services::MenuSnapshot;
use crate::services::session::mismatch;

/// How long after an order its key identifies retries at the same table, also in another session. (`place_orders_v2`
/// has the same value.)
const TABLE_KEY_LIFETIME: TimeDelta = TimeDelta::hours(24);

/// How far ahead `not_after` may be, which an offline tablet sets.
const MAX_NOT_AFTER: TimeDelta = TimeDelta::hours(24);

/// The data that decides the response to a refused order.
struct Refusal {
    is_session_running: bool,
    menu_version: i64,
    /// The order that an earlier request with the same key placed, and the digest of its content.
    placed: Option<(Order, Option<Vec<u8>>)>,
}

impl OrderService {
    /// Places an order at the current prices. A retry with the same key and content gets the first response again, even
    /// if the order or the session has changed since: at any later time in the same session, and within 24 hours at the
    /// same table, whose tablet may have logged in again, unless the request names the session.
    ///
    /// # Errors
    /// `SESSION_ENDED`, `SESSION_MISMATCH` if the guest ordered for another session, `MENU_NOT_FOUND`, `MENU_UNAVAILABLE`,
    /// `MENU_CHANGED` if the guest saw another name or price, `ORDER_EXPIRED`, `IDEMPOTENCY_MISMATCH` if the key was used
    /// for other content, and `SESSION_FULL` or `TOO_MANY_REQUESTS`, about which the dashboards are notified.
    pub async fn place(&self, origin: OrderOrigin, request: &OrderRequest<'_>) -> Result<Placed> {
        if request.not_after.is_some_and(|not_after| not_after > self.clock.now() + MAX_NOT_AFTER) {
            return Err(AppError::invalid_field("not_after", Reason::TooFarAhead));
        }
        let other = request.session.filter(|session| *session != origin.session);
        let placed = match (self.limiter.check_rate(origin), other) {
            (Ok(()), None) => self.place_or_replay(origin, request).await,
            (Ok(()), Some(session)) => self.replay_or_mismatch(session, origin, request).await,
            (Err(refused), _) => Err(refused),
        };
        if let Err(refused) = &placed {
            self.notify_staff(origin, refused).await;
        }
        placed
    }

    async fn place_or_replay(&self, origin: OrderOrigin, request: &OrderRequest<'_>) -> Result<Placed> {
        // An attempt fails only if the menu changes at the same time.
        const ATTEMPTS: usize = 10;
        let OrderOrigin { store, .. } = origin;
        let mut menu = self.menus.current(store).await?;
        for _ in 0..ATTEMPTS {
            let refused = match self.price(origin, request, &menu) {
                Ok(priced) => match self.writer.place_in_batch(store, priced).await? {
                    PlacementOutcome::Placed(order) => return Ok(Placed { order: *order, is_replayed: false }),
                    PlacementOutcome::SessionEnded => ErrorCode::SessionEnded.into(),
                    // The response is the order that `read_refusal` finds.
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
            let Refusal { is_session_running, menu_version, placed } =
                self.read_refusal(origin, origin.session, request).await?;
            if let Some((order, digest)) = placed {
                return replayed(order, digest.as_deref(), request);
            }
            // The end of the session takes precedence over other errors.
            if !is_session_running {
                return Err(ErrorCode::SessionEnded.into());
            }
            if menu_version <= menu.version {
                return Err(refused);
            }
            menu = self.menus.at_least(store, menu_version).await?;
        }
        Err(AppError::caused_by(ErrorCode::ServiceUnavailable, "the menu changed during every attempt"))
    }

    /// The response to an order for `named`, which is not the session of the token: the order itself if it was placed, at
    /// the same table.
    async fn replay_or_mismatch(
        &self,
        named: SessionId,
        origin: OrderOrigin,
        request: &OrderRequest<'_>,
    ) -> Result<Placed> {
        let OrderOrigin { table, session, .. } = origin;
        let Refusal { is_session_running, placed, .. } = self.read_refusal(origin, named, request).await?;
        match placed {
            Some((order, digest)) if order.table_id == table => replayed(order, digest.as_deref(), request),
            _ if is_session_running => Err(mismatch(named, Some(session))),
            _ => Err(ErrorCode::SessionEnded.into()),
        }
    }

    fn price(&self, origin: OrderOrigin, request: &OrderRequest<'_>, menu: &MenuSnapshot) -> Result<PricedOrder> {
        // The statement that stores the order checks this again. Here it takes precedence over other errors.
        if request.not_after.is_some_and(|not_after| not_after < self.clock.now()) {
            return Err(ErrorCode::OrderExpired.into());
        }
        price(origin, request, menu)
    }

    /// Reads whether a refused order for `named` is a retry, and the current state of the token's session and the menu.
    async fn read_refusal(&self, origin: OrderOrigin, named: SessionId, request: &OrderRequest<'_>) -> Result<Refusal> {
        let OrderOrigin { store, table, session, .. } = origin;
        let refusal = self.database.read(|conn| {
            async move {
                let found = session::find(conn, store, session).await?;
                let placed = match &request.key {
                    Some(key) => self.find_placed(conn, origin, named, key, request).await?,
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

    /// The order that an earlier request with this key placed, and the digest of its content: any order of the session
    /// `named`, or an order of the table with the same content unless the client named the token's session.
    async fn find_placed(
        &self,
        conn: &mut Connection,
        origin: OrderOrigin,
        named: SessionId,
        key: &IdempotencyKey,
        request: &OrderRequest<'_>,
    ) -> Result<Option<(Order, Option<Vec<u8>>)>> {
        let OrderOrigin { store, table, .. } = origin;
        if let Some(placed) = order::find_by_key(conn, store, named, key).await? {
            return Ok(Some(placed));
        }
        if request.session == Some(origin.session) {
            return Ok(None);
        }
        let digest = content_digest(&request.lines, request.note);
        let since = self.clock.now() - TABLE_KEY_LIFETIME;
        let retried = order::find_retried(conn, store, table, key, &digest, since).await?;
        Ok(retried.map(|order| (order, Some(digest.to_vec()))))
    }
}

/// The response to a retry of `order`: the order as it was when it was placed. `digest` is the digest of its content.
fn replayed(order: Order, digest: Option<&[u8]>, request: &OrderRequest<'_>) -> Result<Placed> {
    if digest != Some(&content_digest(&request.lines, request.note)) {
        return Err(ErrorCode::IdempotencyMismatch.into());
    }
    let order = Order { status: OrderStatus::Pending, updated_at: order.created_at, ..order };
    Ok(Placed { order, is_replayed: true })
}
