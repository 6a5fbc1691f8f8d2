//! The end of a restore: its commit and what follows, a second restore, and a database that changes meanwhile.

use std::process::{Child, Output};

use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Executor, PgConnection};

use super::{backed_up, connect, content, interrupt, number, wait_for_any, wait_for_lock_wait};
use crate::command_line::Shell;
use crate::support::{Directory, Server, TestApp, empty_database, url_of};

/// Makes every statement `tag`, for example `CREATE SCHEMA`, wait for a lock of the returned connection.
async fn hold_at(options: &PgConnectOptions, tag: &str) -> PgConnection {
    let mut holding = connect(options).await;
    let trigger = format!(
        "CREATE SCHEMA held;
         CREATE FUNCTION held.wait() RETURNS event_trigger LANGUAGE plpgsql
         AS $$ BEGIN PERFORM pg_advisory_xact_lock(1); END $$;
         CREATE EVENT TRIGGER wait ON ddl_command_end WHEN TAG IN ('{tag}') EXECUTE FUNCTION held.wait();
         SELECT pg_advisory_lock(1)"
    );
    holding.execute(AssertSqlSafe(trigger)).await.unwrap();
    holding
}

/// Makes the `COMMIT` of a restore run `statement`.
async fn at_commit(options: &PgConnectOptions, statement: &str) {
    let trigger = format!(
        "CREATE SCHEMA held;
         CREATE TABLE held.dropped ();
         CREATE FUNCTION held.commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statement}; RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER commit AFTER INSERT ON held.dropped DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION held.commit();
         CREATE FUNCTION held.note() RETURNS event_trigger LANGUAGE plpgsql
         AS $$ BEGIN INSERT INTO held.dropped DEFAULT VALUES; END $$;
         CREATE EVENT TRIGGER note ON sql_drop WHEN TAG IN ('DROP SCHEMA') EXECUTE FUNCTION held.note()"
    );
    connect(options).await.execute(AssertSqlSafe(trigger)).await.unwrap();
}

fn start(shell: &Shell, arguments: &[&str]) -> Child {
    shell.command(&[&["restore"], arguments].concat()).spawn().unwrap()
}

/// The exit status, and what was printed.
fn ended(restore: Child) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = restore.wait_with_output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap())
}

#[tokio::test]
async fn an_interruption_after_the_commit_is_not_a_failed_restore() {
    let (options, shell, _) = backed_up("restore-analyze").await;
    shell.ok(&["store", "create", "second"], "admin1234\n");
    let mut locking = connect(&options).await;
    // The restore does not touch this schema, but collects statistics of its tables.
    locking.execute("CREATE SCHEMA held; CREATE TABLE held.locked ()").await.unwrap();
    locking.execute("BEGIN; LOCK TABLE held.locked").await.unwrap();
    let restore = start(&shell, &["demo.backup", "--force"]);
    wait_for_lock_wait(&options).await;
    interrupt(&restore);
    let (code, printed) = ended(restore);
    assert_eq!(number(&options, "SELECT count(*) FROM stores").await, 1);
    assert!(code == Some(0) && printed.contains("restored: 1 store"), "{printed}");
    assert!(printed.contains("statistics") && !printed.contains("nothing was changed"), "{printed}");
}

#[tokio::test]
async fn an_interrupted_or_failed_commit_has_an_unknown_outcome() {
    let (options, shell, _) = backed_up("restore-commit").await;
    at_commit(&options, "PERFORM pg_advisory_xact_lock(1)").await;
    let mut holding = connect(&options).await;
    holding.execute("SELECT pg_advisory_lock(1)").await.unwrap();
    let restore = start(&shell, &["demo.backup", "--force"]);
    wait_for_lock_wait(&options).await;
    interrupt(&restore);
    let (code, printed) = ended(restore);
    assert!(code == Some(1) && printed.contains("not known") && printed.contains("interrupted"), "{printed}");
    assert!(printed.contains("tableorder store list") && !printed.contains("nothing was changed"), "{printed}");

    let (options, shell, _) = backed_up("restore-commit-fails").await;
    at_commit(&options, "RAISE 'the disk is full'").await;
    let (code, printed) = ended(start(&shell, &["demo.backup", "--force"]));
    assert!(code == Some(1) && printed.contains("not known") && printed.contains("the disk is full"), "{printed}");
    assert!(!printed.contains("nothing was changed"), "{printed}");
}

