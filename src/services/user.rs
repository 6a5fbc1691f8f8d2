//! Users.

use scoped_futures::ScopedFutureExt;
use serde_json::json;

use crate::clock::Clock;
use crate::config::StoreLimits;
use crate::database::{Connection, Database};
use crate::error::{AppError, ErrorCode, Reason, Result};
use crate::models::{Actor, AttemptKey, AuditAction, NewAuditEntry, Role, StoreCode, StoreId, User, UserId, Username};
use crate::repositories::user::PasswordChange;
use crate::repositories::{event, store, user};
use crate::security::access::TokenChecker;
use crate::security::identity::AdminIdentity;
use crate::security::password::Passwords;
use crate::security::throttle::LoginThrottle;
use crate::services::audit;
use crate::services::limits::check_users;

/// Reads and changes users.
#[derive(Debug, Clone)]
pub struct UserService {
    database: Database,
    passwords: Passwords,
    /// Notified of revoked tokens; `None` on the command line.
    access: Option<TokenChecker>,
    throttle: LoginThrottle,
    limits: StoreLimits,
    clock: Clock,
}

/// A change of a user; `None` keeps the value.
#[derive(Debug, Default)]
pub struct UserChange {
    /// The name the user logs in with.
    pub username: Option<Username>,
    /// The user's password.
    pub password: Option<String>,
    /// The user's role.
    pub role: Option<Role>,
}

impl UserService {
    /// The service for `database`.
    #[must_use]
    pub fn new(
        database: Database,
        passwords: Passwords,
        access: Option<TokenChecker>,
        throttle: LoginThrottle,
        limits: StoreLimits,
        clock: Clock,
    ) -> Self {
        Self { database, passwords, access, throttle, limits, clock }
    }

    /// The store's users, sorted by name.
    pub async fn list(&self, store: StoreId) -> Result<Vec<User>> {
        self.database.read(|conn| user::list(conn, store).scope_boxed()).await
    }

    /// The user.
    ///
    /// # Errors
    /// `USER_NOT_FOUND`.
    pub async fn get(&self, store: StoreId, id: UserId) -> Result<User> {
        let user = self.database.read(|conn| user::find(conn, store, id).scope_boxed()).await?;
        user.ok_or_else(|| ErrorCode::UserNotFound.into())
    }

    /// The id of the store with this code.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`.
    pub async fn store_id(&self, code: &StoreCode) -> Result<StoreId> {
        let store = self.database.read(|conn| store::find_by_code(conn, Some(code)).scope_boxed()).await?;
        store.map(|store| store.id).ok_or_else(|| ErrorCode::StoreNotFound.into())
    }

    /// Adds a user.
    ///
    /// # Errors
    /// `DUPLICATE` if the name is already used, `LIMIT_REACHED`.
    pub async fn create(
        &self,
        store: StoreId,
        by: &Actor,
        username: &Username,
        password: String,
        role: Role,
    ) -> Result<User> {
        let hash = &self.passwords.hash(Some(store), password).await?;
        let created = self.database.transaction(store, |tx| {
            async move {
                let now = self.clock.now();
                let user = user::insert(tx, store, username, hash, role, now).await?;
                let entry = NewAuditEntry::new(AuditAction::UserCreated, user.id.0).after(&user);
                audit::record(tx, store, by, &entry, now).await?;
                check_users(tx, store, self.limits).await?;
                Ok(user)
            }
            .scope_boxed()
        });
        created.await
    }

