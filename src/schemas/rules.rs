//! Rules of request fields that the validator crate does not have.

use serde::{Deserialize, Deserializer};
use validator::ValidationError;

/// A text that says something: not only white space.
///
/// # Errors
/// `blank`.
pub fn not_blank(text: &str) -> Result<(), ValidationError> {
    if text.trim().is_empty() { Err(ValidationError::new("blank")) } else { printable(text) }
}

/// A text the database can keep: no NUL, and no other control character but tab and line breaks.
///
/// # Errors
/// `unprintable`.
pub fn printable(text: &str) -> Result<(), ValidationError> {
    let refused = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    if text.chars().any(refused) { Err(ValidationError::new("unprintable")) } else { Ok(()) }
}

/// A web address, or nothing.
///
/// # Errors
/// `url`.
pub fn web_address(text: &str) -> Result<(), ValidationError> {
    if text.is_empty() {
        return Ok(());
    }
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_address = rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && !text.chars().any(|c| c.is_control() || c.is_whitespace())
    });
    if is_address { Ok(()) } else { Err(ValidationError::new("url")) }
}

/// Reads a field that may be absent but not `null`.
///
/// # Errors
/// Of the field's own type, for `null` too.
pub fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Reads a field where absent, `null` and a value are three things: absent leaves, `null` clears.
///
/// # Errors
/// Of the field's own type.
pub fn present_or_null<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
