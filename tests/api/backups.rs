//! Backups and restores that are refused, break off or are interrupted, and what is left behind: nothing.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection};
use tableorder::database::MIGRATIONS;

use crate::binary::login;
use crate::command_line::Shell;
use crate::support::{Directory, Server, TestApp, command, empty_database, plain_database, url_of};

async fn connect(options: &PgConnectOptions) -> PgConnection {
    PgConnection::connect_with(options).await.unwrap()
}

async fn number(options: &PgConnectOptions, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut connect(options).await).await.unwrap()
}

/// A database with one store and nobody connected, a shell for it, and a backup of it.
async fn backed_up(name: &str) -> (PgConnectOptions, Shell, PathBuf) {
    let options = plain_database().await;
    let shell = Shell::at(url_of(&options), name);
    shell.ok(&["store", "create", "demo"], "admin1234\n");
    shell.ok(&["backup", "demo.backup"], "");
    let file = shell.directory.join("demo.backup");
    (options, shell, file)
}

/// One of PostgreSQL's programs, where packages put them or else in `PATH`.
fn newest_program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let programs = versions.map(|version| version.path().join("bin").join(name)).filter(|program| program.is_file());
    programs.max().unwrap_or_else(|| PathBuf::from(name))
}

fn write_program(directory: &Path, name: &str, script: &str) {
    let path = directory.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The names in a directory.
fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn interrupt(process: &Child) {
    kill(Pid::from_raw(process.id().cast_signed()), Signal::SIGINT).unwrap();
}

/// Waits until PostgreSQL says that somebody waits for a lock in this database.
async fn until_somebody_waits(options: &PgConnectOptions) {
    let started = Instant::now();
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while number(options, sql).await == 0 {
        assert!(started.elapsed() < Duration::from_secs(20), "nobody waits");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What a process that was interrupted said, and that it ended at once with 1.
fn ended(mut process: Child) -> String {
    let asked = Instant::now();
    assert_eq!(process.wait().unwrap().code(), Some(1));
    assert!(asked.elapsed() < Duration::from_secs(5));
    let mut told = String::new();
    process.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    told
}

/// The command lines of the programs that a process has started.
fn command_lines_below(parent: u32) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let of: u32 = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
        (of == parent).then(|| fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default())
    });
    processes.collect()
}

#[tokio::test]
async fn a_backup_is_its_owners_alone_and_replaces_no_file_unless_it_is_told_to() {
    let (options, shell, file) = backed_up("backups-owner").await;
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let first = fs::read(&file).unwrap();
    let told = shell.fails(&["backup", "demo.backup"], "");
    assert!(told.contains("demo.backup is there already; --force"), "{told}");
    assert_eq!(fs::read(&file).unwrap(), first);
    shell.ok(&["store", "create", "second"], "admin1234\n");
    // What somebody has put beside our tables goes with them and comes back with them.
    let view = "CREATE VIEW sales AS SELECT count(*) FROM orders; CREATE SEQUENCE tickets START 7";
    connect(&options).await.execute(view).await.unwrap();
    assert!(shell.ok(&["backup", "demo.backup", "--force"], "").contains("2 stores"));
    assert_ne!(fs::read(&file).unwrap(), first);
    assert!(shell.fails(&["backup", "nowhere/demo.backup"], "").contains("there is no directory nowhere"));
    assert!(shell.fails(&["backup", "."], "").contains("no backup was made"));
    assert_eq!(names(&shell.directory), ["demo.backup"]);

    // In the place of what is there it puts the backup, no more and no less.
    assert!(shell.fails(&["restore", "demo.backup"], "").contains("not empty; --force"));
    shell.ok(&["store", "create", "third"], "admin1234\n");
    shell.ok(&["restore", "demo.backup", "--force"], "");
    assert_eq!(number(&options, "SELECT count(*) FROM stores").await, 2);
    assert_eq!(number(&options, "SELECT count FROM sales").await, 0);
    assert_eq!(number(&options, "SELECT nextval('tickets')").await, 7);
}

