//! Checks whether a token was revoked: by a logout, the revocation of its device, a new password, or the deletion of its
//! user or table.
//!
//! Results are cached under the store's access version, which increases with each revocation, so a valid token costs no
//! query. A revocation takes effect at once on the instance that makes it, and on the others within milliseconds, at most
//! two seconds.

use std::sync::PoisonError;

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use scoped_futures::ScopedFutureExt;
use uuid::Uuid;

use crate::cluster::{Cluster, StoreVersions};
use crate::database::Database;
use crate::error::{AppError, ErrorCode, Result};
use crate::events::Hub;
use crate::models::{DeviceId, Role, StoreId, TableId, UserId};
use crate::repositories::table::TableAccess;
use crate::repositories::user::UserAccess;
use crate::repositories::{table, user};
use crate::security::token::{Audience, Claims, TokenOwner, VerifiedToken};

/// The number of cached results.
const CAPACITY: u64 = 100_000;

/// The store's access version, read before the result, and everything the result depends on. A result that was read before
/// a revocation is thereby stored under an old version, which is not looked up any more.
type Key = (StoreId, i64, Audience, i64, Option<DeviceId>, i32, Uuid);

/// Checks tokens against the database. Clones share the cache.
#[derive(Debug, Clone)]
pub struct TokenChecker {
    database: Database,
    cluster: Cluster,
    hub: Hub,
    answers: Cache<Key, Option<TokenOwner>>,
}

impl TokenChecker {
    /// A checker of tokens in `database`.
    #[must_use]
    pub fn new(database: Database, cluster: Cluster, hub: Hub) -> Self {
        let answers = Cache::builder().max_capacity(CAPACITY).eviction_policy(EvictionPolicy::lru()).build();
        Self { database, cluster, hub, answers }
    }

    /// Checks an admin token. Returns the name and role of its user.
    ///
    /// # Errors
    /// `INVALID_TOKEN` if it was revoked.
    pub async fn check_admin(&self, token: &VerifiedToken) -> Result<(String, Role)> {
        let (owner, _) = self.cached(token).await?;
        owner.account.ok_or_else(|| ErrorCode::InvalidToken.into())
    }

    /// Checks a table token. Returns the store's versions for which it is valid.
    ///
    /// # Errors
    /// `INVALID_TOKEN` if it was revoked.
    pub async fn check_table(&self, token: &VerifiedToken) -> Result<StoreVersions> {
        self.cached(token).await.map(|(_, versions)| versions)
    }

    /// Checks a token in the database, not in the cache.
    ///
    /// # Errors
    /// `INVALID_TOKEN` if it was revoked.
    pub async fn check_now(&self, claims: &Claims) -> Result<()> {
        let access = self.read(claims).await?;
        access.map(|_| ()).ok_or_else(|| ErrorCode::InvalidToken.into())
    }

    /// Records that a token of the store was revoked: every instance checks the store's tokens again, including those of
    /// open streams.
    pub fn revoked(&self, store: StoreId, access_version: i64) {
        self.cluster.access_changed(store, access_version);
        self.hub.access_changed(store, access_version);
    }

    async fn cached(&self, token: &VerifiedToken) -> Result<(TokenOwner, StoreVersions)> {
        let claims = &token.claims;
        let versions = match self.cluster.versions(claims.store).await {
            Err(AppError { code: ErrorCode::StoreNotFound, .. }) => return Err(ErrorCode::InvalidToken.into()),
            versions => versions?,
        };
        let cached = token.owner.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((version, owner)) = cached
            && version == versions.access
        {
            return Ok((owner, versions));
        }
        // Boxed, so that the future stays small for requests whose token is cached.
        let owner = Box::pin(self.owner_at(versions.access, claims)).await?.ok_or(ErrorCode::InvalidToken)?;
        *token.owner.lock().unwrap_or_else(PoisonError::into_inner) = Some((versions.access, owner.clone()));
        Ok((owner, versions))
    }

    /// The owner of the token, if the token is valid at this access version of the store or at a later one.
    async fn owner_at(&self, access_version: i64, claims: &Claims) -> Result<Option<TokenOwner>> {
        let key = (claims.store, access_version, claims.aud, claims.sub, claims.device, claims.version, claims.jti);
        // Concurrent requests share the query and its result.
        let owner = self.answers.try_get_with(key, self.read(claims)).await;
        owner.map_err(|error| AppError::caused_by(error.code, error))
    }

    /// Reads from the database what the validity of the token depends on; `None` if it was revoked.
    async fn read(&self, claims: &Claims) -> Result<Option<TokenOwner>> {
        let access = self.database.read(|conn| {
            async move {
                Ok(match claims.aud {
                    Audience::Admin | Audience::Stream => {
                        let access = user::find_access(conn, claims.store, UserId(claims.sub), claims.jti).await?;
                        let is_valid = |access: &UserAccess| {
                            !access.is_revoked
                                && (access.token_version == claims.version || access.kept_token_id == Some(claims.jti))
                        };
                        access
                            .filter(is_valid)
                            .map(|access| TokenOwner { account: Some((access.username, access.role)) })
                    }
                    Audience::Table => {
                        let (table, device) = (TableId(claims.sub), claims.device);
                        let access = table::find_access(conn, claims.store, table, device, claims.jti).await?;
                        let is_valid =
                            |access: &TableAccess| !access.is_revoked && access.token_version == claims.version;
                        access.filter(is_valid).map(|_| TokenOwner { account: None })
                    }
                })
            }
            .scope_boxed()
        });
        access.await
    }
}
