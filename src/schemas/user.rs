//! Staff accounts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::rules::{one_line, present, word, word_if_present};
use crate::error::{AppError, Reason, Result};
use crate::models::{Role, User, UserId, Username};
use crate::services::UserChange;

/// A staff account.
#[derive(Serialize, ToSchema)]
pub struct UserResponse {
    /// The account's id.
    pub id: UserId,
    /// The name it logs in with.
    #[schema(example = "mina")]
    pub username: String,
    /// What it may do.
    pub role: Role,
}

impl From<User> for UserResponse {
    fn from(user: User) -> Self {
        Self { id: user.id, username: user.username, role: user.role }
    }
}

/// The store's accounts.
#[derive(Serialize, ToSchema)]
pub struct UserListResponse {
    /// By name.
    pub users: Vec<UserResponse>,
}

impl From<Vec<User>> for UserListResponse {
    fn from(users: Vec<User>) -> Self {
        Self { users: users.into_iter().map(UserResponse::from).collect() }
    }
}

/// An account to add.
#[derive(Deserialize, Validate, ToSchema)]
pub struct CreateUserRequest {
    /// The name it logs in with.
    #[validate(length(min = 1, max = 50), custom(function = one_line))]
    #[schema(pattern = "one_line", min_length = 1, max_length = 50, example = "mina")]
    pub username: String,
    /// Its password.
    #[validate(length(min = 4, max = 128))]
    #[schema(min_length = 4, max_length = 128, example = "a very good one")]
    pub password: String,
    /// What it may do.
    #[serde(deserialize_with = "word")]
    #[schema(value_type = Role, example = "staff")]
    pub role: Role,
}

impl CreateUserRequest {
    /// The name as the domain knows it.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for what is no name.
    pub fn username(&self) -> Result<Username> {
        parse_username(&self.username)
    }
}

/// What to change of an account; what is absent stays.
#[derive(Deserialize, Validate, ToSchema)]
pub struct UpdateUserRequest {
    /// The name it logs in with.
    #[serde(default, deserialize_with = "present")]
    #[validate(length(min = 1, max = 50), custom(function = one_line))]
    #[schema(pattern = "one_line", nullable = false, min_length = 1, max_length = 50, example = "mina")]
    pub username: Option<String>,
    /// Its password; the account's tokens stop counting.
    #[serde(default, deserialize_with = "present")]
    #[validate(length(min = 4, max = 128))]
    #[schema(nullable = false, min_length = 4, max_length = 128, example = "an even better one")]
    pub password: Option<String>,
    /// What it may do.
    #[serde(default, deserialize_with = "word_if_present")]
    #[schema(value_type = Role, nullable = false, required = false, example = "owner")]
    pub role: Option<Role>,
}

impl UpdateUserRequest {
    /// The change as the domain knows it.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for what is no name.
    pub fn into_change(self) -> Result<UserChange> {
        let username = self.username.as_deref().map(parse_username).transpose()?;
        Ok(UserChange { username, password: self.password, role: self.role })
    }
}

fn parse_username(name: &str) -> Result<Username> {
    Username::parse(name).ok_or_else(|| AppError::invalid_field("username", Reason::Unprintable))
}
