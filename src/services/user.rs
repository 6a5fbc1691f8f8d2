//! Staff accounts.

use serde_json::json;

use crate::clock::Clock;
use crate::database::{Database, Transaction, retrying};
use crate::error::{AppError, ErrorCode, Reason, Result};
use crate::models::{
    Actor, AuditAction, FailureKey, NewAuditEntry, Role, Store, StoreCode, StoreId, User, UserId, Username,
    account_snapshot,
};
use crate::repositories::user::PasswordChange;
use crate::repositories::{event, store, user};
use crate::security::access::TokenAccess;
use crate::security::identity::AdminIdentity;
use crate::security::password::Passwords;
use crate::security::throttle::LoginThrottle;
use crate::services::audit;

/// Staff accounts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct UserService {
    database: Database,
    passwords: Passwords,
    /// Told at once whose tokens stop counting; a command line has nobody to tell.
    access: Option<TokenAccess>,
    throttle: LoginThrottle,
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
    /// Accounts kept in `database`.
    #[must_use]
    pub fn new(
        database: Database,
        passwords: Passwords,
        access: Option<TokenAccess>,
        throttle: LoginThrottle,
        clock: Clock,
    ) -> Self {
        Self { database, passwords, access, throttle, clock }
    }

    /// The store's accounts, by name.
    ///
    /// # Errors
    /// Of the database.
    pub async fn list(&self, store: StoreId) -> Result<Vec<User>> {
        user::list(self.database.acquire().await?.conn(), store).await
    }

    /// The account.
    ///
    /// # Errors
    /// `USER_NOT_FOUND`.
    pub async fn get(&self, store: StoreId, id: UserId) -> Result<User> {
        let account = user::find(self.database.acquire().await?.conn(), store, id).await?;
        account.ok_or_else(|| ErrorCode::UserNotFound.into())
    }

    /// The number of the store with this code.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`.
    pub async fn store_of(&self, code: &StoreCode) -> Result<StoreId> {
        let store: Option<Store> = store::find_by_code(self.database.acquire().await?.conn(), code).await?;
        store.map(|store| store.id).ok_or_else(|| ErrorCode::StoreNotFound.into())
    }

    /// Adds an account.
    ///
    /// # Errors
    /// `DUPLICATE` for a name that is taken.
    pub async fn create(
        &self,
        store: StoreId,
        by: &Actor,
        username: &Username,
        password: String,
        role: Role,
    ) -> Result<UserId> {
        let hash = self.passwords.hash(password).await?;
        let now = self.clock.now();
        let mut tx = self.database.begin().await?;
        let id = user::insert(tx.conn(), store, username.as_str(), &hash, role, now).await?;
        let entry = NewAuditEntry::new(AuditAction::UserCreated, id.0).after(account_snapshot(username.as_str(), role));
        audit::record(&mut tx, store, by, &entry, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Changes an account. With a new password its tokens stop counting.
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
        let account = retrying(|| self.try_update(owner, id, &change, hash.as_deref())).await?;
        if hash.is_some() {
            self.end_pauses(store, &account).await;
        }
        Ok(account)
    }

    async fn try_update(
        &self,
        owner: &AdminIdentity,
        id: UserId,
        change: &UserChange,
        password_hash: Option<&str>,
    ) -> Result<User> {
        let store = owner.store_id;
        let mut tx = self.database.begin().await?;
        if change.role == Some(Role::Staff) {
            require_another_owner(&mut tx, store, id).await?;
        }
        let mut account = user::lock(tx.conn(), store, id).await?;
        let entry = NewAuditEntry::new(AuditAction::UserUpdated, id.0).before(&account);
        if let Some(username) = &change.username {
            username.as_str().clone_into(&mut account.username);
        }
        account.role = change.role.unwrap_or(account.role);
        user::update(tx.conn(), store, &account).await?;
        if let Some(hash) = password_hash {
            user::set_password(tx.conn(), store, id, hash, PasswordChange::default()).await?;
        }
        let after = json!({
            "username": account.username,
            "role": account.role,
            "has_new_password": password_hash.is_some(),
        });
        audit::record(&mut tx, store, &owner.actor(), &entry.after(after), self.clock.now()).await?;
        self.commit_revocation(tx, store).await?;
        Ok(account)
    }

    /// Removes an account; its tokens stop counting.
    ///
    /// # Errors
    /// `USER_NOT_FOUND`, `LAST_OWNER` when nobody would run the store.
    pub async fn delete(&self, store: StoreId, by: &Actor, id: UserId) -> Result<()> {
        retrying(|| self.try_delete(store, by, id)).await
    }

    async fn try_delete(&self, store: StoreId, by: &Actor, id: UserId) -> Result<()> {
        let mut tx = self.database.begin().await?;
        require_another_owner(&mut tx, store, id).await?;
        let account = user::lock(tx.conn(), store, id).await?;
        user::delete(tx.conn(), store, id).await?;
        let entry = NewAuditEntry::new(AuditAction::UserDeleted, id.0).before(&account);
        audit::record(&mut tx, store, by, &entry, self.clock.now()).await?;
        self.commit_revocation(tx, store).await
    }

    /// Gives an account a new password; every login of it ends.
    ///
    /// # Errors
    /// `USER_NOT_FOUND`.
    pub async fn reset_password(&self, store: StoreId, username: &Username, password: String) -> Result<()> {
        let hash = self.passwords.hash(password).await?;
        let mut tx = self.database.begin().await?;
        let account = user::find_by_username(tx.conn(), store, username.as_str()).await?;
        let account = account.ok_or(ErrorCode::UserNotFound)?;
        if !user::set_password(tx.conn(), store, account.id, &hash, PasswordChange::default()).await? {
            return Err(ErrorCode::UserNotFound.into());
        }
        let entry = NewAuditEntry::new(AuditAction::UserPasswordChanged, account.id.0);
        audit::record(&mut tx, store, &Actor::operator(), &entry, self.clock.now()).await?;
        self.commit_revocation(tx, store).await?;
        self.end_pauses(store, &account).await;
        Ok(())
    }

    /// With a new password, what was guessed of the old one no longer keeps anybody waiting.
    async fn end_pauses(&self, store: StoreId, account: &User) {
        let code = async { Ok::<_, AppError>(store::get(self.database.acquire().await?.conn(), store).await?.code) };
        let name = code.await.map(|code| FailureKey::of_user(&code, &account.username)).ok();
        let keys: Vec<_> = name.into_iter().chain([FailureKey::of_login(store, account.id)]).collect();
        self.throttle.end_pauses(&keys).await;
    }

    /// Commits, and lets every instance look again whose tokens count.
    async fn commit_revocation(&self, mut tx: Transaction, store: StoreId) -> Result<()> {
        let access_version = event::raise_access_version(tx.conn(), store).await?;
        tx.commit().await?;
        if let Some(access) = &self.access {
            access.revoked(store, access_version).await;
        }
        Ok(())
    }
}

/// Locks the store's owners, so that two who remove each other do it one after the other, and refuses to go on
/// where `id` is the only one.
async fn require_another_owner(tx: &mut Transaction, store: StoreId, id: UserId) -> Result<()> {
    let owners = user::lock_owners(tx.conn(), store).await?;
    if owners == [id] { Err(ErrorCode::LastOwner.into()) } else { Ok(()) }
}
