//! Two PostgreSQL nodes: a primary and its streaming standby.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tableorder::database::embedded::{Durability, EmbeddedPostgres};
use tokio::time::{sleep, timeout};

use super::postgres::{password_of, start_again};

/// The limit for each step of a node.
const NODE_TIMEOUT: Duration = Duration::from_secs(20);

/// Starts a standby in `directory` for `primary`, whose directory is `of`, and waits until it streams.
pub async fn start_standby(primary: &EmbeddedPostgres, of: &Path, directory: &Path) -> EmbeddedPostgres {
    let (options, data) = (primary.connect_options(), directory.join("postgres"));
    let password = password_of(&options);
    fs::create_dir(directory).unwrap();
    fs::DirBuilder::new().mode(0o700).create(&data).unwrap();
    fs::write(data.join("password"), &password).unwrap();
    let mut backup = Command::new(program_of(of, "pg_basebackup"));
    backup
        .args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--username=tableorder"])
        .arg("--host")
        .arg(options.get_socket().unwrap())
        .arg("--pgdata")
        .arg(data.join("pgdata"))
        .env("PGPASSWORD", password.trim())
        .current_dir("/");
    // PostgreSQL refuses to run as root, so the files must belong to the user that runs the primary.
    let owner = fs::metadata(of.join("postgres")).unwrap();
    if owner.uid() != nix::unistd::geteuid().as_raw() {
        for path in [data.clone(), data.join("password")] {
            chown(path, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        backup.uid(owner.uid()).gid(owner.gid());
    }
    let made = backup.output().expect("pg_basebackup should be in the directory of PostgreSQL's other programs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let standby = EmbeddedPostgres::start(directory, Durability::Throwaway).await.unwrap();
    until(primary, "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE state = 'streaming')").await;
    standby
}

/// Starts the stopped PostgreSQL in `directory` as a read-only standby without a primary.
pub async fn start_demoted(directory: &Path) -> EmbeddedPostgres {
    let signal = directory.join("postgres/pgdata/standby.signal");
    fs::write(&signal, "").unwrap();
    let owner = fs::metadata(directory.join("postgres")).unwrap();
    chown(signal, Some(owner.uid()), Some(owner.gid())).unwrap();
    start_again(directory).await
}

/// Promotes a standby to primary.
pub async fn promote(standby: &EmbeddedPostgres) {
    until(standby, "SELECT pg_promote()").await;
}

/// Waits until `condition` is true on `node`.
pub async fn until(node: &EmbeddedPostgres, condition: &'static str) {
    let mut connection = PgConnection::connect_with(&node.connect_options()).await.unwrap();
    let waiting = async {
        while !sqlx::query_scalar::<_, bool>(condition).fetch_one(&mut connection).await.unwrap() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(NODE_TIMEOUT, waiting).await.expect(condition);
}

/// The path of a program of the PostgreSQL that runs in `directory`.
fn program_of(directory: &Path, name: &str) -> PathBuf {
    let postmaster = fs::read_to_string(directory.join("postgres/pgdata/postmaster.pid")).unwrap();
    let postmaster = postmaster.lines().next().unwrap();
    fs::read_link(format!("/proc/{postmaster}/exe")).unwrap().with_file_name(name)
}
