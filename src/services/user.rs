//! Staff accounts.

use crate::clock::Clock;
use crate::database::Database;
use crate::error::{ErrorCode, Result};
use crate::models::{Role, Store, StoreCode, Username};
use crate::repositories::user::PasswordChange;
use crate::repositories::{event, store, user};
use crate::security::password::Passwords;

/// Staff accounts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct UserService {
    database: Database,
    passwords: Passwords,
    clock: Clock,
}

impl UserService {
    /// Accounts kept in `database`.
    #[must_use]
    pub fn new(database: Database, passwords: Passwords, clock: Clock) -> Self {
        Self { database, passwords, clock }
    }

    /// Adds an account.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`, `DUPLICATE` for a name that is taken.
    pub async fn create(&self, store: &StoreCode, username: &Username, password: String, role: Role) -> Result<()> {
        let store = self.store(store).await?;
        let hash = self.passwords.hash(password).await?;
        let mut connection = self.database.acquire().await?;
        user::insert(connection.conn(), store.id, username.as_str(), &hash, role, self.clock.now()).await?;
        Ok(())
    }

    /// Gives an account a new password; every login of it ends.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`, `AUTH_FAILED` for an account that does not exist.
    pub async fn reset_password(&self, store: &StoreCode, username: &Username, password: String) -> Result<()> {
        let store = self.store(store).await?;
        let hash = self.passwords.hash(password).await?;
        let mut tx = self.database.begin().await?;
        let account = user::find_by_username(tx.conn(), store.id, username.as_str()).await?;
        let account = account.ok_or(ErrorCode::AuthFailed)?;
        if !user::set_password(tx.conn(), store.id, account.id, &hash, PasswordChange::default()).await? {
            return Err(ErrorCode::AuthFailed.into());
        }
        event::raise_access_version(tx.conn(), store.id).await?;
        tx.commit().await
    }

    async fn store(&self, code: &StoreCode) -> Result<Store> {
        let store = store::find_by_code(self.database.acquire().await?.conn(), code).await?;
        store.ok_or_else(|| ErrorCode::StoreNotFound.into())
    }
}
