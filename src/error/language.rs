//! Which language messages are in.

/// A language of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// 한국어, the default.
    #[default]
    Korean,
    /// English.
    English,
}

impl Language {
    /// Every language of the catalogue.
    pub const ALL: [Self; 2] = [Self::Korean, Self::English];

    /// The language an `Accept-Language` header asks for: the one of ours it weighs highest, the first of
    /// equals, Korean where it names neither.
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

    /// Its tag, as `Content-Language` says it.
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
    fn the_heaviest_of_ours_wins() {
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
        fn any_header_has_a_language(header in ".*") {
            prop_assert!(Language::ALL.contains(&Language::from_accept_language(&header)));
        }
    }
}
