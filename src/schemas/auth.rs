//! Logins and tokens.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::models::{DeviceId, Role, SessionId, Store, TableId, UserId};
use crate::security::identity::AdminIdentity;
use crate::security::token::{IssuedToken, TICKET_LIFETIME};
use crate::services::{AdminLogin, TableLogin};

/// The login of a tablet. Only types are validated: any other wrong value is `AUTH_FAILED`.
#[derive(Deserialize, Validate, ToSchema)]
pub struct TableLoginRequest {
    /// The store's code.
    #[schema(example = "demo-store")]
    pub store_id: String,
    /// The number on the table.
    #[schema(example = 3)]
    pub table_number: i64,
    /// The tablet's password.
    #[schema(example = "1234")]
    pub password: String,
}

/// The token of a login, and the store.
#[derive(Serialize, ToSchema)]
pub struct LoginToken {
    /// The token: a table token for `/customer/*`, an admin token for `/admin/*`.
    #[schema(example = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9…")]
    pub token: String,
    /// Always `bearer`.
    #[schema(example = "bearer")]
    pub token_type: &'static str,
    /// When the token expires.
    pub expires_at: DateTime<Utc>,
    /// The store's code.
    #[schema(example = "demo-store")]
    pub store_id: String,
    /// The store's name.
    #[schema(example = "데모 식당")]
    pub store_name: String,
}

impl LoginToken {
    fn new(issued: IssuedToken, store: Store) -> Self {
        Self {
            token: issued.token,
            token_type: "bearer",
            expires_at: issued.expires_at,
            store_id: store.code,
            store_name: store.name,
        }
    }
}

/// The login of a tablet.
#[derive(Serialize, ToSchema)]
pub struct TableLoginResponse {
    /// The token and its store.
    #[serde(flatten)]
    pub login: LoginToken,
    /// The table's id.
    pub table_id: TableId,
    /// The number on the table.
    #[schema(example = 3)]
    pub table_number: i32,
    /// The session that the tablet's orders belong to.
    pub session_id: SessionId,
    /// The device that the tablet is paired as. Users can revoke it.
    pub device_id: DeviceId,
}

impl From<TableLogin> for TableLoginResponse {
    fn from(login: TableLogin) -> Self {
        Self {
            login: LoginToken::new(login.issued, login.store),
            table_id: login.table_id,
            table_number: login.table_number,
            session_id: login.session_id,
            device_id: login.device_id,
        }
    }
}

/// The login of a user. Only types are validated: any other wrong value is `AUTH_FAILED`.
#[derive(Deserialize, Validate, ToSchema)]
pub struct AdminLoginRequest {
    /// The store's code.
    #[schema(example = "demo-store")]
    pub store_id: String,
    /// The user's name.
    #[schema(example = "admin")]
    pub username: String,
    /// The user's password.
    #[schema(example = "admin1234")]
    pub password: String,
}

/// The login of a user.
#[derive(Serialize, ToSchema)]
pub struct AdminLoginResponse {
    /// The token and its store.
    #[serde(flatten)]
    pub login: LoginToken,
    /// The user's name.
    #[schema(example = "admin")]
    pub username: String,
    /// The user's role.
    pub role: Role,
}

impl From<AdminLogin> for AdminLoginResponse {
    fn from(login: AdminLogin) -> Self {
        Self { login: LoginToken::new(login.issued, login.store), username: login.username, role: login.role }
    }
}

/// Whether the tablet's session is running.
#[derive(Serialize, ToSchema)]
pub struct SessionCheckResponse {
    /// `false` once the session is completed.
    #[schema(example = true)]
    pub valid: bool,
    /// The reason for the guest, if the session is not running.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "이용이 종료되었습니다.")]
    pub message: Option<&'static str>,
}

/// The user who is logged in.
#[derive(Serialize, ToSchema)]
pub struct MeResponse {
    /// The user's id.
    pub id: UserId,
    /// The user's name.
    #[schema(example = "admin")]
    pub username: String,
    /// The user's role.
    pub role: Role,
    /// The store's code.
    #[schema(example = "demo-store")]
    pub store_id: String,
    /// The store's name.
    #[schema(example = "데모 식당")]
    pub store_name: String,
    /// When this token expires.
    pub expires_at: DateTime<Utc>,
}

impl MeResponse {
    /// Describes the user `identity` of `store`.
    #[must_use]
    pub fn new(identity: AdminIdentity, store: Store) -> Self {
        Self {
            id: identity.user_id,
            username: identity.username,
            role: identity.role,
            store_id: store.code,
            store_name: store.name,
            expires_at: identity.claims.expires_at(),
        }
    }
}

/// A new password for the user who is logged in.
#[derive(Deserialize, Validate, ToSchema)]
pub struct ChangePasswordRequest {
    /// The current password.
    #[schema(example = "admin1234")]
    pub current_password: String,
    /// The new password.
    #[validate(length(min = 4, max = 128))]
    #[schema(min_length = 4, max_length = 128, example = "a much better one")]
    pub new_password: String,
}

/// A ticket for the event stream.
#[derive(Serialize, ToSchema)]
pub struct TicketResponse {
    /// The ticket, for the query of the stream's address: `?ticket=`.
    #[schema(example = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9…")]
    pub ticket: String,
    /// The number of seconds in which the ticket can open the stream.
    #[schema(example = 60)]
    pub expires_in: i64,
}

impl TicketResponse {
    /// The response with a new ticket.
    #[must_use]
    pub fn new(ticket: String) -> Self {
        Self { ticket, expires_in: TICKET_LIFETIME }
    }
}
