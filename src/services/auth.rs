//! Logins, and what a token is worth.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::config::JwtConfig;
use crate::database::{Database, retrying};
use crate::error::{AppError, ErrorCode, Reason, Result};
use crate::events::StreamGuard;
use crate::models::{
    Actor, ActorKind, AuditAction, FailureKey, NewAuditEntry, Role, SessionId, Store, StoreCode, StoreId, Table,
    TableId, User, UserId, Username,
};
use crate::repositories::user::PasswordChange;
use crate::repositories::{event, session, store, table, user};
use crate::security::access::TokenAccess;
use crate::security::identity::{AdminIdentity, TableIdentity};
use crate::security::password::Passwords;
use crate::security::throttle::{Knock, LoginThrottle};
use crate::security::token::{Audience, Claims, Subject, Tokens};
use crate::services::audit;
use crate::telemetry::request::note_store;

/// An id no store has.
const NO_STORE: StoreId = StoreId(0);

/// Logins, and what a token is worth. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AuthService {
    database: Database,
    passwords: Passwords,
    throttle: LoginThrottle,
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
    pub fn new(
        database: Database,
        access: TokenAccess,
        passwords: Passwords,
        throttle: LoginThrottle,
        tokens: Tokens,
        clock: Clock,
        config: &JwtConfig,
    ) -> Self {
        Self {
            access,
            database,
            passwords,
            throttle,
            tokens: Arc::new(tokens),
            clock,
            admin_lifetime: config.admin_lifetime,
            table_lifetime: config.table_lifetime,
        }
    }

    /// Logs a tablet in, on its table's unfinished session; makes one where there is none.
    ///
    /// # Errors
    /// `AUTH_FAILED`, whichever part was wrong; `TOO_MANY_REQUESTS` after too many of these.
    pub async fn login_table(
        &self,
        store_code: &str,
        table_number: i64,
        password: String,
        address: IpAddr,
    ) -> Result<TableLogin> {
        let knock = Knock::new(FailureKey::of_table(store_code, table_number), address);
        let found = self.find_table(store_code, table_number).await?;
        let hash = found.as_ref().map(|(_, table)| table.password_hash.clone());
        let matches = self.is_password(knock, password, hash).await?;
        let Some((store, table)) = found else { return Err(ErrorCode::AuthFailed.into()) };
        note_store(store.id);
        let by = Actor {
            kind: ActorKind::Table,
            id: Some(table.id.0),
            name: table.table_number.to_string(),
            address: Some(address),
        };
        if !matches {
            self.record_later(store.id, by, NewAuditEntry::new(AuditAction::TableLoginFailed, table.id.0));
            return Err(ErrorCode::AuthFailed.into());
        }
        let entry = NewAuditEntry::new(AuditAction::TableLogin, table.id.0);
        let login = self.seat(store, table).await?;
        self.record(login.store.id, &by, &entry).await?;
        Ok(login)
    }

    /// Whether this is the password `hash` was made of; who failed too often is not even tried.
    async fn is_password(&self, knock: Knock, password: String, hash: Option<String>) -> Result<bool> {
        self.throttle.look(&knock)?;
        let turn = self.passwords.turn().await?;
        let (throttle, passwords) = (self.throttle.clone(), self.passwords.clone());
        // In a task of its own: whoever hangs up before the answer has tried all the same.
        let tried = tokio::spawn(async move {
            let attempt = throttle.admit(knock).await?;
            let matches = passwords.verify(turn, password, hash).await?;
            if matches {
                attempt.succeeded().await?;
            } else {
                attempt.failed().await?;
            }
            Ok(matches)
        });
        tried.await.map_err(AppError::internal)?
    }

    /// Writes down a failure after its answer: an account that exists must not take longer to say so.
    fn record_later(&self, store: StoreId, by: Actor, entry: NewAuditEntry) {
        let this = self.clone();
        tokio::spawn(async move {
            let recorded = async {
                let mut tx = this.database.begin().await?;
                audit::record_unflushed(&mut tx, store, &by, &entry, this.clock.now()).await?;
                tx.commit().await
            };
            if let Err(error) = recorded.await {
                tracing::warn!(%error, "a failed login could not be written down");
            }
        });
    }

    async fn record(&self, store: StoreId, by: &Actor, entry: &NewAuditEntry) -> Result<()> {
        let mut tx = self.database.begin().await?;
        audit::record(&mut tx, store, by, entry, self.clock.now()).await?;
        tx.commit().await
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
    /// `AUTH_FAILED`, whichever part was wrong; `TOO_MANY_REQUESTS` after too many of these.
    pub async fn login_admin(
        &self,
        store_code: &str,
        username: &str,
        password: String,
        address: IpAddr,
    ) -> Result<AdminLogin> {
        let knock = Knock::new(FailureKey::of_user(store_code, username), address);
        let found = self.find_user(store_code, username).await?;
        let hash = found.as_ref().map(|(_, user)| user.password_hash.clone());
        let matches = self.is_password(knock, password, hash).await?;
        let Some((store, user)) = found else { return Err(ErrorCode::AuthFailed.into()) };
        note_store(store.id);
        let by =
            Actor { kind: ActorKind::User, id: Some(user.id.0), name: user.username.clone(), address: Some(address) };
        if !matches {
            self.record_later(store.id, by, NewAuditEntry::new(AuditAction::UserLoginFailed, user.id.0));
            return Err(ErrorCode::AuthFailed.into());
        }
        self.record(store.id, &by, &NewAuditEntry::new(AuditAction::UserLogin, user.id.0)).await?;
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
    pub async fn admin_of(&self, token: &[u8]) -> Result<AdminIdentity> {
        let claims = self.tokens.check(token, Audience::Admin)?;
        self.admin_behind(claims).await
    }

    async fn admin_behind(&self, claims: Claims) -> Result<AdminIdentity> {
        let (username, role) = self.access.of_admin(&claims).await?;
        let user_id = UserId(claims.sub);
        Ok(AdminIdentity { store_id: claims.store, user_id, username, role, claims, address: None })
    }

    /// A ticket for the store's event stream, for a client that cannot set headers.
    ///
    /// # Errors
    /// When signing fails, which it does not.
    pub fn ticket(&self, identity: &AdminIdentity) -> Result<String> {
        Ok(self.tokens.issue_ticket(&identity.claims)?.token)
    }

    /// Whose ticket this is.
    ///
    /// # Errors
    /// A 401 of the kind that fits.
    pub async fn admin_of_ticket(&self, ticket: &str) -> Result<AdminIdentity> {
        let claims = self.tokens.check(ticket.as_bytes(), Audience::Stream)?.login_of_ticket();
        self.admin_behind(claims).await
    }

    /// Whose table token this is.
    ///
    /// # Errors
    /// A 401 of the kind that fits.
    pub async fn table_of(&self, token: &[u8]) -> Result<TableIdentity> {
        let claims = self.tokens.check(token, Audience::Table)?;
        let session_id = claims.session.ok_or(ErrorCode::InvalidToken)?;
        let versions = self.access.of_table(&claims).await?;
        Ok(TableIdentity { store_id: claims.store, versions, table_id: TableId(claims.sub), session_id, claims })
    }

    /// How long until this token expires.
    #[must_use]
    pub fn time_left(&self, claims: &Claims) -> Duration {
        (claims.expires_at() - self.clock.now()).to_std().unwrap_or_default()
    }

    /// Asks whether this token still counts, at this very moment.
    #[must_use]
    pub fn guard(&self, claims: Claims) -> StreamGuard {
        let access = self.access.clone();
        Box::new(move || {
            let access = access.clone();
            Box::pin(async move { access.check_now(&claims).await.is_ok() })
        })
    }

    /// A fresh token on the table's current session, so that a paired tablet needs no stored password.
    ///
    /// # Errors
    /// `INVALID_TOKEN` when the table is gone.
    pub async fn renew_session(&self, identity: &TableIdentity) -> Result<TableLogin> {
        let mut connection = self.database.acquire().await?;
        let store = store::get(connection.conn(), identity.store_id).await?;
        let table = table::find(connection.conn(), store.id, identity.table_id).await?;
        connection.done();
        let table = table.filter(|table| table.token_version == identity.claims.version);
        self.seat(store, table.ok_or(ErrorCode::InvalidToken)?).await
    }

    /// Whether the session a tablet orders for goes on.
    ///
    /// # Errors
    /// Of the database.
    pub async fn session_goes_on(&self, identity: &TableIdentity) -> Result<bool> {
        let mut connection = self.database.acquire().await?;
        let session = session::find(connection.conn(), identity.store_id, identity.session_id).await?;
        Ok(session.is_some_and(|session| session.completed_at.is_none()))
    }

    /// Whom this token belongs to, with the store.
    ///
    /// # Errors
    /// Of the database.
    pub async fn store_of(&self, identity: &AdminIdentity) -> Result<Store> {
        store::get(self.database.acquire().await?.conn(), identity.store_id).await
    }

    /// This token stops counting.
    ///
    /// # Errors
    /// Of the database.
    pub async fn logout(&self, identity: &AdminIdentity) -> Result<()> {
        let access_version = retrying(|| self.try_logout(identity)).await?;
        self.access.revoked(identity.store_id, access_version).await;
        Ok(())
    }

    async fn try_logout(&self, identity: &AdminIdentity) -> Result<i64> {
        let store = identity.store_id;
        let mut tx = self.database.begin().await?;
        user::forget_expired_tokens(tx.conn(), store, self.clock.now()).await?;
        user::revoke_token(tx.conn(), store, identity.claims.jti, identity.claims.expires_at()).await?;
        let entry = NewAuditEntry::new(AuditAction::UserLogout, identity.user_id.0);
        audit::record(&mut tx, store, &identity.actor(), &entry, self.clock.now()).await?;
        let access_version = event::raise_access_version(tx.conn(), store).await?;
        tx.commit().await?;
        Ok(access_version)
    }

    /// Changes the account's password. Its other tokens stop counting, the calling one stays.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a wrong current password: the login itself is fine, so this is no 401.
    /// `TOO_MANY_REQUESTS` after too many of these.
    pub async fn change_password(&self, identity: &AdminIdentity, current: String, new: String) -> Result<()> {
        let store = identity.store_id;
        let account = user::find(self.database.acquire().await?.conn(), store, identity.user_id).await?;
        let old = account.map(|account| account.password_hash).ok_or(ErrorCode::InvalidToken)?;
        let wrong = || AppError::invalid_field("current_password", Reason::WrongPassword);
        let address = identity.address.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        let knock = Knock::new(FailureKey::of_login(store, identity.user_id), address);
        if !self.is_password(knock, current, Some(old.clone())).await? {
            return Err(wrong());
        }
        let hash = self.passwords.hash(new).await?;
        let change = PasswordChange { kept_token: Some(identity.claims.jti), replaces: Some(&old) };
        let changed = retrying(|| self.try_set_password(identity, &hash, change)).await?;
        // Where somebody reset it meanwhile, what was the current password no longer is.
        let access_version = changed.ok_or_else(wrong)?;
        self.access.revoked(store, access_version).await;
        Ok(())
    }

    /// The store's new access version; `None` when the account no longer has the password this one replaces.
    async fn try_set_password(
        &self,
        identity: &AdminIdentity,
        hash: &str,
        change: PasswordChange<'_>,
    ) -> Result<Option<i64>> {
        let store = identity.store_id;
        let mut tx = self.database.begin().await?;
        if !user::set_password(tx.conn(), store, identity.user_id, hash, change).await? {
            return Ok(None);
        }
        let entry = NewAuditEntry::new(AuditAction::UserPasswordChanged, identity.user_id.0);
        audit::record(&mut tx, store, &identity.actor(), &entry, self.clock.now()).await?;
        let access_version = event::raise_access_version(tx.conn(), store).await?;
        tx.commit().await?;
        Ok(Some(access_version))
    }

    async fn find_table(&self, store_code: &str, table_number: i64) -> Result<Option<(Store, Table)>> {
        // The same two statements whatever is wrong, so that time does not tell what.
        let code = StoreCode::parse(store_code).unwrap_or_default();
        let number = i32::try_from(table_number).unwrap_or_default();
        let mut connection = self.database.acquire().await?;
        let store = store::find_by_code(connection.conn(), &code).await?;
        let id = store.as_ref().map_or(NO_STORE, |store| store.id);
        let table = table::find_by_number(connection.conn(), id, number).await?;
        connection.done();
        Ok(store.zip(table))
    }

    async fn find_user(&self, store_code: &str, username: &str) -> Result<Option<(Store, User)>> {
        let code = StoreCode::parse(store_code).unwrap_or_default();
        let username = Username::parse(username).unwrap_or_default();
        let mut connection = self.database.acquire().await?;
        let store = store::find_by_code(connection.conn(), &code).await?;
        let id = store.as_ref().map_or(NO_STORE, |store| store.id);
        let user = user::find_by_username(connection.conn(), id, username.as_str()).await?;
        connection.done();
        Ok(store.zip(user))
    }

    /// The table's unfinished session, whoever makes it first.
    async fn unfinished_session(&self, store: StoreId, table: TableId) -> Result<SessionId> {
        // Each round can only be lost to a login or a completion that happened meanwhile.
        const ROUNDS: usize = 10;
        let mut connection = self.database.acquire().await?;
        for _ in 0..ROUNDS {
            if let Some(session) = session::find_unfinished(connection.conn(), store, table).await? {
                connection.done();
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
