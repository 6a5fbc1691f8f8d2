//! Traces, sent to a collector inside the test.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use nix::sys::signal::Signal;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use reqwest::Method;
use tokio::net::TcpListener;

use crate::support::{Directory, Server, TestApp};

/// A collector that keeps all requests.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Bytes>>>);

impl Collector {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let take = async |State(Collector(sent)): State<Collector>, body: Bytes| sent.lock().unwrap().push(body);
        let router = Router::new().route("/v1/traces", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        let sent = self.0.lock().unwrap().clone();
        sent.into_iter().map(|body| ExportTraceServiceRequest::decode(body).unwrap()).collect()
    }

    fn spans(&self) -> Vec<Span> {
        let resources = self.requests().into_iter().flat_map(|request| request.resource_spans);
        resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }

    /// Waits for the spans of these request ids.
    async fn of(&self, ids: &[&str]) -> Vec<Span> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let spans = self.spans();
            let of =
                |id: &&str| spans.iter().find(|span| attribute(span, "tableorder.request_id").as_deref() == Some(*id));
            if let Some(found) = ids.iter().map(of).collect::<Option<Vec<_>>>() {
                return found.into_iter().cloned().collect();
            }
            assert!(Instant::now() < deadline, "{spans:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    Some(match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}

#[tokio::test]
async fn a_request_span_is_exported_without_secrets() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    let directory = Directory::new("traces");
    let collector = Collector::default();
    let endpoint = collector.start().await;
    // Traces must not depend on the log level.
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("LOG_LEVEL", "error"),
    ];
    let url = app.url();
    let server = Server::start_with(
        &directory.0,
        &[&settings[..], &[("DATABASE_URL", url.as_str()), ("JWT_SECRET_KEY", TestApp::SECRET)]].concat(),
    );
    let admin = server.client.with_token(store.admin().await.token());
    let ticket = admin.post("/admin/orders/stream/ticket", &serde_json::json!({})).await.ok();
    let ticket = ticket["ticket"].as_str().unwrap().to_owned();
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = |id: &str| admin.request(Method::GET, "/admin/orders/424242").header("X-Request-Id", id);
    request("continued").header("traceparent", traceparent).send().await.unwrap();
    request("begun").send().await.unwrap();
    let by_ticket = format!("/admin/orders/stream?ticket={ticket}");
    let opened = server.client.request(Method::GET, &by_ticket).header("X-Request-Id", "opened").send().await.unwrap();
    server.client.request(Method::GET, "/health/live").header("X-Request-Id", "probe").send().await.unwrap();

    let spans = collector.of(&["continued", "begun", "opened"]).await;
    let [continued, begun, by_ticket] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!(hex::encode(&continued.trace_id), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(hex::encode(&continued.parent_span_id), "b7ad6b7169203331");
    assert!(begun.parent_span_id.is_empty() && begun.trace_id != continued.trace_id);
    for span in [continued, begun] {
        assert_eq!(span.name, "GET /api/v1/admin/orders/{order_id}");
        assert_eq!(attribute(span, "http.route").as_deref(), Some("/api/v1/admin/orders/{order_id}"));
        assert_eq!(attribute(span, "http.request.method").as_deref(), Some("GET"));
        assert_eq!(attribute(span, "http.response.status_code").as_deref(), Some("404"));
        assert!(attribute(span, "tableorder.store_id").is_some());
        assert!(span.end_time_unix_nano > span.start_time_unix_nano);
    }
    assert_eq!(attribute(by_ticket, "http.response.status_code").as_deref(), Some("200"));
    drop(opened);

    let resource = collector.requests()[0].resource_spans[0].resource.clone().unwrap();
    let name = resource.attributes.iter().find(|attribute| attribute.key == "service.name").unwrap();
    assert_eq!(name.value.clone().unwrap().value, Some(Value::StringValue("tableorder".to_owned())));
    assert!(!collector.spans().iter().any(|span| attribute(span, "tableorder.request_id").as_deref() == Some("probe")));
    let sent = collector.0.lock().unwrap().concat();
    for secret in [admin.token(), ticket.as_str(), "ticket="] {
        assert!(!sent.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()));
    }
}

#[tokio::test]
async fn queued_spans_are_sent_at_shutdown() {
    let app = TestApp::start().await;
    let directory = Directory::new("traces-stop");
    let collector = Collector::default();
    let endpoint = collector.start().await;
    let settings = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "60000")];
    let mut server = Server::start_beside(&app, &directory.0, &settings);
    let request = server.client.request(Method::GET, "/nowhere").header("X-Request-Id", "last");
    request.send().await.unwrap();
    server.signal(Signal::SIGTERM);
    let stopped = tokio::task::spawn_blocking(move || server.wait()).await.unwrap();
    assert_eq!(stopped, Some(0));
    let spans = collector.of(&["last"]).await;
    assert_eq!((spans[0].name.as_str(), attribute(&spans[0], "http.route")), ("GET", None));
}

#[tokio::test]
async fn an_unavailable_collector_delays_no_request() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    let tablet = store.tablet(1).await;
    let away = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (away_at, silent_at) = (away.local_addr().unwrap(), silent.local_addr().unwrap());
    drop(away);
    for (name, address) in [("away", away_at), ("silent", silent_at)] {
        let directory = Directory::new(&format!("traces-{name}"));
        let endpoint = format!("http://operator:hunter2@{address}");
        let settings = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
            // A queue smaller than the number of spans.
            ("OTEL_BSP_MAX_QUEUE_SIZE", "20"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10"),
        ];
        let mut server = Server::start_beside(&app, &directory.0, &settings);
        let tablet = server.client.with_token(tablet.token());
        let started = Instant::now();
        for _ in 0..200 {
            tablet.get("/customer/menu").await.ok();
        }
        tablet.order(&store.menus[..1]).await.ok();
        assert!(started.elapsed() < Duration::from_secs(10), "{name}: {:?}", started.elapsed());
        let asked = Instant::now();
        server.signal(Signal::SIGTERM);
        let stopped = tokio::task::spawn_blocking(move || server.wait()).await.unwrap();
        assert_eq!(stopped, Some(0));
        assert!(asked.elapsed() < Duration::from_secs(6), "{name}: {:?}", asked.elapsed());
        let log = std::fs::read_to_string(directory.0.join("logs/app.log")).unwrap();
        assert!(name == "silent" || log.contains("opentelemetry"), "lost spans should be logged");
        assert!(!log.contains("hunter2"));
    }
}
