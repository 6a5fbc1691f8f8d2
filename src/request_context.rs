//! The context of the current request, task-local: what its log lines and its response need.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use crate::error::{Language, Limit};
use crate::models::{StoreId, TableId};

/// The context of the current request.
#[derive(Debug)]
pub struct RequestContext {
    /// The caller's request id if it sent a valid one, else a new one. Visible ASCII.
    pub id: String,
    /// The client's address, as trusted proxies report it.
    pub client: IpAddr,
    /// The language that the client asks for.
    pub language: Language,
    /// Whether the request only reads: a response to it can be refused after it was made.
    pub is_read: bool,
    queries: AtomicU32,
    store: OnceLock<StoreId>,
    table: OnceLock<TableId>,
    limit: OnceLock<Limit>,
}

tokio::task_local! {
    static CONTEXT: Arc<RequestContext>;
}

impl RequestContext {
    /// A request that has not been authenticated and has sent no query yet.
    #[must_use]
    pub fn new(id: String, client: IpAddr, language: Language, is_read: bool) -> Arc<Self> {
        let (store, table, limit) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Arc::new(Self { id, client, language, is_read, queries: AtomicU32::new(0), store, table, limit })
    }

    /// The number of statements sent to the database for this request.
    #[must_use]
    pub fn queries(&self) -> u32 {
        self.queries.load(Ordering::Relaxed)
    }

    /// The store of the request, once its token or login is verified.
    #[must_use]
    pub fn store(&self) -> Option<StoreId> {
        self.store.get().copied()
    }

    /// The table whose tablet sent the request, once its token is verified.
    #[must_use]
    pub fn table(&self) -> Option<TableId> {
        self.table.get().copied()
    }

    /// The limit that the request exceeded.
    #[must_use]
    pub fn limit(&self) -> Option<Limit> {
        self.limit.get().copied()
    }

    /// Runs `work` as part of this request.
    pub fn enter<T>(self: Arc<Self>, work: impl FnOnce() -> T) -> T {
        CONTEXT.sync_scope(self, work)
    }

    /// Runs the future `work` as part of this request.
    pub async fn scope<F: Future>(self: Arc<Self>, work: F) -> F::Output {
        CONTEXT.scope(self, work).await
    }
}

/// Reads the context of the current request; `None` outside requests, as in background tasks.
pub fn with<T>(read: impl FnOnce(&RequestContext) -> T) -> Option<T> {
    CONTEXT.try_with(|context| read(context)).ok()
}

/// Counts a statement sent to the database.
pub fn count_query() {
    with(|context| context.queries.fetch_add(1, Ordering::Relaxed));
}

/// Records the store of the request.
pub fn set_store(store: StoreId) {
    with(|context| context.store.set(store));
}

/// Records the table whose tablet sent the request.
pub fn set_table(table: TableId) {
    with(|context| context.table.set(table));
}

/// Records the limit that the request exceeded.
pub fn set_limit(limit: Limit) {
    with(|context| context.limit.set(limit));
}
