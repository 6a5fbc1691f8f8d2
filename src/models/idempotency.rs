//! Idempotency keys: a retry with the same key does not place a second order.

use sha2::{Digest, Sha256};

use super::OrderLine;

/// The key a client sends with a request, scoped to a guest's session or to a user: 8 to 128 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The allowed number of characters.
    pub const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

    /// Parses a key; `None` if `text` is not valid.
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

/// A digest of an order's content, its lines and its note. It does not depend on how the JSON was written.
#[must_use]
pub fn content_digest(lines: &[OrderLine], note: Option<&str>) -> [u8; 32] {
    let mut digest = Sha256::new();
    for line in lines {
        digest.update(line.menu_id.0.to_be_bytes());
        digest.update(line.quantity.get().to_be_bytes());
    }
    // Each line has twelve bytes. The byte after the last line separates the note, so a note cannot be taken for lines.
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

    fn lines(items: &[(i64, i64)]) -> Vec<OrderLine> {
        let line = |(menu, quantity): &(i64, i64)| OrderLine {
            menu_id: MenuItemId(*menu),
            quantity: Quantity::try_from(*quantity).unwrap(),
        };
        items.iter().map(line).collect()
    }

    #[test]
    fn different_content_has_a_different_digest() {
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
        fn a_key_is_8_to_128_visible_ascii_characters(text in prop::collection::vec(any::<u8>(), 0..140)) {
            let allowed = (8..=128).contains(&text.len()) && text.iter().all(|byte| (0x21..=0x7e).contains(byte));
            prop_assert_eq!(IdempotencyKey::parse(&text).is_some(), allowed);
        }
    }
}