#[tokio::test]
async fn a_second_restore_is_refused_and_leaves_the_first_alone() {
    let (options, shell, _) = backed_up("restore-twice").await;
    shell.ok(&["store", "create", "second"], "admin1234\n");
    let mut locking = connect(&options).await;
    locking.execute("BEGIN; LOCK TABLE menus IN ACCESS SHARE MODE").await.unwrap();
    let first = start(&shell, &["demo.backup", "--force"]);
    wait_for_lock_wait(&options).await;
    let refused = shell.fails(&["restore", "demo.backup", "--force"], "");
    assert!(refused.contains("nothing was changed: another restore"), "{refused}");
    locking.execute("COMMIT").await.unwrap();
    let (code, printed) = ended(first);
    assert_eq!(code, Some(0), "{printed}");
    assert_eq!(number(&options, "SELECT count(*) FROM stores").await, 1);
    assert_eq!(number(&options, content::STAGING).await, 0);
}

#[tokio::test]
async fn a_server_that_connects_to_an_empty_database_meanwhile_stops_a_restore() {
    let (_, _shell, file) = backed_up("restore-server-source").await;
    let options = empty_database().await;
    let shell = Shell::at(url_of(&options), "restore-server");
    let mut holding = hold_at(&options, "CREATE SCHEMA").await;
    let restore = start(&shell, &[file.to_str().unwrap()]);
    wait_for_lock_wait(&options).await;
    let _server = connect(&options.clone().application_name("tableorder")).await;
    holding.execute("SELECT pg_advisory_unlock(1)").await.unwrap();
    let (code, printed) = ended(restore);
    assert!(code == Some(1) && printed.contains("stop every server"), "{printed}");
    let public = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    assert_eq!(number(&options, public).await, 0);
}

#[tokio::test]
async fn data_that_appears_in_an_empty_database_is_not_replaced() {
    let (_, _shell, file) = backed_up("restore-data-source").await;
    let options = empty_database().await;
    let shell = Shell::at(url_of(&options), "restore-data");
    let mut holding = hold_at(&options, "CREATE SCHEMA").await;
    let restore = start(&shell, &[file.to_str().unwrap()]);
    wait_for_lock_wait(&options).await;
    // Not by the migrations: building an index concurrently would wait for the restore.
    let tables = "CREATE TABLE event_epochs (); CREATE TABLE store_streams ();
                  CREATE TABLE stores AS SELECT 1::bigint AS id, 'new' AS code";
    connect(&options).await.execute(tables).await.unwrap();
    holding.execute("SELECT pg_advisory_unlock(1)").await.unwrap();
    let (code, printed) = ended(restore);
    assert!(code == Some(1) && printed.contains("not empty; --force"), "{printed}");
    assert_eq!(number(&options, "SELECT count(*) FROM stores WHERE code = 'new'").await, 1);
}

#[tokio::test]
async fn a_server_that_starts_on_an_empty_database_at_the_end_of_a_restore_waits() {
    let (_, _shell, file) = backed_up("restore-waits-source").await;
    let options = empty_database().await;
    let shell = Shell::at(url_of(&options), "restore-waits");
    at_commit(&options, "PERFORM pg_advisory_xact_lock(1)").await;
    let mut holding = connect(&options).await;
    holding.execute("SELECT pg_advisory_lock(1)").await.unwrap();
    let restore = start(&shell, &[file.to_str().unwrap()]);
    wait_for_lock_wait(&options).await;
    let url = url_of(&options);
    let starting = tokio::task::spawn_blocking(move || {
        let directory = Directory::new("restore-waits-server");
        let settings =
            [("DATABASE_URL", url.as_str()), ("JWT_SECRET_KEY", TestApp::SECRET), ("SEED_DEMO_STORE", "false")];
        (Server::start_with(&directory.0, &settings), directory)
    });
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND application_name = 'tableorder-migrate'";
    wait_for_any(&options, waiting).await;
    holding.execute("SELECT pg_advisory_unlock(1)").await.unwrap();
    let (code, printed) = ended(restore);
    assert_eq!(code, Some(0), "{printed}");
    let (server, _directory) = starting.await.unwrap();
    let owner = json!({"store_id": "demo", "username": "admin", "password": "admin1234"});
    server.client.post("/admin/auth/login", &owner).await.ok();
}
