//! Stores.

use super::{BusinessCalendar, StoreId};

/// The code a store logs in with: 1 to 50 characters, no control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StoreCode(String);

impl StoreCode {
    /// The longest code, in characters.
    pub const MAX_CHARS: usize = 50;

    /// A code, if `code` is one.
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
    /// Its number inside the server.
    pub id: StoreId,
    /// What clients call it.
    pub code: String,
    /// What guests call it.
    pub name: String,
    /// Its days.
    pub calendar: BusinessCalendar,
}

/// Whether `text` has 1 to `max` characters, none of them a control character.
pub(super) fn is_printable_name(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}
