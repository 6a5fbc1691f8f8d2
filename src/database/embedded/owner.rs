//! The user PostgreSQL runs as: ourselves or, since it refuses root, an unprivileged user in root's place.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, lchown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::unistd::{Uid, User, geteuid};
use sha2::{Digest, Sha256};
use tokio::process::Command;

use super::{EmbeddedError, Result, file_error};

#[derive(Debug)]
pub(super) struct Owner {
    /// Whom to drop to; `None` where we are not root.
    drop_to: Option<User>,
}

impl Owner {
    /// Ourselves, where we are not root. In root's place whoever owns the cluster that exists, else `postgres`
    /// or `nobody`.
    pub(super) fn for_cluster(cluster: &Path) -> Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self { drop_to: None });
        }
        let owner = fs::metadata(cluster).ok().map(|meta| Uid::from_raw(meta.uid())).filter(|uid| !uid.is_root());
        owner
            .and_then(|uid| User::from_uid(uid).ok().flatten())
            .or_else(|| ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten()))
            .map(|user| Self { drop_to: Some(user) })
            .ok_or(EmbeddedError::NoUnprivilegedUser)
    }

    pub(super) fn name(&self) -> &str {
        self.drop_to.as_ref().map_or("this user", |user| &user.name)
    }

    fn uid(&self) -> Uid {
        self.drop_to.as_ref().map_or_else(geteuid, |user| user.uid)
    }

    /// Makes `command` run as the owner, in a process group of its own, so that Ctrl-C reaches only the server.
    pub(super) fn run_as(&self, command: &mut Command) {
        command.process_group(0).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
        if let Some(user) = &self.drop_to {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
    }

    /// Whether the owner can enter `directory`: the right to pass, on it and on all above it.
    pub(super) fn can_reach(&self, directory: &Path) -> bool {
        let Some(user) = &self.drop_to else { return true };
        directory.ancestors().all(|path| {
            fs::metadata(path).is_ok_and(|meta| {
                let right = match meta {
                    ref meta if meta.uid() == user.uid.as_raw() => 0o100,
                    ref meta if meta.gid() == user.gid.as_raw() => 0o010,
                    _ => 0o001,
                };
                meta.mode() & right != 0
            })
        })
    }

    /// Tries whether the owner can run the programs in `directory`.
    pub(super) async fn check_reach(&self, directory: &Path) -> Result<()> {
        let program = directory.join("postgres");
        let mut command = Command::new(&program);
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
        self.run_as(&mut command);
        match command.status().await {
            Ok(status) if status.success() => Ok(()),
            _ => Err(EmbeddedError::Unreachable { user: self.name().to_owned(), path: program }),
        }
    }

    /// Makes a directory that only the owner can enter, or finds the one it made before. Where others may write
    /// beside it, like in /tmp, somebody else's or a link of that name is refused, never followed.
    pub(super) fn make_dir(&self, path: &Path) -> Result<()> {
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => self.give(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let found = fs::symlink_metadata(path).map_err(file_error(path))?;
                let is_ours = found.uid() == self.uid().as_raw() || found.uid() == geteuid().as_raw();
                if !found.is_dir() || !is_ours || found.mode() & 0o077 != 0 {
                    let cause = io::Error::other("is not a private directory of PostgreSQL's user; remove it");
                    return Err(file_error(path)(cause));
                }
                self.give(path)
            }
            Err(error) => Err(file_error(path)(error)),
        }
    }

    /// Makes the owner its owner.
    pub(super) fn give(&self, path: &Path) -> Result<()> {
        match &self.drop_to {
            Some(user) => lchown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(file_error(path)),
            None => Ok(()),
        }
    }

    /// Writes a file that only the owner can read.
    pub(super) fn write_private(&self, path: &Path, content: &str) -> Result<()> {
        let mut file =
            File::options().create(true).truncate(true).write(true).mode(0o600).open(path).map_err(file_error(path))?;
        file.write_all(content.as_bytes()).map_err(file_error(path))?;
        file.sync_all().map_err(file_error(path))?;
        self.give(path)
    }
}

/// A short path for the socket of a home whose own path is too long for one.
pub(super) fn short_socket_dir(home: &Path) -> PathBuf {
    let digest = Sha256::digest(home.as_os_str().as_encoded_bytes());
    let short: String = hex::encode(digest).chars().take(12).collect();
    PathBuf::from(format!("/tmp/tableorder-{short}"))
}

/// The processes of a PostgreSQL on `cluster`: they work in its directory. `None` where this system does not say.
pub(super) fn processes_of(cluster: &Path) -> Option<Vec<i32>> {
    let processes = fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let works_there = fs::read_link(entry.path().join("cwd")).is_ok_and(|directory| directory == cluster);
        works_there.then_some(pid)
    });
    Path::new("/proc/self/cwd").exists().then(|| processes.collect())
}

/// Whether a process with this pid exists, whosever it is.
pub(super) fn is_alive(pid: i32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}
