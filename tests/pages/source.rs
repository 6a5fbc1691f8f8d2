//! The files of `web/`.

use std::fs;
use std::path::{Path, PathBuf};

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("web")
}

/// A text file, with its path below `web/`.
pub struct Source {
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn is_module(&self) -> bool {
        self.has_extension(&["js", "mjs"]) && !self.path.ends_with(".d.mts")
    }

    pub fn has_extension(&self, any: &[&str]) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| any.iter().any(|one| extension == *one))
    }

    pub fn is_vendored(&self) -> bool {
        self.path.starts_with("vendor/")
    }
}

/// Every text file, sorted by its path.
pub fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root(), &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(directory: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            found.push(Source { path, text });
        }
    }
}
