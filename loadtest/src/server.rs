//! The release server, as a process of its own.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use crate::http::Connection;
use crate::{Result, process};

/// The secret that signs tokens.
pub const SECRET: &str = "the secret of the load test, which is long enough";

/// Limits of one session, login or address, which a load from one place would reach.
pub const RAISED_LIMITS: [(&str, &str); 10] = [
    ("SESSION_ORDERS_PER_SECOND", "0"),
    ("SESSION_MAX_ORDERS", "10000000"),
    ("SESSION_MAX_LINES", "100000000"),
    ("SSE_MAX_CONNECTIONS_PER_LOGIN", "1000000"),
    ("SSE_MAX_CONNECTIONS_PER_TABLE", "1000000"),
    ("SSE_MAX_CONNECTIONS_PER_USER", "1000000"),
    ("SSE_RESERVED_FOR_STAFF_PERCENT", "0"),
    ("LOGIN_SUCCESSES_PER_ACCOUNT_PER_HOUR", "1000000"),
    ("LOGIN_FAILURES_PER_ACCOUNT", "1000000"),
    ("LOGIN_FAILURES_PER_ADDRESS", "1000000"),
];

/// Time limit for the first healthy response.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// The server's release binary.
#[derive(Debug, Clone)]
pub struct Program(PathBuf);

#[derive(Debug)]
pub struct Server {
    process: Child,
    pub pid: u32,
    pub address: SocketAddr,
    /// From exec to the first healthy response.
    pub started_in: Duration,
}

impl Program {
    /// The given one, else `tableorder` beside this program, else that of the release build in the same target directory.
    pub fn find(given: Option<&Path>) -> Result<Self> {
        if let Some(path) = given {
            let path = std::path::absolute(path)?;
            return if path.is_file() { Ok(Self(path)) } else { Err(format!("no file {}", path.display()).into()) };
        }
        let own = std::env::current_exe()?;
        let directory = own.parent().ok_or("this program is in no directory")?;
        let candidates = [directory.join("tableorder"), directory.with_file_name("release").join("tableorder")];
        let is_release = |path: &Path| path.parent().is_some_and(|parent| parent.ends_with("release"));
        let found = candidates.into_iter().find(|path| is_release(path) && path.is_file());
        found.map(Self).ok_or_else(|| {
            "there is no release build of the server: run `cargo build --release` first, or name one with --program"
                .into()
        })
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The program with its default settings and these. From the environment it gets where and what to log.
    fn command(&self, directory: &Path, database_url: &str, settings: &[(&str, &str)]) -> Command {
        let mut command = Command::new(&self.0);
        command
            .env_clear()
            .env("DATABASE_URL", database_url)
            .env("JWT_SECRET_KEY", SECRET)
            .env("HOST", "127.0.0.1")
            .envs(["LOG_LEVEL", "LOG_FILE"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .env("SHUTDOWN_TIMEOUT_SECONDS", "1")
            .env("SEED_DEMO_STORE", "false")
            .envs(settings.iter().copied())
            .current_dir(directory)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Starts a server and waits for its first healthy response.
    pub async fn start(&self, directory: &Path, database_url: &str, settings: &[(&str, &str)]) -> Result<Server> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let log = File::options().create(true).append(true).open(directory.join("server.log"))?;
        let mut command = self.command(directory, database_url, settings);
        command.env("PORT", address.port().to_string()).stdout(log.try_clone()?).stderr(log);
        let executed = Instant::now();
        let mut process = command.spawn()?;
        let pid = process.id().ok_or("the server ended at once")?;
        while !answers(address, "/health").await {
            if process.try_wait()?.is_some() || executed.elapsed() > START_TIMEOUT {
                let log = fs::read_to_string(directory.join("server.log")).unwrap_or_default();
                return Err(format!("the server does not start: {log}").into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(Server { process, pid, address, started_in: executed.elapsed() })
    }
}

impl Server {
    /// Waits until it takes requests that need the database.
    pub async fn wait_until_ready(&self) -> Result<()> {
        let started = Instant::now();
        while !answers(self.address, "/health/ready").await {
            if started.elapsed() > START_TIMEOUT {
                return Err("the server does not become ready".into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Its resident memory in bytes.
    pub fn resident(&self) -> Result<f64> {
        process::resident(self.pid)
    }

    /// The processor time it has taken so far.
    pub fn cpu(&self) -> Result<Duration> {
        process::cpu(self.pid)
    }

    pub async fn stop(mut self) -> Result<()> {
        kill(Pid::from_raw(self.pid.cast_signed()), Signal::SIGTERM)?;
        if tokio::time::timeout(Duration::from_secs(10), self.process.wait()).await.is_err() {
            self.process.kill().await?;
        }
        Ok(())
    }
}

/// Whether a request to `path` succeeds.
async fn answers(address: SocketAddr, path: &str) -> bool {
    let Ok(mut connection) = Connection::connect(address).await else { return false };
    let answer = connection.ask(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await;
    answer.is_ok_and(|answer| answer.status == 200)
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
