//! Migrations while servers run: who applies them, how older programs cope with a newer schema, and the rules for new
//! migrations.

mod rules;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha384};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection, SqlSafeStr};
use tableorder::database::MIGRATIONS;
use tableorder::database::migrations::{MigrationError, check, migrate};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::support::{TestApp, empty_database, plain_database, prepared, scratch_directory, url_of};

/// The digests of the released files, which must never change. `sha384sum *.sql > released.sha384` in migrations/ updates
/// the list at each release.
const RELEASED: &str = include_str!("../../migrations/released.sha384");

fn migration(version: i64, sql: &'static str) -> Migration {
    let no_tx = sql.starts_with("-- no-transaction");
    Migration::new(version, "a test's".into(), MigrationType::Simple, sql.into_sql_str(), no_tx)
}

/// All migrations and a later one.
fn with_later_migration() -> Migrator {
    let later = migration(20_990_101_000_001, "ALTER TABLE orders ADD COLUMN tip bigint NOT NULL DEFAULT 0");
    Migrator::with_migrations(MIGRATIONS.iter().cloned().chain([later]).collect())
}

async fn applied(options: &PgConnectOptions) -> Vec<i64> {
    let mut connection = PgConnection::connect_with(options).await.unwrap();
    sqlx::query_scalar("SELECT version FROM _sqlx_migrations ORDER BY version")
        .fetch_all(&mut connection)
        .await
        .unwrap()
}

/// A command on a database, in its own directory.
fn program(binary: &Path, options: &PgConnectOptions, name: &str) -> Command {
    let directory = scratch_directory(name);
    fs::create_dir_all(&directory).unwrap();
    let mut command = Command::new(binary);
    command
        .env_clear()
        .env("DATABASE_URL", url_of(options))
        .env("JWT_SECRET_KEY", TestApp::SECRET)
        .env("HOST", "127.0.0.1")
        .env("PORT", "0")
        .env("LOG_FILE", "off")
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

fn current_binary() -> PathBuf {
    env!("CARGO_BIN_EXE_tableorder").into()
}

/// Waits until a server serves, and returns its address.
async fn wait_until_serving(server: &mut Child) -> String {
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let address = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some((_, base)) = line.split_once("tableorder is serving on ") {
                return Some(base.replace("localhost", "127.0.0.1"));
            }
        }
        None
    };
    let base = tokio::time::timeout(Duration::from_secs(30), address).await.expect("the server should start in time");
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    base.expect("the server should print its address")
}

