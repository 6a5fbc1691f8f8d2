//! Staff accounts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::UserId;

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
