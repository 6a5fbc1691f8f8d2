//! Logins, and the identity behind a token.

mod login;
mod renewal;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use scoped_futures::ScopedFutureExt;

use crate::clock::Clock;
use crate::config::JwtConfig;
use crate::database::Database;
use crate::error::{AppError, ErrorCode, Reason, Result};
use crate::models::{AttemptKey, AuditAction, NewAuditEntry, Store, TableId, UserId};
use crate::repositories::user::PasswordChange;
use crate::repositories::{event, store, user};
use crate::security::access::TokenChecker;
use crate::security::identity::{AdminIdentity, TableIdentity};
use crate::security::password::Passwords;
use crate::security::throttle::{AttemptKeys, LoginThrottle};
use crate::security::token::{Audience, Tokens, VerifiedToken};
use crate::services::{DeviceService, SessionService, audit};

pub use self::login::{AdminLogin, TableLogin};

/// Logs users and tablets in, and verifies their tokens.
#[derive(Debug, Clone)]
pub struct AuthService {
    database: Database,
    sessions: SessionService,
    devices: DeviceService,
    passwords: Passwords,
    throttle: LoginThrottle,
    tokens: Arc<Tokens>,
    access: TokenChecker,
    clock: Clock,
    admin_lifetime: Duration,
    table_lifetime: Duration,
}

impl AuthService {
    /// The service for `database`, with tokens signed by `tokens`.
    #[must_use]
    #[expect(clippy::too_many_arguments, reason = "called once, in `AppState::new`")]
    pub fn new(
        database: Database,
        sessions: SessionService,
        devices: DeviceService,
        access: TokenChecker,
        passwords: Passwords,
        throttle: LoginThrottle,
        tokens: Tokens,
        clock: Clock,
        config: &JwtConfig,
    ) -> Self {
        Self {
            access,
            database,
            sessions,
            devices,
            passwords,
            throttle,
            tokens: Arc::new(tokens),
            clock,
            admin_lifetime: config.admin_lifetime,
            table_lifetime: config.table_lifetime,
        }
    }

    /// Verifies an admin token and returns its user.
    ///
    /// # Errors
    /// `INVALID_TOKEN`, `TOKEN_EXPIRED`, `INVALID_TOKEN_TYPE`.
    pub async fn authenticate_admin(&self, token: &[u8]) -> Result<AdminIdentity> {
        self.admin_identity(&*self.tokens.check(token, Audience::Admin)?).await
    }

    async fn admin_identity(&self, token: &VerifiedToken) -> Result<AdminIdentity> {
        let (username, role) = self.access.check_admin(token).await?;
        let claims = token.claims;
        let user_id = UserId(claims.sub);
        Ok(AdminIdentity { store_id: claims.store, user_id, username, role, claims, address: None })
    }

    /// Issues a ticket for the store's event stream, for a client that cannot set headers.
    pub fn ticket(&self, identity: &AdminIdentity) -> Result<String> {
        Ok(self.tokens.issue_ticket(&identity.claims)?.token)
    }

    /// Verifies a stream ticket and returns its user.
    ///
    /// # Errors
    /// `INVALID_TOKEN`, `TOKEN_EXPIRED`, `INVALID_TOKEN_TYPE`.
    pub async fn authenticate_ticket(&self, ticket: &str) -> Result<AdminIdentity> {
        let ticket = self.tokens.check(ticket.as_bytes(), Audience::Stream)?;
        self.admin_identity(&ticket.claims.login_of_ticket().into()).await
    }

    /// Verifies a table token and returns its tablet.
    ///
    /// # Errors
    /// `INVALID_TOKEN`, `TOKEN_EXPIRED`, `INVALID_TOKEN_TYPE`.
    pub async fn authenticate_table(&self, token: &[u8]) -> Result<TableIdentity> {
        let token = self.tokens.check(token, Audience::Table)?;
        let claims = token.claims;
        let session_id = claims.session.ok_or(ErrorCode::InvalidToken)?;
        let versions = self.access.check_table(&token).await?;
        Ok(TableIdentity { store_id: claims.store, versions, table_id: TableId(claims.sub), session_id, claims })
    }

    /// The store of a logged-in user.
    pub async fn store(&self, identity: &AdminIdentity) -> Result<Store> {
        self.database.read(|conn| store::get(conn, identity.store_id).scope_boxed()).await
    }

    /// Revokes the token of this login.
    pub async fn logout(&self, identity: &AdminIdentity) -> Result<()> {
        let store = identity.store_id;
        let revoked = self.database.transaction(store, |tx| {
            async move {
                let now = self.clock.now();
                user::delete_expired_tokens(tx, store, now).await?;
                user::revoke_token(tx, store, identity.claims.jti, identity.claims.expires_at()).await?;
                let entry = NewAuditEntry::new(AuditAction::UserLogout, identity.user_id.0);
                audit::record(tx, store, &identity.actor(), &entry, now).await?;
                event::raise_access_version(tx, store).await
            }
            .scope_boxed()
        });
        self.access.revoked(store, revoked.await?);
        Ok(())
    }

    /// Changes the user's own password. Revokes the user's other tokens, but not the one of this request.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a wrong current password: the login itself is valid, so this is not a 401.
    /// `TOO_MANY_REQUESTS` after too many wrong passwords.
    pub async fn change_password(&self, identity: &AdminIdentity, current: String, new: String) -> Result<()> {
        let store = identity.store_id;
        let address = identity.address.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        let key = AttemptKeys::new(AttemptKey::of_current_password(store, identity.user_id), address);
        self.throttle.check_cached(&key)?;
        let user = self.database.read(|conn| user::find(conn, store, identity.user_id).scope_boxed()).await?;
        let old = user.map(|user| user.password_hash).ok_or(ErrorCode::InvalidToken)?;
        let wrong_password = || AppError::invalid_field("current_password", Reason::WrongPassword);
        if !self.is_password(key, Some(store), current, Some(old.clone())).await? {
            return Err(wrong_password());
        }
        let hash = &self.passwords.hash(Some(store), new).await?;
        let change = PasswordChange { kept_token: Some(identity.claims.jti), replaces: Some(&old) };
        let changed = self.database.transaction(store, |tx| {
            async move {
                if !user::set_password(tx, store, identity.user_id, hash, change).await? {
                    // The password was reset in the meantime, so the verified one is no longer current.
                    return Err(wrong_password());
                }
                let entry = NewAuditEntry::new(AuditAction::UserPasswordChanged, identity.user_id.0);
                audit::record(tx, store, &identity.actor(), &entry, self.clock.now()).await?;
                event::raise_access_version(tx, store).await
            }
            .scope_boxed()
        });
        self.access.revoked(store, changed.await?);
        Ok(())
    }
}
