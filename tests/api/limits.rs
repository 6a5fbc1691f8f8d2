//! Limits per client: header and body size, time, rate, connections; security headers; text validation.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::monitoring::text::Metrics;
use crate::support::{Answer, ApiClient, TestApp, TestStore, answer, order_of};

/// Sends bytes unchanged and reads until the server closes the connection.
async fn send_raw(app: &TestApp, request: &str) -> String {
    let mut client = TcpStream::connect(app.base.strip_prefix("http://").unwrap()).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A request that is refused before it was read completely may end with a connection reset.
    let _ = tokio::time::timeout(Duration::from_secs(5), client.read_to_end(&mut answer))
        .await
        .expect("the server should close the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_header_beyond_the_limit_is_refused() {
    let app = TestApp::start().await;
    let with_header = async |bytes: usize| {
        let request = app.anonymous().request(Method::GET, "/health/live").header("X-Long", "x".repeat(bytes));
        answer(request).await
    };
    with_header(30_000).await.ok();
    with_header(33_000).await.refused(431, "HEADER_TOO_LARGE");
    let with_fields = async |fields: usize| {
        let mut request = app.anonymous().request(Method::GET, "/health/live");
        for field in 0..fields {
            request = request.header(format!("X-Field-{field}"), "x");
        }
        answer(request).await
    };
    with_fields(60).await.ok();
    with_fields(70).await.refused(431, "HEADER_TOO_LARGE");
    let query = app.anonymous().get(&format!("/health/live?x={}", "x".repeat(33_000))).await;
    query.refused(431, "HEADER_TOO_LARGE");
    for far_beyond in [
        format!("GET /health/live HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(1_000_000)),
        format!("GET /health/live HTTP/1.1\r\nHost: x\r\n{}\r\n", "X-Field: x\r\n".repeat(1_000)),
    ] {
        let answer = send_raw(&app, &far_beyond).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}

#[tokio::test]
async fn a_client_that_sends_its_body_too_slowly_is_disconnected() {
    let app = TestApp::start_with(|config| config.http.request_timeout = Duration::from_secs(2)).await;
    let store = app.store("demo").await;
    let tablet = store.tablet(1).await;
    let mut client = TcpStream::connect(app.base.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST /api/v1/customer/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n",
        tablet.token()
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = client.into_split();
    let drip = tokio::spawn(async move {
        // One byte every 50 ms, for as long as the server accepts it.
        for _ in 0..100 {
            if writer.write_all(b" ").await.is_err() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    });
    let mut answer = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(8), reader.read_to_end(&mut answer)).await;
    assert!(end.is_ok(), "the server should close the connection");
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("REQUEST_TIMEOUT"), "{answer}");
    assert!(drip.await.unwrap(), "the server should read no more of the body");
}

#[tokio::test]
async fn an_address_beyond_its_rate_limit_gets_429_and_others_do_not() {
    let app = TestApp::start_with(|config| {
        config.http.requests_per_second = NonZero::new(2);
        config.http.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let from = async |address: &str| {
        let request = app.anonymous().request(Method::GET, "/health/live").header("X-Forwarded-For", address);
        answer(request.header("Origin", "http://localhost:3000")).await
    };
    let mut refused = None;
    for _ in 0..30 {
        let answer = from("198.51.100.7").await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
        answer.ok();
    }
    let refused = refused.expect("one of 30 requests should be refused");
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(refused.headers["access-control-allow-origin"], "http://localhost:3000");
    let error = refused.refused(429, "TOO_MANY_REQUESTS");
    assert_eq!((&error["limit"], &error["maximum"]), (&json!("address_requests_per_second"), &json!(2)));
    from("198.51.100.8").await.ok();
}

#[tokio::test]
async fn beyond_the_connection_limit_clients_get_503() {
    let app = TestApp::start_with(|config| config.http.max_connections = 3).await;
    let address = app.base.strip_prefix("http://").unwrap().to_owned();
    let mut idle = Vec::new();
    for _ in 0..3 {
        let mut client = TcpStream::connect(&address).await.unwrap();
        // The response shows that the connection has its permit. It stays open.
        client.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut first = [0; 12];
        client.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        idle.push(client);
    }
    let refused = app.anonymous().get("/health/live").await;
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(refused.headers["connection"], "close");
    let error = refused.refused(503, "SERVICE_UNAVAILABLE");
    assert_eq!((&error["limit"], &error["maximum"]), (&json!("connections"), &json!(3)));
    drop(idle);
    tokio::time::sleep(Duration::from_millis(200)).await;
    app.anonymous().get("/health/live").await.ok();
}

#[tokio::test]
async fn every_response_has_security_headers() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    let tablet = store.tablet(1).await;
    for path in ["/customer/menu", "/customer/orders", "/nowhere", "/health", "/docs/", "/openapi.json"] {
        let answer = tablet.get(path).await;
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(answer.headers["referrer-policy"], "no-referrer", "{path}");
        let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
        assert_eq!(vary, ["origin, access-control-request-method, access-control-request-headers"], "{path}");
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        let is_page = path == "/docs/" || path == "/openapi.json";
        assert!(policy.contains(if is_page { "default-src 'self'" } else { "default-src 'none'" }), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
    }
    let stream = tablet.stream("/customer/orders/stream", None).await.connected().await;
    assert_eq!(stream.headers["x-content-type-options"], "nosniff");

    // Also for a page of another origin, and in a 304 response.
    let menu = |id: &str| {
        let request = tablet.request(Method::GET, "/customer/menu").header("Origin", "http://localhost:3000");
        request.header("X-Request-Id", id)
    };
    let whole = answer(menu("first")).await;
    let current = answer(menu("second").header("If-None-Match", &whole.headers["etag"])).await;
    assert_eq!((whole.status.as_u16(), current.status.as_u16()), (200, 304));
    assert_eq!([&whole, &current].map(|answer| &answer.headers["x-request-id"]), ["first", "second"]);
    let fields = |answer: &Answer| {
        let is_of_the_body = |name: &str| ["content-type", "content-length", "x-request-id", "date"].contains(&name);
        let fields = answer.headers.iter().filter(|(name, _)| !is_of_the_body(name.as_str()));
        fields.map(|(name, value)| (name.to_string(), value.clone())).collect::<BTreeSet<_>>()
    };
    assert_eq!(fields(&whole), fields(&current));
    assert_eq!(fields(&whole).len(), 9, "{whole:?}");
}

#[tokio::test]
async fn valid_text_is_stored_unchanged_and_invalid_text_refused() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (owner, tablet) = (store.admin().await, store.tablet(1).await);
    let item = format!("/admin/menus/{}", store.menus[0]);
    let family = "👨‍👩‍👧‍👦 가족세트 🇰🇷";
    for good in
        [family, "שלום عليكم", "\u{202e}txet", "e\u{301}\u{301}\u{301}", "𠮷野家", "\u{feff}x", "a\tb", "\u{fffd}"]
    {
        let changed = owner.patch(&item, &json!({"name": good, "description": good})).await.ok();
        assert_eq!((changed["name"].as_str(), changed["description"].as_str()), (Some(good), Some(good)));
        assert_eq!(owner.get(&item).await.ok()["name"], good);
        let order = json!({"items": [{"menu_id": store.menus[0], "quantity": 1}], "note": good});
        let order = tablet.post("/customer/orders", &order).await.ok();
        assert_eq!((order["note"].as_str(), order["items"][0]["menu_name"].as_str()), (Some(good), Some(good)));
    }
    for bad in ["\u{0}", "a\u{0}b", "\u{1b}[31m", "\u{7f}", "\u{85}", "   ", "\u{3000}", "", &"가".repeat(101)] {
        owner.patch(&item, &json!({"name": bad})).await.refused(422, "VALIDATION_ERROR");
    }
    // A lone surrogate is valid in JSON syntax but not in Unicode.
    for escape in [r"\ud800", r"\udc00x", r"\ud83d\ud83d", r"a\udfff"] {
        let body = format!("{{\"name\": \"{escape}\"}}");
        let request = owner.request(Method::PATCH, &item).header("Content-Type", "application/json").body(body);
        answer(request).await.refused(422, "VALIDATION_ERROR");
    }
    let raw = |bytes: &'static [u8]| {
        let request = owner.request(Method::PATCH, &item).header("Content-Type", "application/json");
        answer(request.body(bytes))
    };
    raw(b"{\"name\": \"\xff\xfe\"}").await.refused(400, "MALFORMED_REQUEST");
    raw(b"{\"name\": \"\xed\xa0\x80\"}").await.refused(400, "MALFORMED_REQUEST");
    let long = json!({"items": [{"menu_id": store.menus[0], "quantity": 1}], "note": "가".repeat(400_000)});
    tablet.post("/customer/orders", &long).await.refused(413, "PAYLOAD_TOO_LARGE");
    let emoji = json!({"items": [{"menu_id": store.menus[0], "quantity": 1}], "note": "🍜".repeat(500)});
    tablet.post("/customer/orders", &emoji).await.ok();
    let key = tablet.request(Method::POST, "/customer/orders").header("Idempotency-Key", "열쇠열쇠열쇠");
    answer(key.json(&emoji)).await.refused(422, "VALIDATION_ERROR");
}

/// Requests `path` with this token and reads only the status, slowly: the client's receive buffer is small.
async fn read_nothing(app: &TestApp, token: &str, path: &str) -> (u16, TcpStream) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut client = socket.connect(app.base.strip_prefix("http://").unwrap().parse().unwrap()).await.unwrap();
    let request = format!("GET /api/v1{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    client.read_exact(&mut status).await.unwrap();
    (String::from_utf8_lossy(&status[9..]).parse().unwrap(), client)
}

fn large_order(store: &TestStore) -> Value {
    json!({"items": vec![json!({"menu_id": store.menus[0], "quantity": 1}); 100]})
}

/// The tablet of a table that has this number of orders of 44 KB.
async fn with_orders(store: &TestStore, table: i32, orders: usize) -> ApiClient {
    let (admin, tablet) = (store.admin().await, store.tablet(table).await);
    let long_name = json!({"name": "가".repeat(100)});
    admin.patch(&format!("/admin/menus/{}", store.menus[0]), &long_name).await.ok();
    let order = large_order(store);
    let placed = join_all((0..orders).map(|_| tablet.post("/customer/orders", &order))).await;
    for order in placed {
        order.ok();
    }
    tablet
}

/// Begins an order whose body has no declared length, and never ends it.
async fn begin_order(app: &TestApp, token: &str) -> TcpStream {
    let mut client = TcpStream::connect(app.base.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST /api/v1/customer/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    client
}

#[tokio::test]
async fn large_requests_that_are_not_finished_are_limited() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (hostile, neighbour, theirs) = (store.tablet(1).await, store.tablet(2).await, other.tablet(1).await);
    // Each may become 256 KiB large, and a table may use 2 MiB.
    let mut unfinished = join_all((0..8).map(|_| begin_order(&app, hostile.token()))).await;
    let counted = async |bytes: i32| {
        while (Metrics::of(&app.anonymous()).await.value("tableorder_large_body_bytes") - f64::from(bytes)).abs() > 0.5
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let timeout = Duration::from_secs(10);
    tokio::time::timeout(timeout, counted(2 << 20)).await.expect("each body should be counted");
    let mut refused = begin_order(&app, hostile.token()).await;
    let mut response = vec![0; 4_096];
    let read = tokio::time::timeout(timeout, refused.read(&mut response)).await.unwrap().unwrap();
    let response = String::from_utf8_lossy(&response[..read]);
    assert!(response.starts_with("HTTP/1.1 429") && response.contains("\"body_bytes\""), "{response}");
    // Small requests need no share; other tables and stores have their own.
    hostile.order(&store.menus[..1]).await.ok();
    let mut long_note = order_of(&store.menus[..1]);
    long_note["unknown"] = json!("x".repeat(100_000));
    for tablet in [&neighbour, &theirs] {
        assert_ne!(tablet.post("/customer/orders", &long_note).await.status, 429);
    }
    unfinished.clear();
    tokio::time::timeout(timeout, counted(0)).await.expect("the memory should be released");
}

#[tokio::test]
async fn a_request_without_a_token_has_at_most_16_kib() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    let large = |bytes: usize| json!({"store_id": "demo", "username": "x", "password": "x".repeat(bytes), "code": "x"});
    for path in ["/admin/auth/login", "/customer/auth/login", "/setup/code", "/setup/store"] {
        app.anonymous().post(path, &large(17 << 10)).await.refused(413, "PAYLOAD_TOO_LARGE");
        assert_ne!(app.anonymous().post(path, &large(15 << 10)).await.status, 413, "{path}");
    }
    let description = json!({"description": "x".repeat(17 << 10)});
    let path = format!("/admin/menus/{}", store.menus[0]);
    store.admin().await.patch(&path, &description).await.refused(422, "VALIDATION_ERROR");
}

#[tokio::test]
async fn large_responses_that_nobody_reads_are_limited() {
    // A table may use 2 MiB of the default budget. Its response is larger, also than what the sockets buffer (4 MiB).
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let hostile = with_orders(&store, 1, 150).await;
    let (neighbour, theirs) = (with_orders(&store, 2, 5).await, with_orders(&other, 1, 5).await);

    let path = "/customer/orders";
    let (status, unread) = read_nothing(&app, hostile.token(), path).await;
    assert_eq!(status, 200);
    let error = hostile.get(path).await.refused(429, "TOO_MANY_REQUESTS");
    assert_eq!((&error["limit"], &error["maximum"]), (&json!("body_bytes"), &json!(2 << 20)));
    // A change is made before its response, which is therefore never refused.
    hostile.post("/customer/orders", &large_order(&store)).await.ok();
    // Its small responses, the rest of its store, and other stores are not affected.
    hostile.get("/customer/menu").await.ok();
    neighbour.get(path).await.ok();
    store.admin().await.get("/admin/orders").await.ok();
    theirs.get(path).await.ok();
    drop(unread);
    let released = async {
        while hostile.get(path).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), released).await.expect("the memory should be released");
}
