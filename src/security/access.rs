//! Whether a token still counts: logged out, its account gone, its password changed?
//!
//! The database knows; its answer is remembered for as long as nothing of the store was revoked, which its access
//! version tells, so a tablet or dashboard costs no query as long as it is used. A revocation counts at once on this
//! instance, and on the others with the wake-up that tells them, before it is acknowledged; should that be lost,
//! within two seconds.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache as Questions;
use scoped_futures::ScopedFutureExt;
use uuid::Uuid;

use crate::database::Database;
use crate::error::{AppError, ErrorCode, Result};
use crate::events::{Hub, StoreVersions};
use crate::models::{Role, StoreId, TableId, UserId};
use crate::repositories::user::UserAccess;
use crate::repositories::{table, user};
use crate::security::memory::Memory;
use crate::security::token::{Audience, Claims};

/// Answers kept at most.
const CAPACITY: usize = 100_000;

/// Questions under way at a time that are asked once for all who ask, and for how long; beyond, some are asked twice.
const QUESTIONS: u64 = 10_000;
const QUESTION_LASTS: Duration = Duration::from_secs(2);

/// The store's access version, read before the answer, and what decides over a token. An answer that was asked for
/// before a revocation is thereby kept where nobody looks after it.
type Key = (StoreId, i64, Audience, i64, i32, Uuid);

/// What the database said of a token's owner.
#[derive(Debug, Clone)]
struct Access {
    /// The account's name and role; a tablet has none.
    account: Option<(String, Role)>,
}

/// Remembers which tokens still count. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TokenAccess {
    database: Database,
    hub: Hub,
    answers: Arc<Memory<Key, Option<Access>>>,
    questions: Questions<Key, Option<Access>>,
}

impl TokenAccess {
    /// A memory in front of `database`.
    #[must_use]
    pub fn new(database: Database, hub: Hub) -> Self {
        let questions = Questions::builder().time_to_live(QUESTION_LASTS).max_capacity(QUESTIONS).build();
        Self { database, hub, answers: Arc::new(Memory::new(CAPACITY)), questions }
    }

    /// The name and role behind an admin token.
    ///
    /// # Errors
    /// `INVALID_TOKEN` when it no longer counts.
    pub async fn of_admin(&self, claims: &Claims) -> Result<(String, Role)> {
        let (access, _) = self.remembered(claims).await?;
        access.account.ok_or_else(|| ErrorCode::InvalidToken.into())
    }

    /// Whether a table token still counts; the store's versions at which it does.
    ///
    /// # Errors
    /// `INVALID_TOKEN` when it no longer does.
    pub async fn of_table(&self, claims: &Claims) -> Result<StoreVersions> {
        self.remembered(claims).await.map(|(_, versions)| versions)
    }

    /// Whether a token still counts, asked of the database now.
    ///
    /// # Errors
    /// `INVALID_TOKEN` when it no longer does.
    pub async fn check_now(&self, claims: &Claims) -> Result<()> {
        let access = self.ask(claims).await?;
        access.map(|_| ()).ok_or_else(|| ErrorCode::InvalidToken.into())
    }

    /// Something of the store was revoked: every instance forgets its answers, and lets the store's streams
    /// look whether their tokens still count.
    pub async fn revoked(&self, store: StoreId, access_version: i64) {
        self.hub.access_changed(store, access_version).await;
    }

    async fn remembered(&self, claims: &Claims) -> Result<(Access, StoreVersions)> {
        let versions = match self.hub.versions(claims.store).await {
            Err(AppError { code: ErrorCode::StoreNotFound, .. }) => return Err(ErrorCode::InvalidToken.into()),
            versions => versions?,
        };
        let key = (claims.store, versions.access, claims.aud, claims.sub, claims.version, claims.jti);
        let access = if let Some(access) = self.answers.get(&key) {
            access
        } else {
            // Requests that arrive together ask once; a failure is shared, its cause told to the log by each.
            // (Boxed, since it is rare: every request would have its room otherwise.)
            let answer = Box::pin(self.questions.try_get_with(key, self.ask(claims))).await;
            let access = answer.map_err(|error| AppError::caused_by(error.code, error))?;
            self.answers.insert(key, access.clone());
            access
        };
        access.map(|access| (access, versions)).ok_or_else(|| ErrorCode::InvalidToken.into())
    }

    /// What the database says of this token; `None` when it no longer counts.
    async fn ask(&self, claims: &Claims) -> Result<Option<Access>> {
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
