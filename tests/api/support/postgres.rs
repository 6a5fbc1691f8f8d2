//! One PostgreSQL for the whole test run, started on first use and stopped with the process; one database per test.
//!
//! With `TEST_DATABASE_SERVER=postgres://superuser:password@host:port`, [`new_database`] creates its databases on that
//! server and keeps them for inspection. Tests about PostgreSQL itself still use the built-in one.
//! `TEST_DATABASE_SETUP` is a program that prepares each of these databases, for example `.ci/citus-database`. It gets
//! the database name as its argument and the address in `DATABASE_URL`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, fs};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tableorder::database::MIGRATIONS;
use tableorder::database::embedded::{Durability, EmbeddedError, EmbeddedPostgres};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

static SERVER: OnceLock<PgConnectOptions> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);
static COPYING: Mutex<()> = Mutex::const_new(());

/// A directory of this test run that an unprivileged PostgreSQL can read.
pub fn scratch_directory(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("tableorder-test-{}-{name}", std::process::id()))
}

/// The password of the built-in PostgreSQL.
pub fn password_of(options: &PgConnectOptions) -> String {
    fs::read_to_string(options.get_socket().unwrap().with_file_name("password")).unwrap()
}

/// The URL of a database, for a child process.
pub fn url_of(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap();
    let Some(socket) = options.get_socket() else {
        return format!(
            "{}/{database}",
            external_server().expect("a database without a socket is on the external server")
        );
    };
    let (password, socket) = (password_of(options), socket.display().to_string());
    format!("postgres://tableorder:{password}@localhost/{database}?host={}", socket.replace('/', "%2F"))
}

/// A new, migrated database, on the external server if one is set.
pub async fn new_database() -> PgConnectOptions {
    match external_server() {
        Some(server) => create_external(&server).await,
        None => plain_database().await,
    }
}

/// A new, migrated database on the built-in PostgreSQL, for tests about its catalogue, locks or settings.
pub async fn plain_database() -> PgConnectOptions {
    create_database("tableorder").await
}

/// A new database without tables.
pub async fn empty_database() -> PgConnectOptions {
    create_database("template0").await
}

/// A migrated PostgreSQL in `directory` for one test. It is durable, so the test can stop and restart it.
pub async fn start_migrated(directory: &Path) -> EmbeddedPostgres {
    let postgres = EmbeddedPostgres::start(directory, Durability::Durable).await.unwrap();
    MIGRATIONS.run(&mut PgConnection::connect_with(&postgres.connect_options()).await.unwrap()).await.unwrap();
    postgres
}

/// Starts the PostgreSQL of `directory` again after this process has stopped it. A child that another test starts has a
/// copy of its lock until it executes its program.
pub async fn start_again(directory: &Path) -> EmbeddedPostgres {
    let starting = async {
        loop {
            match EmbeddedPostgres::start(directory, Durability::Throwaway).await {
                Err(EmbeddedError::InUse(_)) => sleep(Duration::from_millis(5)).await,
                started => return started.unwrap(),
            }
        }
    };
    timeout(Duration::from_secs(30), starting).await.expect("PostgreSQL should start")
}

/// Waits until at least this many statements wait for a lock in the database.
pub async fn wait_for_locks(options: &PgConnectOptions, statements: i64) {
    let mut connection = PgConnection::connect_with(options).await.unwrap();
    let sql = "SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waiting = async {
        while sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut connection).await.unwrap() < statements {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), waiting).await.expect("this many statements should wait for a lock");
}

fn external_server() -> Option<String> {
    Some(env::var("TEST_DATABASE_SERVER").ok()?.trim_end_matches('/').to_owned())
}

async fn create_external(server: &str) -> PgConnectOptions {
    let name = format!("tableorder_test_{}_{}", std::process::id(), DATABASES.fetch_add(1, Ordering::Relaxed));
    let mut connection = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"))).await.unwrap();
    connection.close().await.unwrap();
    let url = format!("{server}/{name}");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    MIGRATIONS.run(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    if let Some(setup) = env::var_os("TEST_DATABASE_SETUP") {
        let done = Command::new(setup).arg(&name).env("DATABASE_URL", &url).output().unwrap();
        assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
    }
    url.parse().unwrap()
}

async fn create_database(template: &str) -> PgConnectOptions {
    let server = SERVER.get_or_init(start);
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    // PostgreSQL copies a template in only one session at a time.
    let _copying = COPYING.lock().await;
    let mut connection = PgConnection::connect_with(&server.clone().database("postgres")).await.unwrap();
    let strategy = if connection.server_version_num().unwrap() >= 150_000 { "STRATEGY file_copy" } else { "" };
    let copy = format!("CREATE DATABASE {name} TEMPLATE {template} {strategy}");
    connection.execute(AssertSqlSafe(copy)).await.unwrap();
    connection.close().await.unwrap();
    server.clone().database(&name)
}

/// Starts PostgreSQL on its own thread, because it must run longer than the runtime of a single test. It stops when the
/// process ends.
fn start() -> PgConnectOptions {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async move {
            let embedded =
                EmbeddedPostgres::start(&scratch_directory("postgres"), Durability::Throwaway).await.unwrap();
            let options = embedded.connect_options();
            let mut template = PgConnection::connect_with(&options).await.unwrap();
            MIGRATIONS.run(&mut template).await.unwrap();
            template.close().await.unwrap();
            sender.send(options).unwrap();
            std::future::pending::<()>().await;
            drop(embedded);
        });
    });
    receiver.recv().expect("PostgreSQL should start")
}
