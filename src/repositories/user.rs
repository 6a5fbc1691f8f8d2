//! Users, and the tokens that were revoked by a logout.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::{ErrorCode, Result};
use crate::models::{Role, StoreId, User, UserId, Username};
use crate::repositories::{OnConstraint, expect_one};

/// The data that the validity of an admin token depends on.
#[derive(Debug, Clone)]
pub struct UserAccess {
    /// The user's name.
    pub username: String,
    /// The user's role.
    pub role: Role,
    /// The user's token version. Tokens with another version are invalid.
    pub token_version: i32,
    /// The token that changed the password. It is valid with any version.
    pub kept_token_id: Option<Uuid>,
    /// Whether the token was revoked by a logout.
    pub is_revoked: bool,
}

/// Selects users. `$tail` filters, sorts or locks them.
macro_rules! select_users {
    ($tail:literal, $($bind:expr),*) => {
        sqlx::query_as!(
            User,
            r#"SELECT id AS "id: UserId", username, password_hash, role AS "role: Role", token_version
               FROM users WHERE store_id = $1 "# + $tail,
            $($bind),*
        )
    };
}

/// The user with this name. `None` for the store finds nothing after the same time.
pub async fn find_by_username(
    conn: &mut PgConnection,
    store: Option<StoreId>,
    username: Option<&Username>,
) -> Result<Option<User>> {
    let (store, username) = (store.map(|store| store.0), username.map(Username::as_str));
    Ok(select_users!("AND username = $2", store, username).fetch_optional(conn).await?)
}

/// The user.
pub async fn find(conn: &mut PgConnection, store: StoreId, user: UserId) -> Result<Option<User>> {
    Ok(select_users!("AND id = $2", store.0, user.0).fetch_optional(conn).await?)
}

/// The store's users, by name.
pub async fn list(conn: &mut PgConnection, store: StoreId) -> Result<Vec<User>> {
    Ok(select_users!("ORDER BY username", store.0).fetch_all(conn).await?)
}

/// The number of users.
pub async fn count(conn: &mut PgConnection, store: StoreId) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM users WHERE store_id = $1"#, store.0)
        .fetch_one(conn)
        .await?)
}

/// Reads the user and locks it against concurrent changes.
///
/// # Errors
/// `USER_NOT_FOUND`.
pub async fn lock(conn: &mut PgConnection, store: StoreId, user: UserId) -> Result<User> {
    let user = select_users!("AND id = $2 FOR NO KEY UPDATE", store.0, user.0).fetch_optional(conn).await?;
    user.ok_or_else(|| ErrorCode::UserNotFound.into())
}

/// Locks the store's owners against concurrent changes, and returns their ids. They are always locked in the same order, to
/// prevent a deadlock of two transactions.
pub async fn lock_owners(conn: &mut PgConnection, store: StoreId) -> Result<Vec<UserId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT id AS "id: UserId" FROM users WHERE store_id = $1 AND role = 'owner'
           ORDER BY created_at, id FOR NO KEY UPDATE"#,
        store.0
    )
    .fetch_all(conn)
    .await?)
}

/// Writes a user's name and role.
///
/// # Errors
/// `DUPLICATE` if the name is in use, `USER_NOT_FOUND`.
pub async fn update(conn: &mut PgConnection, store: StoreId, user: &User) -> Result<()> {
    let result = sqlx::query!(
        "UPDATE users SET username = $3, role = $4 WHERE store_id = $1 AND id = $2",
        store.0,
        user.id.0,
        user.username,
        user.role as Role
    )
    .execute(conn)
    .await
    .on_constraint("users_username_key", ErrorCode::Duplicate)?;
    expect_one(&result, ErrorCode::UserNotFound)
}

/// Deletes a user.
///
/// # Errors
/// `USER_NOT_FOUND`.
pub async fn delete(conn: &mut PgConnection, store: StoreId, user: UserId) -> Result<()> {
    let result =
        sqlx::query!("DELETE FROM users WHERE store_id = $1 AND id = $2", store.0, user.0).execute(conn).await?;
    expect_one(&result, ErrorCode::UserNotFound)
}

/// Reads the data that the validity of the user's token `token_id` depends on; `None` if the user was deleted.
pub async fn find_access(
    conn: &mut PgConnection,
    store: StoreId,
    user: UserId,
    token_id: Uuid,
) -> Result<Option<UserAccess>> {
    Ok(sqlx::query_as!(
        UserAccess,
        r#"SELECT username, role AS "role: Role", token_version, kept_token_id,
                  EXISTS (SELECT 1 FROM revoked_tokens r WHERE r.store_id = $1 AND r.token_id = $3) AS "is_revoked!"
           FROM users WHERE store_id = $1 AND id = $2"#,
        store.0,
        user.0,
        token_id
    )
    .fetch_optional(conn)
    .await?)
}

/// Adds a user.
///
/// # Errors
/// `DUPLICATE` if the name is in use.
pub async fn insert(
    conn: &mut PgConnection,
    store: StoreId,
    username: &Username,
    password_hash: &str,
    role: Role,
    now: DateTime<Utc>,
) -> Result<User> {
    sqlx::query_as!(
        User,
        r#"INSERT INTO users (store_id, username, password_hash, role, created_at) VALUES ($1, $2, $3, $4, $5)
           RETURNING id AS "id: UserId", username, password_hash, role AS "role: Role", token_version"#,
        store.0,
        username.as_str(),
        password_hash,
        role as Role,
        now
    )
    .fetch_one(conn)
    .await
    .on_constraint("users_username_key", ErrorCode::Duplicate)
}

/// The options of a password change.
#[derive(Debug, Clone, Copy, Default)]
pub struct PasswordChange<'a> {
    /// The token that remains valid; `None` revokes all tokens.
    pub kept_token: Option<Uuid>,
    /// The expected current hash. If another change has replaced it, nothing is changed.
    pub replaces: Option<&'a str>,
}

/// Changes the password and revokes all other tokens of the user. Returns `false` if the user was deleted, or another
/// change has replaced the expected hash.
pub async fn set_password(
    conn: &mut PgConnection,
    store: StoreId,
    user: UserId,
    password_hash: &str,
    change: PasswordChange<'_>,
) -> Result<bool> {
    let result = sqlx::query!(
        "UPDATE users SET password_hash = $3, kept_token_id = $4, token_version = token_version + 1
         WHERE store_id = $1 AND id = $2 AND ($5::text IS NULL OR password_hash = $5)",
        store.0,
        user.0,
        password_hash,
        change.kept_token,
        change.replaces
    )
    .execute(conn)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Revokes a token before it expires.
pub async fn revoke_token(
    conn: &mut PgConnection,
    store: StoreId,
    token_id: Uuid,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO revoked_tokens (store_id, token_id, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (store_id, token_id) DO NOTHING",
        store.0,
        token_id,
        expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes the store's revoked tokens that have expired.
pub async fn delete_expired_tokens(conn: &mut PgConnection, store: StoreId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!("DELETE FROM revoked_tokens WHERE store_id = $1 AND expires_at < $2", store.0, now)
        .execute(conn)
        .await?;
    Ok(())
}
