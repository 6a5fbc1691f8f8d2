//! Which modules a page loads, so that the browser can load them all at once and not one level after the other.

use std::collections::{BTreeMap, BTreeSet};

/// The modules that `entry` imports, directly or through others, and itself.
pub(super) fn closure(entry: &str, sources: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![entry.to_owned()];
    while let Some(path) = open.pop() {
        let Some(source) = sources.get(&path) else { continue };
        if found.insert(path.clone()) {
            open.extend(specifiers(source).filter_map(|specifier| resolve(&path, specifier)));
        }
    }
    found
}

/// The quoted text after `from` or `import`.
fn specifiers(source: &str) -> impl Iterator<Item = &str> {
    let after = |keyword: &'static str| source.split(keyword).skip(1);
    after("from").chain(after("import")).filter_map(|rest| {
        let rest = rest.trim_start();
        let quote = rest.chars().next().filter(|first| matches!(first, '\'' | '"'))?;
        rest.get(1..)?.split(quote).next()
    })
}

/// The path that a relative `specifier` in the module `from` means.
fn resolve(from: &str, specifier: &str) -> Option<String> {
    if !specifier.starts_with('.') {
        return None;
    }
    let mut path: Vec<&str> = from.split('/').collect();
    path.pop();
    for part in specifier.split('/') {
        match part {
            "." => {}
            ".." => {
                path.pop()?;
            }
            name => path.push(name),
        }
    }
    Some(path.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_followed_through_folders_and_circles() {
        let sources = BTreeMap::from(
            [
                ("guest/main.js", "import { a } from '../lib/a.js';\nimport './b.js';\n// taken from nothing"),
                ("guest/b.js", "export * from \"./main.js\";"),
                ("lib/a.js", "import{h}from\"../vendor/h.mjs\";import x from 'bare';"),
                ("lib/unused.js", ""),
                ("vendor/h.mjs", "export const h = 1;"),
            ]
            .map(|(path, source)| (path.to_owned(), source.to_owned())),
        );
        let found: Vec<_> = closure("guest/main.js", &sources).into_iter().collect();
        assert_eq!(found, ["guest/b.js", "guest/main.js", "lib/a.js", "vendor/h.mjs"]);
    }
}
