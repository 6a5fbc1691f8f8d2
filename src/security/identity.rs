//! The extractors that turn a token into an identity. A handler that takes one is thereby guarded.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::error::{AppError, ErrorCode, Result};
use crate::events::StoreVersions;
use crate::models::{Actor, ActorKind, Role, SessionId, StoreId, TableId, UserId};
use crate::security::address::ClientAddress;
use crate::security::token::Claims;
use crate::services::AuthService;
use crate::telemetry::request::note_store;

/// A member of a store's staff, by an admin token.
#[derive(Debug, Clone)]
pub struct AdminIdentity {
    /// The store.
    pub store_id: StoreId,
    /// The account.
    pub user_id: UserId,
    /// The account's name.
    pub username: String,
    /// What the account may do.
    pub role: Role,
    /// What the token says.
    pub claims: Claims,
    /// Where the request comes from.
    pub address: Option<IpAddr>,
}

impl AdminIdentity {
    /// Who this is, for the audit log.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor { kind: ActorKind::User, id: Some(self.user_id.0), name: self.username.clone(), address: self.address }
    }

    /// Refuses who does not run the store.
    ///
    /// # Errors
    /// `FORBIDDEN`.
    pub fn require_owner(&self) -> Result<()> {
        match self.role {
            Role::Owner => Ok(()),
            Role::Staff => Err(ErrorCode::Forbidden.into()),
        }
    }
}

/// An owner of a store, by an admin token.
#[derive(Debug, Clone)]
pub struct OwnerIdentity(pub AdminIdentity);

/// A tablet, by a table token.
#[derive(Debug, Clone)]
pub struct TableIdentity {
    /// The store.
    pub store_id: StoreId,
    /// The store's versions when the token was found to count.
    pub versions: StoreVersions,
    /// The table.
    pub table_id: TableId,
    /// The session it orders for, which may have ended.
    pub session_id: SessionId,
    /// What the token says.
    pub claims: Claims,
}

/// What stands before a token.
const SCHEME: &[u8] = b"Bearer ";

/// The token of `Authorization: Bearer TOKEN`.
fn bearer(parts: &Parts) -> Result<&[u8]> {
    let value = parts.headers.get(AUTHORIZATION).ok_or(ErrorCode::Unauthorized)?;
    let (scheme, token) = value.as_bytes().split_at_checked(SCHEME.len()).ok_or(ErrorCode::Unauthorized)?;
    let token = token.trim_ascii();
    if scheme.eq_ignore_ascii_case(SCHEME) && !token.is_empty() {
        Ok(token)
    } else {
        Err(ErrorCode::Unauthorized.into())
    }
}

impl<S> FromRequestParts<S> for AdminIdentity
where
    S: AsRef<AuthService> + Send + Sync,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let identity = state.as_ref().admin_of(bearer(parts)?).await?;
        note_store(identity.store_id);
        let Ok(ClientAddress(address)) = ClientAddress::from_request_parts(parts, state).await;
        Ok(Self { address: Some(address), ..identity })
    }
}

impl<S> FromRequestParts<S> for OwnerIdentity
where
    S: AsRef<AuthService> + Send + Sync,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let identity = AdminIdentity::from_request_parts(parts, state).await?;
        identity.require_owner()?;
        Ok(Self(identity))
    }
}

impl<S> FromRequestParts<S> for TableIdentity
where
    S: AsRef<AuthService> + Send + Sync,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let identity = state.as_ref().table_of(bearer(parts)?).await?;
        note_store(identity.store_id);
        Ok(identity)
    }
}
