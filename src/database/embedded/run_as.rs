//! The system user that PostgreSQL runs as: the user of this process or, because PostgreSQL refuses to run as root, an
//! unprivileged user.

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
pub(super) struct RunAs {
    /// The user to change to; `None` if this process does not run as root.
    drop_to: Option<SystemUser>,
}

/// A user of the operating system, perhaps without a name.
#[derive(Debug)]
struct SystemUser {
    name: String,
    uid: Uid,
    gid: Gid,
}

impl From<User> for SystemUser {
    fn from(user: User) -> Self {
        Self { name: user.name, uid: user.uid, gid: user.gid }
    }
}

impl RunAs {
    /// The user of this process. Instead of root: the owner of an existing `directory`, else `postgres` or `nobody`.
    pub(super) fn for_directory(directory: &Path) -> Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self { drop_to: None });
        }
        let owner = fs::metadata(directory).ok().filter(|meta| meta.uid() != 0).map(|meta| {
            let (uid, gid) = (Uid::from_raw(meta.uid()), Gid::from_raw(meta.gid()));
            let named = User::from_uid(uid).ok().flatten();
            named.map_or_else(|| SystemUser { name: uid.to_string(), uid, gid }, SystemUser::from)
        });
        let known = |name| User::from_name(name).ok().flatten().map(SystemUser::from);
        owner
            .or_else(|| ["postgres", "nobody"].into_iter().find_map(known))
            .map(|user| Self { drop_to: Some(user) })
            .ok_or(EmbeddedError::NoUnprivilegedUser)
    }

    pub(super) fn name(&self) -> &str {
        self.drop_to.as_ref().map_or("this user", |user| &user.name)
    }

    fn uid(&self) -> Uid {
        self.drop_to.as_ref().map_or_else(geteuid, |user| user.uid)
    }

    /// Makes `command` run as this user, in a separate process group, so that Ctrl-C reaches only the server.
    pub(super) fn apply(&self, command: &mut Command) {
        command.process_group(0).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
        if let Some(user) = &self.drop_to {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
    }

    /// Whether this user can enter `directory`: it needs the execute permission on it and on all its parents.
    pub(super) fn can_access(&self, directory: &Path) -> bool {
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

    /// Checks that this user can run the programs in `directory`, by running one of them.
    pub(super) async fn check_can_run(&self, directory: &Path) -> Result<()> {
        let program = directory.join("postgres");
        let mut command = Command::new(&program);
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
        self.apply(&mut command);
        match command.status().await {
            Ok(status) if status.success() => Ok(()),
            _ => Err(EmbeddedError::Unreachable { user: self.name().to_owned(), path: program }),
        }
    }

    /// Creates a directory that only this user can enter, or uses an existing one of this user. Refuses a link or another
    /// user's directory, because in /tmp, for example, other users may have created it.
    pub(super) fn make_dir(&self, path: &Path) -> Result<()> {
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => self.own(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let found = fs::symlink_metadata(path).map_err(file_error(path))?;
                let is_ours = found.uid() == self.uid().as_raw() || found.uid() == geteuid().as_raw();
                if !found.is_dir() || !is_ours || found.mode() & 0o077 != 0 {
                    let cause =
                        io::Error::other("is not a private directory of PostgreSQL's user; remove it and start again");
                    return Err(file_error(path)(cause));
                }
                self.own(path)
            }
            Err(error) => Err(file_error(path)(error)),
        }
    }

    /// Makes this user the owner of `path`.
    pub(super) fn own(&self, path: &Path) -> Result<()> {
        match &self.drop_to {
            Some(user) => lchown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(file_error(path)),
            None => Ok(()),
        }
    }

    /// Writes a file that only this user can read.
    pub(super) fn write_private(&self, path: &Path, content: &str) -> Result<()> {
        // Do not follow links: this process may be root, and the directory may belong to another user.
        let mut options = File::options();
        options.create(true).truncate(true).write(true).mode(0o600).custom_flags(O_NOFOLLOW);
        let mut file = options.open(path).map_err(file_error(path))?;
        file.write_all(content.as_bytes()).map_err(file_error(path))?;
        file.sync_all().map_err(file_error(path))?;
        self.own(path)
    }
}

/// A short socket directory, used if the path of `directory` is too long for a socket.
pub(super) fn short_socket_dir(directory: &Path) -> PathBuf {
    let digest = Sha256::digest(directory.as_os_str().as_encoded_bytes());
    let short: String = hex::encode(digest).chars().take(12).collect();
    PathBuf::from(format!("/tmp/tableorder-{short}"))
}
