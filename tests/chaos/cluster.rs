//! A PostgreSQL and three server instances that can be killed and restarted.

use std::fmt::Display;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tableorder::database::embedded::{Durability, EmbeddedPostgres};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, MutexGuard};

use crate::nginx::{Nginx, Proxied};
use crate::rolling_upgrade::Upgrade;
use crate::stores::{self, Store};

/// Chaos tests run one at a time: a second one on the same machine would distort the result.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

const SECRET: &str = "a secret for the chaos tests, long enough";
pub const INSTANCES: usize = 3;

/// The minimum number of acknowledged changes, and of expected events, for a comparison to be meaningful.
pub const MIN_CHANGES: usize = 100;

pub struct Cluster {
    directory: PathBuf,
    options: PgConnectOptions,
    postgres: Mutex<Option<EmbeddedPostgres>>,
    instances: Vec<Instance>,
    pub stores: Vec<Store>,
    pub http: reqwest::Client,
    /// The proxy before the instances, with its port.
    proxy: Option<(Nginx, u16)>,
    /// How long an instance drains at shutdown.
    drain: Duration,
    /// The program of instance 0 in a mixed cluster.
    mixed_with: Option<PathBuf>,
    /// Requests without a response, or with a 5xx response.
    failures: std::sync::Mutex<Vec<String>>,
    /// The number of changes that the server has acknowledged to the writers.
    pub acknowledged: AtomicUsize,
    _guard: MutexGuard<'static, ()>,
}

struct Instance {
    port: u16,
    process: Mutex<Option<Child>>,
}

impl Cluster {
    pub async fn start(name: &str, stores: usize, tables: usize, upgrade: Option<&Upgrade>) -> Self {
        let guard = ONE_AT_A_TIME.lock().await;
        let directory = std::env::temp_dir().join(format!("tableorder-chaos-{name}-{}", std::process::id()));
        let postgres = EmbeddedPostgres::start(&directory, Durability::Durable).await.unwrap();
        let options = postgres.connect_options();
        let instances = (0..INSTANCES).map(|_| Instance { port: free_port(), process: Mutex::new(None) }).collect();
        let mut cluster = Self {
            directory,
            options,
            postgres: Mutex::new(Some(postgres)),
            instances,
            stores: Vec::new(),
            http: reqwest::Client::builder().connect_timeout(Duration::from_secs(1)).build().unwrap(),
            proxy: None,
            drain: upgrade.map_or(Duration::ZERO, |upgrade| upgrade.drain),
            mixed_with: if upgrade.is_none() { previous_program() } else { None },
            failures: std::sync::Mutex::default(),
            acknowledged: AtomicUsize::new(0),
            _guard: guard,
        };
        cluster.stores = stores::create(&cluster.options, SECRET, stores, tables).await;
        let before = upgrade.and_then(|upgrade| upgrade.from.clone());
        for index in 0..INSTANCES {
            let program = before.clone().unwrap_or_else(|| cluster.program_of(index));
            cluster.start_program(&program, index).await;
        }
        if let Some(upgrade) = upgrade {
            cluster.wait_until_ready().await;
            let (port, ports) =
                (free_port(), cluster.instances.iter().map(|instance| instance.port).collect::<Vec<_>>());
            cluster.proxy = Some((Nginx::start(upgrade, &cluster.directory.join("nginx"), port, &ports), port));
        }
        cluster
    }

    /// A URL of the API: at the proxy if there is one, otherwise at a random instance.
    pub fn url(&self, rng: &mut StdRng, path: &str) -> String {
        let port = self.proxy.as_ref().map_or_else(|| self.instances.choose(rng).unwrap().port, |(_, port)| *port);
        format!("http://127.0.0.1:{port}/api/v1{path}")
    }

    /// Records a failed request.
    pub fn failed(&self, request: &str, how: impl Display) {
        self.failures.lock().unwrap().push(format!("{request}: {how}"));
    }

    pub fn failures(&self) -> Vec<String> {
        self.failures.lock().unwrap().clone()
    }

