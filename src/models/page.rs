//! Pages of lists.

use super::OrderNumber;

/// A page of a list of orders, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The maximum number of orders: 1 to 200.
    pub limit: PageLimit,
    /// Only orders older than this one.
    pub below: Option<OrderNumber>,
}

/// A page of a session's orders, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionPage {
    /// The maximum number of orders; `None` for the order limit of a session.
    pub limit: Option<PageLimit>,
    /// Only orders older than this one.
    pub below: Option<OrderNumber>,
}

/// The maximum number of entries of a page: 1 to 200, by default 50.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit(u8);

impl PageLimit {
    /// The largest limit.
    pub const MAX: i64 = 200;

    /// Parses a limit; `None` if it is out of range.
    #[must_use]
    pub fn parse(limit: i64) -> Option<Self> {
        u8::try_from(limit).ok().filter(|limit| (1..=Self::MAX).contains(&i64::from(*limit))).map(Self)
    }

    /// The count.
    #[must_use]
    pub fn get(self) -> usize {
        usize::from(self.0)
    }

    /// The number of rows to read: one more than the page has, which shows whether there is a next page.
    #[must_use]
    pub fn and_one_more(self) -> i64 {
        i64::from(self.0) + 1
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(50)
    }
}
