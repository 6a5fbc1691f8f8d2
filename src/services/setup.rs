//! The set-up of the first store, with a one-time code that the server prints at its start.
//!
//! The set-up is open while there is no store but the demo. The row of the table `setup` is the same for every instance:
//! the transaction that locks it decides who creates the store, so two browsers, or two instances, make one store.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use rand::TryRng;
use rand::rngs::SysRng;
use scoped_futures::ScopedFutureExt;

use crate::clock::Clock;
use crate::database::Database;
use crate::error::{AppError, ErrorCode, Result};
use crate::models::{Actor, AttemptKey, AuditAction, NewAuditEntry, Role, SetupCode, SetupState, SetupStatus, StoreId};
use crate::repositories::{setup, store as store_rows, user};
use crate::security::password::Passwords;
use crate::security::throttle::{Attempt, AttemptKeys, LoginThrottle};
use crate::services::audit;
use crate::services::lan::lan_hosts;
use crate::services::store::{self, NewStore};

/// How long a code is valid.
const LIFETIME: TimeDelta = TimeDelta::minutes(30);

/// Issues the code and creates the first store.
#[derive(Debug, Clone)]
pub struct SetupService {
    database: Database,
    passwords: Passwords,
    throttle: LoginThrottle,
    clock: Clock,
    /// The address that the server listens on.
    host: IpAddr,
    /// Whether a store exists. It is never reset, because stores are not deleted, and saves a query.
    is_closed: Arc<AtomicBool>,
}

/// A set-up whose code was entered.
#[derive(Debug)]
pub struct OpenSetup {
    /// When the code expires.
    pub expires_at: DateTime<Utc>,
    /// The addresses of this machine in its local networks.
    pub lan_hosts: Vec<IpAddr>,
    /// Whether only programs on the server's own machine can connect.
    pub is_local_only: bool,
}

impl SetupService {
    /// The service for `database`, on a server that listens on `host`.
    #[must_use]
    pub fn new(database: Database, passwords: Passwords, throttle: LoginThrottle, clock: Clock, host: IpAddr) -> Self {
        Self { database, passwords, throttle, clock, host, is_closed: Arc::default() }
    }

    /// Issues a new code, which replaces the last one. `None` if there is a store already.
    pub async fn issue_code(&self) -> Result<Option<SetupCode>> {
        let mut bytes = [0; SetupCode::BYTES];
        SysRng.try_fill_bytes(&mut bytes).map_err(AppError::internal)?;
        let code = SetupCode::new(bytes);
        let (digest, expires_at) = (&code.digest(), self.clock.now() + LIFETIME);
        let issued = self.database.transaction_without_store(|tx| {
            async move {
                Ok(store_rows::first_real(tx).await?.is_none() && setup::replace_code(tx, digest, expires_at).await?)
            }
            .scope_boxed()
        });
        Ok(issued.await?.then_some(code))
    }

    /// Whether a store can be set up, and whether there is any store, the demo included.
    pub async fn status(&self) -> Result<(SetupStatus, bool)> {
        if self.is_closed.load(Ordering::Relaxed) {
            return Ok((SetupStatus::Closed, true));
        }
        let has_store = self.database.read(|conn| store_rows::any(conn).scope_boxed()).await?;
        let status = match self.open_state().await {
            Ok(state) if state.expires_at > self.clock.now() => SetupStatus::Open,
            Ok(_) | Err(AppError { code: ErrorCode::SetupCodeInvalid, .. }) => SetupStatus::Expired,
            Err(AppError { code: ErrorCode::SetupClosed, .. }) => SetupStatus::Closed,
            Err(error) => return Err(error),
        };
        Ok((status, has_store))
    }

    /// Checks a code, as it was entered from `address`.
    ///
    /// # Errors
    /// `SETUP_CLOSED` if there is a store; `SETUP_CODE_INVALID`, `SETUP_CODE_EXPIRED`; `TOO_MANY_REQUESTS` after too many
    /// wrong codes.
    pub async fn check_code(&self, code: &str, address: IpAddr) -> Result<OpenSetup> {
        let state = self.open_state().await?;
        let attempt = self.begin_attempt(address).await?;
        let checked = check(&state, SetupCode::parse(code).as_ref(), self.clock.now());
        end_attempt(attempt, checked.as_ref().err().copied()).await?;
        checked?;
        Ok(OpenSetup {
            expires_at: state.expires_at,
            lan_hosts: lan_hosts(self.host),
            is_local_only: self.host.is_loopback(),
        })
    }

