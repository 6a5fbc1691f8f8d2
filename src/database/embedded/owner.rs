//! The user PostgreSQL runs as: ourselves or, since it refuses root, an unprivileged user in root's place.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::unistd::{Uid, User, geteuid};
use sha2::{Digest, Sha256};
use tokio::process::Command;

use super::{EmbeddedError, Result, file_error, make_dir};

#[derive(Debug)]
pub(super) struct Owner {
    /// Whom to drop to; `None` where we are not root.
    drop_to: Option<User>,
}

impl Owner {
    /// `postgres` or else `nobody` where we are root, ourselves otherwise.
    pub(super) fn for_postgres() -> Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self { drop_to: None });
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| User::from_name(name).ok().flatten())
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

    /// Makes a directory that only the owner can enter.
    pub(super) fn make_dir(&self, path: &Path) -> Result<()> {
        make_dir(path, 0o700)?;
        if let Some(user) = &self.drop_to {
            chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(file_error(path))?;
        }
        let found = fs::metadata(path).map_err(file_error(path))?.uid();
        if found != self.uid().as_raw() {
            return Err(EmbeddedError::Unreachable { user: self.name().to_owned(), path: path.to_owned() });
        }
        Ok(())
    }

    /// Writes a file that only the owner can read.
    pub(super) fn write_private(&self, path: &Path, content: &str) -> Result<()> {
        let mut file =
            File::options().create(true).truncate(true).write(true).mode(0o600).open(path).map_err(file_error(path))?;
        file.write_all(content.as_bytes()).map_err(file_error(path))?;
        if let Some(user) = &self.drop_to {
            chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(file_error(path))?;
        }
        Ok(())
    }

    /// A short path for the socket of a home whose own path is too long for one.
    #[expect(clippy::unused_self, reason = "the directory is made by, and for, this owner")]
    pub(super) fn short_private_dir(&self, home: &Path) -> PathBuf {
        let digest = Sha256::digest(home.as_os_str().as_encoded_bytes());
        let short: String = hex::encode(digest).chars().take(12).collect();
        PathBuf::from(format!("/tmp/tableorder-{short}"))
    }
}

/// Whether `pid` is a PostgreSQL of `cluster`; `None` where this system does not say.
pub(super) fn is_postgres_of(pid: i32, cluster: &Path) -> Option<bool> {
    if !Path::new("/proc/self/cmdline").exists() {
        return None;
    }
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let wanted = cluster.as_os_str().as_encoded_bytes();
    Some(arguments.split(|byte| *byte == 0).any(|argument| argument == wanted))
}
