//! Stores.

use super::{BusinessCalendar, StoreId};

/// The code a store logs in with: 1 to 50 characters, no control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StoreCode(String);

impl StoreCode {
    /// The longest code, in characters.
    pub const MAX_CHARS: usize = 50;

    /// Parses a code; `None` if it is not valid.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        is_printable_name(code, Self::MAX_CHARS).then(|| Self(code.to_owned()))
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A store.
#[derive(Debug, Clone)]
pub struct Store {
    /// The store's internal id.
    pub id: StoreId,
    /// The code that clients use.
    pub code: String,
    /// The name that guests see.
    pub name: String,
    /// Its time zone and the start of its business day.
    pub calendar: BusinessCalendar,
}

/// Whether `text` has 1 to `max` characters, none of them a control character.
pub(super) fn is_printable_name(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}