    /// Creates the first store and its owner. A repetition with the same code and content succeeds like the first
    /// request, whose response may have been lost.
    ///
    /// # Errors
    /// `SETUP_CLOSED` if there is another store; `SETUP_CODE_INVALID`, `SETUP_CODE_EXPIRED`; `TOO_MANY_REQUESTS` after too
    /// many wrong codes; `DUPLICATE` if the demo has this store code.
    pub async fn create_store(&self, code: &str, new: &NewStore, address: IpAddr) -> Result<()> {
        let Some(state) = self.database.read(|conn| setup::find(conn).scope_boxed()).await? else {
            return Err(self.open_state().await.err().unwrap_or_else(|| ErrorCode::SetupCodeInvalid.into()));
        };
        if state.created_store.is_some() && state.expires_at <= self.clock.now() {
            return Err(ErrorCode::SetupClosed.into());
        }
        let attempt = self.begin_attempt(address).await?;
        let created = self.create_or_repeat(&state, SetupCode::parse(code).as_ref(), new, address).await;
        end_attempt(attempt, created.as_ref().err().map(|error| error.code)).await?;
        created
    }

    async fn create_or_repeat(
        &self,
        state: &SetupState,
        code: Option<&SetupCode>,
        new: &NewStore,
        address: IpAddr,
    ) -> Result<()> {
        // Before the password is hashed.
        check(state, code, self.clock.now())?;
        let created = match state.created_store {
            Some(_) => state.created_store,
            None => self.create(code, new, address).await?,
        };
        match created {
            Some(store) if !self.is_repetition(store, new).await? => Err(ErrorCode::SetupClosed.into()),
            _ => Ok(()),
        }
    }

    /// Creates the store. Returns the store that another request created with the code in the meantime.
    async fn create(&self, code: Option<&SetupCode>, new: &NewStore, address: IpAddr) -> Result<Option<StoreId>> {
        let hash = &self.passwords.hash(None, new.owner_password.clone()).await?;
        let now = self.clock.now();
        let created = self.database.transaction_without_store(|tx| {
            async move {
                let state = setup::lock(tx).await?.ok_or(ErrorCode::SetupClosed)?;
                check(&state, code, now)?;
                if state.created_store.is_some() {
                    return Ok(state.created_store);
                }
                if store_rows::first_real(tx).await?.is_some() {
                    return Err(ErrorCode::SetupClosed.into());
                }
                let (store, owner) = store::insert(tx, new, hash, now).await?;
                setup::complete(tx, store).await?;
                let entry = NewAuditEntry::new(AuditAction::UserCreated, owner.id.0).after(&owner);
                audit::record(tx, store, &Actor::setup(address), &entry, now).await?;
                Ok(None)
            }
            .scope_boxed()
        });
        created.await
    }

    /// Whether `new` has the values of the store `id` and of its owner, including the password.
    async fn is_repetition(&self, id: StoreId, new: &NewStore) -> Result<bool> {
        let read = self.database.read(|conn| {
            async move {
                let store = store_rows::get(conn, id).await?;
                Ok((store, user::find_by_username(conn, Some(id), Some(&new.owner)).await?))
            }
            .scope_boxed()
        });
        let (store, owner) = read.await?;
        let is_same = store.code == new.code.as_str() && store.name == new.name && store.calendar == new.calendar;
        let Some(owner) = owner.filter(|owner| is_same && owner.role == Role::Owner) else { return Ok(false) };
        let permit = self.passwords.acquire_permit(None)?;
        self.passwords.verify(permit, new.owner_password.clone(), Some(owner.password_hash)).await
    }

    /// The state of a set-up that is not closed.
    ///
    /// # Errors
    /// `SETUP_CLOSED` if there is a store; `SETUP_CODE_INVALID` if no code was issued.
    async fn open_state(&self) -> Result<SetupState> {
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(ErrorCode::SetupClosed.into());
        }
        let read = self.database.read(|conn| {
            async move { Ok((store_rows::first_real(conn).await?, setup::find(conn).await?)) }.scope_boxed()
        });
        let (store, state) = read.await?;
        if store.is_some() {
            self.is_closed.store(true, Ordering::Relaxed);
            return Err(ErrorCode::SetupClosed.into());
        }
        state.ok_or_else(|| ErrorCode::SetupCodeInvalid.into())
    }

    async fn begin_attempt(&self, address: IpAddr) -> Result<Attempt> {
        let key = AttemptKeys::new(AttemptKey::of_setup(address), address);
        self.throttle.check_cached(&key)?;
        self.throttle.begin_attempt(key).await
    }
}

/// Checks a code against the state of the set-up.
fn check(state: &SetupState, code: Option<&SetupCode>, now: DateTime<Utc>) -> Result<(), ErrorCode> {
    match code {
        Some(code) if code.digest() == state.code_digest => {
            if state.expires_at > now {
                Ok(())
            } else {
                Err(ErrorCode::SetupCodeExpired)
            }
        }
        _ => Err(ErrorCode::SetupCodeInvalid),
    }
}

/// Ends an attempt. A wrong code counts as a failure, and so does another password for a store that was created.
async fn end_attempt(attempt: Attempt, refused: Option<ErrorCode>) -> Result<()> {
    match refused {
        Some(ErrorCode::SetupCodeInvalid | ErrorCode::SetupClosed) => attempt.failed().await,
        _ => attempt.succeeded().await,
    }
}
