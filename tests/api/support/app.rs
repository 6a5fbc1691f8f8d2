//! A test server on its own port, and the stores in it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tableorder::clock::Clock;
use tableorder::cluster::Cluster;
use tableorder::config::{Config, Secret};
use tableorder::database::Database;
use tableorder::events::Hub;
use tableorder::models::{
    BusinessCalendar, MenuItemDetails, MenuItemId, Price, Role, StoreCode, StoreId, TableId, Username,
};
use tableorder::repositories::{category, menu_item, store, table, user};
use tableorder::security::password::hash_now;
use tableorder::services::SetupService;
use tableorder::shutdown::Shutdown;
use tableorder::state::AppState;
use tableorder::{app, server};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::client::ApiClient;
use super::postgres::{new_database, url_of};

pub struct TestApp {
    pub base: String,
    pub database: Database,
    pub hub: Hub,
    pub cluster: Cluster,
    pub setup: SetupService,
    pub options: PgConnectOptions,
    pub closing: CancellationToken,
    pub shutdown: Shutdown,
    clock: Arc<Mutex<Option<DateTime<Utc>>>>,
}

/// A store with the owner `admin`, tables 1 to 3 and a small menu.
pub struct TestStore {
    pub code: String,
    pub tables: Vec<TableId>,
    /// 김치찌개 (9,000 won), 콜라 (2,000), and 생맥주 (4,500, sold out).
    pub menus: Vec<MenuItemId>,
    base: String,
}

