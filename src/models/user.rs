//! Staff accounts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::UserId;
use super::store::is_printable_name;

/// The name an account logs in with: 1 to 50 characters, no control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Username(String);

impl Username {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 50;

    /// A name, if `name` is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        is_printable_name(name, Self::MAX_CHARS).then(|| Self(name.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "user_role", rename_all = "lowercase")]
pub enum Role {
    /// Runs the store.
    Owner,
    /// Runs the floor.
    Staff,
}

/// A staff account.
#[derive(Debug, Clone)]
pub struct User {
    /// The account's id.
    pub id: UserId,
    /// The name it logs in with.
    pub username: String,
    /// Its password, as a PHC string.
    pub password_hash: String,
    /// What it may do.
    pub role: Role,
    /// Tokens with an older version do not count.
    pub token_version: i32,
}
