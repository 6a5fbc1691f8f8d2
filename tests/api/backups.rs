//! The backup and restore commands: a refused, failed or interrupted command changes nothing.

mod archive;
mod content;
mod hostile;
mod killed;
mod nightly;
mod restoring;
mod round_trip;

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection};

use crate::binary::login;
use crate::command_line::Shell;
use crate::support::{Directory, Server, TestApp, command, empty_database, plain_database, url_of};

async fn connect(options: &PgConnectOptions) -> PgConnection {
    PgConnection::connect_with(options).await.unwrap()
}

async fn number(options: &PgConnectOptions, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut connect(options).await).await.unwrap()
}

/// A database with one store and no connections, a shell for it, and its backup.
async fn backed_up(name: &str) -> (PgConnectOptions, Shell, PathBuf) {
    let options = plain_database().await;
    let shell = Shell::at(url_of(&options), name);
    shell.ok(&["store", "create", "demo"], "admin1234\n");
    shell.ok(&["backup", "demo.backup"], "");
    let file = shell.directory.join("demo.backup");
    (options, shell, file)
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn interrupt(process: &Child) {
    kill(Pid::from_raw(process.id().cast_signed()), Signal::SIGINT).unwrap();
}

/// Waits until a statement in the database waits for a lock.
async fn wait_for_lock_wait(options: &PgConnectOptions) {
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    wait_for_any(options, waiting).await;
}

/// Waits until the statement, which counts, returns more than 0.
async fn wait_for_any(options: &PgConnectOptions, count: &'static str) {
    let started = Instant::now();
    while number(options, count).await == 0 {
        assert!(started.elapsed() < Duration::from_secs(20), "{count} should return more than 0");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The error output of an interrupted process. It must exit with 1 within 5 s.
fn stderr_after_interrupt(mut process: Child) -> String {
    let asked = Instant::now();
    assert_eq!(process.wait().unwrap().code(), Some(1));
    assert!(asked.elapsed() < Duration::from_secs(5));
    let mut stderr = String::new();
    process.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    stderr
}

#[tokio::test]
async fn a_backup_is_private_and_replaces_a_file_only_with_force() {
    let (options, shell, file) = backed_up("backups-private").await;
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let first = fs::read(&file).unwrap();
    let stderr = shell.fails(&["backup", "demo.backup"], "");
    assert!(stderr.contains("demo.backup exists; --force"), "{stderr}");
    assert_eq!(fs::read(&file).unwrap(), first);
    shell.ok(&["store", "create", "second"], "admin1234\n");
    assert!(shell.ok(&["backup", "demo.backup", "--force"], "").contains("2 stores"));
    assert!(shell.ok(&["backup", "verify", "demo.backup"], "").contains("is complete"));
    assert!(shell.fails(&["backup", "nowhere/demo.backup"], "").contains("there is no directory nowhere"));
    assert!(shell.fails(&["backup", "."], "").contains("no backup was made"));
    assert_eq!(names(&shell.directory), ["demo.backup"]);

    assert!(shell.fails(&["restore", "demo.backup"], "").contains("not empty; --force"));
    shell.ok(&["store", "create", "third"], "admin1234\n");
    shell.ok(&["restore", "demo.backup", "--force"], "");
    assert_eq!(number(&options, "SELECT count(*) FROM stores").await, 2);
}

#[tokio::test]
async fn a_failed_backup_gives_the_reason_and_leaves_no_file() {
    let (options, shell, _) = backed_up("backups-refused").await;
    let elsewhere = empty_database().await;
    connect(&elsewhere).await.execute("CREATE TABLE cats (name text)").await.unwrap();
    let foreign = Shell::at(url_of(&elsewhere), "backups-foreign");
    assert!(foreign.fails(&["backup", "x"], "").contains("no tables of tableorder"));
    let unreachable = "postgres://tableorder:hunter2@127.0.0.1:1/tableorder";
    let stderr = Shell::at(unreachable.to_owned(), "backups-unreachable").fails(&["backup", "x"], "");
    assert!(stderr.contains("Connection refused") && !stderr.contains("hunter2"), "{stderr}");

    // A file size limit simulates a full disk.
    sqlx::query("UPDATE menus SET description = $1").bind("x").execute(&mut connect(&options).await).await.unwrap();
    let mut limited = Command::new("/bin/sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" backup x", env!("CARGO_BIN_EXE_tableorder")]);
    let limited = limited.env_clear().env("DATABASE_URL", &shell.url).env("JWT_SECRET_KEY", TestApp::SECRET);
    let output = limited.current_dir(&shell.directory).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && stderr.contains("File too large"), "{stderr}");
    assert_eq!(names(&shell.directory), ["demo.backup"]);

    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (29990101000001, 'coupons', true, '\\x00', 1)";
    connect(&options).await.execute(newer).await.unwrap();
    let stderr = shell.fails(&["backup", "x"], "");
    assert!(stderr.contains("the database is of a newer tableorder"), "{stderr}");
    assert_eq!(names(&shell.directory), ["demo.backup"]);
}

#[tokio::test]
async fn an_interrupted_backup_leaves_no_file_and_no_statement() {
    let (options, shell, _) = backed_up("backups-interrupted").await;
    let mut locking = connect(&options).await;
    locking.execute("BEGIN; LOCK TABLE menus IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let backup = shell.command(&["backup", "x"]).spawn().unwrap();
    wait_for_lock_wait(&options).await;
    assert_eq!(names(&shell.directory).len(), 2, "the backup is written under a temporary name");
    interrupt(&backup);
    assert!(stderr_after_interrupt(backup).contains("no backup was made: interrupted"));
    assert_eq!(names(&shell.directory), ["demo.backup"]);
    locking.execute("COMMIT").await.unwrap();
    let connected = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tableorder-backup'
                     AND datname = current_database()";
    let asked = Instant::now();
    while number(&options, connected).await > 0 {
        assert!(asked.elapsed() < Duration::from_secs(5), "the backup's statement should have ended");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_restore_is_refused_while_a_server_is_connected() {
    let (options, shell, _) = backed_up("backups-connected").await;
    let app = TestApp::start_on(options.clone(), |_| {}).await;
    app.database.check().await.unwrap();
    for arguments in [["restore", "demo.backup", "--force"].as_slice(), &["new-epoch"]] {
        let stderr = shell.fails(arguments, "");
        assert!(stderr.contains("stop every server"), "{stderr}");
    }
    app.closing.cancel();
    app.database.close().await;

    let epoch = "SELECT hashtext(epoch::text)::bigint FROM event_epochs";
    let before = number(&options, epoch).await;
    shell.ok(&["restore", "demo.backup", "--force"], "");
    let restored = number(&options, epoch).await;
    assert_ne!(restored, before, "a restore starts a new epoch");
    shell.ok(&["new-epoch"], "");
    assert_ne!(number(&options, epoch).await, restored);
}

#[tokio::test]
async fn a_server_that_connects_while_a_restore_loads_keeps_its_database() {
    let (options, shell, _) = backed_up("backups-connects").await;
    // Delays the restore at its end: it cannot replace a table while a transaction reads it.
    let mut reading = connect(&options).await;
    reading.execute("BEGIN; LOCK TABLE event_epochs IN ACCESS SHARE MODE").await.unwrap();
    let restore = shell.command(&["restore", "demo.backup", "--force"]).spawn().unwrap();
    wait_for_lock_wait(&options).await;
    let server = options.clone().application_name("tableorder");
    let mut server = connect(&server).await;
    reading.execute("COMMIT").await.unwrap();
    let output = restore.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && stderr.contains("stop every server"), "{stderr}");
    server.execute("SELECT 1").await.unwrap();
    assert_eq!(number(&options, "SELECT count(*) FROM stores").await, 1);
    assert_eq!(number(&options, content::STAGING).await, 0);
}

#[tokio::test]
async fn an_interrupted_restore_changes_nothing() {
    let (options, shell, _) = backed_up("backups-restore-interrupted").await;
    let before = content::of(&options).await;
    let mut locking = connect(&options).await;
    locking.execute("BEGIN; LOCK TABLE menus IN ACCESS SHARE MODE").await.unwrap();
    let restore = shell.command(&["restore", "demo.backup", "--force"]).spawn().unwrap();
    wait_for_lock_wait(&options).await;
    interrupt(&restore);
    assert!(stderr_after_interrupt(restore).contains("nothing was changed: interrupted"));
    locking.execute("COMMIT").await.unwrap();
    content::assert_equal(&content::of(&options).await, &before, "interrupted");
    assert_eq!(number(&options, content::STAGING).await, 0);
}

#[tokio::test]
async fn a_restore_refuses_the_database_of_another_program() {
    let (_, _shell, file) = backed_up("backups-other-program").await;
    let elsewhere = empty_database().await;
    connect(&elsewhere).await.execute("CREATE TABLE cats AS SELECT 'Tom' AS name").await.unwrap();
    let foreign = Shell::at(url_of(&elsewhere), "backups-other-program-target");
    let stderr = foreign.fails(&["restore", file.to_str().unwrap(), "--force"], "");
    assert!(stderr.contains("nothing was changed") && stderr.contains("tables of another program"), "{stderr}");
    assert_eq!(number(&elsewhere, "SELECT count(*) FROM cats").await, 1);
}

#[tokio::test]
async fn a_view_in_another_schema_on_our_tables_blocks_a_restore() {
    let (options, shell, _) = backed_up("backups-view").await;
    let view = "CREATE SCHEMA reports; CREATE VIEW reports.sales AS SELECT count(*) FROM orders";
    connect(&options).await.execute(view).await.unwrap();
    let stderr = shell.fails(&["restore", "demo.backup", "--force"], "");
    assert!(stderr.contains("nothing was changed") && stderr.contains("depend"), "{stderr}");
    assert_eq!(number(&options, "SELECT count FROM reports.sales").await, 0);
    connect(&options).await.execute("DROP SCHEMA reports CASCADE").await.unwrap();
    // Views in `public` are replaced, whatever they depend on.
    let views = "CREATE VIEW sales AS SELECT count(*) FROM orders; CREATE MATERIALIZED VIEW saved AS TABLE sales;
                 CREATE VIEW shown AS TABLE saved; CREATE OR REPLACE VIEW sales AS SELECT count(*) FROM users;
                 CREATE VIEW first AS SELECT 1 AS one; CREATE VIEW second AS SELECT 2 AS two;
                 CREATE OR REPLACE VIEW first AS SELECT two AS one FROM second";
    connect(&options).await.execute(views).await.unwrap();
    shell.ok(&["restore", "demo.backup", "--force"], "");
}

#[tokio::test]
async fn the_embedded_database_is_backed_up_live_and_restored_elsewhere() {
    let (home, away) = (Directory::new("backups-home"), Directory::new("backups-away"));
    let run = |directory: &Directory, arguments: &[&str]| {
        let output = command(&directory.0).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
    };
    for arguments in [&["backup", "x"][..], &["store", "list"]] {
        let (code, stderr) = run(&away, arguments);
        assert!(code == Some(1) && stderr.contains("there is no database in"), "{stderr}");
    }
    assert_eq!(names(&away.0), [""; 0], "no database is created");

    let mut server = Server::start(&home.0);
    let (_, tablet) = login(&server.client).await;
    let menu = tablet.get("/customer/menu").await.ok()["menus"][0]["id"].clone();
    let order = json!({"items": [{"menu_id": menu, "quantity": 2}]});
    tablet.post("/customer/orders", &order).await.ok();
    let (code, stderr) = run(&home, &["backup", "demo.backup"]);
    assert!(code == Some(0) && stderr.contains("1 store, 1 order, 1 event"), "{stderr}");
    let (code, stderr) = run(&home, &["restore", "demo.backup", "--force"]);
    assert!(code == Some(1) && stderr.contains("stop every server"), "{stderr}");
    tablet.post("/customer/orders", &order).await.ok();
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait(), Some(0));

    let (code, stderr) = run(&away, &["restore", home.0.join("demo.backup").to_str().unwrap()]);
    assert!(code == Some(0) && stderr.contains("restored: 1 store, 1 order, 1 event"), "{stderr}");
    let server = Server::start(&away.0);
    let stale = server.client.with_token(tablet.token()).get("/customer/orders").await;
    assert_eq!(stale.status, 401);
    let (_, tablet) = login(&server.client).await;
    let orders = tablet.get("/customer/orders").await.ok();
    assert_eq!(orders["orders"].as_array().unwrap().len(), 1);
    assert!(tablet.post("/customer/orders", &order).await.ok()["order_number"].as_str().unwrap().ends_with("-002"));
}

/// Asserts that a server with an open stream and a cached menu version stops after `change` of its database.
async fn assert_stops_after(name: &str, change: &'static str) {
    let directory = Directory::new(name);
    let options = plain_database().await;
    let mut server = command(&directory.0);
    server.env("DATABASE_URL", url_of(&options)).stderr(fs::File::create(directory.0.join("stderr.log")).unwrap());
    let mut server = Server::run(server);
    let (admin, _) = login(&server.client).await;
    let mut stream = admin.stream("/admin/orders/stream", None).await.connected().await;
    admin.post("/admin/categories", &json!({"name": "A category"})).await.ok();
    stream.next().await;
    connect(&options).await.execute(change).await.unwrap();
    let changed = Instant::now();
    assert_eq!(server.wait(), Some(1), "{name}");
    assert!(changed.elapsed() < Duration::from_secs(5), "{name}: {:?}", changed.elapsed());
    let stderr = fs::read_to_string(directory.0.join("stderr.log")).unwrap();
    assert!(stderr.contains("restored or recovered while this server ran"), "{name}: {stderr}");
}

#[tokio::test]
async fn a_server_stops_when_its_database_is_restored_meanwhile() {
    assert_stops_after("backups-restored", "UPDATE event_epochs SET epoch = gen_random_uuid()").await;
}

#[tokio::test]
async fn a_server_stops_when_a_failover_lost_the_last_changes() {
    assert_stops_after("backups-lost-event", "UPDATE store_streams SET event_seq = event_seq - 1").await;
    assert_stops_after("backups-lost-menu", "UPDATE store_streams SET menu_version = menu_version - 1").await;
}
