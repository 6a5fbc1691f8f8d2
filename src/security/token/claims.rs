//! What a token says, and whom it is made for.

use std::sync::Mutex;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::models::{DeviceId, Role, SessionId, StoreId};

/// What a token opens.
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

/// Who made a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Issuer {
    #[serde(rename = "tableorder")]
    Tableorder,
}

/// [`Issuer`], as it stands in a token.
pub(super) const ISSUER: &str = "tableorder";

/// What a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub(super) iss: Issuer,
    /// What it opens.
    pub aud: Audience,
    /// The account's or table's id.
    pub sub: i64,
    /// The store.
    pub store: StoreId,
    /// The session a table token orders for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The device a table token was given to. A token of a version before devices has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// The account's or table's token version when the token was made.
    pub version: i32,
    pub(super) iat: i64,
    pub(super) exp: i64,
    /// When the login ends that a ticket was made from; a stream opened with the ticket ends with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) login_exp: Option<i64>,
    /// The deployment's epoch when the login was made: what ids and versions meant then, they no longer mean after a
    /// restore.
    pub(super) epoch: Uuid,
    /// The login's own id, for logging it out. A ticket has that of the login it was made from.
    pub jti: Uuid,
}

impl Claims {
    /// The admin login behind a ticket.
    #[must_use]
    pub fn login_of_ticket(self) -> Self {
        let exp = self.login_exp.unwrap_or(self.exp);
        Self { aud: Audience::Admin, exp, login_exp: None, ..self }
    }

    /// When the token stops counting.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.exp, 0).unwrap_or(DateTime::<Utc>::MIN_UTC)
    }
}

/// A token that one of our keys signed.
#[derive(Debug)]
pub struct VerifiedToken {
    /// What it says.
    pub claims: Claims,
    /// Its owner, at the last of the store's access versions at which the token was found to be valid.
    pub(in crate::security) owner: Mutex<Option<(i64, TokenOwner)>>,
}

/// A table token that asks to be renewed: one of ours, but perhaps an expired one. It proves who asks and opens
/// nothing.
#[derive(Debug, Clone, Copy)]
pub struct RenewableToken {
    /// What it says.
    pub claims: Claims,
    /// Whether it has expired.
    pub is_expired: bool,
}

/// The owner of a valid token.
#[derive(Debug, Clone)]
pub(in crate::security) struct TokenOwner {
    /// The account's name and role; a tablet has none.
    pub(in crate::security) account: Option<(String, Role)>,
}

impl From<Claims> for VerifiedToken {
    fn from(claims: Claims) -> Self {
        Self { claims, owner: Mutex::default() }
    }
}

/// Whom a token is made for.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    /// What it opens.
    pub audience: Audience,
    /// The account's or table's id.
    pub id: i64,
    /// The store.
    pub store: StoreId,
    /// The session a table token orders for.
    pub session: Option<SessionId>,
    /// The device a table token is given to.
    pub device: Option<DeviceId>,
    /// The account's or table's token version.
    pub version: i32,
}

/// A token and when it ends.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token.
    pub token: String,
    /// When it stops counting.
    pub expires_at: DateTime<Utc>,
}
