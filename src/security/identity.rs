//! Who sends a request, as its token proves.

use std::net::IpAddr;

use crate::cluster::StoreVersions;
use crate::error::{ErrorCode, Result};
use crate::models::{Actor, ActorKind, Role, SessionId, StoreId, TableId, UserId};
use crate::security::token::Claims;

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
