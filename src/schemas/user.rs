//! Users.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::validators::{non_null, one_line, string_enum, string_enum_if_present};
use crate::error::{AppError, Reason, Result};
use crate::models::{Role, User, UserId, Username};
use crate::services::UserChange;

/// A user of the store.
#[derive(Serialize, ToSchema)]
pub struct UserResponse {
    /// The user's id.
    pub id: UserId,
    /// The name the user logs in with.
    #[schema(example = "mina")]
    pub username: String,
    /// The user's role.
    pub role: Role,
}

impl From<User> for UserResponse {
    fn from(user: User) -> Self {
        Self { id: user.id, username: user.username, role: user.role }
    }
}

/// The users of a store.
#[derive(Serialize, ToSchema)]
pub struct UserListResponse {
    /// The users, sorted by name.
    pub users: Vec<UserResponse>,
}

impl From<Vec<User>> for UserListResponse {
    fn from(users: Vec<User>) -> Self {
        Self { users: users.into_iter().map(UserResponse::from).collect() }
    }
}

/// A user to add.
#[derive(Deserialize, Validate, ToSchema)]
pub struct CreateUserRequest {
    /// The name the user logs in with.
    #[validate(length(min = 1, max = 50), custom(function = one_line))]
    #[schema(pattern = "one_line", min_length = 1, max_length = 50, example = "mina")]
    pub username: String,
    /// The user's password.
    #[validate(length(min = 4, max = 128))]
    #[schema(min_length = 4, max_length = 128, example = "a very good one")]
    pub password: String,
    /// The user's role.
    #[serde(deserialize_with = "string_enum")]
    #[schema(value_type = Role, example = "staff")]
    pub role: Role,
}

impl CreateUserRequest {
    /// Converts the name into a model.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for an invalid name.
    pub fn username(&self) -> Result<Username> {
        parse_username(&self.username)
    }
}

/// A change of a user. Absent fields keep their values.
#[derive(Deserialize, Validate, ToSchema)]
pub struct UpdateUserRequest {
    /// The name the user logs in with.
    #[serde(default, deserialize_with = "non_null")]
    #[validate(length(min = 1, max = 50), custom(function = one_line))]
    #[schema(pattern = "one_line", nullable = false, min_length = 1, max_length = 50, example = "mina")]
    pub username: Option<String>,
    /// A new password, which revokes the user's tokens.
    #[serde(default, deserialize_with = "non_null")]
    #[validate(length(min = 4, max = 128))]
    #[schema(nullable = false, min_length = 4, max_length = 128, example = "an even better one")]
    pub password: Option<String>,
    /// The user's role.
    #[serde(default, deserialize_with = "string_enum_if_present")]
    #[schema(value_type = Role, nullable = false, required = false, example = "owner")]
    pub role: Option<Role>,
}

impl UpdateUserRequest {
    /// Converts the request into a model.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for an invalid name.
    pub fn into_change(self) -> Result<UserChange> {
        let username = self.username.as_deref().map(parse_username).transpose()?;
        Ok(UserChange { username, password: self.password, role: self.role })
    }
}

fn parse_username(name: &str) -> Result<Username> {
    Username::parse(name).ok_or_else(|| AppError::invalid_field("username", Reason::Unprintable))
}
