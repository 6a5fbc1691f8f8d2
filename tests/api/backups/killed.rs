//! A restore that is killed leaves the old state or the new state, and can be repeated.

use std::time::{Duration, Instant};

use sqlx::Executor;
use tableorder::backup::RestoreLock;

use super::{connect, content, number};
use crate::command_line::Shell;
use crate::support::{Directory, Server, TestApp, plain_database, url_of};

#[tokio::test]
async fn a_restore_killed_at_any_point_leaves_the_old_or_the_new_state() {
    let (options, source) = (plain_database().await, plain_database().await);
    content::fill(&mut connect(&source).await, 1, 1_000).await;
    let shell = Shell::at(url_of(&source), "backups-killed-source");
    shell.ok(&["backup", "x.backup", "--fast"], "");
    let path = shell.directory.join("x.backup");
    let (new, target) = (content::of(&source).await, Shell::at(url_of(&options), "backups-killed"));
    content::fill(&mut connect(&options).await, 2, 50).await;
    let old = content::of(&options).await;
    let arguments = ["restore", path.to_str().unwrap(), "--force"];

    let scratch = Shell::at(url_of(&plain_database().await), "backups-killed-timed");
    let started = Instant::now();
    scratch.ok(&arguments, "");
    let whole = started.elapsed();
    let mut kept = 0;
    for part in 1..=6 {
        let mut restore = target.command(&arguments).spawn().unwrap();
        tokio::time::sleep(whole * part / 5).await;
        restore.kill().unwrap();
        restore.wait().unwrap();
        wait_until_disconnected(&options).await;
        let now = content::of(&options).await;
        if now == old {
            kept += 1;
            continue;
        }
        content::assert_equal(&now, &new, &format!("killed after {part} fifths"));
        assert_eq!(number(&options, content::STAGING).await, 0);
        break;
    }
    assert!(kept > 0, "a restore should be killed before its end");
    // The remains of a killed restore do not prevent the next one, which removes them.
    target.ok(&arguments, "");
    content::assert_equal(&content::of(&options).await, &new, "repeated");
    assert_eq!(number(&options, content::STAGING).await, 0);
}

#[tokio::test]
async fn a_server_removes_the_rows_of_a_killed_restore_but_not_of_a_running_one() {
    let options = plain_database().await;
    let rows = "CREATE SCHEMA tableorder_restore; CREATE TABLE tableorder_restore.orders ()";
    connect(&options).await.execute(rows).await.unwrap();
    let url = url_of(&options);
    let settings = [("DATABASE_URL", url.as_str()), ("JWT_SECRET_KEY", TestApp::SECRET)];
    let directory = Directory::new("backups-killed-server");
    let running = RestoreLock::acquire(&options).await.unwrap();
    drop(Server::start_with(&directory.0, &settings));
    assert_eq!(number(&options, content::STAGING).await, 1);
    drop(running);
    wait_until_disconnected(&options).await;
    let mut locking = connect(&options).await;
    locking.execute("BEGIN; LOCK TABLE tableorder_restore.orders").await.unwrap();
    drop(Server::start_with(&directory.0, &settings));
    assert_eq!(number(&options, content::STAGING).await, 1, "the server starts, and does not wait for a locked table");
    locking.execute("COMMIT").await.unwrap();
    wait_until_disconnected(&options).await;
    let _server = Server::start_with(&directory.0, &settings);
    assert_eq!(number(&options, content::STAGING).await, 0);
}

/// Waits until PostgreSQL has ended the sessions of the killed program; a statement may still commit until then.
pub async fn wait_until_disconnected(options: &sqlx::postgres::PgConnectOptions) {
    let connected = "SELECT count(*) FROM pg_stat_activity
                     WHERE datname = current_database() AND application_name LIKE '%tableorder%'";
    let started = Instant::now();
    while number(options, connected).await > 0 {
        assert!(started.elapsed() < Duration::from_secs(30), "the program's connections should end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
