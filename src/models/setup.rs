//! The set-up of the first store: the code that allows it, and its state.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::StoreId;

/// The one-time code that a server prints, and that the set-up of the first store requires. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct SetupCode([u8; Self::BYTES]);

impl SetupCode {
    /// The number of random bytes.
    pub const BYTES: usize = 10;

    /// The number of hexadecimal digits in a group.
    const GROUP: usize = 5;

    /// The code with these random bytes.
    #[must_use]
    pub fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// Parses a code as a person types it: with or without separators, in any case. `None` if it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_separator = |c: &char| *c == '-' || c.is_whitespace();
        let digits: String = text.chars().filter(|c| !is_separator(c)).collect();
        let mut bytes = [0; Self::BYTES];
        hex::decode_to_slice(digits, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// The digest that the database stores. The code is random, so it needs no salt and no slow hash.
    #[must_use]
    pub fn digest(&self) -> Vec<u8> {
        Sha256::digest(self.0).to_vec()
    }
}

impl fmt::Display for SetupCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, digit) in hex::encode(self.0).chars().enumerate() {
            if index > 0 && index.is_multiple_of(Self::GROUP) {
                f.write_str("-")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for SetupCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// Whether a first store can be set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SetupStatus {
    /// There is no store but the demo, and the server has printed a code that is valid.
    Open,
    /// There is no store but the demo, and no valid code. A restart of the server prints one.
    Expired,
    /// There is a store.
    Closed,
}

/// The state of the set-up, as the database stores it.
#[derive(Debug, Clone)]
pub struct SetupState {
    /// The digest of the code that was printed last.
    pub code_digest: Vec<u8>,
    /// When the code expires.
    pub expires_at: DateTime<Utc>,
    /// The store that was created with the code.
    pub created_store: Option<StoreId>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = SetupCode::new([0, 1, 2, 3, 4, 5, 6, 7, 0xab, 0xff]);
        assert_eq!(code.to_string(), "00010-20304-05060-7abff");
        for typed in ["00010-20304-05060-7abff", " 000102030405060 7ABFF\n", "0001-0203-0405-0607-abff"] {
            assert_eq!(SetupCode::parse(typed), Some(code.clone()), "{typed}");
        }
        for other in ["", "00010-20304-05060-7abf", "00010-20304-05060-7abff0", "00010-20304-05060-7abfg", "암호"] {
            assert_eq!(SetupCode::parse(other), None, "{other}");
        }
        assert_eq!(format!("{code:?}"), "(hidden)");
    }

    proptest! {
        #[test]
        fn a_printed_code_is_read_back(bytes: [u8; SetupCode::BYTES]) {
            let code = SetupCode::new(bytes);
            prop_assert_eq!(SetupCode::parse(&code.to_string()), Some(code));
        }

        #[test]
        fn any_text_can_be_parsed(text in ".*") {
            let _ = SetupCode::parse(&text);
        }
    }
}
