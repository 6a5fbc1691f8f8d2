//! The release server, as a process of its own.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, SysconfVar, sysconf};
use tokio::process::{Child, Command};

use crate::Result;
use crate::http::Connection;

/// The program that is measured.
pub const BINARY: &str = env!("CARGO_BIN_EXE_tableorder");

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct Server {
    process: Child,
    pid: u32,
    pub address: SocketAddr,
    /// From exec to the first healthy answer.
    pub started_in: Duration,
}

/// The program on a database with its default settings, apart from limits that a load from one place would hit. From our
/// environment it gets what is logged, and where.
pub fn program(directory: &Path, database_url: &str) -> Command {
    let mut command = Command::new(BINARY);
    command
        .env_clear()
        .env("DATABASE_URL", database_url)
        .env("JWT_SECRET_KEY", "the secret of the benchmark, which is long enough")
        .env("HOST", "127.0.0.1")
        .envs(["LOG_LEVEL", "LOG_FILE"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .env("SHUTDOWN_TIMEOUT_SECONDS", "1")
        .env("SEED_DEMO_STORE", "false")
        // The load orders in few sessions.
        .env("SESSION_ORDERS_PER_SECOND", "0")
        .env("SESSION_MAX_ORDERS", "10000000")
        .env("SESSION_MAX_LINES", "100000000")
        // The streams of the load belong to few logins.
        .env("SSE_MAX_CONNECTIONS_PER_LOGIN", "1000000")
        .env("SSE_MAX_CONNECTIONS_PER_TABLE", "1000000")
        .env("SSE_MAX_CONNECTIONS_PER_USER", "1000000")
        .env("SSE_RESERVED_FOR_STAFF_PERCENT", "0")
        // The load logs in to one account, with right and wrong passwords.
        .env("LOGIN_SUCCESSES_PER_ACCOUNT_PER_HOUR", "1000000")
        .env("LOGIN_FAILURES_PER_ACCOUNT", "1000000")
        .env("LOGIN_FAILURES_PER_ADDRESS", "1000000")
        .current_dir(directory)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

impl Server {
    /// Starts a server and waits for its first healthy answer.
    pub async fn start(directory: &Path, database_url: &str) -> Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let log = File::options().create(true).append(true).open(directory.join("server.log"))?;
        let mut command = program(directory, database_url);
        command.env("PORT", address.port().to_string()).stdout(log.try_clone()?).stderr(log);
        let executed = Instant::now();
        let mut process = command.spawn()?;
        let pid = process.id().ok_or("the server ended at once")?;
        while !is_healthy(address).await {
            if process.try_wait()?.is_some() || executed.elapsed() > PATIENCE {
                let log = fs::read_to_string(directory.join("server.log")).unwrap_or_default();
                return Err(format!("the server does not start: {log}").into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(Self { process, pid, address, started_in: executed.elapsed() })
    }

    /// Its resident memory in bytes.
    pub fn resident(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes * 1024.0)
    }

    /// The processor time it has taken so far.
    pub fn cpu(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        // What follows the name in parentheses: utime and stime are the 12th and 13th.
        let fields = stat.rsplit_once(") ").ok_or("no name in stat")?.1;
        let ticks: f64 = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
        let per_second = sysconf(SysconfVar::CLK_TCK)?.ok_or("no clock tick")?;
        Ok(Duration::from_secs_f64(ticks / per_second as f64))
    }

    pub async fn stop(mut self) -> Result<()> {
        kill(Pid::from_raw(self.pid.cast_signed()), Signal::SIGTERM)?;
        if tokio::time::timeout(Duration::from_secs(10), self.process.wait()).await.is_err() {
            self.process.kill().await?;
        }
        Ok(())
    }
}

async fn is_healthy(address: SocketAddr) -> bool {
    let Ok(mut connection) = Connection::connect(address).await else { return false };
    let answer = connection.ask(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    answer.is_ok_and(|answer| answer.status == 200)
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