impl TestApp {
    /// The key that signs the tests' tokens.
    pub const SECRET: &str = "a secret that only these tests know";

    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(new_database().await, change).await
    }

    /// A server on an existing database, which other servers may use too.
    pub async fn start_on(options: PgConnectOptions, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_with_secret(options, Self::SECRET, change).await
    }

    /// Like [`start_on`](Self::start_on), with tokens signed by `secret`.
    pub async fn start_with_secret(options: PgConnectOptions, secret: &str, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_listening(options.clone(), options, secret, change).await
    }

    /// A server whose listener and nightly backup connect with `direct`.
    pub async fn start_with_direct(
        options: PgConnectOptions,
        direct: PgConnectOptions,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        Self::start_listening(options, direct, Self::SECRET, change).await
    }

    /// A server behind a connection pooler in transaction mode; `direct` bypasses the pooler, for the listener.
    pub async fn start_behind_pooler(pooler: PgConnectOptions, direct: PgConnectOptions) -> Self {
        Self::start_with_direct(pooler, direct, |_| {}).await
    }

    async fn start_listening(
        options: PgConnectOptions,
        listener: PgConnectOptions,
        secret: &str,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = Config::read(|_| None).unwrap();
        config.database.min_connections = 0;
        // A slow machine must not cause timeouts in tests that are not about timeouts.
        config.database.acquire_timeout = Duration::from_secs(10);
        config.http.shutdown_timeout = Duration::from_secs(3);
        config.backup.directory = None;
        // Tests order faster, and more, than guests.
        config.session_limits.orders_per_second = None;
        (config.session_limits.orders, config.session_limits.lines) = (1_000_000, 10_000_000);
        change(&mut config);
        let database = Database::connect(options.clone(), &config.database).await.unwrap();
        let time: Arc<Mutex<Option<DateTime<Utc>>>> = Arc::default();
        let clock = Clock::from_fn({
            let (time, system) = (Arc::clone(&time), Clock::system());
            move || time.lock().unwrap().unwrap_or_else(|| system.now())
        });
        let secret = Secret::new(secret);
        let state = AppState::new(&config, &secret, database.clone(), clock.clone()).await.unwrap();
        let (shutdown, closing) = (state.shutdown.clone(), state.shutdown.closing().clone());
        let (hub, cluster, setup) = (state.hub.clone(), state.cluster.clone(), state.setup.clone());
        let background = state.clone().run_background(listener, config.events, closing.clone());
        tokio::spawn(background);
        tokio::spawn(database.clone().watch());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let app = app(state, &config.http);
        let shutdown_signal = shutdown.clone();
        tokio::spawn(async move { server::serve(listener, app, shutdown_signal, &config.http).await });
        Self { base, database, hub, cluster, setup, options, closing, shutdown, clock: time }
    }

    /// The database URL, for a child process.
    pub fn url(&self) -> String {
        url_of(&self.options)
    }

    /// A new connection, outside the pool.
    pub async fn connection(&self) -> PgConnection {
        PgConnection::connect_with(&self.options).await.unwrap()
    }

    pub fn set_time(&self, moment: &str) {
        *self.clock.lock().unwrap() = Some(moment.parse().unwrap());
    }

    /// A client without a token.
    pub fn anonymous(&self) -> ApiClient {
        ApiClient::new(&self.base)
    }

    /// The id of the store with this code.
    pub async fn store_id(&self, code: &str) -> StoreId {
        let id = sqlx::query_scalar("SELECT id FROM stores WHERE code = $1").bind(code);
        StoreId(id.fetch_one(&mut self.connection().await).await.unwrap())
    }

    /// A store in Seoul.
    pub async fn store(&self, code: &str) -> TestStore {
        self.store_in(code, chrono_tz::Asia::Seoul, "00:00:00").await
    }

    /// A store whose business day begins at `day_starts_at` in `time_zone`.
    pub async fn store_in(&self, code: &str, time_zone: Tz, day_starts_at: &str) -> TestStore {
        let now = Clock::system().now();
        let day_starts_at: NaiveTime = day_starts_at.parse().unwrap();
        let mut connection = self.connection().await;
        let mut tx = connection.begin().await.unwrap();
        let parsed = StoreCode::parse(code).unwrap();
        let calendar = BusinessCalendar { time_zone, day_starts_at };
        let id = store::insert(&mut tx, &parsed, &format!("{code}의 식당"), &calendar, now).await.unwrap();
        store::insert_stream(&mut tx, id).await.unwrap();
        let admin_hash = hash_now("admin1234").unwrap();
        let admin = Username::parse("admin").unwrap();
        user::insert(&mut tx, id, &admin, &admin_hash, Role::Owner, now).await.unwrap();
        let table_hash = hash_now("1234").unwrap();
        let mut tables = Vec::new();
        for number in 1..=3 {
            tables.push(table::insert(&mut tx, id, number, &table_hash, now).await.unwrap().id);
        }
        let category = category::insert(&mut tx, id, "식사", 0, now).await.unwrap();
        let mut menus = Vec::new();
        for (display_order, (name, price, is_available)) in
            (0..).zip([("김치찌개", 9_000, true), ("콜라", 2_000, true), ("생맥주", 4_500, false)])
        {
            let item = MenuItemDetails {
                category_id: category,
                name: name.to_owned(),
                price: Price::try_from(price).unwrap(),
                description: Some(code.to_owned()),
                image_url: None,
                is_available,
            };
            menus.push(menu_item::insert(&mut tx, id, &item, display_order, now).await.unwrap());
        }
        tx.commit().await.unwrap();
        TestStore { code: code.to_owned(), tables, menus, base: self.base.clone() }
    }
}

impl TestStore {
    /// The same store, accessed through another server on its database.
    pub fn on(&self, app: &TestApp) -> Self {
        Self { code: self.code.clone(), tables: self.tables.clone(), menus: self.menus.clone(), base: app.base.clone() }
    }

    /// The owner, logged in.
    pub async fn admin(&self) -> ApiClient {
        self.login("admin", "admin1234").await
    }

    /// A user of the store, logged in.
    pub async fn login(&self, username: &str, password: &str) -> ApiClient {
        let client = ApiClient::new(&self.base);
        let body = serde_json::json!({"store_id": self.code, "username": username, "password": password});
        let login = client.post("/admin/auth/login", &body).await.ok();
        client.with_token(login["token"].as_str().unwrap())
    }

    /// The tablet of table `number`, logged in.
    pub async fn tablet(&self, number: i32) -> ApiClient {
        let client = ApiClient::new(&self.base);
        let body = serde_json::json!({"store_id": self.code, "table_number": number, "password": "1234"});
        let login = client.post("/customer/auth/login", &body).await.ok();
        client.with_token(login["token"].as_str().unwrap())
    }
}
