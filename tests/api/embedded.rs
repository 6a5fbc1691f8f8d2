//! Obstacles for the embedded PostgreSQL: stale files, locks, foreign directories.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tableorder::database::embedded::{Durability, EmbeddedError, EmbeddedPostgres};

use crate::support::scratch_directory;

/// A directory for one test, removed on drop.
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn start(directory: &Path) -> Result<EmbeddedPostgres, EmbeddedError> {
    EmbeddedPostgres::start(directory, Durability::Durable).await
}

async fn count(postgres: &EmbeddedPostgres, sql: &'static str) -> i64 {
    let mut connection = PgConnection::connect_with(&postgres.connect_options()).await.unwrap();
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn a_stale_pid_file_with_a_reused_pid_does_not_prevent_a_start() {
    let directory = Directory(scratch_directory("stale-pid"));
    let postgres = start(&directory.0).await.unwrap();
    let mut connection = PgConnection::connect_with(&postgres.connect_options()).await.unwrap();
    sqlx::raw_sql("CREATE TABLE kept AS SELECT 42 AS number").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let again = start(&directory.0).await;
    assert!(matches!(again, Err(EmbeddedError::InUse(_))), "two servers must not share a directory");
    postgres.stop().await;

    // A process of PostgreSQL's user; PostgreSQL would take it for another postmaster.
    let owner = fs::metadata(directory.0.join("postgres/pgdata")).unwrap().uid();
    let mut other_process = Command::new("sleep");
    other_process.arg("60");
    if nix::unistd::geteuid().is_root() {
        std::os::unix::process::CommandExt::uid(&mut other_process, owner);
    }
    let mut other_process = other_process.spawn().unwrap();
    fs::write(directory.0.join("postgres/pgdata/postmaster.pid"), format!("{}\n", other_process.id())).unwrap();
    let postgres = start(&directory.0).await.unwrap();
    assert_eq!(count(&postgres, "SELECT count(*) FROM kept WHERE number = 42").await, 1);
    assert!(other_process.try_wait().unwrap().is_none(), "the other_process should not be killed");
    other_process.kill().unwrap();
    other_process.wait().unwrap();
    postgres.stop().await;
}

#[test]
fn a_command_during_database_creation_is_asked_to_wait() {
    let directory = Directory(scratch_directory("being-made"));
    fs::create_dir_all(directory.0.join("postgres")).unwrap();
    let lock = fs::File::create(directory.0.join("lock")).unwrap();
    lock.lock().unwrap();
    let refused = EmbeddedPostgres::running_in(&directory.0);
    assert!(matches!(refused, Err(EmbeddedError::BeingCreated(_))), "{refused:?}");
    fs::create_dir_all(directory.0.join("postgres/pgdata")).unwrap();
    fs::write(directory.0.join("postgres/password"), "secret").unwrap();
    assert!(EmbeddedPostgres::running_in(&directory.0).unwrap().is_some());
}

#[tokio::test]
async fn a_socket_directory_of_another_user_is_refused() {
    let directory = Directory(scratch_directory(&format!("{}/deep", "long".repeat(30))));
    let postgres = start(&directory.0).await.unwrap();
    let socket = postgres.connect_options().get_socket().unwrap().clone();
    assert!(socket.starts_with("/tmp") && !socket.starts_with(&directory.0), "the path is too long for a socket");
    postgres.stop().await;

    fs::remove_dir(&socket).unwrap();
    let elsewhere = Directory(scratch_directory("elsewhere"));
    fs::create_dir_all(&elsewhere.0).unwrap();
    let owner = fs::metadata(&elsewhere.0).unwrap().uid();
    symlink(&elsewhere.0, &socket).unwrap();
    let mut refused = start(&directory.0).await;
    // A child process of another test may hold our lock briefly, between its fork and its exec.
    for _ in 0..20 {
        if matches!(refused, Err(EmbeddedError::InUse(_))) {
            tokio::time::sleep(Duration::from_millis(100)).await;
            refused = start(&directory.0).await;
        }
    }
    fs::remove_file(&socket).unwrap();
    assert!(matches!(refused, Err(EmbeddedError::File { .. })), "{refused:?}");
    assert_eq!(fs::metadata(&elsewhere.0).unwrap().uid(), owner, "the target of the link should be unchanged");
    let _ = fs::remove_dir_all(scratch_directory(&"long".repeat(30)));
}
