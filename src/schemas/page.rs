//! Pages of lists.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::{ErrorCode, Result};
use crate::models::{OrderNumber, Page, PageLimit, SessionPage};

/// A page of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// The maximum number of entries.
    #[param(minimum = 1, maximum = 200, default = 50, example = 50)]
    pub limit: Option<i64>,
    /// The `next_cursor` of the previous page.
    #[param(example = "20261120-042")]
    pub cursor: Option<String>,
}

/// A page of a session's orders.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SessionPageQuery {
    /// The maximum number of orders; all of them if absent.
    #[param(minimum = 1, maximum = 200, example = 50)]
    pub limit: Option<i64>,
    /// The `next_cursor` of the previous page.
    #[param(example = "20261120-042")]
    pub cursor: Option<String>,
}

impl SessionPageQuery {
    /// Converts the query into a model.
    ///
    /// # Errors
    /// `MALFORMED_REQUEST` for a limit out of range or an invalid cursor.
    pub fn page(&self) -> Result<SessionPage> {
        let limit = self.limit.map(|requested| limit(Some(requested))).transpose()?;
        Ok(SessionPage { limit, below: below(self.cursor.as_deref())? })
    }
}

/// Parses a cursor: the number of the last order of the previous page.
fn below(cursor: Option<&str>) -> Result<Option<OrderNumber>> {
    match cursor {
        Some(cursor) if !cursor.is_empty() => Ok(Some(cursor.parse().map_err(|_| ErrorCode::MalformedRequest)?)),
        _ => Ok(None),
    }
}

/// Parses the maximum number of entries.
///
/// # Errors
/// `MALFORMED_REQUEST` for a limit out of range.
pub(super) fn limit(limit: Option<i64>) -> Result<PageLimit> {
    limit.map_or(Ok(PageLimit::default()), |limit| {
        PageLimit::parse(limit).ok_or_else(|| ErrorCode::MalformedRequest.into())
    })
}

impl PageQuery {
    /// Converts the query into a model.
    ///
    /// # Errors
    /// `MALFORMED_REQUEST` for a limit out of range or an invalid cursor.
    pub fn page(&self) -> Result<Page> {
        Ok(Page { limit: limit(self.limit)?, below: below(self.cursor.as_deref())? })
    }
}
