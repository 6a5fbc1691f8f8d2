//! The identity of a client, as proved by its token.

use std::net::IpAddr;

use crate::cluster::StoreVersions;
use crate::error::{ErrorCode, Result};
use crate::models::{Actor, ActorKind, Role, SessionId, StoreId, TableId, UserId};
use crate::security::token::Claims;

/// A user with an admin token.
#[derive(Debug, Clone)]
pub struct AdminIdentity {
    /// The store.
    pub store_id: StoreId,
    /// The user.
    pub user_id: UserId,
    /// The user's name.
    pub username: String,
    /// The user's role.
    pub role: Role,
    /// The token's claims.
    pub claims: Claims,
    /// The address of the client.
    pub address: Option<IpAddr>,
}

impl AdminIdentity {
    /// The actor for the audit log.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor { kind: ActorKind::User, id: Some(self.user_id.0), name: self.username.clone(), address: self.address }
    }

    /// Refuses a user who is not an owner.
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

/// A user with the role `owner` and an admin token.
#[derive(Debug, Clone)]
pub struct OwnerIdentity(pub AdminIdentity);

/// A tablet with a table token.
#[derive(Debug, Clone)]
pub struct TableIdentity {
    /// The store.
    pub store_id: StoreId,
    /// The store's versions for which the token is valid.
    pub versions: StoreVersions,
    /// The table.
    pub table_id: TableId,
    /// The session that it orders for. The session may have ended.
    pub session_id: SessionId,
    /// The token's claims.
    pub claims: Claims,
}
