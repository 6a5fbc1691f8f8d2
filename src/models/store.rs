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
        let length = code.chars().count();
        (1..=Self::MAX_CHARS)
            .contains(&length)
            .then(|| code.to_owned())
            .filter(|code| !code.chars().any(char::is_control))
            .map(Self)
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