    /// Changes a user. A new password revokes the user's tokens.
    ///
    /// # Errors
    /// `USER_NOT_FOUND`, `DUPLICATE` if the name is already used, `LAST_OWNER` if the store would have no owner,
    /// `VALIDATION_ERROR` for the user's own password, which `AuthService::change_password` changes.
    pub async fn update(&self, owner: &AdminIdentity, id: UserId, mut change: UserChange) -> Result<User> {
        let store = owner.store_id;
        if change.password.is_some() && id == owner.user_id {
            return Err(AppError::invalid_field("password", Reason::OwnPassword));
        }
        let hash = match change.password.take() {
            Some(password) => Some(self.passwords.hash(Some(store), password).await?),
            None => None,
        };
        let (change, hash) = (&change, hash.as_deref());
        let updated = self.database.transaction(store, |tx| {
            async move {
                if change.role == Some(Role::Staff) {
                    require_another_owner(tx, store, id).await?;
                }
                let mut user = user::lock(tx, store, id).await?;
                let entry = NewAuditEntry::new(AuditAction::UserUpdated, id.0).before(&user);
                if let Some(username) = &change.username {
                    username.as_str().clone_into(&mut user.username);
                }
                user.role = change.role.unwrap_or(user.role);
                user::update(tx, store, &user).await?;
                if let Some(hash) = hash {
                    user::set_password(tx, store, id, hash, PasswordChange::default()).await?;
                }
                let after = json!({
                    "username": user.username,
                    "role": user.role,
                    "has_new_password": hash.is_some(),
                });
                audit::record(tx, store, &owner.actor(), &entry.after(after), self.clock.now()).await?;
                Ok((user, event::raise_access_version(tx, store).await?))
            }
            .scope_boxed()
        });
        let (user, access_version) = updated.await?;
        self.publish_revocation(store, access_version);
        if hash.is_some() {
            self.clear_lockouts(store, &user).await;
        }
        Ok(user)
    }

    /// Removes a user and revokes the user's tokens.
    ///
    /// # Errors
    /// `USER_NOT_FOUND`, `LAST_OWNER` if the store would have no owner.
    pub async fn delete(&self, store: StoreId, by: &Actor, id: UserId) -> Result<()> {
        let deleted = self.database.transaction(store, |tx| {
            async move {
                require_another_owner(tx, store, id).await?;
                let user = user::lock(tx, store, id).await?;
                user::delete(tx, store, id).await?;
                let entry = NewAuditEntry::new(AuditAction::UserDeleted, id.0).before(&user);
                audit::record(tx, store, by, &entry, self.clock.now()).await?;
                event::raise_access_version(tx, store).await
            }
            .scope_boxed()
        });
        self.publish_revocation(store, deleted.await?);
        Ok(())
    }

    /// Sets a user's password and revokes the user's tokens.
    ///
    /// # Errors
    /// `USER_NOT_FOUND`.
    pub async fn reset_password(&self, store: StoreId, username: &Username, password: String) -> Result<()> {
        let hash = &self.passwords.hash(Some(store), password).await?;
        let reset = self.database.transaction(store, |tx| {
            async move {
                let user = user::find_by_username(tx, Some(store), Some(username)).await?;
                let user = user.ok_or(ErrorCode::UserNotFound)?;
                if !user::set_password(tx, store, user.id, hash, PasswordChange::default()).await? {
                    return Err(ErrorCode::UserNotFound.into());
                }
                let entry = NewAuditEntry::new(AuditAction::UserPasswordChanged, user.id.0);
                audit::record(tx, store, &Actor::operator(), &entry, self.clock.now()).await?;
                Ok((user, event::raise_access_version(tx, store).await?))
            }
            .scope_boxed()
        });
        let (user, access_version) = reset.await?;
        self.publish_revocation(store, access_version);
        self.clear_lockouts(store, &user).await;
        Ok(())
    }

    /// Ends lockouts after a password change: failures with the old password must not lock the user out.
    async fn clear_lockouts(&self, id: StoreId, user: &User) {
        let store = self.database.read(|conn| store::get(conn, id).scope_boxed()).await;
        let name = store.map(|store| AttemptKey::of_user(&store.code, &user.username)).ok();
        let keys: Vec<_> = name.into_iter().chain([AttemptKey::of_current_password(id, user.id)]).collect();
        self.throttle.clear_lockouts(&keys).await;
    }

    /// Makes every instance check again which of the store's tokens are valid.
    fn publish_revocation(&self, store: StoreId, access_version: i64) {
        if let Some(access) = &self.access {
            access.revoked(store, access_version);
        }
    }
}

/// Returns an error if `id` is the store's only owner. Locks the owners, so that two owners cannot remove each other at
/// the same time.
async fn require_another_owner(tx: &mut Connection, store: StoreId, id: UserId) -> Result<()> {
    let owners = user::lock_owners(tx, store).await?;
    if owners == [id] { Err(ErrorCode::LastOwner.into()) } else { Ok(()) }
}
