//! Logins, and what a token is worth.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::config::JwtConfig;
use crate::database::Database;
use crate::error::{AppError, ErrorCode, Result};
use crate::models::{Role, SessionId, Store, StoreCode, StoreId, Table, TableId, User, UserId};
use crate::repositories::{session, store, table, user};
use crate::security::access::TokenAccess;
use crate::security::identity::{AdminIdentity, TableIdentity};
use crate::security::password::Passwords;
use crate::security::token::{Audience, Subject, Tokens};
use crate::telemetry::request::note_store;

/// Logins, and what a token is worth. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AuthService {
    database: Database,
    passwords: Passwords,
    tokens: Arc<Tokens>,
    access: TokenAccess,
    clock: Clock,
    admin_lifetime: Duration,
    table_lifetime: Duration,
}

/// A tablet that logged in.
#[derive(Debug)]
pub struct TableLogin {
    /// Its token.
    pub token: String,
    /// When that ends.
    pub expires_at: DateTime<Utc>,
    /// The store.
    pub store: Store,
    /// The table.
    pub table_id: TableId,
    /// The table's number.
    pub table_number: i32,
    /// The session it orders for.
    pub session_id: SessionId,
}

/// A member of staff who logged in.
#[derive(Debug)]
pub struct AdminLogin {
    /// Their token.
    pub token: String,
    /// When that ends.
    pub expires_at: DateTime<Utc>,
    /// The store.
    pub store: Store,
    /// The account's name.
    pub username: String,
    /// What it may do.
    pub role: Role,
}

impl AuthService {
    /// Logins against `database`, with tokens signed by `tokens`.
    #[must_use]
    pub fn new(database: Database, passwords: Passwords, tokens: Tokens, clock: Clock, config: &JwtConfig) -> Self {
        Self {
            access: TokenAccess::new(database.clone()),
            database,
            passwords,
            tokens: Arc::new(tokens),
            clock,
            admin_lifetime: config.admin_lifetime,
            table_lifetime: config.table_lifetime,
        }
    }

    /// Logs a tablet in, on its table's unfinished session; makes one where there is none.
    ///
    /// # Errors
    /// `AUTH_FAILED`, whichever part was wrong.
    pub async fn login_table(&self, store_code: &str, table_number: i64, password: String) -> Result<TableLogin> {
        let found = self.find_table(store_code, table_number).await?;
        let hash = found.as_ref().map(|(_, table)| table.password_hash.clone());
        let matches = self.passwords.verify(password, hash).await?;
        let Some((store, table)) = found.filter(|_| matches) else {
            return Err(ErrorCode::AuthFailed.into());
        };
        note_store(store.id);
        self.seat(store, table).await
    }

    async fn seat(&self, store: Store, table: Table) -> Result<TableLogin> {
        let session_id = self.unfinished_session(store.id, table.id).await?;
        let issued = self.tokens.issue(
            Subject {
                audience: Audience::Table,
                id: table.id.0,
                store: store.id,
                session: Some(session_id),
                version: table.token_version,
            },
            self.table_lifetime,
        )?;
        Ok(TableLogin {
            token: issued.token,
            expires_at: issued.expires_at,
            store,
            table_id: table.id,
            table_number: table.table_number,
            session_id,
        })
    }

    /// Logs a member of staff in.
    ///
    /// # Errors
    /// `AUTH_FAILED`, whichever part was wrong.
    pub async fn login_admin(&self, store_code: &str, username: &str, password: String) -> Result<AdminLogin> {
        let found = self.find_user(store_code, username).await?;
        let hash = found.as_ref().map(|(_, user)| user.password_hash.clone());
        let matches = self.passwords.verify(password, hash).await?;
        let Some((store, user)) = found.filter(|_| matches) else {
            return Err(ErrorCode::AuthFailed.into());
        };
        note_store(store.id);
        let issued = self.tokens.issue(
            Subject {
                audience: Audience::Admin,
                id: user.id.0,
                store: store.id,
                session: None,
                version: user.token_version,
            },
            self.admin_lifetime,
        )?;
        Ok(AdminLogin {
            token: issued.token,
            expires_at: issued.expires_at,
            store,
            username: user.username,
            role: user.role,
        })
    }

    /// Whose admin token this is.
    ///
    /// # Errors
    /// A 401 of the kind that fits.
    pub async fn admin_of(&self, token: &str) -> Result<AdminIdentity> {
        let claims = self.tokens.check(token, Audience::Admin)?;
        let (username, role) = self.access.of_admin(&claims).await?;
        Ok(AdminIdentity {
            store_id: claims.store,
            user_id: UserId(claims.sub),
            username,
            role,
            token_id: claims.jti,
            expires_at: claims.expires_at(),
        })
    }

    /// Whose table token this is.
    ///
    /// # Errors
    /// A 401 of the kind that fits.
    pub async fn table_of(&self, token: &str) -> Result<TableIdentity> {
        let claims = self.tokens.check(token, Audience::Table)?;
        let session_id = claims.session.ok_or(ErrorCode::InvalidToken)?;
        self.access.of_table(&claims).await?;
        Ok(TableIdentity {
            store_id: claims.store,
            table_id: TableId(claims.sub),
            session_id,
            expires_at: claims.expires_at(),
        })
    }

    /// How long from now until `moment`.
    #[must_use]
    pub fn time_until(&self, moment: DateTime<Utc>) -> Duration {
        (moment - self.clock.now()).to_std().unwrap_or_default()
    }

    async fn find_table(&self, store_code: &str, table_number: i64) -> Result<Option<(Store, Table)>> {
        let (Some(code), Ok(number)) = (StoreCode::parse(store_code), i32::try_from(table_number)) else {
            return Ok(None);
        };
        let mut connection = self.database.acquire().await?;
        let Some(store) = store::find_by_code(connection.conn(), &code).await? else { return Ok(None) };
        let table = table::find_by_number(connection.conn(), store.id, number).await?;
        Ok(table.map(|table| (store, table)))
    }

    async fn find_user(&self, store_code: &str, username: &str) -> Result<Option<(Store, User)>> {
        let Some(code) = StoreCode::parse(store_code).filter(|_| !username.contains('\0')) else { return Ok(None) };
        let mut connection = self.database.acquire().await?;
        let Some(store) = store::find_by_code(connection.conn(), &code).await? else { return Ok(None) };
        let user = user::find_by_username(connection.conn(), store.id, username).await?;
        Ok(user.map(|user| (store, user)))
    }

    /// The table's unfinished session, whoever makes it first.
    async fn unfinished_session(&self, store: StoreId, table: TableId) -> Result<SessionId> {
        // Each round can only be lost to a login or a completion that happened meanwhile.
        const ROUNDS: usize = 10;
        let mut connection = self.database.acquire().await?;
        for _ in 0..ROUNDS {
            if let Some(session) = session::find_unfinished(connection.conn(), store, table).await? {
                return Ok(session);
            }
            let made = session::insert_unfinished(connection.conn(), store, table, self.clock.now()).await?;
            if let Some(session) = made {
                return Ok(session);
            }
        }
        Err(AppError::caused_by(ErrorCode::ServiceUnavailable, "the table's session keeps changing"))
    }
}
