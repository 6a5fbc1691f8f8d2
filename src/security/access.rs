//! Whether a token still counts: logged out, its account gone, its password changed?
//!
//! The database knows; an answer is remembered for a second, so a busy tablet or dashboard costs a query a
//! second at most, and a revocation counts on every instance within one (on this one at once).

use std::time::Duration;

use moka::future::Cache;
use uuid::Uuid;

use crate::database::Database;
use crate::error::{AppError, ErrorCode, Result};
use crate::models::{Role, StoreId, TableId, UserId};
use crate::repositories::{table, user};
use crate::security::token::{Audience, Claims};

/// How long an answer is believed.
const BELIEVED_FOR: Duration = Duration::from_secs(1);

/// Answers kept at most.
const CAPACITY: u64 = 100_000;

type Key = (Audience, StoreId, i64, Option<Uuid>);

/// What the database said of a token's owner.
#[derive(Debug, Clone)]
struct Access {
    token_version: i32,
    account: Option<(String, Role)>,
}

/// Remembers which tokens still count. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TokenAccess {
    database: Database,
    cache: Cache<Key, Option<Access>>,
}

impl TokenAccess {
    /// A memory in front of `database`.
    #[must_use]
    pub fn new(database: Database) -> Self {
        let cache = Cache::builder().time_to_live(BELIEVED_FOR).max_capacity(CAPACITY).build();
        Self { database, cache }
    }

    /// The name and role behind an admin token.
    ///
    /// # Errors
    /// `INVALID_TOKEN` when it no longer counts.
    pub async fn of_admin(&self, claims: &Claims) -> Result<(String, Role)> {
        let key = (Audience::Admin, claims.store, claims.sub, Some(claims.jti));
        let ask = async {
            let mut connection = self.database.acquire().await?;
            let access = user::find_access(connection.conn(), claims.store, UserId(claims.sub), claims.jti).await?;
            Ok(access.filter(|access| !access.is_revoked).map(|access| Access {
                token_version: access.token_version,
                account: Some((access.username, access.role)),
            }))
        };
        let access = self.ask_once(key, claims, ask).await?;
        access.account.ok_or_else(|| ErrorCode::InvalidToken.into())
    }

    /// Whether a table token still counts.
    ///
    /// # Errors
    /// `INVALID_TOKEN` when it no longer does.
    pub async fn of_table(&self, claims: &Claims) -> Result<()> {
        let key = (Audience::Table, claims.store, claims.sub, None);
        let ask = async {
            let mut connection = self.database.acquire().await?;
            let version = table::find_token_version(connection.conn(), claims.store, TableId(claims.sub)).await?;
            Ok(version.map(|token_version| Access { token_version, account: None }))
        };
        self.ask_once(key, claims, ask).await.map(|_| ())
    }

    /// Forgets every answer: something was revoked here.
    pub fn forget(&self) {
        self.cache.invalidate_all();
    }

    async fn ask_once(
        &self,
        key: Key,
        claims: &Claims,
        ask: impl Future<Output = Result<Option<Access>>>,
    ) -> Result<Access> {
        // Requests that arrive together ask once; a failure is shared, its cause told to the log by each.
        let answer = self.cache.try_get_with(key, ask).await;
        let access = answer.map_err(|error| AppError::caused_by(error.code, error.to_string()))?;
        access.filter(|access| access.token_version == claims.version).ok_or_else(|| ErrorCode::InvalidToken.into())
    }
}
