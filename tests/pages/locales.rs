//! The texts of the pages.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use crate::source::sources;

const LANGUAGES: [&str; 4] = ["ko", "en", "ja", "zh"];

/// The texts that every page loads, and those of single pages in folders.
fn texts(language: &str) -> BTreeMap<String, String> {
    let name = format!("/{language}.json");
    let mut texts = BTreeMap::new();
    for source in sources().iter().filter(|source| source.path.starts_with("locales/") && source.path.ends_with(&name))
    {
        for (key, text) in serde_json::from_str::<BTreeMap<String, String>>(&source.text).unwrap() {
            assert!(texts.insert(key.clone(), text).is_none(), "{}: {key} is in two files", source.path);
        }
    }
    texts
}

#[test]
fn every_language_has_the_same_keys() {
    let korean: Vec<_> = texts("ko").into_keys().collect();
    for language in LANGUAGES {
        assert_eq!(texts(language).into_keys().collect::<Vec<_>>(), korean, "{language}");
    }
}

#[test]
fn every_text_has_the_same_values_in_it() {
    let value = Regex::new(r"\{\w+\}").unwrap();
    let values = |text: &str| value.find_iter(text).map(|found| found.as_str().to_owned()).collect::<BTreeSet<_>>();
    let korean = texts("ko");
    for language in LANGUAGES {
        for (key, text) in texts(language) {
            assert!(!text.trim().is_empty(), "{language}: {key}");
            assert_eq!(values(&text), values(&korean[&key]), "{language}: {key}");
        }
    }
}

#[test]
fn every_key_is_used_and_every_used_key_is_there() {
    let quoted = Regex::new(r"'([a-z_]+(?:\.[A-Za-z_]+)*)'").unwrap();
    let called = Regex::new(r"\bt\('([^']+)'").unwrap();
    let begun = Regex::new(r"`([a-z_.]+\.)\$\{").unwrap();
    let (mut used, mut needed, mut prefixes) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for source in sources().iter().filter(|source| source.is_module() && !source.is_vendored()) {
        used.extend(quoted.captures_iter(&source.text).map(|found| found[1].to_owned()));
        needed.extend(called.captures_iter(&source.text).map(|found| found[1].to_owned()));
        prefixes.extend(begun.captures_iter(&source.text).map(|found| found[1].to_owned()));
    }
    let keys: BTreeSet<_> = texts("ko").into_keys().collect();
    let missing: Vec<_> = needed.difference(&keys).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    let is_used = |key: &&String| used.contains(*key) || prefixes.iter().any(|prefix| key.starts_with(prefix));
    let unused: Vec<_> = keys.iter().filter(|key| !is_used(key)).collect();
    assert!(unused.is_empty(), "unused: {unused:?}");
}

#[test]
fn every_error_text_is_of_a_code_that_there_is() {
    let codes: BTreeSet<_> = tableorder::error::ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    for key in texts("ko").keys() {
        let prefixes = ["", "staff.", "office."].map(|page| format!("{page}error."));
        if let Some(code) = prefixes.iter().find_map(|prefix| key.strip_prefix(prefix)) {
            assert!(code == "NO_ANSWER" || codes.contains(code), "{code}");
        }
    }
}
