//! A restore reproduces the backed-up database row by row.

use sqlx::Executor;
use sqlx::migrate::{Migration, Migrator};
use sqlx::postgres::PgConnectOptions;
use tableorder::database::MIGRATIONS;

use super::{connect, content};
use crate::command_line::Shell;
use crate::support::{TestApp, empty_database, plain_database, url_of};

/// The first migration after release 0.1.0.
const AFTER_0_1_0: i64 = 20_261_120_000_007;

/// Makes a backup of `source` and restores it into `target`.
fn backup_and_restore(source: &PgConnectOptions, target: &PgConnectOptions, name: &str) {
    let shell = Shell::at(url_of(source), name);
    shell.ok(&["backup", "x.backup", "--fast"], "");
    let away = Shell::at(url_of(target), &format!("{name}-away"));
    away.ok(&["restore", shell.directory.join("x.backup").to_str().unwrap()], "");
}

#[tokio::test]
async fn a_restore_reproduces_all_rows_ids_and_the_schema() {
    for seed in 0..4 {
        let (source, target) = (plain_database().await, empty_database().await);
        let mut conn = connect(&source).await;
        // The archive must not depend on the settings of the source or target database.
        let settings =
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET DateStyle = ''SQL, DMY''', current_database());
                        EXECUTE format('ALTER DATABASE %I SET TimeZone = ''America/New_York''', current_database());
                        EXECUTE format('ALTER DATABASE %I SET bytea_output = escape', current_database()); END $$";
        conn.execute(settings).await.unwrap();
        content::fill(&mut conn, seed, 20 + 200 * seed).await;
        // The id of a deleted row is not assigned again.
        conn.execute("DELETE FROM menus WHERE id = (SELECT max(id) FROM menus)").await.unwrap();
        drop(conn);
        backup_and_restore(&source, &target, &format!("backups-round-{seed}"));
        let (expected, restored) = (content::of(&source).await, content::of(&target).await);
        content::assert_equal(&restored, &expected, &format!("seed {seed}"));
        let untouched = plain_database().await;
        assert_eq!(content::schema(&target).await, content::schema(&untouched).await);
    }
}

#[tokio::test]
async fn a_backup_of_the_previous_release_is_migrated_when_restored() {
    let (source, target) = (empty_database().await, empty_database().await);
    let released: Vec<Migration> =
        MIGRATIONS.iter().filter(|migration| migration.version < AFTER_0_1_0).cloned().collect();
    assert_eq!(released.len(), 6);
    let mut conn = connect(&source).await;
    Migrator::with_migrations(released).run(&mut conn).await.unwrap();
    content::fill(&mut conn, 3, 300).await;
    drop(conn);
    backup_and_restore(&source, &target, "backups-older");
    // The restored database must equal the source after the same migrations.
    MIGRATIONS.run(&mut connect(&source).await).await.unwrap();
    content::assert_equal(&content::of(&target).await, &content::of(&source).await, "migrated");
    assert_eq!(content::schema(&target).await, content::schema(&source).await);
    TestApp::start_on(target, |_| {}).await;
}

#[tokio::test]
async fn an_archive_of_a_newer_schema_is_refused() {
    let source = plain_database().await;
    let shell = Shell::at(url_of(&source), "backups-newer");
    shell.ok(&["backup", "x.backup"], "");
    let path = shell.directory.join("x.backup");
    let mut archive = super::archive::Archive::read(&path);
    archive.manifest()["migration"] = 29_990_101_000_001_i64.into();
    archive.write(&path);
    let away = Shell::at(url_of(&empty_database().await), "backups-newer-away");
    let stderr = away.fails(&["restore", path.to_str().unwrap()], "");
    assert!(stderr.contains("the backup is of a newer tableorder"), "{stderr}");
}
