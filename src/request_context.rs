//! The request under way: a task-local record of what its log lines and its response need.

use std::cell::Cell;
use std::net::IpAddr;

use crate::error::Language;
use crate::models::StoreId;

/// What is known of the request under way.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// The caller's request id if it sent a valid one, else a new one. Visible ASCII.
    pub id: String,
    /// The client's address, as trusted proxies report it.
    pub client: IpAddr,
    /// The language that the client asks for.
    pub language: Language,
    queries: Cell<u32>,
    store: Cell<Option<StoreId>>,
}

tokio::task_local! {
    static CONTEXT: RequestContext;
}

impl RequestContext {
    /// A request that has not been authenticated and has sent no query yet.
    #[must_use]
    pub fn new(id: String, client: IpAddr, language: Language) -> Self {
        Self { id, client, language, queries: Cell::new(0), store: Cell::new(None) }
    }

    /// The number of statements sent to the database for this request.
    #[must_use]
    pub fn queries(&self) -> u32 {
        self.queries.get()
    }

    /// The store that the request is about, once its token or login is known.
    #[must_use]
    pub fn store(&self) -> Option<StoreId> {
        self.store.get()
    }

    /// Runs `work` as part of this request.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CONTEXT.scope(self, work).await
    }
}

/// Reads the context of the request under way; `None` outside requests, as in background tasks.
pub fn with<T>(read: impl FnOnce(&RequestContext) -> T) -> Option<T> {
    CONTEXT.try_with(read).ok()
}

/// Counts a statement sent to the database.
pub fn count_query() {
    with(|context| context.queries.set(context.queries.get() + 1));
}

/// Records which store the request is about.
pub fn set_store(store: StoreId) {
    with(|context| context.store.set(Some(store)));
}
