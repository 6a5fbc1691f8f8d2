//! A PostgreSQL of our own, for the owner of one restaurant and for tests.
//!
//! It lives in one *home* directory: the cluster (`pgdata`), the generated password, the start log and the
//! socket. It listens on a Unix socket in a directory only its user can enter, and on no TCP port, so it
//! collides with nothing. A small shell, the `keeper`, stops it whenever this process ends, however it ends.

mod binaries;
mod download;
mod keeper;
mod owner;

use std::borrow::Cow;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio::process::Command;
use tokio::time::Instant;

use binaries::Binaries;
use keeper::Keeper;
use owner::Owner;

/// The role and the database of the embedded cluster.
const NAME: &str = "tableorder";

/// What the names of unfinished clusters begin with.
const UNFINISHED: &str = "pgdata.new-";

/// The longest path a socket may have (`sun_path` holds 108 bytes on Linux, 104 on macOS).
const MAX_SOCKET_PATH: usize = 100;

/// How long one try to connect may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long PostgreSQL may take before it says anything at all.
const START_TIMEOUT: Duration = Duration::from_mins(2);

/// How long to wait for the PostgreSQL of a server that was killed a moment ago to be gone.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Why the embedded PostgreSQL did not start. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// Another server, or a command that started PostgreSQL for itself, uses the same directory.
    #[error(
        "{} is in use by another tableorder, a server or a command that is at work; stop it or wait for it, or give \
         this one its own DATA_DIR",
        .0.display()
    )]
    InUse(PathBuf),
    /// Whoever uses the directory has not made the database yet.
    #[error("another tableorder is just making the database in {}; try again in a moment", .0.display())]
    BeingMade(PathBuf),
    /// Neither found nor to be downloaded.
    #[error(
        "no PostgreSQL {wanted} was found on this machine and it could not be downloaded ({cause}).\n\
         Install it and start again:\n  Debian, Ubuntu   apt install postgresql\n  \
         Fedora           dnf install postgresql-server\n  macOS            brew install postgresql@17\n\
         or set DATABASE_URL to a PostgreSQL that runs elsewhere"
    )]
    NoBinaries {
        /// The versions that would do.
        wanted: String,
        /// Why the download failed.
        cause: String,
    },
    /// PostgreSQL refuses to run as root and there is nobody else.
    #[error("PostgreSQL cannot run as root, and this machine has neither a `postgres` nor a `nobody` user")]
    NoUnprivilegedUser,
    /// PostgreSQL's user cannot reach where its files would be.
    #[error(
        "PostgreSQL runs as `{user}` here, who cannot reach {}; set DATA_DIR to a place everybody can reach, \
         like /var/lib/tableorder",
        path.display()
    )]
    Unreachable {
        /// Who PostgreSQL runs as.
        user: String,
        /// What that user cannot reach.
        path: PathBuf,
    },
    /// A program of PostgreSQL failed.
    #[error("{program} failed: {output}")]
    Program {
        /// Which.
        program: &'static str,
        /// What it said last.
        output: String,
    },
    /// It runs but does not answer.
    #[error("PostgreSQL did not accept connections: {0}")]
    NotReady(String),
    /// A file could not be read or written.
    #[error("{}: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

type Result<T, E = EmbeddedError> = std::result::Result<T, E>;

/// Whether the data must outlive the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A restaurant's orders: everything acknowledged survives a power cut.
    Durable,
    /// A test's: fast, and removed when the process ends.
    Throwaway,
}

/// A running PostgreSQL. It stops when this is dropped, or when the process ends in any way.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    keeper: Keeper,
    options: PgConnectOptions,
    _lock: File,
}

impl EmbeddedPostgres {
    /// Starts the PostgreSQL under `data_dir`, making it on the first run.
    ///
    /// # Errors
    /// [`EmbeddedError`], each of which says what to do.
    pub async fn start(data_dir: &Path, durability: Durability) -> Result<Self> {
        let data_dir = absolute(data_dir)?;
        make_dir(&data_dir, 0o755)?;
        // Where it really is decides who can reach it.
        let data_dir = data_dir.canonicalize().map_err(file_error(&data_dir))?;
        let lock = lock(&data_dir)?;
        let owner = Owner::of_home(&data_dir.join("postgres"))?;
        let home = Home::prepare(&data_dir, &owner)?;
        let binaries = Binaries::find(&home).await?;
        owner.check_reach(&binaries.directory).await?;

        if !home.cluster().join("PG_VERSION").exists() {
            if home.cluster().exists() {
                let cause = io::Error::other("is there but holds no database; complete or remove it");
                return Err(file_error(&home.cluster())(cause));
            }
            home.initialise(&binaries, &owner).await?;
        }
        home.clear_away_predecessor().await?;
        let remove_after = match durability {
            Durability::Durable => None,
            Durability::Throwaway => {
                owner.give(&data_dir)?;
                Some(data_dir.as_path())
            }
        };
        let options = home.connect_options()?;
        let keeper = Keeper::start(&home, &binaries, &owner, durability, remove_after)?;
        let mut embedded = Self { keeper, options, _lock: lock };
        embedded.wait_until_ready(&home).await?;
        Ok(embedded)
    }

