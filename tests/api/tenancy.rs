//! No store sees or touches anything of another: every operation of the OpenAPI document is tried by every role,
//! with the ids, places and keys of another store wherever it takes any.
//!
//! Everything of a store has its mark in it, eight digits: ids, texts, prices, order numbers, stream places. What
//! the other store is answered or sent is searched for them.

mod document;
mod matrix;
mod tenant;

use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use tableorder::error::ErrorCode;

use crate::support::{ApiClient, TestApp};
use document::{Operation, operations};
use matrix::{Attempt, Outcome, gaps, matrix};
use tenant::{NOON, Role, Tenant, begin_ids};

/// Ours is the larger, so that a place of theirs lies in our past, where it might be taken for one of ours.
const OURS: &str = "88888888";
const THEIRS: &str = "77777777";

/// How long what a stream has to say may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a stream is quiet once everything it has to say at first was said.
const QUIET: Duration = Duration::from_millis(150);

async fn two_stores(app: &TestApp) -> (Tenant, Tenant) {
    app.stand_at(NOON);
    let (ours, mut theirs) = (Tenant::plant(app, OURS).await, Tenant::plant(app, THEIRS).await);
    theirs.take_plain_names().await;
    theirs.note_places_and_etags().await;
    // What is made from here on is ours.
    begin_ids(app, OURS, 5_000).await;
    (ours, theirs)
}

#[tokio::test]
async fn no_role_on_no_route_sees_or_changes_what_another_store_has() {
    // Every role guesses at their passwords.
    let app = TestApp::start_with(|config| config.login.failures_per_account = 100).await;
    let (ours, mut theirs) = two_stores(&app).await;
    let our_screens = open_screens(&ours, &theirs).await;
    let their_screens = open_screens(&theirs, &theirs).await;

    let before = theirs.digests(&app).await;
    try_everything(&ours, &theirs).await;
    assert_eq!(theirs.digests(&app).await, before, "their rows are as they were");

    begin_ids(&app, THEIRS, 5_000).await;
    theirs.live_on().await;
    let (our_end, their_end) = (ours.change_the_menu().await, theirs.change_the_menu().await);
    for screen in our_screens {
        let shown = screen.read_up_to(our_end).await;
        assert!(!shown.contains(THEIRS), "{shown}");
    }
    for screen in their_screens {
        let shown = screen.read_up_to(their_end).await;
        assert!(shown.contains(THEIRS) && shown.contains("session_completed"), "{shown}");
    }
}

/// Without this the search could be looking for what nobody is ever answered.
#[tokio::test]
async fn who_asks_for_their_own_finds_the_mark_that_is_searched_for() {
    let app = TestApp::start().await;
    let (_, theirs) = two_stores(&app).await;
    for operation in operations().iter().filter(|operation| operation.method == "GET") {
        for role in Role::ALL.into_iter().filter(|role| operation.opens_to(*role)) {
            for attempt in attempts_at(operation, role, &theirs, &theirs) {
                if expected(operation, role, &attempt) == Outcome::Refusal(ErrorCode::Forbidden) {
                    continue;
                }
                let answer = send(operation, role, &theirs, &attempt).await;
                let is_current = attempt.headers.iter().any(|(name, _)| *name == "If-None-Match");
                assert_eq!(answer.status, if is_current { 304 } else { 200 }, "{}: {answer:?}", operation.id);
                assert_eq!(answer.shows(THEIRS), !attempt.tells_nothing && !is_current, "{}: {answer:?}", operation.id);
            }
        }
    }
}

#[tokio::test]
async fn an_operation_a_field_or_an_entry_that_is_left_over_is_told() {
    let app = TestApp::start().await;
    let (ours, theirs) = two_stores(&app).await;
    let (mut operations, mut matrix) = (operations(), matrix(Role::Owner, &ours, &theirs));
    assert_eq!(gaps(&operations, &matrix, &theirs), [""; 0]);
    let ordering = operations.iter().find(|operation| operation.id == "customer_create_order").unwrap();
    assert_eq!(ordering.fields, ["Idempotency-Key", "menu_id"], "an id in a list in the body is one to try");
    matrix.retain(|(id, _)| *id != "admin_get_table");
    operations.retain(|operation| operation.id != "admin_get_menu");
    for (id, field) in [("admin_create_category", "parent_id"), ("admin_list_orders", "colour")] {
        operations.iter_mut().find(|operation| operation.id == id).unwrap().fields.push(field.to_owned());
    }
    let mut told = gaps(&operations, &matrix, &theirs);
    told.sort();
    assert_eq!(
        told,
        [
            "admin_get_menu is no operation any more",
            "admin_get_table has no entry in tests/api/tenancy/matrix.rs",
            "no attempt of admin_create_category in tests/api/tenancy/matrix.rs fills parent_id with what the other store has",
            "no attempt of admin_list_orders in tests/api/tenancy/matrix.rs fills colour with what the other store has",
        ]
    );
}

