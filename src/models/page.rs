//! Pages of a long list.

use super::OrderNumber;

/// Which part of a list of orders is asked for, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// How many orders at most: 1 to 200.
    pub limit: PageLimit,
    /// Go on below this order.
    pub below: Option<OrderNumber>,
}

/// Which part of a session's orders is asked for, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionPage {
    /// How many orders at most; `None` for as many as a session may have.
    pub limit: Option<PageLimit>,
    /// Go on below this order.
    pub below: Option<OrderNumber>,
}

/// How many entries a page has at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit(u8);

impl PageLimit {
    /// The most entries a page can have.
    pub const MAX: i64 = 200;

    /// A limit, if `limit` is one.
    #[must_use]
    pub fn parse(limit: i64) -> Option<Self> {
        u8::try_from(limit).ok().filter(|limit| (1..=Self::MAX).contains(&i64::from(*limit))).map(Self)
    }

    /// The count.
    #[must_use]
    pub fn get(self) -> usize {
        usize::from(self.0)
    }

    /// One more than the page has: whether there is more is seen by whether it comes.
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
