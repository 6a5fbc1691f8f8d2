//! One PostgreSQL for the whole run, started on first use and gone with the process; a database per test.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tableorder::database::MIGRATIONS;
use tableorder::database::embedded::{Durability, EmbeddedPostgres};
use tokio::sync::Mutex;

static SERVER: OnceLock<PgConnectOptions> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);
static COPYING: Mutex<()> = Mutex::const_new(());

/// A directory of this run's own, that an unprivileged PostgreSQL can reach.
pub fn scratch_directory(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("tableorder-test-{}-{name}", std::process::id()))
}

/// A fresh, migrated database.
pub async fn new_database() -> PgConnectOptions {
    let server = SERVER.get_or_init(start);
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    // A template can be copied by one at a time.
    let _copying = COPYING.lock().await;
    let mut connection = PgConnection::connect_with(&server.clone().database("postgres")).await.unwrap();
    let strategy = if connection.server_version_num().unwrap() >= 150_000 { "STRATEGY file_copy" } else { "" };
    let copy = format!("CREATE DATABASE {name} TEMPLATE tableorder {strategy}");
    connection.execute(AssertSqlSafe(copy)).await.unwrap();
    connection.close().await.unwrap();
    server.clone().database(&name)
}

/// A database with nothing in it.
pub async fn empty_database() -> PgConnectOptions {
    let server = SERVER.get_or_init(start);
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let _copying = COPYING.lock().await;
    let mut connection = PgConnection::connect_with(&server.clone().database("postgres")).await.unwrap();
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    connection.close().await.unwrap();
    server.clone().database(&name)
}

/// A database's address, for a program.
pub fn url_of(options: &PgConnectOptions) -> String {
    let socket = options.get_socket().unwrap();
    let password = fs::read_to_string(socket.with_file_name("password")).unwrap();
    let (database, host) = (options.get_database().unwrap(), socket.display().to_string().replace('/', "%2F"));
    format!("postgres://tableorder:{password}@localhost/{database}?host={host}")
}

/// Starts PostgreSQL on a thread that outlives every test's runtime. When the process ends, it stops itself.
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