    /// How to connect to the PostgreSQL under `data_dir` that another server has started; `None` where none has.
    ///
    /// # Errors
    /// [`EmbeddedError::BeingMade`], [`EmbeddedError::File`].
    pub fn running_in(data_dir: &Path) -> Result<Option<PgConnectOptions>> {
        let data_dir = absolute(data_dir)?;
        if !data_dir.join("postgres").exists() {
            return Ok(None);
        }
        match lock(&data_dir) {
            Ok(_) => Ok(None),
            Err(EmbeddedError::InUse(_)) => {
                let home = Home::locate(&data_dir)?;
                // Who may not look is told so by the next line.
                if matches!(home.cluster().try_exists(), Ok(false)) {
                    return Err(EmbeddedError::BeingMade(home.path));
                }
                home.connect_options().map(Some)
            }
            Err(error) => Err(error),
        }
    }

    /// How to connect to it.
    #[must_use]
    pub fn connect_options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// Completes if PostgreSQL ends by itself, which it should not.
    pub async fn ended(&mut self) {
        self.keeper.ended().await;
    }

    /// Stops it and waits until it is gone.
    pub async fn stop(self) {
        self.keeper.stop().await;
    }

    /// Waits for the first connection, and makes the database on the first run.
    async fn wait_until_ready(&mut self, home: &Home) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        let maintenance = self.options.clone().database("postgres").disable_statement_logging();
        loop {
            let attempt = tokio::select! {
                attempt = tokio::time::timeout(ATTEMPT_TIMEOUT, maintenance.connect()) => {
                    attempt.unwrap_or(Err(sqlx::Error::PoolTimedOut))
                }
                () = self.keeper.ended() => {
                    return Err(EmbeddedError::Program { program: "postgres", output: home.last_words() });
                }
            };
            match attempt {
                Ok(mut connection) => {
                    let found = sqlx::query("SELECT FROM pg_database WHERE datname = 'tableorder'")
                        .fetch_optional(&mut connection)
                        .await
                        .map_err(|error| EmbeddedError::NotReady(error.to_string()))?;
                    if found.is_none() {
                        sqlx::query("CREATE DATABASE tableorder")
                            .execute(&mut connection)
                            .await
                            .map_err(|error| EmbeddedError::NotReady(error.to_string()))?;
                    }
                    let _ = connection.close().await;
                    return Ok(());
                }
                // After a power cut it replays its log first, for as long as that takes.
                Err(error) if is_starting(&error) => tokio::time::sleep(Duration::from_millis(20)).await,
                // A wrong password does not become right by waiting.
                Err(error) if Instant::now() >= deadline || has_refused(&error) => {
                    return Err(EmbeddedError::NotReady(error.to_string()));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }
}

/// The directory everything of the embedded PostgreSQL lives in, owned by the user it runs as.
#[derive(Debug)]
struct Home {
    path: PathBuf,
    socket_dir: PathBuf,
}

impl Home {
    /// `data_dir/postgres`. Where PostgreSQL's user cannot reach that (root's own home, say), a directory
    /// under /var/lib, to which `data_dir/postgres` is then a link.
    fn prepare(data_dir: &Path, owner: &Owner) -> Result<Self> {
        let link = data_dir.join("postgres");
        if !link.exists() {
            if owner.can_reach(data_dir) {
                owner.make_dir(&link)?;
            } else {
                let elsewhere = Path::new("/var/lib/tableorder");
                make_dir(elsewhere, 0o755)?;
                if !owner.can_reach(elsewhere) {
                    return Err(EmbeddedError::Unreachable {
                        user: owner.name().to_owned(),
                        path: data_dir.to_owned(),
                    });
                }
                let home = elsewhere.join(uuid::Uuid::new_v4().simple().to_string());
                owner.make_dir(&home)?;
                symlink(&home, &link).map_err(file_error(&link))?;
                tracing::info!(
                    home = %home.display(),
                    "PostgreSQL's user cannot reach the data directory: the database is kept elsewhere"
                );
            }
        }
        let home = Self::locate(data_dir)?;
        owner.make_dir(&home.socket_dir)?;
        Ok(home)
    }

    /// Where everything is, without touching it.
    fn locate(data_dir: &Path) -> Result<Self> {
        let link = data_dir.join("postgres");
        let path = link.canonicalize().map_err(file_error(&link))?;
        let mut socket_dir = path.join("socket");
        if socket_dir.as_os_str().len() + "/.s.PGSQL.5432".len() > MAX_SOCKET_PATH {
            socket_dir = owner::short_socket_dir(&path);
        }
        Ok(Self { path, socket_dir })
    }

    fn cluster(&self) -> PathBuf {
        self.path.join("pgdata")
    }

    fn password_file(&self) -> PathBuf {
        self.path.join("password")
    }

    fn start_log(&self) -> PathBuf {
        self.path.join("start.log")
    }

    fn connect_options(&self) -> Result<PgConnectOptions> {
        let file = self.password_file();
        let password = fs::read_to_string(&file).map_err(file_error(&file))?;
        Ok(PgConnectOptions::new_without_pgpass()
            .socket(&self.socket_dir)
            .port(5432)
            .username(NAME)
            .password(password.trim())
            .database(NAME))
    }

    /// Makes the cluster beside its place and renames it, so an interrupted first start leaves nothing half-made.
    /// Each try has a name of its own: the initdb of a server that was killed may be at work still.
    async fn initialise(&self, binaries: &Binaries, owner: &Owner) -> Result<()> {
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                // What cannot be removed now is in nobody's way.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let unfinished = self.path.join(format!("{UNFINISHED}{}", uuid::Uuid::new_v4().simple()));
        let password = uuid::Uuid::new_v4().simple().to_string();
        owner.write_private(&self.password_file(), &password)?;
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
        owner.run_as(&mut initdb);
        let output = initdb.output().await.map_err(file_error(&binaries.program("initdb")))?;
        if !output.status.success() {
            return Err(EmbeddedError::Program { program: "initdb", output: last_lines(&both(&output)) });
        }
        fs::rename(&unfinished, self.cluster()).map_err(file_error(&self.cluster()))?;
        // The new name must outlive a power cut: without it this would count as unfinished.
        let directory = File::open(&self.path).map_err(file_error(&self.path))?;
        directory.sync_all().map_err(file_error(&self.path))
    }

    /// After a `kill -9` the last PostgreSQL may be stopping still: waits until all its processes are gone.
    /// What it leaves behind is PostgreSQL's own business, but for a pid file whose pid the system has given
    /// to something else meanwhile, at which PostgreSQL would stumble.
    async fn clear_away_predecessor(&self) -> Result<()> {
        let deadline = Instant::now() + STOP_TIMEOUT;
        let pid_file = self.cluster().join("postmaster.pid");
        let noted = || fs::read_to_string(&pid_file).ok()?.lines().next()?.trim().parse::<i32>().ok();
        let cluster = self.cluster().canonicalize().map_err(file_error(&self.cluster()))?;
        loop {
            let processes = owner::processes_of(&cluster, noted());
            if processes.is_empty() {
                break;
            }
            if let Some(postmaster) = noted().filter(|postmaster| processes.contains(postmaster)) {
                keeper::ask_to_stop(postmaster);
            }
            if Instant::now() >= deadline {
                return Err(EmbeddedError::NotReady(format!(
                    "an earlier PostgreSQL does not stop (pids {processes:?})"
                )));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if noted().is_some_and(owner::is_alive) {
            fs::remove_file(&pid_file).map_err(file_error(&pid_file))?;
        }
        Ok(())
    }

    /// The end of what PostgreSQL said while it started.
    fn last_words(&self) -> String {
        last_lines(&fs::read_to_string(self.start_log()).unwrap_or_default())
    }
}

/// Whether PostgreSQL answered and does not know us.
fn has_refused(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(|state| state.starts_with("28"))
}

/// Whether PostgreSQL answered that it is still starting.
fn is_starting(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(|state| state == "57P03")
}

fn sqlstate(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code)
}

fn lock(data_dir: &Path) -> Result<File> {
    let path = data_dir.join("lock");
    let file =
        File::options().create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(file_error(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(EmbeddedError::InUse(data_dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(file_error(&path)(error)),
    }
}

fn make_dir(path: &Path, mode: u32) -> Result<()> {
    fs::DirBuilder::new().recursive(true).mode(mode).create(path).map_err(file_error(path))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(file_error(path))
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> EmbeddedError + use<> {
    let path = path.to_owned();
    move |cause| EmbeddedError::File { path, cause }
}

fn both(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join("\n")
}
