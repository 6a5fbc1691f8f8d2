//! The libraries in `web/vendor/`: npm ci and npm run vendor in tests/browser write them.

use std::collections::BTreeMap;
use std::fs;

use sha2::{Digest, Sha256};

use crate::source::{root, sources};

#[test]
fn vendored_files_are_those_that_versions_lists() {
    let directory = root().join("vendor");
    let listed: BTreeMap<String, String> = fs::read_to_string(directory.join("VERSIONS"))
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<_> = line.split(' ').collect();
            assert_eq!(fields.len(), 4, "{line}");
            (fields[2].to_owned(), fields[3].to_owned())
        })
        .collect();
    let there = sources().into_iter().filter(|source| source.is_vendored() && source.is_module());
    let there: BTreeMap<String, String> = there
        .map(|source| (source.path.trim_start_matches("vendor/").to_owned(), hex::encode(Sha256::digest(source.text))))
        .collect();
    assert_eq!(there, listed);
}

#[test]
fn each_library_has_its_licence_beside_it() {
    let versions = fs::read_to_string(root().join("vendor/VERSIONS")).unwrap();
    for package in versions.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(' ').next()) {
        let name = format!("vendor/{}.LICENSE.txt", package.replace('@', "").replace('/', "-"));
        let licence = fs::read_to_string(root().join(&name)).unwrap();
        assert!(licence.contains("MIT License") || licence.contains("Apache License"), "{name}");
    }
}
