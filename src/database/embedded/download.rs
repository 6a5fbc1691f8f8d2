//! Downloads PostgreSQL's programs from the releases of github.com/theseus-rs/postgresql-binaries.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The URL of the list of releases.
pub(super) const RELEASES: &str = "https://api.github.com/repos/theseus-rs/postgresql-binaries/releases";

/// Time limit for one file.
const TIMEOUT: Duration = Duration::from_mins(10);

/// The size limit of an archive. Those of PostgreSQL 17 have about 10 MB.
const MAX_ARCHIVE: u64 = 200 << 20;

type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// A release. Its name is the version of PostgreSQL, such as `17.6.0`.
#[derive(Debug, Deserialize)]
struct Release {
    tag_name: String,
    assets: Vec<Asset>,
}

#[derive(Debug, Deserialize)]
struct Asset {
    name: String,
    browser_download_url: String,
}

/// Downloads the newest PostgreSQL of this major version into a directory below `downloads`. Returns the directory with
/// its programs.
pub(super) fn download(releases: &str, downloads: &Path, major: u32) -> Result<PathBuf> {
    let agent = ureq::Agent::new_with_config(ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).build());
    let listed: Vec<Release> = serde_json::from_slice(&get(&agent, &format!("{releases}?per_page=100"))?)?;
    let version_of = |release: &Release| {
        let numbers: Option<Vec<u32>> = release.tag_name.split('.').map(|number| number.parse().ok()).collect();
        numbers.filter(|numbers| numbers.first() == Some(&major))
    };
    let newest = listed.into_iter().filter_map(|release| Some((version_of(&release)?, release))).max_by(by_version);
    let (_, release) = newest.ok_or_else(|| format!("PostgreSQL {major} is not offered for download"))?;
    let archive_name = format!("postgresql-{}-{}.tar.gz", release.tag_name, target()?);
    let url_of = |name: &str| {
        let asset = release.assets.iter().find(|asset| asset.name == name);
        asset.map(|asset| asset.browser_download_url.as_str()).ok_or_else(|| format!("there is no {name} to download"))
    };
    let archive = get(&agent, url_of(&archive_name)?)?;
    let checksum = String::from_utf8(get(&agent, url_of(&format!("{archive_name}.sha256"))?)?)?;
    if checksum.split_whitespace().next() != Some(hex::encode(Sha256::digest(&archive)).as_str()) {
        return Err(format!("{archive_name} is damaged: its checksum differs from the release's").into());
    }
    unpack(&archive, &downloads.join(&release.tag_name)).map_err(Into::into)
}

fn by_version(one: &(Vec<u32>, Release), other: &(Vec<u32>, Release)) -> std::cmp::Ordering {
    one.0.cmp(&other.0)
}

fn get(agent: &ureq::Agent, url: &str) -> Result<Vec<u8>> {
    let request = agent.get(url).header("User-Agent", concat!("tableorder/", env!("CARGO_PKG_VERSION")));
    Ok(request.call()?.body_mut().with_config().limit(MAX_ARCHIVE).read_to_vec()?)
}

/// This machine's name in the names of archives.
fn target() -> Result<String> {
    let system = match std::env::consts::OS {
        "linux" => "unknown-linux-gnu",
        "macos" => "apple-darwin",
        other => return Err(format!("there is no PostgreSQL to download for {other}").into()),
    };
    Ok(format!("{}-{system}", std::env::consts::ARCH))
}

