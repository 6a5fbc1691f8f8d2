//! Rules for the content of the files.

use std::collections::BTreeSet;

use regex::Regex;

use crate::source::{Source, root, sources};

/// The quoted text after `from`, `import` or `import(`.
fn imports(source: &Source) -> Vec<String> {
    let import = Regex::new(r#"(?:[\s}*]from|\bimport)\s*\(?\s*["']([^"']+)["']"#).unwrap();
    let comment = Regex::new(r"(?m)^\s*(//|\*|/\*).*$").unwrap();
    let type_import = Regex::new(r"/\*\*.*?\*/").unwrap();
    let code = type_import.replace_all(&source.text, "").into_owned();
    let code = if source.is_vendored() { code } else { comment.replace_all(&code, "").into_owned() };
    import.captures_iter(&code).map(|found| found[1].to_owned()).collect()
}

/// The paths of the modules that a module imports.
fn imported(source: &Source) -> Vec<String> {
    let directory = root().join(&source.path).parent().unwrap().to_owned();
    let path = |import: &String| {
        let target = directory.join(import).canonicalize().unwrap();
        target.strip_prefix(root()).unwrap().to_str().unwrap().to_owned()
    };
    imports(source).iter().map(path).collect()
}

#[track_caller]
fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn imports_are_relative_and_resolve() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.is_module()) {
        let directory = root().join(&source.path).parent().unwrap().to_owned();
        let bad = imports(source).into_iter().filter(|path| !path.starts_with('.') || !directory.join(path).is_file());
        wrong.extend(bad.map(|path| format!("{} imports {path}", source.path)));
    }
    assert_none(&wrong);
}

#[test]
fn every_module_is_loaded_by_a_page() {
    let all = sources();
    let entry = Regex::new(r#"src="\{assets\}/([^"]+)""#).unwrap();
    let pages = all.iter().filter(|source| source.has_extension(&["html"]));
    let mut open: Vec<String> = pages
        .flat_map(|page| entry.captures_iter(&page.text).map(|found| found[1].to_owned()).collect::<Vec<_>>())
        .collect();
    let mut loaded = BTreeSet::new();
    while let Some(path) = open.pop() {
        let Some(source) = all.iter().find(|source| source.path == path) else { continue };
        if loaded.insert(path.clone()) {
            open.extend(imported(source));
        }
    }
    let unused = all.iter().filter(|source| source.is_module() && !loaded.contains(&source.path));
    let found: Vec<_> = unused.map(|source| source.path.clone()).collect();
    assert_none(&found);
}

/// The server joins the modules of a page into one, which needs an order and fixed values.
#[test]
fn modules_import_each_other_in_no_circle_and_export_no_variable() {
    let all = sources();
    let variable = Regex::new(r"(?m)^export (?:let|var) ").unwrap();
    let mut left: Vec<_> =
        all.iter().filter(|source| source.is_module()).map(|one| (&one.path, imported(one))).collect();
    loop {
        let paths: BTreeSet<_> = left.iter().map(|(path, _)| (*path).clone()).collect();
        let before = left.len();
        left.retain(|(_, imported)| imported.iter().any(|import| paths.contains(import)));
        if left.len() == before {
            break;
        }
    }
    let circles = left.into_iter().map(|(path, _)| path.clone());
    let variables = all.iter().filter(|source| variable.is_match(&source.text)).map(|source| source.path.clone());
    assert_none(&circles.chain(variables).collect::<Vec<_>>());
}

#[test]
fn no_file_names_an_address_on_the_internet() {
    let address = Regex::new(r"https?://[^\s)]+").unwrap();
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| !source.path.ends_with(".LICENSE.txt")) {
        let addresses = address.find_iter(&source.text).map(|address| address.as_str());
        // Names of XML namespaces, which are not loaded.
        let loaded = addresses.filter(|address| !address.starts_with("http://www.w3.org/"));
        found.extend(loaded.map(|address| format!("{}: {address}", source.path)));
    }
    assert_none(&found);
}

#[test]
fn pages_have_no_inline_script_or_style() {
    let inline = Regex::new(r#"<script(?:\s+type="module")?>|<style|\sstyle=|\son\w+=|javascript:"#).unwrap();
    let pages = sources().into_iter().filter(|source| source.has_extension(&["html"]));
    let found: Vec<_> = pages.filter(|page| inline.is_match(&page.text)).map(|page| page.path).collect();
    assert_none(&found);
}

#[test]
fn nothing_is_inserted_as_markup_or_run_as_code() {
    let sink = Regex::new(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function").unwrap();
    let modules = sources().into_iter().filter(|source| source.is_module() && !source.is_vendored());
    let found: Vec<_> = modules.filter(|source| sink.is_match(&source.text)).map(|source| source.path).collect();
    assert_none(&found);
}

#[test]
fn modules_use_nothing_that_a_plain_http_page_lacks() {
    let secure_only =
        Regex::new(r"randomUUID\(|crypto\.subtle|serviceWorker|navigator\.clipboard|navigator\.locks|wakeLock")
            .unwrap();
    // This module checks whether the browser has the lock, and the staff page shows a hint if it does not.
    let is_exempt = |path: &str| path == "lib/wake.js";
    let modules = sources().into_iter().filter(|source| source.is_module() && !source.is_vendored());
    let found: Vec<_> = modules
        .filter(|source| !is_exempt(&source.path))
        .filter(|source| secure_only.is_match(&source.text))
        .map(|source| source.path)
        .collect();
    assert_none(&found);
}

#[test]
fn components_have_at_most_150_lines() {
    let is_component = |path: &str| !path.starts_with("lib/") && !path.contains("/state/");
    let own = sources().into_iter().filter(|source| source.is_module() && !source.is_vendored());
    let long = own.filter(|source| is_component(&source.path) && source.text.lines().count() > 150);
    let found: Vec<_> = long.map(|source| source.path).collect();
    assert_none(&found);
}
