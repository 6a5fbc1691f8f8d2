//! PostgreSQL's programs: those installed on the machine, else downloaded once.

use std::fs;
use std::path::{Path, PathBuf};

use super::download::{self, RELEASES};
use super::error::{EmbeddedError, Result};
use crate::database::programs;

/// The oldest version that can be used.
const OLDEST: u32 = 14;

/// The version that is downloaded if none is found.
const DOWNLOADED: u32 = 17;

#[derive(Debug)]
pub(super) struct Binaries {
    pub(super) directory: PathBuf,
}

impl Binaries {
    /// The newest PostgreSQL on this machine; for an existing `cluster`, the newest of its major version, because only
    /// that can open it. Where there is none, downloads it to `downloads`.
    pub(super) async fn find(cluster: &Path, downloads: &Path) -> Result<Self> {
        let cluster = cluster_version(cluster);
        let suits = |major: u32| cluster.map_or(major >= OLDEST, |wanted| major == wanted);
        let found = candidates(downloads)
            .into_iter()
            .filter_map(|directory| major_version(&directory).map(|major| (major, directory)))
            .filter(|(major, _)| suits(*major))
            .max_by_key(|(major, _)| *major);
        if let Some((_, directory)) = found {
            return Ok(Self { directory });
        }
        let major = cluster.unwrap_or(DOWNLOADED);
        tracing::info!(major, "no PostgreSQL found on this machine, downloading it once");
        let downloads = downloads.to_owned();
        let downloaded = tokio::task::spawn_blocking(move || download::download(RELEASES, &downloads, major)).await;
        let no_binaries = |cause: String| EmbeddedError::NoBinaries {
            wanted: cluster.map_or_else(|| format!("{OLDEST} or newer"), |major| format!("{major} (as the data's)")),
            cause,
        };
        let directory = downloaded.map_err(|error| no_binaries(error.to_string()))?;
        Ok(Self { directory: directory.map_err(|error| no_binaries(error.to_string()))? })
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// Every directory with the programs that a cluster needs.
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
