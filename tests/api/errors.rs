//! The error envelope, request ids, CORS, and slow clients.

use std::time::Duration;

use axum::routing::get;
use reqwest::Method;
use serde_json::json;
use tableorder::config::Config;
use tableorder::middleware::Middleware;
use tableorder::server;
use tableorder::shutdown::Shutdown;
use tableorder::telemetry::metrics::RequestMetrics;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{ApiClient, TestApp, answer};

#[tokio::test]
async fn every_error_has_the_documented_envelope() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    admin.get("/nowhere").await.refused(404, "ROUTE_NOT_FOUND");
    admin.get("/admin/nowhere").await.refused(404, "ROUTE_NOT_FOUND");
    let wrong_method = answer(tablet.request(Method::PUT, "/customer/menu")).await;
    assert!(wrong_method.headers["allow"].to_str().unwrap().contains("GET"));
    wrong_method.refused(405, "METHOD_NOT_ALLOWED");
    admin.get("/admin/orders/session/abc").await.refused(400, "MALFORMED_REQUEST");
    admin.get("/admin/orders/session/99999999999999999999").await.refused(400, "MALFORMED_REQUEST");
    for date in ["2026-2-3", "-9999-01-01", "+2026-02-03", "10000-01-01", "2026-02-30"] {
        let path = format!("/admin/tables/{}/history?date_from={date}", store.tables[0]);
        admin.get(&path).await.refused(400, "MALFORMED_REQUEST");
    }

    let post = |body: &str| {
        let request = tablet.request(Method::POST, "/customer/orders");
        request.header("Content-Type", "application/json").body(body.to_owned())
    };
    answer(post("{\"items\": [")).await.refused(400, "MALFORMED_REQUEST");
    answer(post("")).await.refused(400, "MALFORMED_REQUEST");
    answer(post("[]")).await.refused(422, "VALIDATION_ERROR");
    answer(post(&format!("{{\"note\": \"{}\"}}", "x".repeat(300_000)))).await.refused(413, "PAYLOAD_TOO_LARGE");
    let form = tablet.request(Method::POST, "/customer/orders").header("Content-Type", "text/plain").body("{}");
    answer(form).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let deep = format!("{{\"items\": {}{}}}", "[".repeat(1000), "]".repeat(1000));
    let deep = answer(post(&deep)).await;
    assert!(matches!(deep.status.as_u16(), 400 | 422), "{}", deep.body);
    let nul = answer(post(&format!(
        "{{\"items\": [{{\"menu_id\": {}, \"quantity\": 1}}], \"note\": \"\\u0000\"}}",
        store.menus[0]
    )))
    .await;
    nul.refused(422, "VALIDATION_ERROR");
}

#[tokio::test]
async fn messages_are_korean_or_english() {
    let app = TestApp::start().await;
    let korean = app.anonymous().get("/nowhere").await;
    assert_eq!(korean.headers["content-language"], "ko");
    assert_eq!(korean.refused(404, "ROUTE_NOT_FOUND")["message"], "요청한 주소를 찾을 수 없습니다.");
    let request = app.anonymous().request(Method::GET, "/nowhere").header("Accept-Language", "en-GB,en;q=0.9");
    assert_eq!(answer(request).await.refused(404, "ROUTE_NOT_FOUND")["message"], "There is nothing at this address.");
}

#[tokio::test]
async fn a_valid_request_id_is_kept_and_an_invalid_one_replaced() {
    let app = TestApp::start().await;
    let with_id = |id: &'static str| app.anonymous().request(Method::GET, "/health/live").header("X-Request-Id", id);
    assert_eq!(answer(with_id("tablet-7:42")).await.headers["x-request-id"], "tablet-7:42");
    for id in ["", "two words", "<script>"] {
        assert_ne!(answer(with_id(id)).await.headers["x-request-id"], id);
    }
}

#[tokio::test]
async fn every_response_has_cors_headers_and_preflights_need_no_token() {
    let app = TestApp::start().await;
    let origin = "http://localhost:3000";
    for path in ["/customer/menu", "/nowhere", "/admin/orders/stream", "/health"] {
        let plain = answer(app.anonymous().request(Method::GET, path).header("Origin", origin)).await;
        assert_eq!(plain.headers["access-control-allow-origin"], origin, "{path}");
        let preflight = app
            .anonymous()
            .request(Method::OPTIONS, path)
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "PATCH")
            .header("Access-Control-Request-Headers", "authorization,idempotency-key,last-event-id");
        let preflight = answer(preflight).await;
        assert_eq!(preflight.status, 200, "{path}");
        let allowed = |name: &str| preflight.headers[name].to_str().unwrap().to_ascii_lowercase();
        assert!(allowed("access-control-allow-methods").contains("patch"));
        for header in ["authorization", "idempotency-key", "last-event-id", "content-type"] {
            assert!(allowed("access-control-allow-headers").contains(header), "{header}");
        }
    }
    let stranger = app.anonymous().request(Method::GET, "/health").header("Origin", "http://evil.example");
    assert!(!answer(stranger).await.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn a_client_that_sends_its_header_too_slowly_is_disconnected() {
    let app = TestApp::start_with(|config| config.http.header_timeout = Duration::from_millis(500)).await;
    let address = app.base.strip_prefix("http://").unwrap();
    let connect = async |first: &str| {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(first.as_bytes()).await.unwrap();
        client
    };
    for mut client in [connect("").await, connect("GET /health HTTP/1.1\r\nHost: x\r\nX-Slow").await] {
        let mut answer = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(5), client.read_to_end(&mut answer)).await;
        assert!(end.is_ok(), "the server should close the connection");
    }
}

#[tokio::test]
async fn a_panic_is_an_opaque_500() {
    async fn handler() -> &'static str {
        panic!("a secret detail")
    }
    let config = Config::read(|_| None).unwrap();
    let router = axum::Router::new().route("/panic", get(handler));
    let middleware = Middleware::new(&config.http, RequestMetrics::default(), &Shutdown::default());
    let app = middleware.apply(router, None);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = ApiClient::new(&format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move { server::serve(listener, app, Shutdown::default(), &config.http).await });
    let error = client.get("/panic").await.refused(500, "INTERNAL_ERROR");
    assert!(!json!(error).to_string().contains("secret"));
}
