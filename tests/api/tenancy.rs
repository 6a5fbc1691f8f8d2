//! Isolation of stores. Every operation of the OpenAPI document is called in every role with the ids, cursors and keys of
//! another store in every parameter.
//!
//! Everything of a store (ids, texts, prices, order numbers, cursors) contains its mark of eight digits. The tests
//! search all responses and events for the other store's mark.

mod document;
mod matrix;
mod tenant;

use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use tableorder::error::ErrorCode;

use crate::support::{ApiClient, TestApp};
use document::{Operation, operations};
use matrix::{Attempt, Outcome, gaps, matrix};
use tenant::{NOON, Role, Tenant, start_ids};

/// Our mark is the larger one: a cursor of the other store is then in our past, where it could be taken for our own.
const OURS: &str = "88888888";
const THEIRS: &str = "77777777";

const EVENT_DEADLINE: Duration = Duration::from_secs(2);

/// A stream is idle for this long after its first events.
const STREAM_IDLE: Duration = Duration::from_millis(150);

async fn two_stores(app: &TestApp) -> (Tenant, Tenant) {
    app.set_time(NOON);
    let (ours, mut theirs) = (Tenant::create(app, OURS).await, Tenant::create(app, THEIRS).await);
    theirs.add_plain_names().await;
    theirs.record_cursors_and_etags().await;
    // Ids from here on belong to our store.
    start_ids(app, OURS, 5_000).await;
    (ours, theirs)
}

#[tokio::test]
async fn no_role_on_any_route_sees_or_changes_another_store() {
    // Every role tries passwords of the other store.
    let app = TestApp::start_with(|config| config.login.failures_per_account = 100).await;
    let (ours, mut theirs) = two_stores(&app).await;
    let our_screens = open_screens(&ours, &theirs).await;
    let their_screens = open_screens(&theirs, &theirs).await;

    let before = theirs.digests(&app).await;
    run_all_attempts(&ours, &theirs).await;
    assert_eq!(theirs.digests(&app).await, before, "the other store's rows should be unchanged");

    start_ids(&app, THEIRS, 5_000).await;
    theirs.cause_all_events().await;
    let (our_end, their_end) = (ours.change_menu().await, theirs.change_menu().await);
    for screen in our_screens {
        let shown = screen.read_up_to(our_end).await;
        assert!(!shown.contains(THEIRS), "{shown}");
    }
    for screen in their_screens {
        let shown = screen.read_up_to(their_end).await;
        assert!(shown.contains(THEIRS) && shown.contains("session_completed"), "{shown}");
    }
}

/// Proves that the search can find the mark: without it the test above could pass on responses without any mark.
#[tokio::test]
async fn responses_to_the_own_store_contain_its_mark() {
    let app = TestApp::start().await;
    let (_, theirs) = two_stores(&app).await;
    for operation in operations().iter().filter(|operation| operation.method == "GET") {
        for role in Role::ALL.into_iter().filter(|role| operation.accepts(*role)) {
            for attempt in attempts_at(operation, role, &theirs, &theirs) {
                if expected(operation, role, &attempt) == Outcome::Refusal(ErrorCode::Forbidden) {
                    continue;
                }
                let answer = send(operation, role, &theirs, &attempt).await;
                let is_current = attempt.headers.iter().any(|(name, _)| *name == "If-None-Match");
                assert_eq!(answer.status, if is_current { 304 } else { 200 }, "{}: {answer:?}", operation.id);
                assert_eq!(answer.shows(THEIRS), !attempt.is_generic && !is_current, "{}: {answer:?}", operation.id);
            }
        }
    }
}

#[tokio::test]
async fn gaps_in_the_matrix_are_reported() {
    let app = TestApp::start().await;
    let (ours, theirs) = two_stores(&app).await;
    let (mut operations, mut matrix) = (operations(), matrix(Role::Owner, &ours, &theirs));
    assert_eq!(gaps(&operations, &matrix, &theirs), [""; 0]);
    let ordering = operations.iter().find(|operation| operation.id == "customer_create_order").unwrap();
    assert_eq!(
        ordering.fields,
        ["Idempotency-Key", "menu_id", "session_id"],
        "ids inside a list of the body should be found"
    );
    matrix.retain(|(id, _)| *id != "admin_get_table");
    operations.retain(|operation| operation.id != "admin_get_menu");
    for (id, field) in [("admin_create_category", "parent_id"), ("admin_list_orders", "colour")] {
        operations.iter_mut().find(|operation| operation.id == id).unwrap().fields.push(field.to_owned());
    }
    let mut found = gaps(&operations, &matrix, &theirs);
    found.sort();
    assert_eq!(
        found,
        [
            "admin_get_menu is not an operation",
            "admin_get_table has no entry in tests/api/tenancy/matrix.rs",
            "no attempt of admin_create_category in tests/api/tenancy/matrix.rs sets parent_id to a value of the other store",
            "no attempt of admin_list_orders in tests/api/tenancy/matrix.rs sets colour to a value of the other store",
        ]
    );
}

async fn run_all_attempts(ours: &Tenant, theirs: &Tenant) {
    let operations = operations();
    assert_eq!(gaps(&operations, &matrix(Role::Owner, ours, theirs), theirs), [""; 0]);
    for operation in &operations {
        for role in Role::ALL {
            for attempt in attempts_at(operation, role, ours, theirs) {
                let mut answer = send(operation, role, ours, &attempt).await;
                let what = format!("{} as {role:?}", operation.id);
                if attempt.outcome == Outcome::Refusal(ErrorCode::SessionMismatch) {
                    // The error repeats the requested id.
                    answer.body = answer.body.replace(&format!("\"session_id\":{},", theirs.session), "");
                }
                assert!(!answer.shows(THEIRS), "{what}: {answer:?}");
                answer.assert_is(operation, expected(operation, role, &attempt), &what);
            }
        }
    }
}

