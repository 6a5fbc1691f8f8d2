//! The supervisor: a small shell script that runs PostgreSQL and stops it when the server has ended.
//!
//! The script reads from a pipe whose other end this process holds. When the pipe closes, because this process stopped or
//! was killed, the script sends PostgreSQL the signal for a fast shutdown. A clean stop and a `kill -9` use the same code.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::libc::O_NOFOLLOW;
use tokio::process::{Child, ChildStdin, Command};

use super::binaries::Binaries;
use super::error::{EmbeddedError, Result, file_error};
use super::postgres_dir::PostgresDir;
use super::run_as::RunAs;

/// `$1` is a directory to remove at the end (or empty); the rest is PostgreSQL's command line. The watcher reads from
/// descriptor 3, because a shell gives its background jobs /dev/null as input. It repeats the signal until PostgreSQL
/// has ended, because PostgreSQL ignores signals while it starts. Both shells ignore the signals that a service manager
/// sends to all processes at once: the server decides when PostgreSQL stops.
const SCRIPT: &str = r#"
remove=$1; shift
exec 3<&0
"$@" </dev/null 3<&- &
postgres=$!
( trap '' TERM HUP INT; read -r _ <&3; while kill -INT "$postgres"; do sleep 1; done ) 2>/dev/null &
watcher=$!
trap : TERM HUP INT
while :; do
    wait "$postgres"; status=$?
    kill -0 "$postgres" 2>/dev/null || break
done
kill -KILL "$watcher" 2>/dev/null
[ -z "$remove" ] || rm -rf "$remove"
exit "$status"
"#;

/// Time limit for a stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Whether the data must survive the end of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// For a restaurant's orders: every committed change survives a power failure.
    Durable,
    /// For tests: fast, and deleted when the process ends.
    Throwaway,
}

#[derive(Debug)]
pub(super) struct Supervisor {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Supervisor {
    pub(super) fn start(
        directory: &PostgresDir,
        binaries: &Binaries,
        run_as: &RunAs,
        durability: Durability,
        remove_after: Option<&Path>,
    ) -> Result<Self> {
        let log_path = directory.start_log();
        run_as.write_private(&log_path, "")?;
        let log =
            File::options().append(true).custom_flags(O_NOFOLLOW).open(&log_path).map_err(file_error(&log_path))?;
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(SCRIPT).arg("tableorder-postgres").arg(remove_after.unwrap_or(Path::new("")));
        shell.arg(binaries.program("postgres")).arg("-D").arg(directory.cluster());
        for setting in settings(directory.socket_dir(), durability) {
            shell.arg("-c").arg(setting);
        }
        shell
            .stdin(Stdio::piped())
            .stdout(log.try_clone().map_err(file_error(&log_path))?)
            .stderr(log)
            .current_dir("/");
        run_as.apply(&mut shell);
        let mut shell = shell.spawn().map_err(file_error(Path::new("/bin/sh")))?;
        let pipe = shell.stdin.take();
        if pipe.is_none() {
            return Err(EmbeddedError::NotReady("the supervisor has no pipe".to_owned()));
        }
        Ok(Self { shell, pipe })
    }

    /// Waits until PostgreSQL has ended.
    pub(super) async fn ended(&mut self) {
        let _ = self.shell.wait().await;
    }

    /// Closes the pipe and waits until PostgreSQL has ended.
    pub(super) async fn stop(mut self) {
        drop(self.pipe.take());
        if tokio::time::timeout(STOP_TIMEOUT, self.ended()).await.is_err() {
            tracing::warn!("PostgreSQL has not stopped within 30 seconds; it continues to stop in the background");
        }
    }
}

fn settings(socket_dir: &Path, durability: Durability) -> Vec<String> {
    let mut settings = vec![
        "listen_addresses=".to_owned(),
        format!("unix_socket_directories={}", socket_dir.display()),
        "unix_socket_permissions=0700".to_owned(),
        "max_connections=200".to_owned(),
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
    ];
    match durability {
        // One log file for each weekday, so seven days are kept.
        Durability::Durable => settings.extend(
            [
                "logging_collector=on",
                "log_directory=log",
                "log_filename=postgresql-%a.log",
                "log_truncate_on_rotation=on",
                "log_rotation_age=1d",
                "log_rotation_size=0",
            ]
            .map(str::to_owned),
        ),
        Durability::Throwaway => settings.extend(
            ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off"].map(str::to_owned),
        ),
    }
    settings
}
