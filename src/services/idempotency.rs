//! Requests of users with an `Idempotency-Key`: a retry within a day gets the first result and changes nothing. (The key of
//! a guest's order is stored with the order: `order/place.rs`.)

use chrono::{DateTime, TimeDelta, Utc};
use scoped_futures::ScopedFutureExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::clock::Clock;
use crate::database::{Connection, Database, retention};
use crate::error::{AppError, ErrorCode, Result};
use crate::models::{Actor, ActorKind, IdempotencyKey, StoreId, UserId};
use crate::repositories::idempotency::{self, RequestKey};
use crate::repositories::store;

/// How long a result is kept.
const LIFETIME: TimeDelta = TimeDelta::hours(24);

/// A result, and whether it is that of an earlier request with the same key.
#[derive(Debug, Clone, Copy)]
pub struct Replayable<T> {
    /// The result.
    pub result: T,
    /// Whether an earlier request made the change.
    pub is_replayed: bool,
}

/// The result of a first request, which is stored in the same transaction if the request has a key.
#[derive(Debug)]
pub(super) struct PendingResult<'a>(Option<RequestKey<'a>>);

/// The state of a key at the beginning of a request.
#[derive(Debug)]
pub(super) enum Claim<'a, T> {
    /// The request is the first one, or has no key.
    First(PendingResult<'a>),
    /// The result of the first request.
    Replayed(T),
}

/// Claims the key of a request, if it has one: the first step of a transaction. Of two concurrent requests with the same key
/// the second one waits for the first. `content` distinguishes the request from others.
///
/// # Errors
/// `IDEMPOTENCY_MISMATCH` if the key was used for other content.
pub(super) async fn claim<'a, T: DeserializeOwned>(
    tx: &mut Connection,
    store: StoreId,
    by: &Actor,
    key: Option<&'a IdempotencyKey>,
    content: &impl Serialize,
    now: DateTime<Utc>,
) -> Result<Claim<'a, T>> {
    let user = by.id.filter(|_| by.kind == ActorKind::User).map(UserId);
    let (Some(user), Some(key)) = (user, key) else { return Ok(Claim::First(PendingResult(None))) };
    let request = RequestKey { store, user, key };
    let digest = Sha256::digest(serde_json::to_vec(content).map_err(AppError::internal)?);
    if idempotency::claim(tx, request, &digest, now, now - LIFETIME).await? {
        return Ok(Claim::First(PendingResult(Some(request))));
    }
    let lost = || AppError::internal("the result of a key is missing");
    let first = idempotency::find(tx, request).await?.ok_or_else(lost)?;
    if first.digest != *digest {
        return Err(ErrorCode::IdempotencyMismatch.into());
    }
    let result = first.result.ok_or_else(lost)?;
    serde_json::from_str(&result).map(Claim::Replayed).map_err(AppError::internal)
}

impl PendingResult<'_> {
    /// Stores the result for retries: the last step of the transaction.
    pub(super) async fn store(self, tx: &mut Connection, result: &impl Serialize) -> Result<()> {
        let Some(request) = self.0 else { return Ok(()) };
        let result = serde_json::to_string(result).map_err(AppError::internal)?;
        idempotency::set_result(tx, request, &result).await
    }

    /// Forgets the key, for a request that changed nothing.
    pub(super) async fn discard(self, tx: &mut Connection) -> Result<()> {
        let Some(request) = self.0 else { return Ok(()) };
        idempotency::delete(tx, request).await
    }
}

/// Deletes expired keys of every store, at once and then every hour. It never returns.
pub async fn run_retention(database: &Database, clock: &Clock) {
    retention::run("idempotency keys", || prune(database, clock)).await;
}

/// Deletes expired keys of every store, and returns their number.
pub async fn prune(database: &Database, clock: &Clock) -> Result<u64> {
    let expired_before = clock.now() - LIFETIME;
    let stores = database.read(|conn| store::ids(conn).scope_boxed()).await?;
    let mut pruned = 0;
    for store in stores {
        let prune_batch = || {
            database.write(|conn| idempotency::delete_old(conn, store, expired_before, retention::BATCH).scope_boxed())
        };
        pruned += retention::in_batches(prune_batch).await?;
    }
    Ok(pruned)
}