/// Unpacks an archive with a single top directory to `directory`, which appears only when it is complete.
fn unpack(archive: &[u8], directory: &Path) -> io::Result<PathBuf> {
    let unfinished = directory.with_extension("part");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    fs::create_dir_all(&unfinished)?;
    let mut tar = Command::new("tar")
        .args(["-xz", "--strip-components=1", "-C"])
        .arg(&unfinished)
        .stdin(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = tar.stdin.take() {
        input.write_all(archive)?;
    }
    if !tar.wait()?.success() {
        return Err(io::Error::other("`tar` could not unpack the archive"));
    }
    // The user that PostgreSQL runs as must be able to read it.
    fs::set_permissions(&unfinished, Permissions::from_mode(0o755))?;
    fs::rename(&unfinished, directory)?;
    Ok(directory.join("bin"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// A directory that is deleted when it is dropped.
    struct Work(PathBuf);

    impl Work {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("tableorder-download-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Work {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// An archive whose `postgres` is a script.
    fn archive(work: &Path, version: &str) -> Vec<u8> {
        let name = format!("postgresql-{version}");
        let bin = work.join(&name).join("bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join("postgres"), format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")).unwrap();
        fs::set_permissions(bin.join("postgres"), Permissions::from_mode(0o755)).unwrap();
        let packed = Command::new("tar").current_dir(work).args(["-cz", &name]).output().unwrap();
        assert!(packed.status.success());
        packed.stdout
    }

    /// Serves `files` by path; every other path is a 404.
    fn serve(files: HashMap<String, Vec<u8>>, listener: TcpListener) {
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let mut lines = BufReader::new(connection.try_clone().unwrap()).lines();
                let request = lines.next().unwrap().unwrap();
                while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                let path = request.split([' ', '?']).nth(1).unwrap();
                let (status, body) = files.get(path).map_or(("404 Not Found", &[][..]), |body| ("200 OK", body));
                let length = body.len();
                let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
                connection.write_all(head.as_bytes()).unwrap();
                connection.write_all(body).unwrap();
            }
        });
    }

    /// Serves releases of these versions, each with its archive and the checksum that `checksum` computes. Returns the URL.
    fn offer(work: &Work, versions: &[&str], checksum: fn(&[u8]) -> String) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let mut files = HashMap::new();
        let mut releases = Vec::new();
        for version in versions {
            let name = format!("postgresql-{version}-{}.tar.gz", target().unwrap());
            let archive = archive(&work.0, version);
            files.insert(format!("/{name}.sha256"), format!("{}  {name}\n", checksum(&archive)).into_bytes());
            files.insert(format!("/{name}"), archive);
            let asset =
                |name: &str| serde_json::json!({"name": name, "browser_download_url": format!("{base}/{name}")});
            let assets = [asset(&name), asset(&format!("{name}.sha256"))];
            releases.push(serde_json::json!({"tag_name": version, "assets": assets}));
        }
        files.insert("/releases".to_owned(), serde_json::to_vec(&releases).unwrap());
        serve(files, listener);
        format!("{base}/releases")
    }

    fn right(archive: &[u8]) -> String {
        hex::encode(Sha256::digest(archive))
    }

    #[test]
    fn the_newest_of_a_major_version_is_downloaded() {
        let work = Work::new("newest");
        let releases = offer(&work, &["17.6.0", "18.1.0", "17.10.0", "16.9.0", "nightly"], right);
        let downloads = work.0.join("downloads");
        let bin = download(&releases, &downloads, 17).unwrap();
        assert_eq!(bin, downloads.join("17.10.0/bin"));
        let version = Command::new(bin.join("postgres")).output().unwrap();
        assert_eq!(String::from_utf8(version.stdout).unwrap(), "postgres (PostgreSQL) 17.10.0\n");
        assert_eq!(fs::metadata(downloads.join("17.10.0")).unwrap().permissions().mode() & 0o777, 0o755);
        let refused = download(&releases, &downloads, 14).unwrap_err();
        assert_eq!(refused.to_string(), "PostgreSQL 14 is not offered for download");
    }

    #[test]
    fn a_damaged_archive_is_refused_and_leaves_no_files() {
        let work = Work::new("damaged");
        let releases = offer(&work, &["17.6.0"], |_| "0".repeat(64));
        let downloads = work.0.join("downloads");
        let refused = download(&releases, &downloads, 17).unwrap_err();
        assert!(refused.to_string().contains("is damaged"), "{refused}");
        assert!(!downloads.exists());
    }
}
