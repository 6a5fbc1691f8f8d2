//! Renewal of table tokens without a password.

use std::net::IpAddr;

use scoped_futures::ScopedFutureExt;

use super::{AuthService, TableLogin};
use crate::error::{AppError, ErrorCode, Result};
use crate::models::{Actor, ActorKind, TableId};
use crate::repositories::{store, table};
use crate::request_context;

impl AuthService {
    /// Issues a new token for the table's current session. `token` may have expired. It is a parameter instead of an
    /// identity, so that no other method accepts an expired token.
    ///
    /// # Errors
    /// `INVALID_TOKEN`, also if the table was deleted or has a new password; `INVALID_TOKEN_TYPE`; `TOKEN_EXPIRED` if
    /// the tablet must log in with the password; `DEVICE_REVOKED`; `TOO_MANY_REQUESTS`.
    pub async fn renew_table_token(&self, token: &[u8], address: IpAddr) -> Result<TableLogin> {
        let token = self.tokens.check_for_renewal(token)?;
        let claims = &token.claims;
        request_context::set_store(claims.store);
        request_context::set_table(TableId(claims.sub));
        self.devices.check_renewal_rate(claims)?;
        let found = self.database.read(|conn| {
            async move {
                let store = store::get(conn, claims.store).await?;
                Ok((store, table::find(conn, claims.store, TableId(claims.sub)).await?))
            }
            .scope_boxed()
        });
        let (store, table) = match found.await {
            Err(AppError { code: ErrorCode::StoreNotFound, .. }) => return Err(ErrorCode::InvalidToken.into()),
            found => found?,
        };
        let table = table.filter(|table| table.token_version == claims.version).ok_or(ErrorCode::InvalidToken)?;
        let by = Actor {
            kind: ActorKind::Table,
            id: Some(table.id.0),
            name: table.table_number.to_string(),
            address: Some(address),
        };
        let expires_at = self.table_token_end()?;
        let device = self.devices.renew(store.id, &table, &token, &by, expires_at).await?;
        let session_id = self.sessions.open(store.id, table.id).await?.ok_or(ErrorCode::InvalidToken)?;
        self.issue_table_token(store, &table, device, session_id, expires_at)
    }
}
