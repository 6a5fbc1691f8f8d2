//! The application state: the services and handles that a handler can use, created once at the start.
//!
//! A new service becomes a field of [`Services`] and is created in [`AppState::new`]. Data that only one service needs
//! belongs to that service, and data of one request belongs to `request_context`. An example to imitate: `orders`.

use std::ops::Deref;
use std::sync::Arc;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use scoped_futures::ScopedFutureExt;
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;

use crate::backup::NightlyBackup;
use crate::clock::Clock;
use crate::cluster::{Cluster, HistoryChanged};
use crate::config::{Config, EventConfig, Secret};
use crate::database::Database;
use crate::error::Result;
use crate::events::{Hub, retention};
use crate::models::StoreId;
use crate::repositories::event;
use crate::schemas::menu::PreparedMenu;
use crate::security::access::TokenChecker;
use crate::security::password::Passwords;
use crate::security::throttle::LoginThrottle;
use crate::security::token::Tokens;
use crate::services::{
    AuditService, AuthService, CategoryService, DemoService, DeviceService, MenuService, OrderService, SessionService,
    SetupService, StoreService, StreamService, TableService, UserService, idempotency,
};
use crate::shutdown::Shutdown;
use crate::telemetry::metrics::{Metrics, RequestMetrics};

/// The capacity of the cache of menu responses, in bytes.
const PREPARED_MENU_BYTES: u64 = 64 << 20;

/// The state that all handlers share. A clone adds a reference to the same [`Services`].
#[derive(Clone)]
pub struct AppState(Arc<Services>);

/// The content of [`AppState`].
#[expect(missing_docs, reason = "each type has its own documentation")]
pub struct Services {
    pub auth: AuthService,
    pub audit: AuditService,
    pub backups: NightlyBackup,
    pub categories: CategoryService,
    pub demo: DemoService,
    pub devices: DeviceService,
    pub menus: MenuService,
    pub orders: OrderService,
    pub sessions: SessionService,
    pub setup: SetupService,
    pub streams: StreamService,
    pub tables: TableService,
    pub users: UserService,
    pub database: Database,
    pub cluster: Cluster,
    pub hub: Hub,
    pub prepared_menus: Cache<(StoreId, i64), Arc<PreparedMenu>>,
    pub throttle: LoginThrottle,
    pub metrics: Metrics,
    pub request_metrics: RequestMetrics,
    pub shutdown: Shutdown,
    clock: Clock,
}

impl Deref for AppState {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0
    }
}

impl AppState {
    /// Creates the services on `database`, which must be migrated.
    ///
    /// # Errors
    /// When the epoch of the database cannot be read.
    pub async fn new(config: &Config, secret: &Secret, database: Database, clock: Clock) -> Result<Self> {
        let epoch = database.read(|conn| event::epoch(conn).scope_boxed()).await?;
        let shutdown = Shutdown::default();
        let cluster = Cluster::new(database.clone());
        let observer = Arc::new(cluster.clone());
        let closing = shutdown.closing().clone();
        let hub = Hub::new(database.clone(), epoch, observer, config.streams.limits, clock.clone(), closing);
        let tokens = Tokens::new(secret, &config.jwt.previous_secrets, config.jwt.algorithm, epoch, clock.clone());
        let passwords = Passwords::new(config.login.queue)?;
        let throttle = LoginThrottle::new(database.clone(), clock.clone(), &config.login);
        let stores = StoreService::new(database.clone(), passwords.clone(), clock.clone());
        let access = TokenChecker::new(database.clone(), cluster.clone(), hub.clone());
        let sessions = SessionService::new(database.clone(), hub.clone(), clock.clone());
        let devices = DeviceService::new(database.clone(), access.clone(), clock.clone(), config.devices);
        let auth = AuthService::new(
            database.clone(),
            sessions.clone(),
            devices.clone(),
            access.clone(),
            passwords.clone(),
            throttle.clone(),
            tokens,
            clock.clone(),
            &config.jwt,
        );
        let host = config.http.host;
        let setup = SetupService::new(database.clone(), passwords.clone(), throttle.clone(), clock.clone(), host);
        let store_limits = config.store_limits;
        let menus = MenuService::new(database.clone(), cluster.clone(), hub.clone(), store_limits, clock.clone());
        let orders = OrderService::new(
            database.clone(),
            stores.clone(),
            menus.clone(),
            hub.clone(),
            config.session_limits,
            clock.clone(),
        );
        let users = UserService::new(
            database.clone(),
            passwords.clone(),
            Some(access.clone()),
            throttle.clone(),
            store_limits,
            clock.clone(),
        );
        let backups = NightlyBackup::new(database.clone(), config.backup.clone(), clock.clone());
        let request_metrics = RequestMetrics::default();
        let metrics = Metrics::new(&clock, |registry| {
            request_metrics.register(registry);
            database.register(registry);
            hub.register(registry);
            cluster.register(registry);
            menus.register(registry);
            orders.register(registry);
            throttle.register(registry);
            passwords.register(registry);
            backups.register(registry);
        });
        Ok(Self(Arc::new(Services {
            auth,
            audit: AuditService::new(database.clone(), clock.clone(), config.login.audit_retention),
            backups,
            categories: CategoryService::new(database.clone(), hub.clone(), store_limits, clock.clone()),
            demo: DemoService::new(database.clone(), access.clone(), clock.clone()),
            streams: StreamService::new(
                hub.clone(),
                access.clone(),
                sessions.clone(),
                devices.clone(),
                config.streams,
                clock.clone(),
            ),
            devices,
            menus,
            prepared_menus: prepared_menus(),
            orders,
            sessions,
            setup,
            tables: TableService::new(
                database.clone(),
                hub.clone(),
                access,
                passwords,
                throttle.clone(),
                stores,
                store_limits,
                clock.clone(),
            ),
            users,
            database,
            cluster,
            hub,
            throttle,
            metrics,
            request_metrics,
            shutdown,
            clock,
        })))
    }

    /// Runs the background tasks until `stop` is cancelled: exchanges versions with the other instances, deletes
    /// expired rows and makes the nightly backup. `direct` connects to PostgreSQL without a pooler: `LISTEN` and the
    /// backup need a database session of their own.
    ///
    /// # Errors
    /// [`HistoryChanged`]: the server must stop.
    pub async fn run_background(
        self,
        direct: PgConnectOptions,
        events: EventConfig,
        stop: CancellationToken,
    ) -> Result<(), HistoryChanged> {
        let Services { audit, backups, devices, cluster, hub, database, throttle, clock, .. } = &*self;
        let listener = events.wake_ups.then(|| direct.clone());
        let background = async {
            tokio::join!(
                hub.run_catch_up(),
                retention::run(database, clock, events.retention),
                throttle.run_cleanup(),
                audit.run_retention(),
                devices.run_retention(),
                devices.run_seen(hub),
                idempotency::run_retention(database, clock),
                backups.run(direct)
            );
        };
        tokio::select! {
            result = cluster.run(hub, listener, &stop) => result,
            () = background => Ok(()),
        }
    }
}

/// The cache of menu responses, by store and menu version.
fn prepared_menus() -> Cache<(StoreId, i64), Arc<PreparedMenu>> {
    Cache::builder()
        .weigher(|_, menu: &Arc<PreparedMenu>| u32::try_from(menu.size()).unwrap_or(u32::MAX))
        .max_capacity(PREPARED_MENU_BYTES)
        .eviction_policy(EvictionPolicy::lru())
        .build()
}