#[tokio::test]
async fn servers_and_migrate_commands_started_together_take_turns() {
    let options = empty_database().await;
    let mut servers: Vec<_> =
        (0..3).map(|n| program(&current_binary(), &options, &format!("together-{n}")).spawn().unwrap()).collect();
    let commands: Vec<_> = (0..4)
        .map(|n| program(&current_binary(), &options, &format!("together-command-{n}")).arg("migrate").spawn().unwrap())
        .collect();
    for command in commands {
        let output = command.wait_with_output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    for server in &mut servers {
        let base = wait_until_serving(server).await;
        assert_eq!(reqwest::get(format!("{base}/health/ready")).await.unwrap().status(), 200);
    }
    assert_eq!(applied(&options).await, MIGRATIONS.iter().map(|migration| migration.version).collect::<Vec<_>>());
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    let stores: i64 = sqlx::query_scalar("SELECT count(*) FROM stores").fetch_one(&mut connection).await.unwrap();
    assert_eq!(stores, 1, "the demo store should be created once");
}

#[tokio::test]
async fn an_index_is_built_concurrently_while_other_programs_wait() {
    let options = empty_database().await;
    let migrations = || {
        Migrator::with_migrations(vec![
            migration(1, "CREATE TABLE spoons (store_id bigint NOT NULL, id bigint NOT NULL)"),
            migration(2, "INSERT INTO spoons SELECT 1, generate_series(1, 20000)"),
            migration(3, "-- no-transaction\nCREATE INDEX CONCURRENTLY spoons_idx ON spoons (store_id, id)"),
            migration(
                4,
                "-- no-transaction
                 DO $$ BEGIN FOR n IN 0..3 LOOP UPDATE spoons SET id = -id WHERE id % 4 = n; COMMIT; END LOOP; END $$",
            ),
        ])
    };
    let started: Vec<_> = (0..6)
        .map(|_| {
            tokio::spawn({
                let options = options.clone();
                async move { migrate(&migrations(), &options).await }
            })
        })
        .collect();
    for one in started {
        one.await.unwrap().unwrap();
    }
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'spoons_idx'::regclass";
    assert!(sqlx::query_scalar::<_, bool>(valid).fetch_one(&mut connection).await.unwrap());
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM spoons WHERE id > 0").fetch_one(&mut connection).await.unwrap();
    assert_eq!(left, 0, "every row should be changed once");
}

#[tokio::test]
async fn an_index_that_failed_is_built_again_by_the_next_attempt() {
    let options = empty_database().await;
    let migrations = Migrator::with_migrations(vec![
        migration(1, "CREATE TABLE forks AS SELECT 1::bigint AS store_id, 7::bigint AS id FROM generate_series(1, 2)"),
        migration(2, "-- no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY forks_key ON forks (store_id, id)"),
    ]);
    let error = migrate(&migrations, &options).await.unwrap_err();
    assert!(error.to_string().contains("forks_key"), "{error}");
    assert_eq!(applied(&options).await, [1]);
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    connection.execute("DELETE FROM forks WHERE ctid = (SELECT min(ctid) FROM forks)").await.unwrap();
    migrate(&migrations, &options).await.unwrap();
    assert_eq!(applied(&options).await, [1, 2]);
}

#[tokio::test]
async fn a_migration_of_a_busy_table_releases_its_lock_and_retries() {
    let options = plain_database().await;
    let mut user = PgConnection::connect_with(&options).await.unwrap();
    user.execute("BEGIN; SELECT FROM orders").await.unwrap();
    let migrating = tokio::spawn({
        let options = options.clone();
        async move { migrate(&with_later_migration(), &options).await }
    });
    let mut other = PgConnection::connect_with(&options).await.unwrap();
    let started = Instant::now();
    let mut longest = Duration::ZERO;
    while started.elapsed() < Duration::from_secs(4) {
        let asked = Instant::now();
        other.execute("SELECT FROM orders").await.unwrap();
        longest = longest.max(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(longest > Duration::from_millis(500), "the migration should block readers for a moment: {longest:?}");
    assert!(longest < Duration::from_secs(4), "the migration should release its lock soon: {longest:?}");
    assert!(!migrating.is_finished());
    user.execute("COMMIT").await.unwrap();
    migrating.await.unwrap().unwrap();
    other.execute("SELECT tip FROM orders").await.unwrap();
}

#[tokio::test]
async fn the_sql_of_a_slow_migration_is_not_logged() {
    let options = empty_database().await;
    // The next migration builds an index on the audit log.
    let before = MIGRATIONS.iter().filter(|migration| migration.version < 20_261_120_000_006).cloned();
    migrate(&Migrator::with_migrations(before.collect()), &options).await.unwrap();
    let mut user = PgConnection::connect_with(&options).await.unwrap();
    user.execute("BEGIN; LOCK TABLE audit_log IN ROW EXCLUSIVE MODE").await.unwrap();
    let mut server = program(&current_binary(), &options, "slow-migration").spawn().unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    user.execute("COMMIT").await.unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap().expect("the server should print its address");
        assert!(!line.contains("slow statement"), "{line}");
        if line.contains("is serving on") {
            break;
        }
    }
}

/// Uses the previous release, if `TABLEORDER_PREVIOUS_PROGRAM` names its program. Otherwise the current program runs on a
/// schema with one more migration.
#[tokio::test]
#[expect(clippy::print_stderr, reason = "the output should show which program was tested")]
async fn a_program_older_than_the_schema_starts_and_serves() {
    let previous = std::env::var_os("TABLEORDER_PREVIOUS_PROGRAM").map(PathBuf::from);
    if previous.is_none() {
        eprintln!("TABLEORDER_PREVIOUS_PROGRAM is not set: the current program is tested as the older one");
    }
    let options = plain_database().await;
    migrate(&with_later_migration(), &options).await.unwrap();
    let binary = previous.unwrap_or_else(current_binary);
    let output = program(&binary, &options, "older-migrate").arg("migrate").output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut server = program(&binary, &options, "older").spawn().unwrap();
    let base = wait_until_serving(&mut server).await;
    let tablet = crate::support::ApiClient::new(&base);
    let body = serde_json::json!({"store_id": "demo-store", "table_number": 1, "password": "1234"});
    let login = tablet.post("/customer/auth/login", &body).await.ok();
    let tablet = tablet.with_token(login["token"].as_str().unwrap());
    let menu = tablet.get("/customer/menu").await.ok();
    let body = serde_json::json!({"items": [{"menu_id": menu["menus"][0]["id"], "quantity": 1}]});
    let order = tablet.post("/customer/orders", &body).await.ok();
    assert_eq!(tablet.get("/customer/orders").await.ok()["orders"][0]["id"], order["id"]);
    // A newer program accepts the schema at the same time.
    check(&with_later_migration(), &options).await.unwrap();
}

#[tokio::test]
async fn a_server_that_must_not_migrate_refuses_an_outdated_schema() {
    let options = empty_database().await;
    let error = check(&MIGRATIONS, &options).await.unwrap_err();
    assert!(matches!(error, MigrationError::Missing(count) if count == MIGRATIONS.iter().count()));
    let command = |name: &str| {
        let mut command = program(&current_binary(), &options, name);
        command.env("MIGRATE_AT_START", "false");
        command
    };
    for arguments in [&["serve"][..], &["store", "list"]] {
        let output = command("unmigrated").args(arguments).output().await.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && stderr.contains("tableorder migrate"), "{stderr}");
    }
    let output = command("unmigrated").arg("migrate").output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    wait_until_serving(&mut command("migrated").spawn().unwrap()).await;
}

#[tokio::test]
async fn a_migration_changed_after_it_was_applied_is_reported() {
    let options = empty_database().await;
    let one = |sql| Migrator::with_migrations(vec![migration(1, sql)]);
    migrate(&one("CREATE TABLE cups ()"), &options).await.unwrap();
    for error in [
        migrate(&one("CREATE TABLE mugs ()"), &options).await.unwrap_err(),
        check(&one("CREATE TABLE mugs ()"), &options).await.unwrap_err(),
    ] {
        assert!(error.to_string().contains("migration 1"), "{error}");
    }
}

#[test]
fn released_migration_files_are_unchanged() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for line in RELEASED.lines() {
        let (digest, file) = line.split_once("  ").expect("each line should have the format of sha384sum");
        let now = hex::encode(Sha384::digest(fs::read(directory.join(file)).unwrap()));
        assert_eq!(now, digest, "{file} was released and must not change: add a new file");
    }
}

