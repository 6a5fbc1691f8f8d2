//! A backup of generated data is restored equal, row by row.

use std::sync::Arc;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tableorder::backup::{self, NoProgress, Pace, RestoreLock, TABLES};
use tableorder::clock::Clock;
use tableorder::config::NO_ANSWER_TIMEOUT;

use crate::postgres::{empty_database, plain_database, url_of};
use crate::program::{Directory, loadtest, succeeds};

/// The number of rows of each table and a digest of them.
async fn content(options: &PgConnectOptions) -> Vec<String> {
    let mut connection = PgConnection::connect_with(options).await.unwrap();
    let mut content = Vec::new();
    for table in TABLES {
        let sql = format!(
            "SELECT '{table} ' || count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '')
             FROM {table} t"
        );
        content.push(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.unwrap());
    }
    content
}

#[tokio::test]
async fn generated_data_is_restored_row_by_row() {
    for (seed, size) in [
        (1, "--stores 1 --tables 1 --menus 1 --days 1 --orders-per-day 1"),
        (2, "--stores 5 --tables 7 --menus 30 --days 4 --orders-per-day 50"),
        (3, "--stores 2 --tables 3 --menus 20 --days 60 --orders-per-day 100"),
    ] {
        let (source, target) = (plain_database().await, empty_database().await);
        let directory = Directory::new(&format!("backup-{seed}"));
        succeeds(loadtest(&directory.0, &url_of(&source), &format!("seed {size} --seed {seed}")));
        let file = directory.0.join("x.backup");
        let now = Clock::system().now();
        backup::create(&source, &file, false, Pace::Unlimited, now, NO_ANSWER_TIMEOUT, Arc::new(NoProgress))
            .await
            .unwrap();
        let manifest = backup::verify(&file, Arc::new(NoProgress)).await.unwrap();
        let lock = RestoreLock::acquire(&target).await.unwrap();
        let restored = backup::prepare_restore(&lock, &target, &file, &manifest, false, Arc::new(NoProgress)).await;
        let mut restored = restored.unwrap();
        restored.commit().await.unwrap();
        restored.analyze().await.unwrap();
        assert_eq!(content(&target).await, content(&source).await, "seed {seed}");
    }
}
