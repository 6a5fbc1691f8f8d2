//! Finds PostgreSQL's programs on this machine, or downloads them once.

use std::fs;
use std::path::{Path, PathBuf};

use super::download::{self, RELEASES};
use super::error::{EmbeddedError, Result};
use crate::database::programs;

/// The oldest supported version.
const OLDEST: u32 = 14;

/// The version to download if none is found.
const DOWNLOADED: u32 = 17;

#[derive(Debug)]
pub(super) struct Binaries {
    pub(super) directory: PathBuf,
}

impl Binaries {
    /// Finds the newest PostgreSQL on this machine. For an existing `cluster`, its major version is required, because no
    /// other version can open it. If no version is found, downloads one to `downloads`.
    pub(super) async fn find(cluster: &Path, downloads: &Path) -> Result<Self> {
        let cluster = cluster_version(cluster);
        let is_usable = |major: u32| cluster.map_or(major >= OLDEST, |wanted| major == wanted);
        let found = candidates(downloads)
            .into_iter()
            .filter_map(|directory| major_version(&directory).map(|major| (major, directory)))
            .filter(|(major, _)| is_usable(*major))
            .max_by_key(|(major, _)| *major);
        if let Some((_, directory)) = found {
            return Ok(Self { directory });
        }
        let major = cluster.unwrap_or(DOWNLOADED);
        tracing::info!(major, "no PostgreSQL found on this machine; downloading it once");
        let downloads = downloads.to_owned();
        let downloaded = tokio::task::spawn_blocking(move || download::download(RELEASES, &downloads, major)).await;
        let no_binaries = |cause: String| EmbeddedError::NoBinaries {
            wanted: cluster.map_or_else(
                || format!("{OLDEST} or newer"),
                |major| format!("{major} (the version of the existing data)"),
            ),
            cause,
        };
        let directory = downloaded.map_err(|error| no_binaries(error.to_string()))?;
        Ok(Self { directory: directory.map_err(|error| no_binaries(error.to_string()))? })
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// All directories with the programs that a cluster needs.
fn candidates(downloads: &Path) -> Vec<PathBuf> {
    let mut found = programs::directories(downloads);
    found.retain(|directory| directory.join("postgres").is_file() && directory.join("initdb").is_file());
    found
}

fn cluster_version(cluster: &Path) -> Option<u32> {
    fs::read_to_string(cluster.join("PG_VERSION")).ok()?.trim().parse().ok()
}

fn major_version(directory: &Path) -> Option<u32> {
    programs::major_version(&directory.join("postgres"))
}