#[tokio::test]
async fn what_cannot_be_backed_up_is_told_and_leaves_no_file() {
    let (options, shell, _) = backed_up("backups-refused").await;
    let elsewhere = empty_database().await;
    connect(&elsewhere).await.execute("CREATE TABLE cats (name text)").await.unwrap();
    let foreign = Shell::at(url_of(&elsewhere), "backups-foreign");
    assert!(foreign.fails(&["backup", "x"], "").contains("nothing of tableorder's"));
    let unreachable = "postgres://tableorder:hunter2@127.0.0.1:1/tableorder";
    let told = Shell::at(unreachable.to_owned(), "backups-unreachable").fails(&["backup", "x"], "");
    assert!(told.contains("cannot be reached") && !told.contains("hunter2"), "{told}");
    assert!(told.contains("Connection refused"), "the cause, not that it was waited for: {told}");

    // Programs that are missing, too old, or fail.
    let programs = shell.directory.join("programs");
    fs::create_dir(&programs).unwrap();
    let with_programs = |arguments: &[&str]| {
        let output = shell.command(arguments).env("DATABASE_PROGRAMS_DIR", &programs).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let program = |name: &str, script: &str| write_program(&programs, name, script);
    let told = with_programs(&["backup", "x"]);
    assert!(told.contains("has no pg_dump 1") && told.contains("apt install postgresql-client-1"), "{told}");
    assert!(with_programs(&["restore", "demo.backup", "--force"]).contains("has no pg_restore"));
    program("pg_dump", "echo 'pg_dump (PostgreSQL) 12.22'");
    assert!(with_programs(&["backup", "x"]).contains("or newer"));
    program("pg_restore", "echo 'pg_restore (PostgreSQL) 99.1'");
    program(
        "pg_dump",
        "[ \"$1\" = --version ] && echo 'pg_dump (PostgreSQL) 99.1' && exit\n\
         echo half; echo 'pg_dump: dumping contents of table \"public.menus\"' >&2\n\
         echo 'pg_dump: error: could not write: No space left on device' >&2; exit 1",
    );
    let told = with_programs(&["backup", "x"]);
    assert!(told.contains("no backup was made: pg_dump failed: pg_dump: error: could not write: No space"), "{told}");
    fs::remove_dir_all(&programs).unwrap();

    // A disk that is full, as far as a limit can play one.
    let mut limited = Command::new("/bin/sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" backup x", env!("CARGO_BIN_EXE_tableorder")]);
    let limited = limited.env_clear().env("DATABASE_URL", &shell.url).env("JWT_SECRET_KEY", TestApp::SECRET);
    let output = limited.current_dir(&shell.directory).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && told.contains("File too large"), "{told}");
    assert_eq!(names(&shell.directory), ["demo.backup"]);
    assert_eq!(number(&options, "SELECT count(*) FROM stores").await, 1);
}

#[tokio::test]
async fn an_interrupted_backup_leaves_no_file_and_its_program_never_has_the_password_on_its_command_line() {
    let (options, shell, _) = backed_up("backups-interrupted").await;
    // One that does not begin before the lock is taken which it then waits for.
    let hold = shell.directory.join("hold");
    fs::write(&hold, "").unwrap();
    let script = format!(
        "[ \"$1\" = --version ] || while [ -e {} ]; do sleep 0.05; done\nexec {} \"$@\"",
        hold.display(),
        newest_program("pg_dump").display()
    );
    let programs = Directory::new("backups-slow-programs");
    write_program(&programs.0, "pg_dump", &script);
    write_program(&programs.0, "pg_restore", &format!("exec {} \"$@\"", newest_program("pg_restore").display()));
    let backup = shell.command(&["backup", "x"]).env("DATABASE_PROGRAMS_DIR", &programs.0).spawn().unwrap();
    let started = Instant::now();
    while !command_lines_below(backup.id()).iter().any(|line| line.contains("--snapshot=")) {
        assert!(started.elapsed() < Duration::from_secs(20), "pg_dump should be started");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut locking = connect(&options).await;
    locking.execute("BEGIN; LOCK TABLE menus IN ACCESS EXCLUSIVE MODE").await.unwrap();
    fs::remove_file(&hold).unwrap();
    until_somebody_waits(&options).await;
    assert_eq!(names(&shell.directory).len(), 2, "it is being written, under another name");
    let lines = command_lines_below(backup.id());
    assert!(lines.iter().any(|line| line.contains("pg_dump")), "{lines:?}");
    let password = shell.url.split([':', '@']).nth(2).unwrap();
    assert!(password.len() > 10 && !lines.iter().any(|line| line.contains(password)), "{lines:?}");
    interrupt(&backup);
    assert!(ended(backup).contains("no backup was made: interrupted"));
    assert_eq!(names(&shell.directory), ["demo.backup"]);
    // And PostgreSQL is rid of it, though the lock is still held.
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tableorder-backup'
                   AND datname = current_database()";
    let asked = Instant::now();
    while number(&options, waiting).await > 0 {
        assert!(asked.elapsed() < Duration::from_secs(5), "pg_dump's statement goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_is_no_whole_backup_of_ours_is_refused_and_changes_nothing() {
    let (options, shell, file) = backed_up("backups-broken").await;
    // Enough that the rows do not end with the table of contents.
    shell.ok(&["seed", "--days", "2", "--orders-per-day", "200"], "");
    shell.ok(&["backup", "demo.backup", "--force"], "");
    let before = number(&options, "SELECT count(*) FROM orders").await;
    assert_eq!(before, 400);
    let whole = fs::read(&file).unwrap();
    let refused = |name: &str| shell.fails(&["restore", name, "--force"], "");

    assert!(refused("missing").contains("missing: No such file"));
    fs::write(shell.directory.join("text"), "id,name\n1,cat\n").unwrap();
    assert!(refused("text").contains("text is no backup of tableorder's"));
    fs::write(shell.directory.join("empty"), "").unwrap();
    assert!(refused("empty").contains("empty is no backup of tableorder's"));
    assert!(refused(".").contains("no backup of tableorder's"));
    for (part, length) in [("begun", 100), ("halved", whole.len() / 2), ("almost", whole.len() - 10)] {
        fs::write(shell.directory.join(part), &whole[..length]).unwrap();
        let told = refused(part);
        assert!(told.contains("pg_restore failed") && told.contains("end of file"), "{part}: {told}");
    }
    let mut altered = whole.clone();
    let place = altered.len() * 9 / 10;
    altered[place..place + 8].copy_from_slice(b"\xff\x00\xff\x00\xff\x00\xff\x00");
    fs::write(shell.directory.join("altered"), altered).unwrap();
    refused("altered");

    // Somebody else's, and somebody else's database.
    let elsewhere = empty_database().await;
    connect(&elsewhere).await.execute("CREATE TABLE cats AS SELECT 'Tom' AS name").await.unwrap();
    let theirs = dump_of(&elsewhere, &shell.directory);
    assert!(refused(&theirs).contains("no backup of tableorder's"));
    let foreign = Shell::at(url_of(&elsewhere), "backups-foreign-target");
    let told = foreign.fails(&["restore", file.to_str().unwrap(), "--force"], "");
    assert!(told.contains("nothing was changed") && told.contains("tables of another program"), "{told}");
    assert_eq!(number(&elsewhere, "SELECT count(*) FROM cats").await, 1);

    assert_eq!(number(&options, "SELECT count(*) FROM orders").await, before);
    assert_eq!(number(&options, "SELECT count(*) FROM users WHERE token_version = 1").await, 2, "no login was ended");
    shell.ok(&["restore", "demo.backup", "--force"], "");
}

/// A dump of any database, by `pg_dump` itself.
fn dump_of(options: &PgConnectOptions, directory: &Path) -> String {
    let dump = Command::new(newest_program("pg_dump"))
        .args(["--format=custom", "--file=theirs", &url_of(options)])
        .current_dir(directory)
        .stdin(Stdio::null())
        .status();
    assert!(dump.unwrap().success());
    "theirs".to_owned()
}

#[tokio::test]
async fn a_restore_is_refused_while_a_server_or_another_command_is_connected_and_an_interrupted_one_changes_nothing() {
    let (options, shell, _) = backed_up("backups-connected").await;
    let app = TestApp::start_on(options.clone(), |_| {}).await;
    app.database.check().await.unwrap();
    for arguments in [["restore", "demo.backup", "--force"].as_slice(), &["new-epoch"]] {
        let told = shell.fails(arguments, "");
        assert!(told.contains("stop every server"), "{told}");
    }
    app.closing.cancel();
    app.database.close().await;
    let asked = Instant::now();
    let ours = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name LIKE 'tableorder%'";
    while number(&options, ours).await > 0 {
        assert!(asked.elapsed() < Duration::from_secs(10), "the server leaves");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let epoch = "SELECT hashtext(epoch::text)::bigint FROM event_epochs";
    let before = number(&options, epoch).await;
    let mut locking = connect(&options).await;
    locking.execute("BEGIN; LOCK TABLE menus IN ACCESS SHARE MODE").await.unwrap();
    let restore = shell.command(&["restore", "demo.backup", "--force"]).spawn().unwrap();
    until_somebody_waits(&options).await;
    interrupt(&restore);
    assert!(ended(restore).contains("nothing was changed: interrupted"));
    locking.execute("COMMIT").await.unwrap();
    assert_eq!((number(&options, "SELECT count(*) FROM stores").await, number(&options, epoch).await), (1, before));

    shell.ok(&["restore", "demo.backup", "--force"], "");
    let restored = number(&options, epoch).await;
    assert_ne!(restored, before, "a restore begins a new epoch");
    shell.ok(&["new-epoch"], "");
    assert_ne!(number(&options, epoch).await, restored);
}

#[tokio::test]
async fn a_backup_of_a_newer_schema_is_refused_and_one_of_an_older_is_migrated() {
    let (options, shell, _) = backed_up("backups-newer").await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (29990101000001, 'coupons', true, '\\x00', 1)";
    connect(&options).await.execute(newer).await.unwrap();
    shell.ok(&["backup", "newer.backup"], "");
    let away = Shell::at(url_of(&empty_database().await), "backups-newer-away");
    let told = away.fails(&["restore", shell.directory.join("newer.backup").to_str().unwrap()], "");
    assert!(told.contains("newer tableorder") && told.contains("29990101000001"), "{told}");

    let older = empty_database().await;
    let first = Migrator::with_migrations(MIGRATIONS.iter().take(4).cloned().collect());
    first.run(&mut connect(&older).await).await.unwrap();
    let before = TestApp::start_on(older.clone(), |_| {}).await;
    let store = before.store("demo").await;
    let shell = Shell::at(url_of(&older), "backups-older");
    shell.ok(&["backup", "older.backup"], "");
    let migrations = "SELECT count(*) FROM _sqlx_migrations";
    assert_eq!(number(&older, migrations).await, 4, "a backup changes nothing");
    let restored = empty_database().await;
    let away = Shell::at(url_of(&restored), "backups-older-away");
    away.ok(&["restore", shell.directory.join("older.backup").to_str().unwrap()], "");
    assert_eq!(number(&restored, migrations).await, i64::try_from(MIGRATIONS.iter().count()).unwrap());
    let app = TestApp::start_on(restored, |_| {}).await;
    let table = json!({"store_id": store.code, "table_number": 1, "password": "1234"});
    let login = app.anonymous().post("/customer/auth/login", &table).await.ok();
    app.anonymous().with_token(login["token"].as_str().unwrap()).order(&store.menus[..1]).await.ok();
}

#[tokio::test]
async fn the_embedded_database_is_backed_up_while_a_server_runs_on_it_and_restored_elsewhere() {
    let (home, away) = (Directory::new("backups-home"), Directory::new("backups-away"));
    let run = |directory: &Directory, arguments: &[&str]| {
        let output = command(&directory.0).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
    };
    for arguments in [&["backup", "x"][..], &["store", "list"]] {
        let (code, told) = run(&away, arguments);
        assert!(code == Some(1) && told.contains("there is no database in"), "{told}");
    }
    assert_eq!(names(&away.0), [""; 0], "and none is made");

    let mut server = Server::start(&home.0);
    let (_, tablet) = login(&server.client).await;
    let menu = tablet.get("/customer/menu").await.ok()["menus"][0]["id"].clone();
    let order = json!({"items": [{"menu_id": menu, "quantity": 2}]});
    tablet.post("/customer/orders", &order).await.ok();
    let (code, told) = run(&home, &["backup", "demo.backup"]);
    assert!(code == Some(0) && told.contains("1 stores, 1 orders, 1 events"), "{told}");
    let (code, told) = run(&home, &["restore", "demo.backup", "--force"]);
    assert!(code == Some(1) && told.contains("stop every server"), "{told}");
    tablet.post("/customer/orders", &order).await.ok();
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait(), Some(0));

    let (code, told) = run(&away, &["restore", home.0.join("demo.backup").to_str().unwrap()]);
    assert!(code == Some(0) && told.contains("restored: 1 stores, 1 orders, 1 events"), "{told}");
    let server = Server::start(&away.0);
    let stale = server.client.with_token(tablet.token()).get("/customer/orders").await;
    assert_eq!(stale.status, 401);
    let (_, tablet) = login(&server.client).await;
    let orders = tablet.get("/customer/orders").await.ok();
    assert_eq!(orders["orders"].as_array().unwrap().len(), 1);
    assert!(tablet.post("/customer/orders", &order).await.ok()["order_number"].as_str().unwrap().ends_with("-002"));
}

#[tokio::test]
async fn a_server_whose_database_goes_back_behind_its_back_stops() {
    let directory = Directory::new("backups-behind");
    let options = plain_database().await;
    let mut server = command(&directory.0);
    server.env("DATABASE_URL", url_of(&options)).stderr(fs::File::create(directory.0.join("told")).unwrap());
    let mut server = Server::run(server);
    login(&server.client).await;
    connect(&options).await.execute("UPDATE event_epochs SET epoch = gen_random_uuid()").await.unwrap();
    let changed = Instant::now();
    assert_eq!(server.wait(), Some(1));
    assert!(changed.elapsed() < Duration::from_secs(5), "{:?}", changed.elapsed());
    let told = fs::read_to_string(directory.0.join("told")).unwrap();
    assert!(told.contains("restored or recovered while this server ran"), "{told}");
}
