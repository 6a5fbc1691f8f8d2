//! The nightly backups made by the server.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::Executor;
use sqlx::postgres::PgConnectOptions;

use super::{content, names, number};
use crate::command_line::Shell;
use crate::support::{Directory, Proxy, TestApp, empty_database, plain_database, url_of};

const INTERVAL: Duration = Duration::from_millis(20);
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// A server that makes a backup into `directory` at 04:30 and keeps two.
async fn server(options: &PgConnectOptions, directory: &Path) -> TestApp {
    TestApp::start_on(options.clone(), |config| {
        config.backup.directory = Some(directory.to_owned());
        config.backup.at = "04:30:00".parse().unwrap();
        config.backup.kept = 2;
        config.backup.check_interval = INTERVAL;
        config.backup.retry_interval = RETRY_INTERVAL;
    })
    .await
}

fn backups(directory: &Path) -> Vec<String> {
    if !directory.exists() {
        return Vec::new();
    }
    let mut names = names(directory);
    names.retain(|name| Path::new(name).extension().is_some_and(|extension| extension == "backup"));
    names
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !is_so().await {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn warnings(app: &TestApp) -> serde_json::Value {
    app.anonymous().get("/health").await.ok()["warnings"].clone()
}

/// The time at which the last backup was completed, in seconds since 1970.
async fn last_success(app: &TestApp) -> Option<f64> {
    metric(app, "backup_last_success_timestamp_seconds").await
}

async fn metric(app: &TestApp, name: &str) -> Option<f64> {
    let text = app.anonymous().get("/metrics").await.body;
    let text = text.as_str().unwrap();
    let line = text.lines().find(|line| line.starts_with(&format!("tableorder_{name} ")));
    line.map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn each_night_has_one_backup_from_any_instance() {
    let options = plain_database().await;
    let work = Directory::new("nightly");
    let directories = [work.0.join("a"), work.0.join("b")];
    let apps = [server(&options, &directories[0]).await, server(&options, &directories[1]).await];
    let store = apps[0].store("noodles").await;
    apps[0].store("bar").await;
    store.tablet(1).await.order(&store.menus[..1]).await.ok();
    let all = || directories.iter().flat_map(|directory| backups(directory)).collect::<Vec<_>>();

    // 04:29 and 04:31 in Seoul. A store is first backed up in the night after it was created.
    for app in &apps {
        app.set_time("2027-01-04T19:29:00Z");
    }
    until("the backup of the night before", async || all() == ["tableorder-20270104-192900.backup"]).await;
    for app in &apps {
        app.set_time("2027-01-04T19:31:00Z");
    }
    until("this night's backup", async || all().len() == 2).await;
    until("the metric", async || {
        let finished = metric(&apps[0], "backup_last_success_timestamp_seconds").await;
        finished == Some(1_799_091_060.0) && metric(&apps[1], "backup_overdue").await == Some(0.0)
    })
    .await;
    assert_eq!(warnings(&apps[0]).await, serde_json::Value::Null);

    let newest = directories.iter().find(|directory| backups(directory).iter().any(|name| name.contains("0104-1931")));
    let path = newest.unwrap().join("tableorder-20270104-193100.backup");
    let target = empty_database().await;
    let away = Shell::at(url_of(&target), "nightly-away");
    let summary = away.ok(&["restore", path.to_str().unwrap()], "");
    assert!(summary.contains("2 stores, 1 order,"), "{summary}");
    assert_eq!(content::of(&target).await["orders"], content::of(&options).await["orders"]);
}

#[tokio::test]
async fn old_backups_are_deleted_and_other_files_are_kept() {
    let options = plain_database().await;
    let work = Directory::new("nightly-kept");
    fs::write(work.0.join("mine.backup"), "x").unwrap();
    fs::write(work.0.join("tableorder-20260101-0430.backup"), "x").unwrap();
    // The temporary file of a server that was killed during a backup.
    fs::write(work.0.join(".tableorder-20260101-043000.backup.a1b2c3.part"), "x").unwrap();
    fs::write(work.0.join(".mine.part"), "x").unwrap();
    let app = server(&options, &work.0).await;
    app.store("noodles").await;
    app.store("bar").await;
    for day in 10..14 {
        app.set_time(&format!("2027-01-{day}T20:00:00Z"));
        let name = format!("tableorder-202701{day}-200000.backup");
        until(&name, async || backups(&work.0).contains(&name)).await;
    }
    let expected = [
        "mine.backup",
        "tableorder-20260101-0430.backup",
        "tableorder-20270112-200000.backup",
        "tableorder-20270113-200000.backup",
    ];
    until("the third backup should be deleted", async || backups(&work.0) == expected).await;
    let mut unfinished = names(&work.0);
    unfinished.retain(|name| name.starts_with('.'));
    assert_eq!(unfinished, [".mine.part"]);
}

#[tokio::test]
async fn a_failed_backup_is_retried_and_overdue_backups_raise_a_warning() {
    let options = plain_database().await;
    let work = Directory::new("nightly-fails");
    // A file in place of the directory: it fails for root too.
    let directory = work.0.join("file");
    fs::write(&directory, "x").unwrap();
    let app = server(&options, &directory).await;
    app.store("noodles").await;
    app.store("bar").await;
    app.set_time("2027-01-10T20:00:00Z");
    until("a failure", async || metric(&app, "backup_failures_total").await >= Some(1.0)).await;
    // There was never a backup, and the stores are older than two days.
    assert_eq!(warnings(&app).await, serde_json::json!(["backup_overdue"]));
    until("the second try", async || metric(&app, "backup_failures_total").await >= Some(2.0)).await;
    fs::remove_file(&directory).unwrap();
    until("a backup", async || backups(&directory).len() == 1).await;
    until("no warning", async || warnings(&app).await.is_null()).await;
    app.set_time("2027-01-12T19:29:00Z");
    until("the backup of the next night", async || backups(&directory).len() == 2).await;
    fs::rename(&directory, work.0.join("moved")).unwrap();
    fs::write(&directory, "x").unwrap();
    app.set_time("2027-01-14T20:00:00Z");
    until("a warning", async || warnings(&app).await == serde_json::json!(["backup_overdue"])).await;
    assert_eq!(metric(&app, "backup_overdue").await, Some(1.0));
}

#[tokio::test]
async fn a_nightly_backup_after_a_restore_replaces_no_file() {
    let options = plain_database().await;
    let (work, shell) = (Directory::new("nightly-restored"), Shell::at(url_of(&options), "nightly-restored-shell"));
    let app = server(&options, &work.0).await;
    let store = app.store("noodles").await;
    shell.ok(&["backup", "older.backup"], "");
    store.tablet(1).await.order(&store.menus[..1]).await.ok();
    app.set_time("2027-01-10T20:00:00Z");
    until("the first backup", async || last_success(&app).await == Some(1_799_611_200.0)).await;
    let file = work.0.join(&backups(&work.0)[0]);
    let first = fs::read(&file).unwrap();
    app.closing.cancel();
    app.database.close().await;
    super::killed::wait_until_disconnected(&options).await;

    // A restored database has no record of the last backup, so tonight's is due again.
    shell.ok(&["restore", "older.backup", "--force"], "");
    let app = server(&options, &work.0).await;
    app.set_time("2027-01-10T20:05:00Z");
    until("the second backup", async || last_success(&app).await == Some(1_799_611_500.0)).await;
    assert!(fs::read(&file).unwrap() == first, "the first backup should be unchanged");
    assert_eq!(backups(&work.0).len(), 2);
}

#[tokio::test]
async fn a_backup_recorded_in_the_future_is_ignored() {
    let options = plain_database().await;
    let work = Directory::new("nightly-future");
    // Until the directory is moved to the link's target, backups fail, for root too.
    let (directory, prepared, target) = (work.0.join("link"), work.0.join("prepared"), work.0.join("target"));
    symlink(&target, &directory).unwrap();
    fs::create_dir(&prepared).unwrap();
    for name in ["tableorder-20310101-000000.backup", "tableorder-20310102-000000.backup"] {
        fs::write(prepared.join(name), "x").unwrap();
    }
    let app = server(&options, &directory).await;
    app.store("noodles").await;
    let record = "INSERT INTO last_backup (due_at, finished_at, bytes) VALUES ('2031-01-01', '2031-01-01', 1)";
    app.connection().await.execute(record).await.unwrap();
    until("the record", async || last_success(&app).await == Some(1_924_992_000.0)).await;
    app.set_time("2027-01-10T20:00:00Z");
    until("a warning", async || warnings(&app).await == serde_json::json!(["backup_overdue"])).await;
    fs::rename(&prepared, &target).unwrap();
    until("no warning", async || warnings(&app).await.is_null()).await;
    // Two are kept: the new backup must be one of them, although the other names are later.
    until("one deletion", async || backups(&directory).len() == 2).await;
    assert_eq!(backups(&directory), ["tableorder-20270110-200000.backup", "tableorder-20310102-000000.backup"]);
}

#[tokio::test]
async fn a_backup_fails_and_is_retried_when_the_connection_is_silent() {
    let options = plain_database().await;
    let work = Directory::new("nightly-silent");
    let proxy = Proxy::start(&options).await;
    let app = TestApp::start_with_direct(options, proxy.options(), |config| {
        config.backup.directory = Some(work.0.clone());
        config.backup.at = "04:30:00".parse().unwrap();
        config.backup.check_interval = INTERVAL;
        config.backup.retry_interval = INTERVAL;
        config.backup.no_answer_timeout = Duration::from_secs(1);
    })
    .await;
    app.store("noodles").await;
    // Only the listener and the backup connect through the proxy.
    let listening = "SELECT count(*) FROM pg_stat_activity
                     WHERE datname = current_database() AND application_name = 'tableorder-listener'";
    until("the listener", async || number(&app.options, listening).await == 1).await;
    proxy.stall_next();
    app.set_time("2027-01-10T20:00:00Z");
    until("a failed connection", async || metric(&app, "backup_failures_total").await == Some(1.0)).await;
    until("a backup", async || last_success(&app).await == Some(1_799_611_200.0)).await;

    // No rows arrive while the table is locked.
    let mut locking = app.connection().await;
    locking.execute("BEGIN; LOCK TABLE menus IN ACCESS EXCLUSIVE MODE").await.unwrap();
    app.set_time("2027-01-11T20:00:00Z");
    until("a second failure", async || metric(&app, "backup_failures_total").await >= Some(2.0)).await;
    locking.execute("COMMIT").await.unwrap();
    until("the next backup", async || last_success(&app).await == Some(1_799_697_600.0)).await;
}

#[tokio::test]
async fn a_failed_deletion_of_old_backups_is_not_a_failed_backup() {
    let options = plain_database().await;
    let work = Directory::new("nightly-undeletable");
    // Directories cannot be deleted as files, not even by root.
    for name in ["tableorder-20260101-000000.backup", "tableorder-20260102-000000.backup"] {
        fs::create_dir(work.0.join(name)).unwrap();
    }
    let app = server(&options, &work.0).await;
    app.store("noodles").await;
    app.set_time("2027-01-10T20:00:00Z");
    until("a backup", async || last_success(&app).await == Some(1_799_611_200.0)).await;
    // The next night's backup shows that the first attempt has ended.
    app.set_time("2027-01-11T20:00:00Z");
    until("the next backup", async || last_success(&app).await == Some(1_799_697_600.0)).await;
    assert_eq!(metric(&app, "backup_failures_total").await, Some(0.0));
}
