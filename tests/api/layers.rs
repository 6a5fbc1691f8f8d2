//! Checks that modules depend only on lower modules.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// The modules of `src/`. Each may use only those after it.
const LAYERS: [&str; 21] = [
    "cli",
    "server",
    "middleware",
    "routers",
    "state",
    "schemas",
    "services",
    "backup",
    "security",
    "cluster",
    "events",
    "repositories",
    "database",
    "body_memory",
    "telemetry",
    "request_context",
    "models",
    "error",
    "config",
    "clock",
    "shutdown",
];

/// Names that must not appear in a layer.
const FORBIDDEN: [(&str, &[&str]); 9] = [
    ("services", &["axum", "hyper", "sqlx::query"]),
    ("security", &["axum", "hyper"]),
    ("cluster", &["axum", "hyper"]),
    ("events", &["axum", "hyper", "sqlx"]),
    ("repositories", &["axum", "hyper", ".transaction("]),
    ("models", &["axum", "hyper"]),
    ("error", &["axum", "hyper"]),
    ("schemas", &["axum", "hyper", "sqlx"]),
    ("routers", &["sqlx", "crate::repositories", ".transaction("]),
];

fn source_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { source_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// Each file of `src/` with its top-level module and its code, without comments and unit tests.
fn sources() -> Vec<(PathBuf, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let comment = Regex::new(r"//[^\n]*").unwrap();
    let tests = Regex::new(r"(?s)#\[cfg\((?:all\()?test[^\n]*\n(?:pub(?:\([a-z]+\))? )?mod \w+ \{.*").unwrap();
    let read = |path: PathBuf| {
        let inside = path.strip_prefix(&root).unwrap();
        let module = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        let code = fs::read_to_string(&path).unwrap();
        let code = comment.replace_all(&tests.replace(&code, ""), "").into_owned();
        (path, module, code)
    };
    source_files(&root).into_iter().map(read).filter(|(_, module, _)| module != "main" && module != "lib").collect()
}

/// The top-level modules used by `code`, as `crate::module` or `crate::{module, …}`.
fn used_modules(code: &str) -> BTreeSet<String> {
    let single = Regex::new(r"\bcrate::(\w+)").unwrap();
    let group = Regex::new(r"\bcrate::\{([^;]*)\};").unwrap();
    let nested = Regex::new(r"\{[^{}]*\}").unwrap();
    let mut used: BTreeSet<String> = single.captures_iter(code).map(|found| found[1].to_owned()).collect();
    for found in group.captures_iter(code) {
        let flat = nested.replace_all(&found[1], "");
        used.extend(flat.split(',').map(|path| path.trim().split("::").next().unwrap_or_default().to_owned()));
    }
    used.retain(|module| LAYERS.contains(&module.as_str()));
    used
}

#[test]
fn modules_use_only_modules_below_them() {
    let rank = |module: &str| LAYERS.iter().position(|layer| *layer == module);
    let mut upward = Vec::new();
    for (path, module, code) in sources() {
        let own = rank(&module).unwrap_or_else(|| panic!("{module} has no layer"));
        for used in used_modules(&code) {
            if used != module && rank(&used).unwrap() <= own {
                upward.push(format!("{}: {module} -> {used}", path.display()));
            }
        }
    }
    assert!(upward.is_empty(), "{}", upward.join("\n"));
}

#[test]
fn layers_use_only_their_own_dependencies() {
    let mut found = Vec::new();
    for (path, module, code) in sources() {
        let forbidden = FORBIDDEN.iter().filter(|(layer, _)| *layer == module).flat_map(|(_, words)| *words);
        found.extend(forbidden.filter(|word| code.contains(**word)).map(|word| format!("{}: {word}", path.display())));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_file_has_more_than_350_lines() {
    let lines = |path: &Path| fs::read_to_string(path).unwrap().lines().count();
    let long: Vec<_> =
        sources().into_iter().filter(|(path, _, _)| lines(path) > 350).map(|(path, _, _)| path).collect();
    assert!(long.is_empty(), "{long:?}");
}
