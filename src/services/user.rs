//! Staff accounts.

use scoped_futures::ScopedFutureExt;
use serde_json::json;

use crate::clock::Clock;
use crate::config::StoreLimits;
use crate::database::{Connection, Database};
use crate::error::{AppError, ErrorCode, Reason, Result};
use crate::models::{Actor, AuditAction, FailureKey, NewAuditEntry, Role, StoreCode, StoreId, User, UserId, Username};
use crate::repositories::user::PasswordChange;
use crate::repositories::{event, store, user};
use crate::security::access::TokenAccess;
use crate::security::identity::AdminIdentity;
use crate::security::password::Passwords;
use crate::security::throttle::LoginThrottle;
use crate::services::audit;
use crate::services::limits::check_users;

/// Staff accounts.
#[derive(Debug, Clone)]
pub struct UserService {
    database: Database,
    passwords: Passwords,
    /// Notified of revoked tokens; `None` on a command line.
    access: Option<TokenAccess>,
    throttle: LoginThrottle,
    limits: StoreLimits,
    clock: Clock,
}

/// What to change of an account; `None` leaves it as it is.
#[derive(Debug, Default)]
pub struct UserChange {
    /// The name it logs in with.
    pub username: Option<Username>,
    /// Its password.
    pub password: Option<String>,
    /// What it may do.
    pub role: Option<Role>,
}

impl UserService {
    /// Accounts stored in `database`.
    #[must_use]
    pub fn new(
        database: Database,
        passwords: Passwords,
        access: Option<TokenAccess>,
        throttle: LoginThrottle,
        limits: StoreLimits,
        clock: Clock,
    ) -> Self {
        Self { database, passwords, access, throttle, limits, clock }
    }

    /// The store's accounts, by name.
    pub async fn list(&self, store: StoreId) -> Result<Vec<User>> {
        self.database.read(|conn| user::list(conn, store).scope_boxed()).await
    }

    /// The account.
    ///
    /// # Errors
    /// `USER_NOT_FOUND`.
    pub async fn get(&self, store: StoreId, id: UserId) -> Result<User> {
        let account = self.database.read(|conn| user::find(conn, store, id).scope_boxed()).await?;
        account.ok_or_else(|| ErrorCode::UserNotFound.into())
    }

    /// The id of the store with this code.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`.
    pub async fn store_of(&self, code: &StoreCode) -> Result<StoreId> {
        let store = self.database.read(|conn| store::find_by_code(conn, Some(code)).scope_boxed()).await?;
        store.map(|store| store.id).ok_or_else(|| ErrorCode::StoreNotFound.into())
    }

    /// Adds an account.
    ///
    /// # Errors
    /// `DUPLICATE` for a name that is taken, `LIMIT_REACHED`.
    pub async fn create(
        &self,
        store: StoreId,
        by: &Actor,
        username: &Username,
        password: String,
        role: Role,
    ) -> Result<User> {
        let hash = &self.passwords.hash(password).await?;
        let created = self.database.transaction(store, |tx| {
            async move {
                let now = self.clock.now();
                let account = user::insert(tx, store, username, hash, role, now).await?;
                let entry = NewAuditEntry::new(AuditAction::UserCreated, account.id.0).after(&account);
                audit::record(tx, store, by, &entry, now).await?;
                check_users(tx, store, self.limits).await?;
                Ok(account)
            }
            .scope_boxed()
        });
        created.await
    }