    /// How long a client waits for a response. After a timeout the change may or may not have happened. Longer behind the
    /// proxy, where a slow machine must not cause failed requests.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(if self.proxy.is_some() { 20 } else { 3 })
    }

    /// The proxy's counts so far.
    pub fn proxied(&self) -> Proxied {
        self.proxy.as_ref().map(|(nginx, _)| nginx.proxied()).unwrap_or_default()
    }

    /// Stops an instance with SIGTERM, waits until it has exited, and starts it again until it is ready.
    pub async fn replace_instance(&self, index: usize) {
        let mut process = self.instances[index].process.lock().await.take().unwrap();
        kill(Pid::from_raw(process.id().unwrap().cast_signed()), Signal::SIGTERM).unwrap();
        assert!(process.wait().await.unwrap().success());
        self.start_instance(index).await;
        self.wait_until_ready().await;
    }

    /// Waits until every instance is ready.
    async fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        for instance in &self.instances {
            let ready = format!("http://127.0.0.1:{}/health/ready", instance.port);
            while !self.http.get(&ready).send().await.is_ok_and(|response| response.status().is_success()) {
                assert!(Instant::now() < deadline, "every instance should become ready");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect_with(&self.options).await.unwrap()
    }

    /// Ends a random instance with `signal` and starts it again.
    pub async fn restart_instance(&self, rng: &mut StdRng, signal: Signal) {
        let index = rng.random_range(0..INSTANCES);
        if let Some(mut process) = self.instances[index].process.lock().await.take() {
            if let Some(pid) = process.id() {
                kill(Pid::from_raw(pid.cast_signed()), signal).unwrap();
            }
            let asked = Instant::now();
            process.wait().await.unwrap();
            assert!(asked.elapsed() < Duration::from_secs(15), "a stop should not hang on open streams");
        }
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..500))).await;
        self.start_instance(index).await;
    }

    /// Ends PostgreSQL with `signal` (SIGINT: fast shutdown, SIGQUIT: immediate shutdown) and starts it again.
    pub async fn restart_postgres(&self, rng: &mut StdRng, signal: Signal) {
        let mut postgres = self.postgres.lock().await;
        let mut running = postgres.take().unwrap();
        let pid_file = self.directory.join("postgres/pgdata/postmaster.pid");
        let pid = fs::read_to_string(pid_file).unwrap().lines().next().unwrap().parse().unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
        running.ended().await;
        drop(running);
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..1000))).await;
        *postgres = Some(EmbeddedPostgres::start(&self.directory, Durability::Durable).await.unwrap());
    }

    /// Terminates the listener connection of every instance and returns how many there were.
    pub async fn cut_listeners(&self) -> i64 {
        let Ok(mut connection) = PgConnection::connect_with(&self.options).await else { return 0 };
        sqlx::query_scalar("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1")
            .bind(tableorder::cluster::LISTENER_NAME)
            .fetch_one(&mut connection)
            .await
            .unwrap_or(0)
    }

    /// Whether enough changes were acknowledged for a meaningful comparison.
    pub fn has_enough_changes(&self) -> bool {
        self.acknowledged.load(Ordering::Relaxed) > MIN_CHANGES
    }

    /// Restarts instances that have exited, and waits until every instance responds.
    pub async fn heal(&self) {
        for (index, instance) in self.instances.iter().enumerate() {
            let deadline = Instant::now() + Duration::from_secs(30);
            let health = format!("http://127.0.0.1:{}/health", instance.port);
            while !self.http.get(&health).send().await.is_ok_and(|response| response.status().is_success()) {
                assert!(Instant::now() < deadline, "instance {index} should recover");
                let mut process = instance.process.lock().await;
                let ended = process.as_mut().is_none_or(|process| process.try_wait().unwrap().is_some());
                drop(process);
                if ended {
                    self.start_instance(index).await;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }

    pub async fn stop(&self) {
        for instance in &self.instances {
            if let Some(mut process) = instance.process.lock().await.take() {
                kill(Pid::from_raw(process.id().unwrap().cast_signed()), Signal::SIGTERM).unwrap();
                assert!(process.wait().await.unwrap().success());
            }
        }
        self.postgres.lock().await.take().unwrap().stop().await;
        let _ = fs::remove_dir_all(&self.directory);
    }

    async fn start_instance(&self, index: usize) {
        self.start_program(&self.program_of(index), index).await;
    }

    fn program_of(&self, instance: usize) -> PathBuf {
        self.mixed_with.clone().filter(|_| instance == 0).unwrap_or_else(program)
    }

    async fn start_program(&self, program: &Path, index: usize) {
        let instance = &self.instances[index];
        let log = File::options().create(true).append(true).open(self.directory.join(format!("{index}.log"))).unwrap();
        let process = self
            .command(program)
            .env("PORT", instance.port.to_string())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        *instance.process.lock().await = Some(process);
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear();
        if !self.drain.is_zero() {
            command.env("DATABASE_ACQUIRE_TIMEOUT_SECONDS", "10");
        }
        command
            .env("DATABASE_URL", self.database_url())
            .env("JWT_SECRET_KEY", SECRET)
            .env("HOST", "127.0.0.1")
            // A few tables send as many orders as many tables would.
            .env("SESSION_ORDERS_PER_SECOND", "0")
            .env("SESSION_MAX_ORDERS", "1000000")
            .env("SESSION_MAX_LINES", "10000000")
            // All dashboards of a store share one login.
            .env("SSE_MAX_CONNECTIONS_PER_LOGIN", "100")
            .env("LOG_LEVEL", "warn")
            .env("LOG_FILE", "off")
            .env("SHUTDOWN_TIMEOUT_SECONDS", "3")
            .env("SHUTDOWN_DRAIN_SECONDS", self.drain.as_secs().to_string())
            .env("TRUSTED_PROXIES", "127.0.0.1")
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    fn database_url(&self) -> String {
        let socket = self.options.get_socket().unwrap();
        let password = fs::read_to_string(socket.with_file_name("password")).unwrap();
        let host = socket.display().to_string().replace('/', "%2F");
        format!("postgres://tableorder:{password}@localhost/tableorder?host={host}")
    }
}

/// The program under test: the one of this build, or `CHAOS_PROGRAM`.
fn program() -> PathBuf {
    std::env::var_os("CHAOS_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_tableorder").into()).into()
}

/// The program of the previous release, if `TABLEORDER_PREVIOUS_PROGRAM` names it.
pub fn previous_program() -> Option<PathBuf> {
    std::env::var_os("TABLEORDER_PREVIOUS_PROGRAM").map(PathBuf::from)
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
