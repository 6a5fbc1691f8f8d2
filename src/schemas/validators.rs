//! Validators and deserialisers of request fields that the crates `validator` and serde do not have.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use validator::ValidationError;

/// The regular expression of each validator, for the OpenAPI document. A field has the validator's name as its pattern
/// (`pattern = "not_blank"`), and `routers::docs` replaces it by the expression.
pub const PATTERNS: [(&str, &str); 5] = [
    (
        "not_blank",
        concat!(
            "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*",
            "[^\\s\\x00-\\x1f\\x7f-\\x9f\u{200b}-\u{200d}\u{2060}\u{feff}]",
            "[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$"
        ),
    ),
    (
        "one_line",
        concat!(
            "^[^\\x00-\\x1f\\x7f-\\x9f]*",
            "[^\\s\\x00-\\x1f\\x7f-\\x9f\u{200b}-\u{200d}\u{2060}\u{feff}]",
            "[^\\x00-\\x1f\\x7f-\\x9f]*$"
        ),
    ),
    ("printable", "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$"),
    ("store_code", "^[a-z0-9-]*$"),
    ("web_address", "^(https?://[^/\\s\\x00-\\x1f\\x7f-\\x9f][^\\s\\x00-\\x1f\\x7f-\\x9f]*)?$"),
];

/// A text with at least one visible character: not only white space or zero-width characters.
///
/// # Errors
/// `blank`.
pub fn not_blank(text: &str) -> Result<(), ValidationError> {
    let is_invisible = |c: char| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}');
    if text.chars().all(is_invisible) { Err(ValidationError::new("blank")) } else { printable(text) }
}

/// A text that the database can store: no NUL, and no other control characters but tab and line breaks.
///
/// # Errors
/// `unprintable`.
pub fn printable(text: &str) -> Result<(), ValidationError> {
    let is_forbidden = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    if text.chars().any(is_forbidden) { Err(ValidationError::new("unprintable")) } else { Ok(()) }
}

/// A text of one line with at least one visible character.
///
/// # Errors
/// `blank`, `unprintable`.
pub fn one_line(text: &str) -> Result<(), ValidationError> {
    if text.chars().any(char::is_control) { Err(ValidationError::new("unprintable")) } else { not_blank(text) }
}

/// A code for a new store, which is easy to type on every keyboard.
///
/// # Errors
/// `store_code`.
pub fn store_code(text: &str) -> Result<(), ValidationError> {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.chars().all(is_allowed) { Ok(()) } else { Err(ValidationError::new("store_code")) }
}

/// An http or https address, or an empty text.
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

/// Deserialises a `T` from a JSON object. (A derived struct also accepts an array of its fields' values.)
#[derive(Debug)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

/// Deserialises one object.
pub fn object<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Object::deserialize(deserializer).map(|Object(value)| value)
}

/// Deserialises a list of objects.
pub fn objects<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let objects: Vec<Object<T>> = Deserialize::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|Object(value)| value).collect())
}

/// Deserialises an enum from a string. (A derived enum also accepts `{"variant": null}`.)
pub fn string_enum<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(String::deserialize(deserializer)?.into_deserializer())
}

/// Like [`string_enum`], for a field that may be absent but not `null`.
pub fn string_enum_if_present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    string_enum(deserializer).map(Some)
}

/// Deserialises a field that may be absent but not `null`.
pub fn non_null<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Deserialises a field for which absent, `null` and a value differ: absent keeps the old value, `null` clears it.
pub fn nullable<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    fn validator(name: &str) -> fn(&str) -> Result<(), ValidationError> {
        match name {
            "not_blank" => not_blank,
            "one_line" => one_line,
            "printable" => printable,
            "store_code" => store_code,
            "web_address" => web_address,
            other => panic!("there is no validator {other}"),
        }
    }

    #[test]
    fn white_space_and_zero_width_characters_are_blank() {
        for blank in ["", "  ", "\u{3000}", "\u{feff}", "\u{200b}\u{200d}", "\t\n"] {
            assert!(not_blank(blank).is_err(), "{blank:?}");
        }
        assert!(not_blank("\u{200d}a").is_ok());
    }

    proptest! {
        #[test]
        fn the_documented_pattern_accepts_what_the_validator_accepts(text in r"(https?://)?[aA0\- /\t\n\x00\x1f\x7f\u{85}\u{a0}\u{200b}-\u{200d}\u{2060}\u{3000}가🍜]{0,4}") {
            for (name, expression) in PATTERNS {
                let documented = Regex::new(expression).unwrap().is_match(&text);
                prop_assert_eq!(validator(name)(&text).is_ok(), documented, "{} of {:?}", name, &text);
            }
        }
    }
}
