//! Guests who order continuously, and the deadlines for responses while the database fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Answer, ApiClient, TestStore, answer, order_of};

/// The deadline of every response, also while the database is unavailable.
pub const RESPONSE_DEADLINE: Duration = Duration::from_secs(3);

/// The time within which service recovers after the database is back.
pub const RECOVERY_DEADLINE: Duration = Duration::from_secs(5);

/// Awaits a request; panics after the deadline.
pub async fn within_deadline(request: impl Future<Output = Answer>) -> Answer {
    timeout(RESPONSE_DEADLINE, request).await.expect("a request should be answered within the deadline")
}

/// Asserts the 503 of an unavailable database.
#[track_caller]
pub fn expect_unavailable(answer: Answer) {
    assert!(answer.headers.contains_key("retry-after"), "{}", answer.body);
    let error = answer.refused(503, "SERVICE_UNAVAILABLE");
    // The message must not reveal internals.
    assert_eq!(error["message"], "지금은 처리할 수 없습니다. 잠시 후 다시 시도해 주세요.");
}

/// One guest per table. Each orders continuously and retries an order with its key until it is acknowledged.
pub struct Guests {
    pub tablets: Vec<ApiClient>,
    tasks: Vec<JoinHandle<Vec<Value>>>,
    counts: Vec<Arc<Counts>>,
    stop: CancellationToken,
}

/// The outcomes of one guest's requests.
#[derive(Default)]
struct Counts {
    acknowledged: AtomicUsize,
    refused: AtomicUsize,
}

impl Guests {
    pub async fn start(store: &TestStore) -> Self {
        let (tablets, stop) = ([1, 2, 3].map(|table| store.tablet(table)), CancellationToken::new());
        let tablets = join_all(tablets).await;
        let counts: Vec<Arc<Counts>> = tablets.iter().map(|_| Arc::default()).collect();
        let order = order_of(&store.menus[..1]);
        let tasks = tablets.iter().zip(&counts).map(|(tablet, counts)| {
            tokio::spawn(order_until(stop.clone(), tablet.clone(), order.clone(), Arc::clone(counts)))
        });
        let tasks = tasks.collect();
        let guests = Self { tablets, tasks, counts, stop };
        guests.wait_until_served().await;
        guests
    }

    /// Waits until each guest has had another order acknowledged.
    pub async fn wait_until_served(&self) {
        self.wait_for_each(|counts| &counts.acknowledged).await;
    }

    /// Waits until each guest has had another order refused.
    pub async fn wait_until_refused(&self) {
        self.wait_for_each(|counts| &counts.refused).await;
    }

    async fn wait_for_each(&self, count: fn(&Counts) -> &AtomicUsize) {
        let count = || self.counts.iter().map(|counts| count(counts).load(Ordering::Relaxed));
        let before: Vec<usize> = count().collect();
        let waiting = async {
            while count().zip(&before).any(|(now, before)| now == *before) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(RECOVERY_DEADLINE, waiting).await.expect("every guest should have got this outcome by now");
    }

    /// Stops the guests and returns the ids of the acknowledged orders. Asserts that each is on its table's bill once.
    pub async fn finish(self) -> Vec<Value> {
        self.stop.cancel();
        let mut all = Vec::new();
        for (tablet, tasks) in self.tablets.iter().zip(self.tasks) {
            let acknowledged = tasks.await.expect("every response should be a success or a 503");
            let bill = tablet.get("/customer/orders").await.ok();
            let kept = bill["orders"].as_array().unwrap().iter().rev().map(|order| order["id"].clone());
            assert_eq!(kept.collect::<Vec<_>>(), acknowledged);
            all.extend(acknowledged);
        }
        all
    }
}

async fn order_until(stop: CancellationToken, tablet: ApiClient, order: Value, counts: Arc<Counts>) -> Vec<Value> {
    let mut acknowledged = Vec::new();
    while !stop.is_cancelled() {
        let key = Uuid::new_v4().to_string();
        loop {
            let request = tablet.request(Method::POST, "/customer/orders").header("Idempotency-Key", &key).json(&order);
            let answer = within_deadline(answer(request)).await;
            if answer.status == 201 {
                acknowledged.push(answer.body["id"].clone());
                counts.acknowledged.fetch_add(1, Ordering::Relaxed);
                break;
            }
            expect_unavailable(answer);
            counts.refused.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(20)).await;
        }
        sleep(Duration::from_millis(5)).await;
    }
    acknowledged
}
