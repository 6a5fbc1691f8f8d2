//! No request waits for a database that went away.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::database::Database;
use crate::error::Result;

/// Gives a request up, with a 503, when the database goes away while it is being answered. A stream that is open
/// has been answered: it stays open.
///
/// # Errors
/// `SERVICE_UNAVAILABLE`.
pub async fn layer(State(database): State<Database>, request: Request, next: Next) -> Result<Response> {
    database.while_there(next.run(request)).await
}
