//! Users and their roles.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::UserId;
use super::store::is_printable_name;

/// The name a user logs in with: 1 to 50 characters, no control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Username(String);

impl Username {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 50;

    /// Parses a name; `None` if it is not valid.
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

/// A user's role, which decides what the user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "user_role", rename_all = "lowercase")]
pub enum Role {
    /// Manages the store: its menu, tables and users.
    Owner,
    /// Handles orders, completes sessions and marks menu items as sold out.
    Staff,
}

/// A user of a store, who logs in to the dashboard.
#[derive(Debug, Clone)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// The name the user logs in with.
    pub username: String,
    /// The password, as a PHC string.
    pub password_hash: String,
    /// The user's role.
    pub role: Role,
    /// Tokens with an older version are revoked.
    pub token_version: i32,
}
