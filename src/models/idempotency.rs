//! Idempotency: the same key again is the same order.

use sha2::{Digest, Sha256};

use super::OrderLine;

/// The key a client sends with an order, scoped to its session: 8 to 128 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The fewest and the most characters of a key.
    pub const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

    /// A key, if `text` is one.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let is_key = Self::LENGTH.contains(&text.len()) && text.iter().all(u8::is_ascii_graphic);
        std::str::from_utf8(text).ok().filter(|_| is_key).map(|text| Self(text.to_owned()))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A digest of what an order asks for: its lines and its note, however they were written down.
#[must_use]
pub fn content_digest(lines: &[OrderLine], note: Option<&str>) -> [u8; 32] {
    let mut digest = Sha256::new();
    for line in lines {
        digest.update(line.menu_id.0.to_be_bytes());
        digest.update(line.quantity.get().to_be_bytes());
    }
    // A line has twelve bytes: one more begins what is no line, so a note cannot pass for one.
    match note {
        Some(note) => digest.chain_update([1]).chain_update(note).finalize().into(),
        None => digest.chain_update([0]).finalize().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{MenuItemId, Quantity};
    use proptest::prelude::*;

    fn lines(of: &[(i64, i64)]) -> Vec<OrderLine> {
        let line = |(menu, quantity): &(i64, i64)| OrderLine {
            menu_id: MenuItemId(*menu),
            quantity: Quantity::try_from(*quantity).unwrap(),
        };
        of.iter().map(line).collect()
    }

    #[test]
    fn other_content_has_another_digest() {
        let digests = [
            content_digest(&lines(&[(1, 1), (2, 1)]), None),
            content_digest(&lines(&[(2, 1), (1, 1)]), None),
            content_digest(&lines(&[(1, 1)]), None),
            content_digest(&lines(&[(1, 2)]), None),
            content_digest(&lines(&[(1, 1)]), Some("")),
            content_digest(&lines(&[(1, 1)]), Some("덜 맵게")),
        ];
        let distinct: std::collections::HashSet<_> = digests.iter().collect();
        assert_eq!(distinct.len(), digests.len());
    }

    proptest! {
        #[test]
        fn a_key_is_what_the_contract_says_and_nothing_else(text in prop::collection::vec(any::<u8>(), 0..140)) {
            let allowed = (8..=128).contains(&text.len()) && text.iter().all(|byte| (0x21..=0x7e).contains(byte));
            prop_assert_eq!(IdempotencyKey::parse(&text).is_some(), allowed);
        }
    }
}
