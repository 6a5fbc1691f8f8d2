//! The number of queries per request, from the request's log line.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, OnceLock};

use reqwest::RequestBuilder;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use uuid::Uuid;

use super::client::{Answer, answer};

static COUNTS: OnceLock<Mutex<HashMap<String, u64>>> = OnceLock::new();

/// Sends a request and returns the response and its number of queries.
pub async fn with_query_count(request: RequestBuilder) -> (Answer, u64) {
    let counts = COUNTS.get_or_init(|| {
        let lines = LogLines.with_filter(Targets::new().with_target("tableorder::request", tracing::Level::INFO));
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines)).unwrap();
        Mutex::default()
    });
    let id = Uuid::new_v4().to_string();
    let answer = answer(request.header("X-Request-Id", &id)).await;
    let queries = counts.lock().unwrap().remove(&id).expect("each request should have a log line");
    (answer, queries)
}

/// Collects the query counts from log lines.
struct LogLines;

impl<S: Subscriber> Layer<S> for LogLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        if let (Some(counts), Some(queries)) = (COUNTS.get(), line.queries) {
            counts.lock().unwrap().insert(line.request_id, queries);
        }
    }
}

#[derive(Default)]
struct Line {
    request_id: String,
    queries: Option<u64>,
}

impl Visit for Line {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "queries" {
            self.queries = Some(value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "request_id" {
            value.clone_into(&mut self.request_id);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
