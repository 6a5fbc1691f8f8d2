//! The user that PostgreSQL runs as: this process's user or, because PostgreSQL refuses root, an unprivileged user
//! instead of root.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, lchown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::libc::O_NOFOLLOW;
use nix::unistd::{Gid, Uid, User, geteuid};
use sha2::{Digest, Sha256};
use tokio::process::Command;

use super::error::{EmbeddedError, Result, file_error};

#[derive(Debug)]
pub(super) struct Owner {
    /// The user to change to; `None` if this process does not run as root.
    drop_to: Option<Account>,
}

/// A user of the system, perhaps without a name.
#[derive(Debug)]
struct Account {
    name: String,
    uid: Uid,
    gid: Gid,
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        Self { name: user.name, uid: user.uid, gid: user.gid }
    }
}

impl Owner {
    /// The user of this process. Instead of root, the owner of an existing home, else `postgres` or `nobody`.
    pub(super) fn of_home(home: &Path) -> Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self { drop_to: None });
        }
        let owner = fs::metadata(home).ok().filter(|meta| meta.uid() != 0).map(|meta| {
            let (uid, gid) = (Uid::from_raw(meta.uid()), Gid::from_raw(meta.gid()));
            let named = User::from_uid(uid).ok().flatten();
            named.map_or_else(|| Account { name: uid.to_string(), uid, gid }, Account::from)
        });
        let known = |name| User::from_name(name).ok().flatten().map(Account::from);
        owner
            .or_else(|| ["postgres", "nobody"].into_iter().find_map(known))
            .map(|account| Self { drop_to: Some(account) })
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

    /// Whether the owner can enter `directory`: it needs the execute permission on it and on all directories above.
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

    /// Checks that the owner can run the programs in `directory`, by running one.
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

    /// Makes a directory that only the owner can enter, or uses the one it made before. Another user's directory or a
    /// link of that name is refused: in /tmp, for example, other users may have made it.
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

    /// Makes `path` belong to the owner.
    pub(super) fn give(&self, path: &Path) -> Result<()> {
        match &self.drop_to {
            Some(user) => lchown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(file_error(path)),
            None => Ok(()),
        }
    }

    /// Writes a file that only the owner can read.
    pub(super) fn write_private(&self, path: &Path, content: &str) -> Result<()> {
        // No link is followed: this process may be root, and the directory another user's.
        let mut options = File::options();
        options.create(true).truncate(true).write(true).mode(0o600).custom_flags(O_NOFOLLOW);
        let mut file = options.open(path).map_err(file_error(path))?;
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
