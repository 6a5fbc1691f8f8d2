//! A durable PostgreSQL in a scratch directory, and the rate at which pgbench alone can use it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tableorder::database::embedded::{Durability, EmbeddedPostgres};
use tokio::process::Command;

use crate::Result;

/// Clients of pgbench, and its threads.
const CLIENTS: &str = "16";
const THREADS: &str = "2";

#[derive(Debug)]
pub struct Postgres {
    // Dropped first: PostgreSQL stops before its directory is removed.
    running: EmbeddedPostgres,
    options: PgConnectOptions,
    password: String,
    /// The directory of its programs.
    programs: PathBuf,
    directory: Scratch,
}

impl Postgres {
    pub async fn start() -> Result<Self> {
        let directory = Scratch::new()?;
        let running = EmbeddedPostgres::start(&directory.0, Durability::Durable).await?;
        let options = running.connect_options();
        let password = fs::read_to_string(directory.home().join("password"))?;
        let postmaster = directory.postmaster().ok_or("PostgreSQL has no postmaster.pid")?;
        let program = fs::read_link(format!("/proc/{postmaster}/exe"))?;
        let programs = program.parent().ok_or("no directory of programs")?.to_owned();
        let postgres = Self { running, options, password, programs, directory };
        let mut connection = postgres.connect("tableorder").await?;
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            let value: String =
                sqlx::query_scalar("SELECT current_setting($1)").bind(setting).fetch_one(&mut connection).await?;
            if value != "on" {
                return Err(format!("{setting} is {value}").into());
            }
        }
        Ok(postgres)
    }

    /// A directory that is removed with this.
    pub fn directory(&self) -> &Path {
        &self.directory.0
    }

    /// Its log of today.
    pub fn log(&self) -> Result<PathBuf> {
        let logs = fs::read_dir(self.directory.home().join("pgdata/log"))?;
        let newest = logs.flatten().max_by_key(|entry| entry.metadata().and_then(|meta| meta.modified()).ok());
        Ok(newest.ok_or("PostgreSQL has no log")?.path())
    }

    pub fn url(&self, database: &str) -> String {
        let host = self.options.get_socket().unwrap().display().to_string().replace('/', "%2F");
        format!("postgres://tableorder:{}@localhost/{database}?host={host}", self.password.trim())
    }

    pub fn options(&self, database: &str) -> PgConnectOptions {
        self.options.clone().database(database)
    }

    pub async fn connect(&self, database: &str) -> Result<PgConnection> {
        Ok(PgConnection::connect_with(&self.options(database)).await?)
    }

    /// The process whose children are all others of PostgreSQL's.
    pub fn postmaster(&self) -> Result<u32> {
        Ok(self.directory.postmaster().ok_or("PostgreSQL has no postmaster.pid")?)
    }

    pub async fn execute(&self, database: &str, statement: &str) -> Result<()> {
        let mut connection = self.connect(database).await?;
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }

    /// Collects statistics and writes all changed pages, so that neither happens during a measurement.
    pub async fn settle(&self, database: &str) -> Result<()> {
        self.execute(database, "VACUUM (ANALYZE)").await?;
        self.execute(database, "CHECKPOINT").await
    }

    /// The rate per second at which 16 clients of pgbench run `script`.
    pub async fn pgbench(&self, script: &str, variables: &[(&str, i64)], duration: Duration) -> Result<f64> {
        // Its first second is to warm up, as in the other measurements.
        let seconds = 1 + duration.as_secs().max(1);
        let file = self.directory().join("pgbench.sql");
        fs::write(&file, script)?;
        let mut command = Command::new(self.programs.join("pgbench"));
        command
            .args(["-n", "-M", "prepared", "-c", CLIENTS, "-j", THREADS, "-P", "1", "-T", &seconds.to_string()])
            .args(variables.iter().flat_map(|(name, value)| ["-D".to_owned(), format!("{name}={value}")]))
            .arg("-f")
            .arg(file)
            .arg("-h")
            .arg(self.options.get_socket().unwrap())
            .args(["-U", "tableorder", "tableorder"])
            .env("PGPASSWORD", self.password.trim())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = command.output().await.map_err(|error| format!("pgbench: {error}"))?;
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let failed = stdout.lines().find(|line| line.starts_with("number of failed transactions: "));
        if !output.status.success() || failed.is_some_and(|line| !line.contains(": 0 ")) {
            return Err(format!("pgbench: {stdout}{stderr}").into());
        }
        // "progress: 2.0 s, 8123.0 tps, lat 1.9 ms stddev 0.5, 0 failed", once a second.
        let rates = stderr.lines().filter_map(|line| line.strip_prefix("progress: ")?.split(' ').nth(2)?.parse().ok());
        let warm: Vec<f64> = rates.skip(1).collect();
        if warm.is_empty() {
            return Err(format!("pgbench printed no tps: {stderr}").into());
        }
        Ok(warm.iter().sum::<f64>() / warm.len() as f64)
    }

    pub async fn stop(self) {
        self.running.stop().await;
    }
}

/// A directory that is removed in the end. It is on the disk of the build: /tmp may be memory, where a flush costs nothing.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Scratch {
    /// In `tmp` of the target directory that this program is in.
    fn new() -> Result<Self> {
        let program = std::env::current_exe()?;
        let parent = program.ancestors().nth(2).ok_or("this program is in no target directory")?.join("tmp");
        // Directories of runs that were killed are still there.
        for entry in fs::read_dir(&parent).into_iter().flatten().flatten() {
            let pid = entry.file_name().to_str().and_then(|name| name.strip_prefix("loadtest-")?.parse::<u32>().ok());
            if pid.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
                drop(Self(entry.path()));
            }
        }
        Ok(Self(parent.join(format!("loadtest-{}", std::process::id()))))
    }

    /// PostgreSQL's directory: inside, or linked from there to where its user may go.
    fn home(&self) -> PathBuf {
        let link = self.0.join("postgres");
        link.canonicalize().unwrap_or(link)
    }

    fn postmaster(&self) -> Option<u32> {
        fs::read_to_string(self.home().join("pgdata/postmaster.pid")).ok()?.lines().next()?.parse().ok()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let asked = Instant::now();
        while self.postmaster().is_some() && asked.elapsed() < Duration::from_secs(20) {
            thread::sleep(Duration::from_millis(20));
        }
        let _ = fs::remove_dir_all(self.home());
        let _ = fs::remove_dir_all(&self.0);
    }
}
