//! The memory budget of large request and response bodies. Without it, clients that send or read slowly could make the
//! server keep any number of them. The menus that the tablets of a store share are not part of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{AppError, ErrorCode, Limit, Result};
use crate::models::{StoreId, TableId};
use crate::request_context::{self, RequestContext};
use crate::telemetry::metrics::RequestMetrics;

/// The memory budget. Clones share the count.
#[derive(Debug, Clone)]
pub struct BodyMemory {
    budget: usize,
    used: Arc<Mutex<HashMap<BudgetShare, usize>>>,
    metrics: RequestMetrics,
}

/// A share of the budget. A body counts towards each share of its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum BudgetShare {
    Server,
    Store(StoreId),
    /// All tables of the store. The rest of the store's share is reserved for its users.
    TablesOf(StoreId),
    Table(StoreId, TableId),
}

impl BudgetShare {
    /// The shares of the client that sent a request, the smallest first.
    fn of(context: &RequestContext) -> Vec<Self> {
        let mut shares = Vec::new();
        if let (Some(store), Some(table)) = (context.store(), context.table()) {
            shares.extend([Self::Table(store, table), Self::TablesOf(store)]);
        }
        shares.extend(context.store().map(Self::Store));
        shares.push(Self::Server);
        shares
    }

    /// The size of this share. It is at most what is `free`, so that a few stores cannot use the whole budget.
    fn size(self, budget: usize, free: usize) -> usize {
        match self {
            Self::Server => budget,
            Self::Store(_) => free.min(budget / 4),
            Self::TablesOf(_) => free.min(budget / 8),
            Self::Table(..) => free.min(budget / 32),
        }
    }
}

/// The memory of one body, which counts until this is dropped.
#[derive(Debug)]
pub struct BodyClaim {
    bytes: usize,
    shares: Vec<BudgetShare>,
    memory: BodyMemory,
}

impl Drop for BodyClaim {
    fn drop(&mut self) {
        self.memory.release(&self.shares, self.bytes);
    }
}

impl BodyMemory {
    /// At most `budget` bytes; the metric of `metrics` shows how many are used.
    #[must_use]
    pub fn new(budget: usize, metrics: RequestMetrics) -> Self {
        Self { budget, used: Arc::default(), metrics }
    }

    /// Counts a body of the current request. A body that is larger than a share is allowed if it is the only one.
    ///
    /// # Errors
    /// `TOO_MANY_REQUESTS` if a share of the client is used up, `SERVICE_UNAVAILABLE` if the whole budget is.
    pub fn claim(&self, bytes: usize) -> Result<BodyClaim> {
        self.claim_of(current_shares(), bytes)
    }

    /// Like [`claim`](Self::claim), but never refuses: for the response to a change, which was already made.
    #[must_use]
    pub fn count(&self, bytes: usize) -> BodyClaim {
        self.add(&mut self.used(), current_shares(), bytes)
    }

    fn claim_of(&self, shares: Vec<BudgetShare>, bytes: usize) -> Result<BodyClaim> {
        let mut used = self.used();
        let free = self.budget.saturating_sub(used.get(&BudgetShare::Server).copied().unwrap_or_default());
        for share in &shares {
            let size = share.size(self.budget, free);
            if used.get(share).is_some_and(|used| used + bytes > size) {
                let code = match share {
                    BudgetShare::Server => ErrorCode::ServiceUnavailable,
                    _ => ErrorCode::TooManyRequests,
                };
                let maximum = i64::try_from(size).unwrap_or(i64::MAX);
                return Err(AppError::limit_reached(code, Limit::BodyBytes, maximum));
            }
        }
        Ok(self.add(&mut used, shares, bytes))
    }

    fn add(&self, used: &mut HashMap<BudgetShare, usize>, shares: Vec<BudgetShare>, bytes: usize) -> BodyClaim {
        for share in &shares {
            *used.entry(*share).or_default() += bytes;
        }
        self.metrics.add_body_bytes(bytes);
        BodyClaim { bytes, shares, memory: self.clone() }
    }

    fn release(&self, shares: &[BudgetShare], bytes: usize) {
        let mut used = self.used();
        for share in shares {
            if let Some(left) = used.get_mut(share) {
                *left -= bytes;
                if *left == 0 {
                    used.remove(share);
                }
            }
        }
        self.metrics.remove_body_bytes(bytes);
    }

    fn used(&self) -> MutexGuard<'_, HashMap<BudgetShare, usize>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The shares of the client that sent the current request.
fn current_shares() -> Vec<BudgetShare> {
    request_context::with(BudgetShare::of).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(store: i64, table: i64) -> Vec<BudgetShare> {
        let (store, table) = (StoreId(store), TableId(table));
        vec![
            BudgetShare::Table(store, table),
            BudgetShare::TablesOf(store),
            BudgetShare::Store(store),
            BudgetShare::Server,
        ]
    }

    fn staff(store: i64) -> Vec<BudgetShare> {
        vec![BudgetShare::Store(StoreId(store)), BudgetShare::Server]
    }

    /// Claims memory until the end of the test, or returns the refusal.
    fn refusal(memory: &BodyMemory, shares: Vec<BudgetShare>, bytes: usize) -> Option<(ErrorCode, i64)> {
        match memory.claim_of(shares, bytes) {
            Ok(claim) => {
                std::mem::forget(claim);
                None
            }
            Err(refused) => Some((refused.code, refused.limit()?.1)),
        }
    }

    #[test]
    fn each_table_and_store_has_a_share_of_the_budget() {
        let memory = BodyMemory::new(3_200, RequestMetrics::default());
        let full = |share| Some((ErrorCode::TooManyRequests, share));
        assert_eq!(refusal(&memory, table(1, 1), 100), None);
        assert_eq!(refusal(&memory, table(1, 1), 1), full(100));
        for number in 2..=4 {
            assert_eq!(refusal(&memory, table(1, number), 100), None);
        }
        assert_eq!(refusal(&memory, table(1, 5), 1), full(400));
        assert_eq!(refusal(&memory, staff(1), 400), None);
        assert_eq!(refusal(&memory, staff(1), 1), full(800));
    }

    #[test]
    fn stores_cannot_use_the_whole_budget() {
        let memory = BodyMemory::new(3_200, RequestMetrics::default());
        for store in 1..=3 {
            assert_eq!(refusal(&memory, staff(store), 400), None);
            assert_eq!(refusal(&memory, staff(store), 400), None, "{store}");
        }
        // 800 bytes are free. A store that has 400 of them could have no more than the 400 that are left then.
        assert_eq!(refusal(&memory, staff(4), 400), None);
        assert_eq!(refusal(&memory, staff(4), 1), Some((ErrorCode::TooManyRequests, 400)));
        assert_eq!(refusal(&memory, table(5, 1), 100), None);
        assert_eq!(refusal(&memory, staff(6), 301), Some((ErrorCode::ServiceUnavailable, 3_200)));
    }

    #[test]
    fn a_dropped_claim_counts_no_longer() {
        let memory = BodyMemory::new(3_200, RequestMetrics::default());
        // Larger than the share, but the only one.
        let large = memory.claim_of(table(1, 1), 3_000).unwrap();
        assert!(refusal(&memory, table(1, 1), 1).is_some());
        drop(large);
        assert!(memory.used().is_empty());
        assert_eq!(refusal(&memory, table(1, 1), 100), None);
    }
}
