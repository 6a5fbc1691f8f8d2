//! Rules of request fields that the validator crate does not have.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use validator::ValidationError;

/// The texts these rules take, as the document says it. A field names its rule (`pattern = "not_blank"`), and the
/// document gets the expression.
pub const PATTERNS: [(&str, &str); 4] = [
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
    ("web_address", "^(https?://[^/\\s\\x00-\\x1f\\x7f-\\x9f][^\\s\\x00-\\x1f\\x7f-\\x9f]*)?$"),
];

/// A text that says something: not only white space, seen or unseen.
///
/// # Errors
/// `blank`.
pub fn not_blank(text: &str) -> Result<(), ValidationError> {
    let says_nothing = |c: char| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}');
    if text.chars().all(says_nothing) { Err(ValidationError::new("blank")) } else { printable(text) }
}

/// A text the database can keep: no NUL, and no other control character but tab and line breaks.
///
/// # Errors
/// `unprintable`.
pub fn printable(text: &str) -> Result<(), ValidationError> {
    let refused = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    if text.chars().any(refused) { Err(ValidationError::new("unprintable")) } else { Ok(()) }
}

/// A text that says something in one line.
///
/// # Errors
/// `blank`, `unprintable`.
pub fn one_line(text: &str) -> Result<(), ValidationError> {
    if text.chars().any(char::is_control) { Err(ValidationError::new("unprintable")) } else { not_blank(text) }
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

/// Reads a JSON object as a `T`. (A struct by itself would also read a list of its fields' values.)
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

/// Reads a list of objects.
///
/// # Errors
/// Of its elements.
pub fn objects<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let objects: Vec<Object<T>> = Deserialize::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|Object(value)| value).collect())
}

/// Reads one of an enum's words from a text. (An enum by itself would also read `{"word": null}`.)
///
/// # Errors
/// For anything but a text, and for another word.
pub fn word<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(String::deserialize(deserializer)?.into_deserializer())
}

/// As [`word`], for a field that may be absent but not `null`.
///
/// # Errors
/// As [`word`].
pub fn word_if_present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    word(deserializer).map(Some)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    fn rule(name: &str) -> fn(&str) -> Result<(), ValidationError> {
        match name {
            "not_blank" => not_blank,
            "one_line" => one_line,
            "printable" => printable,
            "web_address" => web_address,
            other => panic!("{other} is no rule"),
        }
    }

    #[test]
    fn seen_or_unseen_white_space_says_nothing() {
        for nothing in ["", "  ", "\u{3000}", "\u{feff}", "\u{200b}\u{200d}", "\t\n"] {
            assert!(not_blank(nothing).is_err(), "{nothing:?}");
        }
        assert!(not_blank("\u{200d}a").is_ok());
    }

    proptest! {
        #[test]
        fn the_document_and_the_rule_take_the_same(text in r"(https?://)?[a /\t\n\x00\x1f\x7f\u{85}\u{a0}\u{200b}-\u{200d}\u{2060}\u{3000}가🍜]{0,4}") {
            for (name, expression) in PATTERNS {
                let documented = Regex::new(expression).unwrap().is_match(&text);
                prop_assert_eq!(rule(name)(&text).is_ok(), documented, "{} of {:?}", name, &text);
            }
        }
    }
}