    /// Changes an account. A new password revokes its tokens.
    ///
    /// # Errors
    /// `USER_NOT_FOUND`, `DUPLICATE` for a name that is taken, `LAST_OWNER` when nobody would run the store,
    /// `VALIDATION_ERROR` for one's own password, which is changed with the current one.
    pub async fn update(&self, owner: &AdminIdentity, id: UserId, mut change: UserChange) -> Result<User> {
        let store = owner.store_id;
        if change.password.is_some() && id == owner.user_id {
            return Err(AppError::invalid_field("password", Reason::OwnPassword));
        }
        let hash = match change.password.take() {
            Some(password) => Some(self.passwords.hash(password).await?),
            None => None,
        };
        let (change, hash) = (&change, hash.as_deref());
        let updated = self.database.transaction(store, |tx| {
            async move {
                if change.role == Some(Role::Staff) {
                    require_another_owner(tx, store, id).await?;
                }
                let mut account = user::lock(tx, store, id).await?;
                let entry = NewAuditEntry::new(AuditAction::UserUpdated, id.0).before(&account);
                if let Some(username) = &change.username {
                    username.as_str().clone_into(&mut account.username);
                }
                account.role = change.role.unwrap_or(account.role);
                user::update(tx, store, &account).await?;
                if let Some(hash) = hash {
                    user::set_password(tx, store, id, hash, PasswordChange::default()).await?;
                }
                let after = json!({
                    "username": account.username,
                    "role": account.role,
                    "has_new_password": hash.is_some(),
                });
                audit::record(tx, store, &owner.actor(), &entry.after(after), self.clock.now()).await?;
                Ok((account, event::raise_access_version(tx, store).await?))
            }
            .scope_boxed()
        });
        let (account, access_version) = updated.await?;
        self.publish_revocation(store, access_version);
        if hash.is_some() {
            self.clear_lockouts(store, &account).await;
        }
        Ok(account)
    }

    /// Removes an account and revokes its tokens.
    ///
    /// # Errors
    /// `USER_NOT_FOUND`, `LAST_OWNER` when nobody would run the store.
    pub async fn delete(&self, store: StoreId, by: &Actor, id: UserId) -> Result<()> {
        let deleted = self.database.transaction(store, |tx| {
            async move {
                require_another_owner(tx, store, id).await?;
                let account = user::lock(tx, store, id).await?;
                user::delete(tx, store, id).await?;
                let entry = NewAuditEntry::new(AuditAction::UserDeleted, id.0).before(&account);
                audit::record(tx, store, by, &entry, self.clock.now()).await?;
                event::raise_access_version(tx, store).await
            }
            .scope_boxed()
        });
        self.publish_revocation(store, deleted.await?);
        Ok(())
    }

    /// Gives an account a new password and ends all its logins.
    ///
    /// # Errors
    /// `USER_NOT_FOUND`.
    pub async fn reset_password(&self, store: StoreId, username: &Username, password: String) -> Result<()> {
        let hash = &self.passwords.hash(password).await?;
        let reset = self.database.transaction(store, |tx| {
            async move {
                let account = user::find_by_username(tx, Some(store), Some(username)).await?;
                let account = account.ok_or(ErrorCode::UserNotFound)?;
                if !user::set_password(tx, store, account.id, hash, PasswordChange::default()).await? {
                    return Err(ErrorCode::UserNotFound.into());
                }
                let entry = NewAuditEntry::new(AuditAction::UserPasswordChanged, account.id.0);
                audit::record(tx, store, &Actor::operator(), &entry, self.clock.now()).await?;
                Ok((account, event::raise_access_version(tx, store).await?))
            }
            .scope_boxed()
        });
        let (account, access_version) = reset.await?;
        self.publish_revocation(store, access_version);
        self.clear_lockouts(store, &account).await;
        Ok(())
    }

    /// After a new password, guesses at the old one no longer lock the account out.
    async fn clear_lockouts(&self, id: StoreId, account: &User) {
        let store = self.database.read(|conn| store::get(conn, id).scope_boxed()).await;
        let name = store.map(|store| FailureKey::of_user(&store.code, &account.username)).ok();
        let keys: Vec<_> = name.into_iter().chain([FailureKey::of_login(id, account.id)]).collect();
        self.throttle.clear_lockouts(&keys).await;
    }

    /// Lets every instance check again which of the store's tokens are valid.
    fn publish_revocation(&self, store: StoreId, access_version: i64) {
        if let Some(access) = &self.access {
            access.revoked(store, access_version);
        }
    }
}

/// Locks the store's owners, so that two that remove each other do it one after the other, and refuses to go on where
/// `id` is the only one.
async fn require_another_owner(tx: &mut Connection, store: StoreId, id: UserId) -> Result<()> {
    let owners = user::lock_owners(tx, store).await?;
    if owners == [id] { Err(ErrorCode::LastOwner.into()) } else { Ok(()) }
}
