//! The language of messages.

/// A language in which messages exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// 한국어, the default.
    #[default]
    Korean,
    /// English.
    English,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::Korean, Self::English];

    /// The language that an `Accept-Language` header asks for: of the supported ones the one with the highest weight,
    /// the first of equals; Korean if the header names neither.
    #[must_use]
    pub fn from_accept_language(header: &str) -> Self {
        let mut best = (0.0, Self::default());
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default();
            let weight = parts
                .find_map(|part| part.strip_prefix("q="))
                .map_or(1.0, |weight| weight.parse::<f32>().unwrap_or(0.0));
            let language = match tag.split('-').next() {
                Some(primary) if primary.eq_ignore_ascii_case("ko") => Self::Korean,
                Some(primary) if primary.eq_ignore_ascii_case("en") => Self::English,
                _ => continue,
            };
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }

    /// The language tag, for `Content-Language`.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::Korean => "ko",
            Self::English => "en",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_supported_language_with_the_highest_weight_wins() {
        for (header, language) in [
            ("", Language::Korean),
            ("fr", Language::Korean),
            ("en", Language::English),
            ("en-US,en;q=0.9,ko;q=0.8", Language::English),
            ("ko-KR,ko;q=0.9,en;q=0.8", Language::Korean),
            ("fr, EN;q=0.2", Language::English),
            ("en;q=0", Language::Korean),
            ("en;q=high", Language::Korean),
        ] {
            assert_eq!(Language::from_accept_language(header), language, "{header}");
        }
    }

    proptest! {
        #[test]
        fn any_header_gives_a_language(header in ".*") {
            prop_assert!(Language::ALL.contains(&Language::from_accept_language(&header)));
        }
    }
}
