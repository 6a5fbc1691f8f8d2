//! The claims of a token, and the types around them.

use std::sync::Mutex;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::models::{DeviceId, Role, SessionId, StoreId};

/// The part of the API that a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// `/admin/*`.
    Admin,
    /// `/customer/*`.
    Table,
    /// The event stream of one store, for a minute.
    Stream,
}

/// The issuer of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Issuer {
    #[serde(rename = "tableorder")]
    Tableorder,
}

/// The text of [`Issuer`] in a token.
pub(super) const ISSUER: &str = "tableorder";

/// The claims of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub(super) iss: Issuer,
    /// The part of the API that it is for.
    pub aud: Audience,
    /// The id of the user or table.
    pub sub: i64,
    /// The store.
    pub store: StoreId,
    /// The session that a table token orders for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The device of a table token; `None` for a token issued before version 0.2.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// The token version of the user or table when the token was issued.
    pub version: i32,
    pub(super) iat: i64,
    pub(super) exp: i64,
    /// The expiry of the login that a ticket was issued for. A stream opened with the ticket ends then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) login_exp: Option<i64>,
    /// The deployment's epoch at the login. After a restore there is a new one, because ids and versions then have another
    /// meaning.
    pub(super) epoch: Uuid,
    /// The id of the login, for the logout. A ticket has the id of its login.
    pub jti: Uuid,
}

impl Claims {
    /// The claims of the admin login that a ticket was issued for.
    #[must_use]
    pub fn login_of_ticket(self) -> Self {
        let exp = self.login_exp.unwrap_or(self.exp);
        Self { aud: Audience::Admin, exp, login_exp: None, ..self }
    }

    /// When the token expires.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.exp, 0).unwrap_or(DateTime::<Utc>::MIN_UTC)
    }
}

/// A token with a valid signature.
#[derive(Debug)]
pub struct VerifiedToken {
    /// The token's claims.
    pub claims: Claims,
    /// A cache of its owner, with the store's access version for which the token is valid.
    pub(in crate::security) owner: Mutex<Option<(i64, TokenOwner)>>,
}

/// A table token that is to be renewed. Its signature is valid, but it may be expired, so it must not grant access.
#[derive(Debug, Clone, Copy)]
pub struct RenewableToken {
    /// The token's claims.
    pub claims: Claims,
    /// Whether it has expired.
    pub is_expired: bool,
}

/// The owner of a valid token.
#[derive(Debug, Clone)]
pub(in crate::security) struct TokenOwner {
    /// The user's name and role; `None` for a tablet.
    pub(in crate::security) account: Option<(String, Role)>,
}

impl From<Claims> for VerifiedToken {
    fn from(claims: Claims) -> Self {
        Self { claims, owner: Mutex::default() }
    }
}

/// The subject of a new token.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    /// The part of the API that the token is for.
    pub audience: Audience,
    /// The id of the user or table.
    pub id: i64,
    /// The store.
    pub store: StoreId,
    /// The session that a table token orders for.
    pub session: Option<SessionId>,
    /// The device of a table token.
    pub device: Option<DeviceId>,
    /// The token version of the user or table.
    pub version: i32,
}

/// A new token and its expiry.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token.
    pub token: String,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
}
