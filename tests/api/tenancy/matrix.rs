//! The attempts for each operation: every id, cursor and key is filled with a value of another store.
//!
//! A new operation needs an entry here. An attempt states path, query, headers and body, and the outcome for the roles
//! with access to the operation. Every other role must be refused.

use std::fmt::Display;

use serde_json::{Value, json};
use tableorder::error::ErrorCode;

use super::document::{Operation, is_id};
use super::tenant::{Role, Tenant};

/// An operation's id and its attempts.
pub type Entry = (&'static str, Vec<Attempt>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Refusal(ErrorCode),
}

/// A request from one store with values of another store.
pub struct Attempt {
    pub path: Vec<(&'static str, String)>,
    pub query: Vec<(&'static str, String)>,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Value>,
    pub outcome: Outcome,
    /// Staff may send this request although other requests of the operation are for owners only.
    pub is_for_staff: bool,
    /// The response contains no data of any store.
    pub is_generic: bool,
}

/// An attempt that succeeds and returns nothing of the other store, unless changed below.
fn attempt() -> Attempt {
    Attempt {
        path: Vec::new(),
        query: Vec::new(),
        headers: Vec::new(),
        body: None,
        outcome: Outcome::Success,
        is_for_staff: false,
        is_generic: false,
    }
}

fn generic() -> Attempt {
    Attempt { is_generic: true, ..attempt() }
}

fn at(name: &'static str, id: i64) -> Attempt {
    Attempt { path: vec![(name, id.to_string())], ..attempt() }
}

fn sending(body: Value) -> Attempt {
    attempt().body(body)
}

impl Attempt {
    fn query(mut self, name: &'static str, value: impl Display) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    fn refused(self, code: ErrorCode) -> Self {
        Self { outcome: Outcome::Refusal(code), ..self }
    }

    fn for_staff_too(self) -> Self {
        Self { is_for_staff: true, ..self }
    }

    /// Whether it sets `field`, and an id field to a value of `theirs`.
    fn fills(&self, field: &str, theirs: &Tenant) -> bool {
        let parameters = self.path.iter().chain(&self.query).chain(&self.headers);
        let mut values: Vec<String> =
            parameters.filter(|(name, _)| *name == field).map(|(_, value)| value.clone()).collect();
        collect_values(self.body.as_ref().unwrap_or(&Value::Null), field, &mut values);
        values.iter().any(|value| !is_id(field) || value.contains(theirs.mark))
    }
}

fn collect_values(body: &Value, field: &str, found: &mut Vec<String>) {
    match body {
        Value::Object(object) => {
            for (name, value) in object {
                if name == field {
                    found.push(value.to_string());
                }
                collect_values(value, field, found);
            }
        }
        Value::Array(array) => array.iter().for_each(|value| collect_values(value, field, found)),
        _ => {}
    }
}

/// The missing and superfluous entries of the matrix, one sentence each.
pub fn gaps(operations: &[Operation], matrix: &[Entry], theirs: &Tenant) -> Vec<String> {
    let mut gaps = Vec::new();
    for operation in operations {
        let Some((id, attempts)) = matrix.iter().find(|(id, _)| *id == operation.id) else {
            gaps.push(format!("{} has no entry in tests/api/tenancy/matrix.rs", operation.id));
            continue;
        };
        let is_open = |field: &&String| !attempts.iter().any(|attempt| attempt.fills(field, theirs));
        gaps.extend(operation.fields.iter().filter(is_open).map(|field| {
            format!("no attempt of {id} in tests/api/tenancy/matrix.rs sets {field} to a value of the other store")
        }));
    }
    let is_gone = |id: &str| !operations.iter().any(|operation| operation.id == id);
    gaps.extend(matrix.iter().filter(|(id, _)| is_gone(id)).map(|(id, _)| format!("{id} is not an operation")));
    gaps
}

/// The attempts of `ours` against `theirs`.
pub fn matrix(role: Role, ours: &Tenant, theirs: &Tenant) -> Vec<Entry> {
    let mut matrix = service();
    matrix.extend(setup(theirs));
    matrix.extend(customer_auth(ours, theirs));
    matrix.extend(customer_menu(theirs));
    matrix.extend(customer_orders(ours, theirs));
    matrix.extend(admin_auth(ours, theirs));
    matrix.extend(admin_categories(role, theirs));
    matrix.extend(admin_menus(ours, theirs));
    matrix.extend(admin_orders(theirs));
    matrix.extend(admin_tables(role, ours, theirs));
    matrix.extend(admin_devices(theirs));
    matrix.extend(admin_users(role, theirs));
    matrix.extend(admin_demo());
    matrix
}

fn service() -> Vec<Entry> {
    vec![("health", vec![generic()]), ("live", vec![generic()]), ("ready", vec![generic()])]
}

fn setup(theirs: &Tenant) -> Vec<Entry> {
    let code = json!({"code": "00000-00000-00000-00000"});
    let store = json!({
        "code": "00000-00000-00000-00000",
        "store": {"store_id": theirs.code, "name": "ours"},
        "owner": {"username": "ours", "password": "ours now"},
    });
    vec![
        ("show_setup", vec![generic()]),
        ("check_setup_code", vec![sending(code).refused(ErrorCode::SetupClosed)]),
        ("create_setup_store", vec![sending(store).refused(ErrorCode::SetupClosed)]),
    ]
}

fn customer_auth(ours: &Tenant, theirs: &Tenant) -> Vec<Entry> {
    let login = json!({"store_id": theirs.code, "table_number": 1, "password": ours.password});
    vec![
        ("customer_login_table", vec![sending(login).refused(ErrorCode::AuthFailed)]),
        ("customer_check_session", vec![generic()]),
        ("customer_renew_session", vec![attempt()]),
    ]
}

fn customer_menu(theirs: &Tenant) -> Vec<Entry> {
    let category = || at("category_id", theirs.category).refused(ErrorCode::CategoryNotFound);
    let menu = || at("menu_id", theirs.menus[0]).refused(ErrorCode::MenuNotFound);
    // The other store's ETag must not match our menu.
    let known = |attempt: Attempt| attempt.header("If-None-Match", &theirs.etags);
    // A version above that of any store.
    let newest = |attempt: Attempt| attempt.query("menu_version", 1_000_000);
    vec![
        ("customer_list_categories", vec![attempt(), known(attempt()), newest(attempt())]),
        ("customer_list_menus", vec![attempt().query("all", true), known(attempt()), newest(attempt())]),
        ("customer_list_category_menus", vec![category(), known(category()), newest(category())]),
        ("customer_get_menu", vec![menu(), known(menu()), newest(menu())]),
    ]
}

fn customer_orders(ours: &Tenant, theirs: &Tenant) -> Vec<Entry> {
    let of = |menus: &[i64]| {
        let line = |menu: &i64| json!({"menu_id": menu, "quantity": 1});
        sending(json!({"items": menus.iter().map(line).collect::<Vec<_>>()}))
    };
    let mixed = of(&[ours.menus[0], theirs.menus[0]]);
    let of_their_session = || {
        let items = json!([{"menu_id": ours.menus[0], "quantity": 2}]);
        sending(json!({"items": items, "session_id": theirs.session})).refused(ErrorCode::SessionMismatch)
    };
    vec![
        ("customer_list_orders", vec![attempt().query("limit", 200).query("cursor", &theirs.order_number)]),
        (
            "customer_create_order",
            vec![
                of(&theirs.menus).refused(ErrorCode::MenuNotFound),
                mixed.header("Idempotency-Key", &theirs.idempotency_key).refused(ErrorCode::MenuNotFound),
                // The same key at another store creates another order.
                of(&ours.menus[..1]).header("Idempotency-Key", &theirs.idempotency_key),
                of_their_session(),
                of_their_session().header("Idempotency-Key", &theirs.idempotency_key),
            ],
        ),
        ("customer_stream_session", stream(&theirs.tablet_cursor)),
    ]
}

fn stream(their_cursor: &str) -> Vec<Attempt> {
    vec![attempt(), attempt().header("Last-Event-ID", their_cursor), attempt().query("last_event_id", their_cursor)]
}

fn admin_auth(ours: &Tenant, theirs: &Tenant) -> Vec<Entry> {
    let login = json!({"store_id": theirs.code, "username": theirs.text("owner"), "password": ours.password});
    let password = json!({"current_password": theirs.password, "new_password": "a new one"});
    vec![
        ("login_admin", vec![sending(login).refused(ErrorCode::AuthFailed)]),
        ("admin_show_me", vec![attempt()]),
        ("admin_logout", vec![attempt()]),
        ("admin_change_password", vec![sending(password).refused(ErrorCode::ValidationError)]),
    ]
}

fn admin_categories(role: Role, theirs: &Tenant) -> Vec<Entry> {
    let category = || at("category_id", theirs.category).refused(ErrorCode::CategoryNotFound);
    vec![
        ("admin_list_categories", vec![attempt()]),
        // Names are unique per store only.
        ("admin_create_category", vec![sending(json!({"name": role.plain_name()}))]),
        (
            "admin_reorder_categories",
            vec![sending(json!({"ids": [theirs.category]})).refused(ErrorCode::ValidationError)],
        ),
        ("admin_get_category", vec![category()]),
        ("admin_update_category", vec![category().body(json!({"name": "ours now"}))]),
        ("admin_delete_category", vec![category()]),
    ]
}

fn admin_menus(ours: &Tenant, theirs: &Tenant) -> Vec<Entry> {
    let menu = || at("menu_id", theirs.menus[0]).refused(ErrorCode::MenuNotFound);
    let order = |category: i64| sending(json!({"category_id": category, "ids": theirs.menus}));
    let item = json!({"category_id": theirs.category, "name": "ours", "price": 1});
    let moved = json!({"category_id": theirs.category});
    vec![
        ("admin_list_menus", vec![attempt()]),
        (
            "admin_create_menu",
            vec![
                sending(item.clone()).refused(ErrorCode::CategoryNotFound),
                sending(item).header("Idempotency-Key", &theirs.idempotency_key).refused(ErrorCode::CategoryNotFound),
            ],
        ),
        (
            "admin_reorder_menus",
            vec![
                order(theirs.category).refused(ErrorCode::CategoryNotFound),
                order(ours.category).refused(ErrorCode::ValidationError),
            ],
        ),
        ("admin_get_menu", vec![menu()]),
        (
            "admin_update_menu",
            vec![
                menu().body(json!({"is_available": false})).for_staff_too(),
                menu().body(json!({"name": "ours now", "price": 1})),
                at("menu_id", ours.menus[0]).body(moved).refused(ErrorCode::CategoryNotFound),
            ],
        ),
        ("admin_delete_menu", vec![menu()]),
    ]
}

fn admin_orders(theirs: &Tenant) -> Vec<Entry> {
    let order = |id: i64| at("order_id", id).refused(ErrorCode::OrderNotFound);
    let session = |id: i64| at("session_id", id).refused(ErrorCode::SessionNotFound);
    let next = json!({"status": "preparing"});
    let narrowed = attempt().query("table_id", theirs.table).query("status", "pending");
    vec![
        (
            "admin_list_orders",
            vec![attempt(), narrowed.query("limit", 200), attempt().query("cursor", &theirs.order_number)],
        ),
        (
            "admin_list_session_orders",
            vec![
                session(theirs.session),
                session(theirs.past_session).query("limit", 200).query("cursor", &theirs.order_number),
            ],
        ),
        ("admin_get_order", vec![order(theirs.order), order(theirs.past_order)]),
        ("admin_update_order_status", vec![order(theirs.order).body(next)]),
        ("admin_delete_order", vec![order(theirs.order).query("reason", "a mistake")]),
        ("admin_restore_order", vec![order(theirs.order), order(theirs.past_order)]),
        ("admin_stream_store", stream(&theirs.dashboard_cursor)),
        ("admin_issue_stream_ticket", vec![attempt()]),
    ]
}

fn admin_users(role: Role, theirs: &Tenant) -> Vec<Entry> {
    let user = || at("user_id", theirs.staff).refused(ErrorCode::UserNotFound);
    let new = json!({"username": role.plain_name(), "password": "a password", "role": "staff"});
    let change = json!({"username": "ours now", "password": "ours now", "role": "owner"});
    // Greater than the id of every entry.
    let place = format!("ffffffff-ffff-7fff-8fff-ffff{}", theirs.mark);
    vec![
        ("admin_list_users", vec![attempt()]),
        // Names are unique per store only.
        ("admin_create_user", vec![sending(new)]),
        ("admin_get_user", vec![user(), at("user_id", theirs.owner).refused(ErrorCode::UserNotFound)]),
        ("admin_update_user", vec![user().body(change)]),
        ("admin_delete_user", vec![user(), at("user_id", theirs.owner).refused(ErrorCode::UserNotFound)]),
        (
            "admin_list_audit",
            vec![attempt().query("limit", 200), attempt().query("action", "menu.created").query("cursor", place)],
        ),
    ]
}

fn admin_demo() -> Vec<Entry> {
    // Neither store is the demo, so both stay.
    vec![
        ("admin_show_demo_store", vec![generic()]),
        ("admin_delete_demo_store", vec![attempt().refused(ErrorCode::StoreNotFound)]),
    ]
}

fn admin_devices(theirs: &Tenant) -> Vec<Entry> {
    // Later than all of our devices.
    let place = format!("4102444800000000-{}", theirs.device);
    vec![
        ("admin_list_devices", vec![attempt().query("limit", 200), attempt().query("cursor", place)]),
        ("admin_delete_device", vec![at("device_id", theirs.device).refused(ErrorCode::DeviceNotFound)]),
    ]
}

fn admin_tables(role: Role, ours: &Tenant, theirs: &Tenant) -> Vec<Entry> {
    let table = || at("table_id", theirs.table).refused(ErrorCode::TableNotFound);
    let session = |id: i64| at("session_id", id).refused(ErrorCode::SessionNotFound);
    let history = |attempt: Attempt| attempt.query("cursor", &theirs.order_number);
    let days = |attempt: Attempt| attempt.query("date_from", "2000-01-01").query("date_to", "2999-12-31");
    let new = json!({"table_number": role.plain_number(), "password": "a password"});
    vec![
        ("admin_list_tables", vec![attempt()]),
        // Table numbers are unique per store only.
        ("admin_create_table", vec![sending(new)]),
        ("admin_show_dashboard", vec![attempt()]),
        ("admin_get_table", vec![table()]),
        ("admin_update_table", vec![table().body(json!({"table_number": 9, "password": "ours now"}))]),
        ("admin_delete_table", vec![table()]),
        (
            "admin_complete_table",
            vec![
                table().body(json!({"session_id": theirs.session})),
                table().header("Idempotency-Key", &theirs.idempotency_key),
                at("table_id", ours.table)
                    .body(json!({"session_id": theirs.session}))
                    .refused(ErrorCode::SessionMismatch),
            ],
        ),
        ("admin_reopen_session", vec![session(theirs.session), session(theirs.past_session)]),
        (
            "admin_show_history",
            vec![table(), days(history(table())).query("limit", 200), history(at("table_id", ours.table))],
        ),
    ]
}
