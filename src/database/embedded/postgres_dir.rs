//! The directory of the embedded PostgreSQL.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tokio::process::Command;
use tokio::time::Instant;

use super::binaries::Binaries;
use super::error::{EmbeddedError, Result, file_error};
use super::process;
use super::run_as::{self, RunAs};

/// The name of the embedded cluster's role and database.
const NAME: &str = "tableorder";

/// The prefix of the directories of unfinished clusters.
const UNFINISHED: &str = "pgdata.new-";

/// The longest path of a socket (`sun_path` has 108 bytes on Linux, 104 on macOS).
const MAX_SOCKET_PATH: usize = 100;

/// Time limit for the end of the PostgreSQL of a server that was killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// The directory with all files of the embedded PostgreSQL. The user that PostgreSQL runs as owns it.
#[derive(Debug)]
pub(super) struct PostgresDir {
    path: PathBuf,
    socket_dir: PathBuf,
}

impl PostgresDir {
    /// Creates `data_dir/postgres` if it does not exist. If PostgreSQL's user cannot access it (in root's home directory,
    /// for example), creates a directory under /var/lib instead, and `data_dir/postgres` as a link to it.
    pub(super) fn prepare(data_dir: &Path, run_as: &RunAs) -> Result<Self> {
        let link = data_dir.join("postgres");
        if !link.exists() {
            if run_as.can_access(data_dir) {
                run_as.make_dir(&link)?;
            } else {
                let elsewhere = Path::new("/var/lib/tableorder");
                make_dir(elsewhere)?;
                if !run_as.can_access(elsewhere) {
                    return Err(EmbeddedError::Unreachable {
                        user: run_as.name().to_owned(),
                        path: data_dir.to_owned(),
                    });
                }
                let directory = elsewhere.join(uuid::Uuid::new_v4().simple().to_string());
                run_as.make_dir(&directory)?;
                symlink(&directory, &link).map_err(file_error(&link))?;
                tracing::info!(
                    directory = %directory.display(),
                    "PostgreSQL's user cannot access the data directory; the database is in another directory"
                );
            }
        }
        let directory = Self::locate(data_dir)?;
        run_as.make_dir(&directory.socket_dir)?;
        Ok(directory)
    }

    /// Finds the existing directory of `data_dir`. Changes nothing.
    pub(super) fn locate(data_dir: &Path) -> Result<Self> {
        let link = data_dir.join("postgres");
        let path = link.canonicalize().map_err(file_error(&link))?;
        let mut socket_dir = path.join("socket");
        if socket_dir.as_os_str().len() + "/.s.PGSQL.5432".len() > MAX_SOCKET_PATH {
            socket_dir = run_as::short_socket_dir(&path);
        }
        Ok(Self { path, socket_dir })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    pub(super) fn cluster(&self) -> PathBuf {
        self.path.join("pgdata")
    }

    /// The directory of downloaded programs.
    pub(super) fn downloads(&self) -> PathBuf {
        self.path.join("bin")
    }

    fn password_file(&self) -> PathBuf {
        self.path.join("password")
    }

    pub(super) fn start_log(&self) -> PathBuf {
        self.path.join("start.log")
    }

    pub(super) fn connect_options(&self) -> Result<PgConnectOptions> {
        let file = self.password_file();
        let password = fs::read_to_string(&file).map_err(file_error(&file))?;
        Ok(PgConnectOptions::new_without_pgpass()
            .socket(&self.socket_dir)
            .port(5432)
            .username(NAME)
            .password(password.trim())
            .database(NAME))
    }

    /// Creates the cluster under a temporary name and renames it when it is complete. Each attempt uses a new name, because
    /// the initdb of a server that was killed may still run.
    pub(super) async fn initialise(&self, binaries: &Binaries, run_as: &RunAs) -> Result<()> {
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                // A directory that cannot be removed does no harm.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let unfinished = self.path.join(format!("{UNFINISHED}{}", uuid::Uuid::new_v4().simple()));
        let password = uuid::Uuid::new_v4().simple().to_string();
        run_as.write_private(&self.password_file(), &password)?;
        let mut initdb = Command::new(binaries.program("initdb"));
        initdb
            .args(["--username", NAME, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"])
            .arg("--data-checksums")
            .arg("--pwfile")
            .arg(self.password_file())
            .arg("--pgdata")
            .arg(&unfinished)
            .stdin(Stdio::null())
            .current_dir("/");
        run_as.apply(&mut initdb);
        let output = initdb.output().await.map_err(file_error(&binaries.program("initdb")))?;
        if !output.status.success() {
            return Err(EmbeddedError::Program { program: "initdb", output: last_lines(&text_of(&output)) });
        }
        fs::rename(&unfinished, self.cluster()).map_err(file_error(&self.cluster()))?;
        // Flush the directory, so that the new name survives a power failure.
        let directory = File::open(&self.path).map_err(file_error(&self.path))?;
        directory.sync_all().map_err(file_error(&self.path))
    }

    /// Waits until all processes of an earlier PostgreSQL have ended, because it may still be stopping after a `kill -9` of
    /// the server. Removes a pid file whose pid now belongs to another program: PostgreSQL would refuse to start.
    pub(super) async fn wait_for_predecessor(&self) -> Result<()> {
        let deadline = Instant::now() + STOP_TIMEOUT;
        let pid_file = self.cluster().join("postmaster.pid");
        let recorded_pid = || fs::read_to_string(&pid_file).ok()?.lines().next()?.trim().parse::<i32>().ok();
        let cluster = self.cluster().canonicalize().map_err(file_error(&self.cluster()))?;
        loop {
            let processes = process::of_cluster(&cluster, recorded_pid());
            if processes.is_empty() {
                break;
            }
            if let Some(postmaster) = recorded_pid().filter(|postmaster| processes.contains(postmaster)) {
                process::ask_to_stop(postmaster);
            }
            if Instant::now() >= deadline {
                return Err(EmbeddedError::NotReady(format!(
                    "an earlier PostgreSQL does not stop (pids {processes:?}); stop it and start again"
                )));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if recorded_pid().is_some_and(process::is_alive) {
            fs::remove_file(&pid_file).map_err(file_error(&pid_file))?;
        }
        Ok(())
    }

    /// The end of the output that PostgreSQL wrote while it started.
    pub(super) fn start_log_end(&self) -> String {
        last_lines(&fs::read_to_string(self.start_log()).unwrap_or_default())
    }
}

/// Locks the data directory, so that only one process starts PostgreSQL in it.
pub(super) fn lock(data_dir: &Path) -> Result<File> {
    let path = data_dir.join("lock");
    let file =
        File::options().create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(file_error(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(EmbeddedError::InUse(data_dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(file_error(&path)(error)),
    }
}

pub(super) fn make_dir(path: &Path) -> Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(path).map_err(file_error(path))
}

pub(super) fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(file_error(path))
}

fn text_of(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join("\n")
}
