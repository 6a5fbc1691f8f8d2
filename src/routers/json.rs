//! JSON responses.

use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::AppError;

/// The size from which on a response counts towards the memory budget, in bytes.
const LARGE: usize = 32 << 10;

/// A response extension: a large body that was made for this response only.
#[derive(Clone)]
pub struct LargeBody(pub Bytes);

/// A JSON response body. (axum's `Json` writes into a `BytesMut`, which takes half as long again as a `Vec` for bodies
/// of many small parts.)
pub(super) struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => {
                let body = Bytes::from(body);
                let content_type = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                let mut response = ([content_type], body.clone()).into_response();
                if body.len() >= LARGE {
                    response.extensions_mut().insert(LargeBody(body));
                }
                response
            }
            Err(error) => AppError::internal(error).into_response(),
        }
    }
}
