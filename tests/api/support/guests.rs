//! Guests who order all the time, whatever happens to the database, and how quickly they must be answered.

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

/// Within this a request is answered, whatever the database does.
pub const ANSWERED_WITHIN: Duration = Duration::from_secs(3);

/// Within this everything works again once the database is back.
pub const BACK_WITHIN: Duration = Duration::from_secs(5);

/// Sends a request, and gives up where the promise is broken.
pub async fn in_time(request: impl Future<Output = Answer>) -> Answer {
    timeout(ANSWERED_WITHIN, request).await.expect("a request should be answered, whatever the database does")
}

/// Checks that this is the 503 of a database that is away.
#[track_caller]
pub fn told_to_come_back(answer: Answer) {
    assert!(answer.headers.contains_key("retry-after"), "{}", answer.body);
    let error = answer.refused(503, "SERVICE_UNAVAILABLE");
    // The envelope and nothing of what is inside.
    assert_eq!(error["message"], "지금은 처리할 수 없습니다. 잠시 후 다시 시도해 주세요.");
}

/// A guest at each table, who orders all the time: each order with its key, again and again until it is
/// acknowledged.
pub struct Guests {
    pub tablets: Vec<ApiClient>,
    ordering: Vec<JoinHandle<Vec<Value>>>,
    tallies: Vec<Arc<Tally>>,
    leaving: CancellationToken,
}

/// What one guest was answered.
#[derive(Default)]
struct Tally {
    acknowledged: AtomicUsize,
    refused: AtomicUsize,
}

impl Guests {
    pub async fn sit_down(store: &TestStore) -> Self {
        let (tablets, leaving) = ([1, 2, 3].map(|table| store.tablet(table)), CancellationToken::new());
        let tablets = join_all(tablets).await;
        let tallies: Vec<Arc<Tally>> = tablets.iter().map(|_| Arc::default()).collect();
        let order = order_of(&store.menus[..1]);
        let ordering = tablets.iter().zip(&tallies).map(|(tablet, tally)| {
            tokio::spawn(order_until(leaving.clone(), tablet.clone(), order.clone(), Arc::clone(tally)))
        });
        let ordering = ordering.collect();
        let guests = Self { tablets, ordering, tallies, leaving };
        guests.all_served().await;
        guests
    }

    /// Waits until each has had an order acknowledged since now.
    pub async fn all_served(&self) {
        self.all_have(|tally| &tally.acknowledged).await;
    }

    /// Waits until each has been refused since now.
    pub async fn all_refused(&self) {
        self.all_have(|tally| &tally.refused).await;
    }

    async fn all_have(&self, count: fn(&Tally) -> &AtomicUsize) {
        let count = || self.tallies.iter().map(|tally| count(tally).load(Ordering::Relaxed));
        let before: Vec<usize> = count().collect();
        let waiting = async {
            while count().zip(&before).any(|(now, before)| now == *before) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(BACK_WITHIN, waiting).await.expect("every guest should have been answered so by now");
    }

    /// The ids of every order that was acknowledged; checks that each is on its table's bill, once.
    pub async fn leave(self) -> Vec<Value> {
        self.leaving.cancel();
        let mut all = Vec::new();
        for (tablet, ordering) in self.tablets.iter().zip(self.ordering) {
            let acknowledged = ordering.await.expect("every answer should be one of the two that are promised");
            let bill = tablet.get("/customer/orders").await.ok();
            let kept = bill["orders"].as_array().unwrap().iter().rev().map(|order| order["id"].clone());
            assert_eq!(kept.collect::<Vec<_>>(), acknowledged);
            all.extend(acknowledged);
        }
        all
    }
}

async fn order_until(leaving: CancellationToken, tablet: ApiClient, order: Value, tally: Arc<Tally>) -> Vec<Value> {
    let mut acknowledged = Vec::new();
    while !leaving.is_cancelled() {
        let key = Uuid::new_v4().to_string();
        loop {
            let request = tablet.request(Method::POST, "/customer/orders").header("Idempotency-Key", &key).json(&order);
            let answer = in_time(answer(request)).await;
            if answer.status == 201 {
                acknowledged.push(answer.body["id"].clone());
                tally.acknowledged.fetch_add(1, Ordering::Relaxed);
                break;
            }
            told_to_come_back(answer);
            tally.refused.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(20)).await;
        }
        sleep(Duration::from_millis(5)).await;
    }
    acknowledged
}
