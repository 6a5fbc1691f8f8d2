//! Pages of a long list.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::{ErrorCode, Result};
use crate::models::{OrderNumber, Page, PageLimit};

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
        let limit = limit(self.limit)?;
        let below: Option<OrderNumber> = match self.cursor.as_deref() {
            Some(cursor) if !cursor.is_empty() => Some(cursor.parse().map_err(|_| ErrorCode::MalformedRequest)?),
            _ => None,
        };
        Ok(Page { limit, below })
    }
}