/// Name and content of every unreleased file, in order.
fn unreleased() -> Vec<(String, String)> {
    let released: HashSet<_> = RELEASED.lines().filter_map(|line| Some(line.split_once("  ")?.1)).collect();
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .filter(|(name, _)| !released.contains(name.as_str()))
        .collect();
    files.sort();
    files
}

#[test]
fn unreleased_migrations_keep_the_rules_and_come_last() {
    let last_released = RELEASED.lines().filter_map(|line| Some(line.split_once("  ")?.1)).max().unwrap();
    let files = unreleased();
    let made = rules::created_tables(&files);
    for (name, sql) in &files {
        assert_eq!(rules::faults(sql, &made), [""; 0], "{name}");
        assert!(name.as_str() > last_released, "{name} should come after {last_released}, which was released");
    }
}

#[test]
fn each_broken_rule_is_reported() {
    let made = HashSet::from(["coupons".to_owned()]);
    let fault = |sql: &str| rules::faults(sql, &made).join("; ");
    for fine in [
        "CREATE TABLE coupons (store_id bigint NOT NULL, id bigint NOT NULL)",
        "CREATE INDEX coupons_idx ON coupons (store_id, id)",
        "-- no-transaction\n-- A comment.\nCREATE INDEX CONCURRENTLY orders_x_idx ON orders (store_id, id) WHERE x IS NULL",
        "ALTER TABLE orders ADD COLUMN tip bigint NOT NULL DEFAULT 0",
        "ALTER TABLE orders ADD COLUMN tip text DEFAULT 'a'::text",
        "ALTER TABLE orders ADD CONSTRAINT orders_tip_check CHECK (tip >= 0) NOT VALID",
        "ALTER TABLE orders VALIDATE CONSTRAINT orders_tip_check",
        "ALTER TYPE order_status ADD VALUE 'served'",
        "-- contract: unused since 1.4.0\nALTER TABLE orders DROP COLUMN note",
        "-- contract: unused since 1.4.0\nALTER TABLE orders ALTER COLUMN tip SET NOT NULL",
        "-- no-transaction\n-- contract: unused since 1.4.0\nDROP INDEX CONCURRENTLY orders_x_idx",
        "DO $$ BEGIN ALTER TABLE orders ADD COLUMN a text; ALTER TABLE orders ADD COLUMN b text; END $$",
        "-- no-transaction\nDO $$ BEGIN LOOP UPDATE orders SET tip = 0 WHERE store_id = 1 AND tip IS NULL; COMMIT; END LOOP; END $$",
        include_str!("../../migrations/20261120000005_place_orders.sql"),
        include_str!("../../migrations/20261120000004_audit_log.sql"),
    ] {
        assert_eq!(fault(fine), "", "{fine}");
    }
    for (wrong, expected) in [
        ("SELECT 1; SELECT 2", "2 statements"),
        ("ALTER TABLE orders DROP COLUMN note", "contract"),
        ("DROP TABLE orders", "contract"),
        ("ALTER TABLE orders RENAME COLUMN note TO remark", "renames"),
        ("ALTER TABLE orders RENAME CONSTRAINT a TO b", "renames"),
        ("ALTER TYPE order_status RENAME VALUE 'pending' TO 'new'", "renames"),
        ("ALTER TABLE orders ALTER COLUMN note SET NOT NULL", "contract"),
        ("ALTER TABLE orders ALTER COLUMN note TYPE varchar(9)", "rewrites the whole table"),
        ("ALTER TABLE orders ADD COLUMN tip bigint NOT NULL", "NOT NULL only with a DEFAULT"),
        ("ALTER TABLE orders ADD COLUMN at timestamptz DEFAULT clock_timestamp()", "computed for every row"),
        ("ALTER TABLE orders ADD COLUMN tip bigint CHECK (tip > 0)", "together with"),
        ("ALTER TABLE orders ADD COLUMN menu_id bigint REFERENCES menus (id)", "together with"),
        ("ALTER TABLE orders ADD COLUMN a text, ADD COLUMN b text", "several changes"),
        ("ALTER TABLE orders ADD CONSTRAINT orders_tip_check CHECK (tip >= 0)", "NOT VALID"),
        ("ALTER TABLE orders ADD CONSTRAINT orders_tip_key UNIQUE (store_id, tip)", "CREATE UNIQUE INDEX CONCURRENTLY"),
        ("CREATE INDEX orders_x_idx ON orders (store_id, id)", "CONCURRENTLY"),
        ("CREATE INDEX CONCURRENTLY orders_x_idx ON orders (store_id, id)", "no-transaction"),
        ("-- no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS a ON orders (store_id)", "IF NOT EXISTS"),
        ("-- no-transaction\nALTER TABLE orders ADD COLUMN tip bigint", "needlessly"),
        ("UPDATE orders SET note = ''", "not allowed in a migration"),
        ("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$", "new name"),
        ("-- no-transaction\nDO $$ BEGIN ALTER TABLE orders ADD COLUMN a text; END $$", "needlessly"),
        ("DO $$ BEGIN ALTER TABLE orders RENAME COLUMN a TO b; END $$", "inside a block"),
        ("ALTER TABLE orders ADD COLUMN", "cannot be parsed"),
    ] {
        assert!(fault(wrong).contains(expected), "{wrong}: {}", fault(wrong));
    }
}

/// The statements of this version and of each released one (`tests/released/*.json`, a list written by `.ci/release`) can
/// be prepared on the newest schema.
#[tokio::test]
async fn statements_of_this_and_released_versions_fit_the_schema() {
    let options = plain_database().await;
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    let mut count = 0;
    for statement in prepared::statements() {
        prepared::prepare(&mut connection, &statement.query)
            .await
            .unwrap_or_else(|error| panic!("{error}\n{}", statement.query));
        count += 1;
    }
    assert!(count > 80, "too few statements were found: {count}");
    let released = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/released")).into_iter().flatten();
    for file in released.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "json"))
    {
        let statements: Vec<String> = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        for query in statements {
            let prepared = prepared::prepare(&mut connection, &query).await;
            prepared.unwrap_or_else(|error| {
                panic!("a statement of {} cannot be prepared any more: {error}\n{query}", file.display())
            });
        }
    }
}
