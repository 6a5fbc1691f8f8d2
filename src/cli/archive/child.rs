//! Running one of PostgreSQL's programs.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::cli::CliError;

/// How many lines of what it says are remembered.
const LINES: usize = 20;

/// A running program. Dropped before its end, it is told to end, too.
pub(super) struct Program {
    name: &'static str,
    child: Child,
    /// What it says, read to the end.
    said: JoinHandle<Vec<String>>,
}

/// How to run a program.
pub(super) struct Call<'a> {
    /// What it is called when it fails.
    pub(super) name: &'static str,
    pub(super) path: &'a Path,
    pub(super) arguments: &'a [&'a str],
    pub(super) variables: Vec<(&'static str, OsString)>,
    /// What it reads from.
    pub(super) input: Option<File>,
    /// What it writes to; a pipe, where there is none.
    pub(super) output: Option<File>,
}

impl Program {
    /// Starts it. Each line it says on standard error is handed to `hear`.
    pub(super) fn start(call: Call<'_>, hear: impl Fn(&str) + Send + 'static) -> Result<Self, CliError> {
        let mut command = Command::new(call.path);
        command
            .args(call.arguments)
            // In a language whose mistakes can be told apart from what is no mistake.
            .env("LC_ALL", "C")
            .envs(call.variables)
            .stdin(call.input.map_or_else(Stdio::null, Stdio::from))
            .stdout(call.output.map_or_else(Stdio::piped, Stdio::from))
            .stderr(Stdio::piped());
        let told = |error: io::Error| CliError::from(format!("{}: {error}", call.path.display()));
        let mut child = command.spawn().map_err(told)?;
        let errors = child.stderr.take();
        let said = tokio::spawn(async move {
            let mut said: Vec<String> = Vec::new();
            let Some(errors) = errors else { return said };
            let mut lines = BufReader::new(errors).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                hear(&line);
                if said.len() == LINES {
                    said.remove(0);
                }
                said.push(line);
            }
            said
        });
        Ok(Self { name: call.name, child, said })
    }

    /// What it writes, where that is a pipe.
    pub(super) fn output(&mut self) -> Result<BufReader<ChildStdout>, CliError> {
        let output = self.child.stdout.take().ok_or_else(|| format!("{} has no output", self.name))?;
        Ok(BufReader::with_capacity(1 << 16, output))
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// What it said, if it failed.
    pub(super) async fn end(mut self) -> Result<(), CliError> {
        let status = self.child.wait().await?;
        if status.success() {
            return Ok(());
        }
        let said = (&mut self.said).await.unwrap_or_default();
        // With `--verbose` it says more than what is wrong.
        let is_wrong = |line: &&String| ["error:", "detail:", "hint:"].iter().any(|word| line.contains(word));
        let mut wrong: Vec<&str> = said.iter().filter(is_wrong).map(String::as_str).collect();
        if wrong.is_empty() {
            wrong.extend(said.last().map(String::as_str));
        }
        let wrong = if wrong.is_empty() { status.to_string() } else { wrong.join("\n  ") };
        Err(format!("{} failed: {wrong}", self.name).into())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // `None` where it has ended. It tidies up by itself: pg_dump cancels what it asked the server.
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
    }
}
