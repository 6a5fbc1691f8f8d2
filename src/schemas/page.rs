//! Pages of a long list.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::{ErrorCode, Result};
use crate::models::{OrderNumber, Page, PageLimit, SessionPage};

/// Which page is asked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many entries at most.
    #[param(minimum = 1, maximum = 200, default = 50, example = 50)]
    pub limit: Option<i64>,
    /// The `next_cursor` of the page before.
    #[param(example = "20261120-042")]
    pub cursor: Option<String>,
}

/// Which part of a session's orders is asked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SessionPageQuery {
    /// How many orders at most; all of them if it is left out.
    #[param(minimum = 1, maximum = 200, example = 50)]
    pub limit: Option<i64>,
    /// The `next_cursor` of the page before.
    #[param(example = "20261120-042")]
    pub cursor: Option<String>,
}

impl SessionPageQuery {
    /// The page as the domain knows it.
    ///
    /// # Errors
    /// `MALFORMED_REQUEST` for a limit out of range or a cursor that was not given.
    pub fn page(&self) -> Result<SessionPage> {
        let limit = self.limit.map(|given| limit(Some(given))).transpose()?;
        Ok(SessionPage { limit, below: below(self.cursor.as_deref())? })
    }
}

/// The order below which a page goes on.
fn below(cursor: Option<&str>) -> Result<Option<OrderNumber>> {
    match cursor {
        Some(cursor) if !cursor.is_empty() => Ok(Some(cursor.parse().map_err(|_| ErrorCode::MalformedRequest)?)),
        _ => Ok(None),
    }
}

/// How many entries are asked for.
///
/// # Errors
/// `MALFORMED_REQUEST` for a limit out of range.
pub(super) fn limit(limit: Option<i64>) -> Result<PageLimit> {
    limit.map_or(Ok(PageLimit::default()), |limit| {
        PageLimit::parse(limit).ok_or_else(|| ErrorCode::MalformedRequest.into())
    })
}

impl PageQuery {
    /// The page as the domain knows it.
    ///
    /// # Errors
    /// `MALFORMED_REQUEST` for a limit out of range or a cursor that was not given.
    pub fn page(&self) -> Result<Page> {
        Ok(Page { limit: limit(self.limit)?, below: below(self.cursor.as_deref())? })
    }
}
