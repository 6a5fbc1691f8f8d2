//! Rules of request fields that the validator crate does not have.

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

/// A web address.
///
/// # Errors
/// `url`.
pub fn web_address(text: &str) -> Result<(), ValidationError> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_address = rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && !text.chars().any(|c| c.is_control() || c.is_whitespace())
    });
    if is_address { Ok(()) } else { Err(ValidationError::new("url")) }
}
