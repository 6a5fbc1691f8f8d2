//! The memory budget of large responses. Without it, clients that read slowly could make the server keep any number of them.
//! The menus that the tablets of a store share are not part of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};

use crate::error::{AppError, ErrorCode, Limit, Result};
use crate::models::{StoreId, TableId};
use crate::request_context::{self, RequestContext};
use crate::routers::json::LargeBody;
use crate::telemetry::metrics::RequestMetrics;

/// Counts the bytes of large responses from when they are made until they are sent. Clones share the count.
#[derive(Debug, Clone)]
pub(super) struct ResponseMemory {
    budget: usize,
    used: Arc<Mutex<HashMap<Account, usize>>>,
    metrics: RequestMetrics,
}

/// An owner of a share of the budget. A response counts towards the share of each of its owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Account {
    Server,
    Store(StoreId),
    /// All tables of the store. The rest of the store's share is reserved for its users.
    TablesOf(StoreId),
    Table(StoreId, TableId),
}

impl Account {
    /// The accounts of the client that sent a request, the smallest share first.
    fn of(context: &RequestContext) -> Vec<Self> {
        let mut accounts = Vec::new();
        if let (Some(store), Some(table)) = (context.store(), context.table()) {
            accounts.extend([Self::Table(store, table), Self::TablesOf(store)]);
        }
        accounts.extend(context.store().map(Self::Store));
        accounts.push(Self::Server);
        accounts
    }

    fn share_of(self, budget: usize) -> usize {
        match self {
            Self::Server => budget,
            Self::Store(_) => budget / 4,
            Self::TablesOf(_) => budget / 8,
            Self::Table(..) => budget / 32,
        }
    }
}

/// A body that counts until its last byte is sent: hyper keeps the bytes until then.
struct CountedBody {
    bytes: Bytes,
    accounts: Vec<Account>,
    memory: ResponseMemory,
}

impl AsRef<[u8]> for CountedBody {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for CountedBody {
    fn drop(&mut self) {
        self.memory.release(&self.accounts, self.bytes.len());
    }
}

impl ResponseMemory {
    /// At most `budget` bytes; the metric of `metrics` shows how many are used.
    pub(super) fn new(budget: usize, metrics: RequestMetrics) -> Self {
        Self { budget, used: Arc::default(), metrics }
    }

    /// Counts a large response, or replaces it with an error if the client's share of the budget is used up.
    pub(super) fn apply(&self, mut response: Response) -> Response {
        let Some(LargeBody(bytes)) = response.extensions_mut().remove() else { return response };
        let request = request_context::with(|context| (Account::of(context), context.is_read));
        let (accounts, is_read) = request.unwrap_or_default();
        // A change is made already: its response is only counted.
        if is_read && let Err(refused) = self.check(&accounts, bytes.len()) {
            return refused.into_response();
        }
        self.claim(&accounts, bytes.len());
        let counted = CountedBody { bytes, accounts, memory: self.clone() };
        *response.body_mut() = Body::from(Bytes::from_owner(counted));
        response
    }

    /// Checks that each account has room for `bytes` more. A response that is larger than a share is allowed if it is the only one.
    ///
    /// # Errors
    /// `TOO_MANY_REQUESTS`, or `SERVICE_UNAVAILABLE` if the whole budget is used.
    fn check(&self, accounts: &[Account], bytes: usize) -> Result<()> {
        let used = self.used();
        for account in accounts {
            let share = account.share_of(self.budget);
            if used.get(account).is_some_and(|used| used + bytes > share) {
                let code = match account {
                    Account::Server => ErrorCode::ServiceUnavailable,
                    _ => ErrorCode::TooManyRequests,
                };
                let maximum = i64::try_from(share).unwrap_or(i64::MAX);
                return Err(AppError::limit_reached(code, Limit::ResponseBytes, maximum));
            }
        }
        Ok(())
    }

    fn claim(&self, accounts: &[Account], bytes: usize) {
        let mut used = self.used();
        for account in accounts {
            *used.entry(*account).or_default() += bytes;
        }
        self.metrics.add_unsent_bytes(bytes);
    }

    fn release(&self, accounts: &[Account], bytes: usize) {
        let mut used = self.used();
        for account in accounts {
            if let Some(left) = used.get_mut(account) {
                *left -= bytes;
                if *left == 0 {
                    used.remove(account);
                }
            }
        }
        self.metrics.remove_unsent_bytes(bytes);
    }

    fn used(&self) -> MutexGuard<'_, HashMap<Account, usize>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: [Account; 4] = accounts(1, 1);

    const fn accounts(store: i64, table: i64) -> [Account; 4] {
        let (store, table) = (StoreId(store), TableId(table));
        [Account::Table(store, table), Account::TablesOf(store), Account::Store(store), Account::Server]
    }

    /// The refusal of a response; one that is not refused is counted.
    fn refusal(memory: &ResponseMemory, accounts: &[Account], bytes: usize) -> Option<(ErrorCode, i64)> {
        match memory.check(accounts, bytes) {
            Ok(()) => {
                memory.claim(accounts, bytes);
                None
            }
            Err(refused) => Some((refused.code, refused.limit()?.1)),
        }
    }

    #[test]
    fn each_table_and_store_has_a_share_of_the_budget() {
        let memory = ResponseMemory::new(3_200, RequestMetrics::default());
        let full = |share| Some((ErrorCode::TooManyRequests, share));
        assert_eq!(refusal(&memory, &TABLE, 100), None);
        assert_eq!(refusal(&memory, &TABLE, 1), full(100));
        for table in 2..=4 {
            assert_eq!(refusal(&memory, &accounts(1, table), 100), None);
        }
        assert_eq!(refusal(&memory, &accounts(1, 5), 1), full(400));
        let staff = [Account::Store(StoreId(1)), Account::Server];
        assert_eq!(refusal(&memory, &staff, 400), None);
        assert_eq!(refusal(&memory, &staff, 1), full(800));
        assert_eq!(refusal(&memory, &accounts(2, 1), 100), None);
        for store in 3..=5 {
            assert_eq!(refusal(&memory, &[Account::Store(StoreId(store)), Account::Server], 760), None);
        }
        assert_eq!(refusal(&memory, &accounts(6, 1), 21), Some((ErrorCode::ServiceUnavailable, 3_200)));
        assert_eq!(refusal(&memory, &accounts(6, 1), 20), None);
    }

    #[test]
    fn a_response_that_is_sent_counts_no_longer() {
        let memory = ResponseMemory::new(3_200, RequestMetrics::default());
        // Larger than the share, but the only one.
        assert_eq!(refusal(&memory, &TABLE, 3_000), None);
        assert!(refusal(&memory, &TABLE, 1).is_some());
        memory.release(&TABLE, 3_000);
        assert!(memory.used().is_empty());
        assert_eq!(refusal(&memory, &TABLE, 100), None);
    }
}