fn attempts_at(operation: &Operation, role: Role, ours: &Tenant, theirs: &Tenant) -> Vec<Attempt> {
    let entry = matrix(role, ours, theirs).into_iter().find(|(id, _)| *id == operation.id);
    entry.map(|(_, attempts)| attempts).unwrap()
}

/// The expected outcome for this role.
fn expected(operation: &Operation, role: Role, attempt: &Attempt) -> Outcome {
    let is_owners = operation.lists(ErrorCode::Forbidden) && !attempt.is_for_staff;
    match role {
        _ if operation.is_public() => attempt.outcome,
        Role::Anonymous => Outcome::Refusal(ErrorCode::Unauthorized),
        _ if !operation.accepts(role) => Outcome::Refusal(ErrorCode::InvalidTokenType),
        Role::Staff if is_owners => Outcome::Refusal(ErrorCode::Forbidden),
        _ => attempt.outcome,
    }
}

/// A whole response.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: String,
    body: String,
}

impl Answer {
    fn shows(&self, mark: &str) -> bool {
        self.headers.contains(mark) || self.body.contains(mark)
    }

    #[track_caller]
    fn assert_is(&self, operation: &Operation, outcome: Outcome, what: &str) {
        let Outcome::Refusal(code) = outcome else {
            return assert!(self.status.is_success(), "{what}: {self:?}");
        };
        assert_eq!(self.status.as_u16(), code.status(), "{what}: {self:?}");
        assert!(self.body.contains(&format!("\"code\":\"{code}\"")), "{what}, not {code}: {self:?}");
        assert!(operation.lists(code), "{what}: the document does not list {code}");
    }
}

/// Sends the attempt as `role` of `asker`.
async fn send(operation: &Operation, role: Role, asker: &Tenant, attempt: &Attempt) -> Answer {
    let mut path = operation.path.clone();
    for (name, value) in &attempt.path {
        path = path.replace(&format!("{{{name}}}"), value);
    }
    assert!(!path.contains('{'), "{path}");
    let mut query = attempt.query.clone();
    let mut client = asker.client(role);
    if role == Role::Ticket && operation.accepts(role) {
        query.push(("ticket", client.token().to_owned()));
        client = asker.client(Role::Anonymous);
    }
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut request = client.request(operation.method.clone(), &format!("{path}?{}", query.join("&")));
    for (name, value) in &attempt.headers {
        request = request.header(*name, value);
    }
    if let Some(body) = &attempt.body {
        request = request.json(body);
    }
    read(request.send().await.unwrap()).await
}

async fn read(response: Response) -> Answer {
    let (status, headers) = (response.status(), format!("{:?}", response.headers()));
    let is_stream = response.headers().get("content-type").is_some_and(|is| is == "text/event-stream");
    let body = if is_stream { beginning(response).await } else { response.text().await.unwrap() };
    Answer { status, headers, body }
}

/// The first events of a stream.
async fn beginning(mut stream: Response) -> String {
    let mut beginning = Vec::new();
    let mut timeout = EVENT_DEADLINE;
    while let Ok(Ok(Some(piece))) = tokio::time::timeout(timeout, stream.chunk()).await {
        beginning.extend_from_slice(&piece);
        timeout = STREAM_IDLE;
    }
    String::from_utf8(beginning).unwrap()
}

/// An open stream and everything received on it.
struct Screen {
    response: Response,
    shown: Vec<u8>,
}

/// Every kind of stream of `ours`, some resumed from a cursor of `theirs`.
async fn open_screens(ours: &Tenant, theirs: &Tenant) -> Vec<Screen> {
    let (dashboard, tablet) = ("/admin/orders/stream", "/customer/orders/stream");
    let ticket = ours.token(Role::Ticket).unwrap();
    let with_ticket = format!("{dashboard}?ticket={ticket}&last_event_id={}", theirs.dashboard_cursor);
    vec![
        Screen::open(&ours.client(Role::Owner), dashboard, "").await,
        Screen::open(&ours.client(Role::Staff), dashboard, &theirs.dashboard_cursor).await,
        Screen::open(&ours.client(Role::Anonymous), &with_ticket, "").await,
        Screen::open(&ours.client(Role::Tablet), tablet, "").await,
        Screen::open(&ours.client(Role::Tablet), tablet, &theirs.tablet_cursor).await,
    ]
}

impl Screen {
    async fn open(client: &ApiClient, path: &str, last_event_id: &str) -> Self {
        let request = client.request(Method::GET, path).header("Last-Event-ID", last_event_id);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Self { response, shown: Vec::new() }
    }

    /// Everything received up to the event `seq` or the end of the session.
    async fn read_up_to(mut self, seq: i64) -> String {
        let end = format!(":{seq}\nevent: menu_changed\n");
        loop {
            let shown = String::from_utf8_lossy(&self.shown);
            if shown.contains(&end) {
                return shown.into_owned();
            }
            let has_ended = shown.contains("event: session_completed\n");
            let piece = tokio::time::timeout(EVENT_DEADLINE, self.response.chunk()).await;
            match piece.expect("an event should come in time") {
                Err(_) if has_ended => return shown.into_owned(),
                piece => self.shown.extend_from_slice(&piece.unwrap().unwrap()),
            }
        }
    }
}
