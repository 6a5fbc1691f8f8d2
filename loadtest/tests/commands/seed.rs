//! `loadtest seed`.

mod consistency;
mod schema;

use std::fs;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

use crate::http::{self, get, post};
use crate::postgres::{plain_database, url_of};
use crate::program::{Directory, fails, loadtest, succeeds};
use crate::server;

/// Three stores with past orders.
const SMALL: &str = "seed --stores 3 --tables 4 --menus 40 --days 3 --orders-per-day 20 --today 2026-11-20";

/// So many past orders that their foreign keys and indexes are made at once.
const LARGE: &str = "seed --stores 2 --tables 3 --menus 20 --days 500 --orders-per-day 50";

async fn connect(options: &PgConnectOptions) -> PgConnection {
    PgConnection::connect_with(options).await.unwrap()
}

async fn number(options: &PgConnectOptions, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut connect(options).await).await.unwrap()
}

/// A digest of everything that does not depend on the time of the run.
async fn digest(options: &PgConnectOptions) -> String {
    let sql = "SELECT md5(string_agg(line, '|' ORDER BY line)) FROM (
            SELECT o::text FROM orders o
            UNION ALL SELECT i::text FROM order_items i
            UNION ALL SELECT c::text FROM order_counters c
            UNION ALL SELECT s::text FROM store_streams s
            UNION ALL SELECT s::text FROM table_sessions s WHERE completed_at IS NOT NULL
            UNION ALL SELECT concat(store_id, id, category_id, name, price, description, display_order) FROM menus
            UNION ALL SELECT concat(store_id, id, name, display_order) FROM categories
            UNION ALL SELECT concat(id, code, name) FROM stores
            UNION ALL SELECT concat(store_id, id, table_number) FROM tables
        ) AS lines (line)";
    sqlx::query_scalar(sql).fetch_one(&mut connect(options).await).await.unwrap()
}

#[tokio::test]
async fn the_same_seed_makes_the_same_data() {
    let (first, second, other) = (plain_database().await, plain_database().await, plain_database().await);
    let directory = Directory::new("seed-same");
    let seed = |options: &PgConnectOptions, arguments: &str| loadtest(&directory.0, &url_of(options), arguments);
    succeeds(seed(&first, SMALL));
    succeeds(seed(&second, SMALL));
    succeeds(seed(&other, &format!("{SMALL} --seed 8")));
    let digest_of_first = digest(&first).await;
    assert_eq!(digest_of_first, digest(&second).await);
    assert_ne!(digest_of_first, digest(&other).await);
    assert_eq!(number(&first, "SELECT count(*) FROM orders").await, 180);

    assert!(fails(seed(&first, SMALL)).contains("there is a store store-001 already"));
    succeeds(seed(&first, &format!("{SMALL} --prefix more")));
    assert_eq!(number(&first, "SELECT count(*) FROM orders").await, 360);
    consistency::check(&first).await;
}

#[tokio::test]
async fn production_is_refused() {
    let options = plain_database().await;
    let directory = Directory::new("seed-production");
    let mut command = loadtest(&directory.0, &url_of(&options), "seed");
    command.env("APP_ENV", "production").env("CORS_ORIGINS", "https://example.com");
    assert!(fails(command).contains("not in production"));
    assert_eq!(number(&options, "SELECT count(*) FROM stores").await, 0);
}

#[tokio::test]
async fn many_orders_leave_every_constraint_and_index_as_it_was() {
    let options = plain_database().await;
    let directory = Directory::new("seed-large");
    let seed = |arguments: &str| loadtest(&directory.0, &url_of(&options), arguments);
    let schema = schema::read(&options).await;
    succeeds(seed(SMALL));

    // Killed while the tables have neither constraints nor indexes.
    let mut killed = seed(&format!("{LARGE} --prefix killed")).spawn().unwrap();
    wait_for_copy(&options, &mut killed).await;
    killed.kill().unwrap();
    killed.wait().unwrap();
    wait_until(&options, "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'tableorder-seed'").await;
    assert_eq!(schema::read(&options).await, schema);
    assert_eq!(number(&options, "SELECT count(*) FROM stores").await, 3);

    succeeds(seed(&format!("{LARGE} --prefix large")));
    assert_eq!(schema::read(&options).await, schema);
    assert_eq!(number(&options, "SELECT count(*) FROM orders").await, 50_180);
    consistency::check(&options).await;
}

async fn wait_for_copy(options: &PgConnectOptions, process: &mut Child) {
    let copies = "SELECT count(*) > 0 FROM pg_stat_activity
                  WHERE application_name = 'tableorder-seed' AND query LIKE 'COPY order_items%'";
    wait_until(options, copies).await;
    assert!(process.try_wait().unwrap().is_none(), "it should still run");
}

async fn wait_until(options: &PgConnectOptions, condition: &'static str) {
    let mut connection = connect(options).await;
    let started = Instant::now();
    while !sqlx::query_scalar::<_, bool>(condition).fetch_one(&mut connection).await.unwrap() {
        assert!(started.elapsed() < Duration::from_secs(30), "{condition}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn tokens_are_valid() {
    let options = plain_database().await;
    let directory = Directory::new("seed-tokens");
    succeeds(loadtest(&directory.0, &url_of(&options), &format!("{SMALL} --tokens tokens")));
    let read = |name: &str| read_pairs(&directory.0.join("tokens").join(name));
    let (tables, admins, menus) = (read("tables.tsv"), read("admins.tsv"), read("menus.tsv"));
    assert_eq!((tables.len(), admins.len(), menus.len()), (12, 3, 120));

    let address = server::start(options.clone()).await;
    let mut connection = http::Connection::connect(address).await.unwrap();
    for (store, token) in &tables {
        let menu_item: i64 = menus.iter().find(|(of, _)| of == store).unwrap().1.parse().unwrap();
        let body = json!({"items": [{"menu_id": menu_item, "quantity": 1}]}).to_string();
        connection.expect(201, &post("/customer/orders", token, &body)).await.unwrap();
    }
    let with_device = "SELECT count(*) FROM orders o
                       JOIN devices d ON d.store_id = o.store_id AND d.id = o.device_id AND d.table_id = o.table_id";
    assert_eq!(number(&options, with_device).await, 12);

    let admin = &admins[0].1;
    let mut read = async |path: &str| -> Value {
        serde_json::from_slice(connection.expect(200, &get(path, admin, "")).await.unwrap().body).unwrap()
    };
    assert_eq!(read("/admin/orders").await["orders"].as_array().unwrap().len(), 4);
    let table = read("/admin/tables").await["tables"][0]["id"].clone();
    let past = read(&format!("/admin/tables/{table}/history?date_from=2026-11-17&date_to=2026-11-19")).await;
    assert!(!past["orders"].as_array().unwrap().is_empty());
    consistency::check(&options).await;
}

fn read_pairs(path: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(path).unwrap();
    let pairs = text.lines().map(|line| line.split_once('\t').unwrap());
    pairs.map(|(store, value)| (store.to_owned(), value.to_owned())).collect()
}
