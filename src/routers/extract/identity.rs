//! Extractors that turn a bearer token into an identity. A handler that takes one requires that token.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::ClientAddress;
use crate::error::{AppError, ErrorCode, Result};
use crate::request_context;
use crate::security::identity::{AdminIdentity, OwnerIdentity, TableIdentity};
use crate::state::AppState;

/// The authentication scheme.
const SCHEME: &[u8] = b"Bearer ";

/// The token of `Authorization: Bearer TOKEN`.
pub(in crate::routers) fn bearer(parts: &Parts) -> Result<&[u8]> {
    let value = parts.headers.get(AUTHORIZATION).ok_or(ErrorCode::Unauthorized)?;
    let (scheme, token) = value.as_bytes().split_at_checked(SCHEME.len()).ok_or(ErrorCode::Unauthorized)?;
    let token = token.trim_ascii();
    if scheme.eq_ignore_ascii_case(SCHEME) && !token.is_empty() {
        Ok(token)
    } else {
        Err(ErrorCode::Unauthorized.into())
    }
}

impl FromRequestParts<AppState> for AdminIdentity {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let identity = state.auth.authenticate_admin(bearer(parts)?).await?;
        request_context::set_store(identity.store_id);
        let Ok(ClientAddress(address)) = ClientAddress::from_request_parts(parts, state).await;
        Ok(Self { address: Some(address), ..identity })
    }
}

impl FromRequestParts<AppState> for OwnerIdentity {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let identity = AdminIdentity::from_request_parts(parts, state).await?;
        identity.require_owner()?;
        Ok(Self(identity))
    }
}

impl FromRequestParts<AppState> for TableIdentity {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let identity = state.auth.authenticate_table(bearer(parts)?).await?;
        request_context::set_store(identity.store_id);
        request_context::set_table(identity.table_id);
        Ok(identity)
    }
}
