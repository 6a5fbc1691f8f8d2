//! The documents agree with one another and with the code: links lead somewhere, the two READMEs have the same structure,
//! and every event is documented.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Markdown file in parts.
#[derive(Default)]
struct Document {
    /// The level and the text of each heading.
    headings: Vec<(usize, String)>,
    /// The info string of each fenced code block, and its lines.
    code_blocks: Vec<(String, Vec<String>)>,
    /// The lines outside code blocks.
    text: Vec<String>,
}

impl Document {
    fn read(path: &Path) -> Self {
        let source = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut document = Self::default();
        let mut is_code = false;
        for line in source.lines() {
            if let Some(info) = line.trim_start().strip_prefix("```") {
                is_code = !is_code;
                if is_code {
                    document.code_blocks.push((info.to_owned(), Vec::new()));
                }
            } else if is_code {
                document.code_blocks.last_mut().unwrap().1.push(line.to_owned());
            } else {
                let level = line.bytes().take_while(|byte| *byte == b'#').count();
                if let Some(heading) = line[level..].strip_prefix(' ').filter(|_| level > 0) {
                    document.headings.push((level, heading.to_owned()));
                }
                document.text.push(line.to_owned());
            }
        }
        assert!(!is_code, "{}: a code block is not closed", path.display());
        document
    }

    /// The anchors that GitHub gives to the headings.
    fn anchors(&self) -> HashSet<String> {
        let mut used: HashMap<String, usize> = HashMap::new();
        let anchors = self.headings.iter().map(|(_, heading)| {
            let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            let anchor = kept.collect::<String>().to_lowercase().replace(' ', "-");
            let count = used.entry(anchor.clone()).or_default();
            *count += 1;
            if *count == 1 { anchor } else { format!("{anchor}-{}", *count - 1) }
        });
        anchors.collect()
    }

    /// The targets of the links outside code.
    fn links(&self) -> Vec<String> {
        let text = self.text.join("\n");
        // Every second part stands between backticks.
        let text: String = text.split('`').step_by(2).collect();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        targets.map(|(target, _)| target.to_owned()).collect()
    }
}

/// Every tracked Markdown file; none where the source is no git repository.
fn documents() -> Vec<PathBuf> {
    let Ok(listed) = Command::new("git").args(["ls-files", "-z", "*.md"]).current_dir(root()).output() else {
        return Vec::new();
    };
    assert!(listed.status.success() || !root().join(".git").exists(), "{listed:?}");
    let names = String::from_utf8(listed.stdout).unwrap();
    names.split_terminator('\0').map(|name| root().join(name)).collect()
}

/// `path` without `.` and `..`.
fn normalized(path: &Path) -> PathBuf {
    let mut normalized = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normalized.pop();
            }
            other => normalized.push(other),
        }
    }
    normalized
}

/// Why a relative link in the file at `from` leads nowhere.
fn fault(from: &Path, link: &str) -> Option<String> {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() { from.to_owned() } else { normalized(&from.parent()?.join(file)) };
    if !target.starts_with(root()) || !target.exists() {
        return Some(format!("{}: {link}: there is no such file", from.display()));
    }
    let is_missing = !anchor.is_empty() && !Document::read(&target).anchors().contains(anchor);
    is_missing.then(|| format!("{}: {link}: there is no such heading", from.display()))
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let mut faults = Vec::new();
    for path in documents() {
        for link in Document::read(&path).links() {
            let is_external = link.contains("://") || link.starts_with("mailto:");
            faults.extend(if is_external { None } else { fault(&path, &link) });
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn both_readmes_have_the_same_headings_and_code() {
    let [english, korean] = ["README.md", "README.ko.md"].map(|name| Document::read(&root().join(name)));
    let levels = |document: &Document| document.headings.iter().map(|(level, _)| *level).collect::<Vec<_>>();
    assert_eq!(levels(&english), levels(&korean), "{:?}\n{:?}", english.headings, korean.headings);
    assert_eq!(english.code_blocks, korean.code_blocks);
}

/// The words in `source` between `open` and `close`.
fn words_between<'a>(source: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    source.split(open).skip(1).filter_map(|rest| rest.split_once(close)).map(|(word, _)| word).collect()
}

#[test]
fn the_example_and_the_guide_have_every_kind_of_event() {
    let read = |name: &str| fs::read_to_string(root().join(name)).unwrap();
    let part = |source: &str, begin: &str, end: &str| {
        let (_, rest) = source.split_once(begin).unwrap_or_else(|| panic!("{begin}"));
        rest.split_once(end).unwrap_or_else(|| panic!("{end}")).0.to_owned()
    };
    let (code, guide, example) =
        (read("src/models/event.rs"), read("docs/api.md"), read("examples/dashboard-stream.js"));
    let code = part(&part(&code, "impl EventKind {", "\n}"), "fn as_str", "\n    }");
    let kinds: HashSet<_> = words_between(&code, "=> \"", "\"").into_iter().collect();
    assert!(kinds.contains("new_order"), "{kinds:?}");
    let example = part(&example, "const EVENTS = [", "];");
    let listened: HashSet<_> = words_between(&example, "\n  '", "'").into_iter().collect();
    assert_eq!(listened, kinds);
    let guide = part(&guide, "| event | receivers | data |", "\n\n");
    let documented: HashSet<_> = words_between(&guide, "\n| `", "`").into_iter().collect();
    assert_eq!(&documented - &HashSet::from(["connected", "reset"]), kinds);
}

#[test]
fn the_readme_fits_on_a_few_screens() {
    let lines = fs::read_to_string(root().join("README.md")).unwrap().lines().count();
    assert!(lines <= 150, "README.md has {lines} lines: move details to docs/");
}