async fn try_everything(ours: &Tenant, theirs: &Tenant) {
    let operations = operations();
    assert_eq!(gaps(&operations, &matrix(Role::Owner, ours, theirs), theirs), [""; 0]);
    for operation in &operations {
        for role in Role::ALL {
            for attempt in attempts_at(operation, role, ours, theirs) {
                let mut answer = send(operation, role, ours, &attempt).await;
                let what = format!("{} as {role:?}", operation.id);
                if attempt.outcome == Outcome::Refusal(ErrorCode::SessionMismatch) {
                    // It repeats the id that was asked for.
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

/// How an attempt ends for this role.
fn expected(operation: &Operation, role: Role, attempt: &Attempt) -> Outcome {
    let is_owners = operation.lists(ErrorCode::Forbidden) && !attempt.is_for_staff;
    match role {
        _ if operation.is_public() => attempt.outcome,
        Role::Nobody => Outcome::Refusal(ErrorCode::Unauthorized),
        _ if !operation.opens_to(role) => Outcome::Refusal(ErrorCode::InvalidTokenType),
        Role::Staff if is_owners => Outcome::Refusal(ErrorCode::Forbidden),
        _ => attempt.outcome,
    }
}

/// Everything that came back.
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
        assert!(operation.lists(code), "{what}: the document does not know of {code}");
    }
}

/// Makes the attempt as somebody of `asker`.
async fn send(operation: &Operation, role: Role, asker: &Tenant, attempt: &Attempt) -> Answer {
    let mut path = operation.path.clone();
    for (name, value) in &attempt.path {
        path = path.replace(&format!("{{{name}}}"), value);
    }
    assert!(!path.contains('{'), "{path}");
    let mut query = attempt.query.clone();
    let mut client = asker.client(role);
    if role == Role::Ticket && operation.opens_to(role) {
        query.push(("ticket", client.token().to_owned()));
        client = asker.client(Role::Nobody);
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

/// What a stream says at first.
async fn beginning(mut stream: Response) -> String {
    let mut beginning = Vec::new();
    let mut patience = PATIENCE;
    while let Ok(Ok(Some(piece))) = tokio::time::timeout(patience, stream.chunk()).await {
        beginning.extend_from_slice(&piece);
        patience = QUIET;
    }
    String::from_utf8(beginning).unwrap()
}

/// An open stream, all of which is kept.
struct Screen {
    response: Response,
    shown: Vec<u8>,
}

/// Every kind of stream that `ours` can have; resumed, from a place of `theirs`.
async fn open_screens(ours: &Tenant, theirs: &Tenant) -> Vec<Screen> {
    let (dashboard, tablet) = ("/admin/orders/stream", "/customer/orders/stream");
    let ticket = ours.token(Role::Ticket).unwrap();
    let with_ticket = format!("{dashboard}?ticket={ticket}&last_event_id={}", theirs.dashboard_place);
    vec![
        Screen::open(&ours.client(Role::Owner), dashboard, "").await,
        Screen::open(&ours.client(Role::Staff), dashboard, &theirs.dashboard_place).await,
        Screen::open(&ours.client(Role::Nobody), &with_ticket, "").await,
        Screen::open(&ours.client(Role::Tablet), tablet, "").await,
        Screen::open(&ours.client(Role::Tablet), tablet, &theirs.tablet_place).await,
    ]
}

impl Screen {
    async fn open(client: &ApiClient, path: &str, last_event_id: &str) -> Self {
        let request = client.request(Method::GET, path).header("Last-Event-ID", last_event_id);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Self { response, shown: Vec::new() }
    }

    /// Everything it showed until the event `seq`, or until the end of its session.
    async fn read_up_to(mut self, seq: i64) -> String {
        let end = format!(":{seq}\nevent: menu_changed\n");
        loop {
            let shown = String::from_utf8_lossy(&self.shown);
            if shown.contains(&end) {
                return shown.into_owned();
            }
            let has_ended = shown.contains("event: session_completed\n");
            let piece = tokio::time::timeout(PATIENCE, self.response.chunk()).await;
            match piece.expect("an event should come in time") {
                Err(_) if has_ended => return shown.into_owned(),
                piece => self.shown.extend_from_slice(&piece.unwrap().unwrap()),
            }
        }
    }
}
