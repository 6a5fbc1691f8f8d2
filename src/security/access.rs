//! Whether a token is still valid: not logged out, its account or table still there, its password unchanged.
//!
//! Answers of the database are cached under the store's access version, which grows with each revocation, so a valid
//! token costs no query. A revocation counts at once on the instance that makes it, and on the others within
//! milliseconds, at most two seconds.

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use scoped_futures::ScopedFutureExt;
use uuid::Uuid;

use crate::cluster::{Cluster, StoreVersions};
use crate::database::Database;
use crate::error::{AppError, ErrorCode, Result};
use crate::events::Hub;
use crate::models::{Role, StoreId, TableId, UserId};
use crate::repositories::user::UserAccess;
use crate::repositories::{table, user};
use crate::security::token::{Audience, Claims};

/// The number of cached answers.
const CAPACITY: u64 = 100_000;

/// The store's access version, read before the answer, and what the answer depends on. An answer that was read before a
/// revocation is thereby cached where nobody looks for it afterwards.
type Key = (StoreId, i64, Audience, i64, i32, Uuid);

/// The owner of a valid token.
#[derive(Debug, Clone)]
struct Access {
    /// The account's name and role; a tablet has none.
    account: Option<(String, Role)>,
}

/// Checks tokens against the database. Clones share the cache.
#[derive(Debug, Clone)]
pub struct TokenAccess {
    database: Database,
    cluster: Cluster,
    hub: Hub,
    answers: Cache<Key, Option<Access>>,
}

impl TokenAccess {
    /// A cache in front of `database`.
    #[must_use]
    pub fn new(database: Database, cluster: Cluster, hub: Hub) -> Self {
        let answers = Cache::builder().max_capacity(CAPACITY).eviction_policy(EvictionPolicy::lru()).build();
        Self { database, cluster, hub, answers }
    }

    /// The name and role behind an admin token.
    ///
    /// # Errors
    /// `INVALID_TOKEN` when it is no longer valid.
    pub async fn of_admin(&self, claims: &Claims) -> Result<(String, Role)> {
        let (access, _) = self.cached(claims).await?;
        access.account.ok_or_else(|| ErrorCode::InvalidToken.into())
    }

    /// Checks a table token. Returns the store's versions at which it is valid.
    ///
    /// # Errors
    /// `INVALID_TOKEN` when it is no longer valid.
    pub async fn of_table(&self, claims: &Claims) -> Result<StoreVersions> {
        self.cached(claims).await.map(|(_, versions)| versions)
    }

    /// Checks a token in the database, not in the cache.
    ///
    /// # Errors
    /// `INVALID_TOKEN` when it is no longer valid.
    pub async fn check_now(&self, claims: &Claims) -> Result<()> {
        let access = self.read(claims).await?;
        access.map(|_| ()).ok_or_else(|| ErrorCode::InvalidToken.into())
    }

    /// A token of the store was revoked: every instance checks the store's tokens again, those of open streams too.
    pub fn revoked(&self, store: StoreId, access_version: i64) {
        self.cluster.access_changed(store, access_version);
        self.hub.access_changed(store, access_version);
    }

    async fn cached(&self, claims: &Claims) -> Result<(Access, StoreVersions)> {
        let versions = match self.cluster.versions(claims.store).await {
            Err(AppError { code: ErrorCode::StoreNotFound, .. }) => return Err(ErrorCode::InvalidToken.into()),
            versions => versions?,
        };
        let key = (claims.store, versions.access, claims.aud, claims.sub, claims.version, claims.jti);
        let access = if let Some(access) = self.answers.get(&key).await {
            access
        } else {
            // Concurrent requests share the query and its failure. (Boxed, so that the future of a request whose token
            // is cached stays small.)
            let access = Box::pin(self.answers.try_get_with(key, self.read(claims))).await;
            access.map_err(|error| AppError::caused_by(error.code, error))?
        };
        access.map(|access| (access, versions)).ok_or_else(|| ErrorCode::InvalidToken.into())
    }

    /// Reads what the token depends on; `None` when it is no longer valid.
    async fn read(&self, claims: &Claims) -> Result<Option<Access>> {
        let access = self.database.read(|conn| {
            async move {
                Ok(match claims.aud {
                    Audience::Admin | Audience::Stream => {
                        let access = user::find_access(conn, claims.store, UserId(claims.sub), claims.jti).await?;
                        let is_valid = |access: &UserAccess| {
                            !access.is_revoked
                                && (access.token_version == claims.version || access.kept_token_id == Some(claims.jti))
                        };
                        access.filter(is_valid).map(|access| Access { account: Some((access.username, access.role)) })
                    }
                    Audience::Table => {
                        let table = table::find(conn, claims.store, TableId(claims.sub)).await?;
                        let is_valid = table.is_some_and(|table| table.token_version == claims.version);
                        is_valid.then_some(Access { account: None })
                    }
                })
            }
            .scope_boxed()
        });
        access.await
    }
}
