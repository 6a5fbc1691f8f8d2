//! PostgreSQL's own programs on this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// All directories that may contain PostgreSQL's programs: those of `PATH`, those of common packages, and earlier downloads
/// in `downloads`.
pub(crate) fn directories(downloads: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    for (parent, below) in [
        ("/usr/lib/postgresql", "bin"),
        ("/opt/homebrew/opt", "bin"),
        ("/usr/local/opt", "bin"),
        ("/usr/local/pgsql", ""),
        ("/Applications/Postgres.app/Contents/Versions", "bin"),
    ] {
        found.extend(children(Path::new(parent)).map(|child| child.join(below)));
    }
    found.extend([18, 17, 16, 15, 14].map(|major| PathBuf::from(format!("/usr/pgsql-{major}/bin"))));
    found.extend(children(downloads).map(|child| child.join("bin")));
    found
}

fn children(directory: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(directory).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
}

/// The major version in the output of `program --version`, such as `pg_dump (PostgreSQL) 15.18 (Debian …)`.
pub(crate) fn major_version(program: &Path) -> Option<u32> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    version.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}
