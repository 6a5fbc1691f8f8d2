//! What a handler may reach.

use std::sync::Arc;

use axum::extract::FromRef;
use scoped_futures::ScopedFutureExt;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{Config, Secret};
use crate::database::Database;
use crate::error::Result;
use crate::events::{Hub, StreamLimits};
use crate::repositories::event;
use crate::security::access::TokenAccess;
use crate::security::password::Passwords;
use crate::security::rush::Rush;
use crate::security::throttle::LoginThrottle;
use crate::security::token::Tokens;
use crate::services::{
    AuditService, AuthService, CategoryService, MenuService, OrderService, SessionService, StoreService, StreamService,
    TableService, UserService,
};
use crate::shutdown::Shutdown;
use crate::telemetry::metrics::{Gauges, Metrics};

/// What a handler may reach. Each request clones it and some of its parts, so each is one counted reference: had a
/// service been cloned part by part, the cores would fight for a dozen counters a request.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

struct Parts {
    database: Database,
    hub: Hub,
    throttle: LoginThrottle,
    auth: Arc<AuthService>,
    categories: Arc<CategoryService>,
    menus: Arc<MenuService>,
    orders: Arc<OrderService>,
    sessions: Arc<SessionService>,
    tables: Arc<TableService>,
    users: Arc<UserService>,
    audit: Arc<AuditService>,
    metrics: Metrics,
    streams: Arc<StreamService>,
    shutdown: Shutdown,
}

impl AppState {
    /// Wires the services to `database`, which must be migrated.
    ///
    /// # Errors
    /// When the deployment's epoch cannot be read.
    pub async fn new(config: &Config, secret: &Secret, database: Database, clock: Clock) -> Result<Self> {
        let deployment = database.read(|conn| event::epoch(conn).scope_boxed()).await?;
        let shutdown = Shutdown::default();
        let limits = StreamLimits { per_store: config.streams.max_per_store, in_all: config.streams.max_in_all };
        let hub = Hub::new(database.clone(), deployment, limits, clock.clone(), shutdown.closing().clone());
        let tokens = Tokens::new(secret, &config.jwt.previous_secrets, config.jwt.algorithm, deployment, clock.clone());
        let rush = Rush::none();
        let passwords = Passwords::new(config.login.queue, rush.clone())?;
        let throttle = LoginThrottle::new(database.clone(), clock.clone(), &config.login);
        let stores = StoreService::new(database.clone(), passwords.clone(), clock.clone());
        let access = TokenAccess::new(database.clone(), hub.clone());
        let sessions = SessionService::new(database.clone(), hub.clone(), clock.clone());
        let auth = AuthService::new(
            database.clone(),
            sessions.clone(),
            access.clone(),
            passwords.clone(),
            throttle.clone(),
            tokens,
            clock.clone(),
            &config.jwt,
        );
        let menus = MenuService::new(database.clone(), hub.clone(), clock.clone());
        let orders =
            OrderService::new(database.clone(), stores.clone(), menus.clone(), hub.clone(), rush, clock.clone());
        let users = UserService::new(
            database.clone(),
            passwords.clone(),
            Some(access.clone()),
            throttle.clone(),
            clock.clone(),
        );
        let gauges = Gauges {
            database: database.clone(),
            hub: hub.clone(),
            passwords: passwords.clone(),
            connections_limit: config.database.max_connections,
            streams_limit: config.streams.max_in_all,
            hash_queue_limit: config.login.queue,
        };
        let metrics = Metrics::new(&clock, gauges, |registry| {
            database.register(registry);
            hub.register(registry);
            menus.register(registry);
            orders.register(registry);
            throttle.register(registry);
        });
        let streams = StreamService::new(hub.clone(), access.clone(), config.streams, clock.clone());
        let categories = CategoryService::new(database.clone(), hub.clone(), clock.clone());
        let audit = AuditService::new(database.clone(), clock.clone(), config.login.audit_retention);
        let tables =
            TableService::new(database.clone(), hub.clone(), access, passwords, throttle.clone(), stores, clock);
        Ok(Self(Arc::new(Parts {
            auth: Arc::new(auth),
            categories: Arc::new(categories),
            menus: Arc::new(menus),
            orders: Arc::new(orders),
            tables: Arc::new(tables),
            users: Arc::new(users),
            audit: Arc::new(audit),
            throttle,
            metrics,
            streams: Arc::new(streams),
            sessions: Arc::new(sessions),
            database,
            hub,
            shutdown,
        })))
    }

    /// How the server is told to stop, and tells everything in it.
    #[must_use]
    pub fn shutdown(&self) -> &Shutdown {
        &self.0.shutdown
    }

    /// Cancelled when the server begins to stop: streams are broken off.
    #[must_use]
    pub fn closing(&self) -> &CancellationToken {
        self.0.shutdown.closing()
    }

    /// What slows down whoever guesses passwords.
    #[must_use]
    pub fn throttle(&self) -> &LoginThrottle {
        &self.0.throttle
    }

    /// The audit log.
    #[must_use]
    pub fn audit(&self) -> &AuditService {
        &self.0.audit
    }

    /// The hub that feeds the streams.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.0.hub
    }
}

macro_rules! reach {
    ($($field:ident: $type:ty,)*) => {$(
        impl FromRef<AppState> for $type {
            fn from_ref(state: &AppState) -> Self {
                state.0.$field.clone()
            }
        }
    )*};
}

reach! {
    database: Database,
    auth: Arc<AuthService>,
    categories: Arc<CategoryService>,
    menus: Arc<MenuService>,
    orders: Arc<OrderService>,
    sessions: Arc<SessionService>,
    tables: Arc<TableService>,
    users: Arc<UserService>,
    audit: Arc<AuditService>,
    metrics: Metrics,
    streams: Arc<StreamService>,
    shutdown: Shutdown,
}

macro_rules! lend {
    ($($field:ident: $type:ty,)*) => {$(
        impl AsRef<$type> for AppState {
            fn as_ref(&self) -> &$type {
                &self.0.$field
            }
        }
    )*};
}

// For extractors, which only look: to count who holds a service, every core writes to the same memory.
lend! {
    auth: AuthService,
    menus: MenuService,
}
