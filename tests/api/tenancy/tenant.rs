//! A store whose data is recognisable by its mark.

use std::time::Duration;

use jsonwebtoken::Algorithm;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tableorder::clock::Clock;
use tableorder::config::Secret;
use tableorder::models::{BusinessCalendar, Role as AccountRole, SessionId, StoreCode, StoreId, Username};
use tableorder::repositories::{event, store, table, user};
use tableorder::security::password::hash_now;
use tableorder::security::token::{Audience, Subject, Tokens};
use uuid::Uuid;

use crate::support::{ApiClient, TestApp, answer};

/// The role of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Anonymous,
    Tablet,
    Staff,
    Owner,
    /// A client with a ticket for the event stream.
    Ticket,
}

impl Role {
    pub const ALL: [Self; 5] = [Self::Anonymous, Self::Tablet, Self::Staff, Self::Owner, Self::Ticket];

    /// The security scheme of this role's token.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Anonymous => "none",
            Self::Tablet => "table_token",
            Self::Staff | Self::Owner => "admin_token",
            Self::Ticket => "stream_ticket",
        }
    }

    /// A table number without any mark, one per role, because an attempt takes it.
    pub fn plain_number(self) -> i32 {
        100 + self as i32
    }

    /// A name without any mark.
    pub fn plain_name(self) -> String {
        format!("plain {self:?}")
    }
}

/// A store with past and current data.
pub struct Tenant {
    /// Contained in every id, text, price, order number and cursor of this store, and of no other.
    pub mark: &'static str,
    pub id: i64,
    pub code: String,
    /// The password of the users and tables.
    pub password: String,
    pub owner: i64,
    pub staff: i64,
    pub table: i64,
    pub category: i64,
    pub menus: Vec<i64>,
    pub past_session: i64,
    pub past_order: i64,
    pub session: i64,
    /// The device of the table's tablet.
    pub device: i64,
    /// A live order.
    pub order: i64,
    /// The number of the newest live order.
    pub order_number: String,
    pub idempotency_key: String,
    pub dashboard_cursor: String,
    pub tablet_cursor: String,
    /// The entity tags of the menu reads.
    pub etags: String,
    epoch: Uuid,
    app: ApiClient,
}

/// The time of the test, far from midnight, where order numbers restart.
pub const NOON: &str = "2026-11-20T03:00:00Z";

fn noon() -> Clock {
    Clock::from_fn(|| NOON.parse().unwrap())
}

/// Makes new ids start with `mark`.
pub async fn start_ids(app: &TestApp, mark: &str, from: u32) {
    let begin = "SELECT setval(pg_get_serial_sequence(quote_ident(table_name), column_name), $1)
         FROM information_schema.columns WHERE table_schema = 'public' AND is_identity = 'YES'";
    let from: i64 = format!("{mark}{from:04}").parse().unwrap();
    sqlx::query(begin).bind(from).execute(&mut app.connection().await).await.unwrap();
}

impl Tenant {
    /// Creates a store whose numbers and texts all contain `mark`, eight digits.
    pub async fn create(app: &TestApp, mark: &'static str) -> Self {
        start_ids(app, mark, 0).await;
        let mut tenant = Self::with_users_and_tables(app, mark).await;
        tenant.add_menu().await;
        tenant.add_past_session().await;
        tenant.add_current_session().await;
        // Creates a row in `revoked_tokens`.
        tenant.client(Role::Owner).post("/admin/auth/logout", &json!({})).await.ok();
        tenant
    }

    async fn with_users_and_tables(app: &TestApp, mark: &'static str) -> Self {
        let now = noon().now();
        let (code, password) = (format!("store-{mark}"), format!("password-{mark}"));
        let hash = hash_now(&password).unwrap();
        let calendar = BusinessCalendar { time_zone: chrono_tz::Asia::Seoul, day_starts_at: "00:00".parse().unwrap() };
        let mut connection = app.connection().await;
        let mut tx = connection.begin().await.unwrap();
        let conn = &mut *tx;
        let parsed = StoreCode::parse(&code).unwrap();
        let id = store::insert(conn, &parsed, &format!("name-{mark}"), &calendar, now).await.unwrap();
        store::insert_stream(conn, id).await.unwrap();
        mark_counters(conn, id, mark).await;
        let mut add_user = async |role, name: &str| {
            let name = Username::parse(&format!("{name}-{mark}")).unwrap();
            user::insert(conn, id, &name, &hash, role, now).await.unwrap().id.0
        };
        let owner = add_user(AccountRole::Owner, "owner").await;
        let staff = add_user(AccountRole::Staff, "staff").await;
        let table = table::insert(&mut tx, id, 1, &hash, now).await.unwrap().id.0;
        let epoch = event::epoch(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        Self {
            mark,
            id: id.0,
            code,
            password,
            owner,
            staff,
            table,
            category: 0,
            menus: Vec::new(),
            past_session: 0,
            past_order: 0,
            session: 0,
            device: 0,
            order: 0,
            order_number: String::new(),
            idempotency_key: format!("key-{mark}"),
            dashboard_cursor: String::new(),
            tablet_cursor: String::new(),
            etags: String::new(),
            epoch,
            app: app.anonymous(),
        }
    }

    /// A text that contains the mark.
    pub fn text(&self, what: &str) -> String {
        format!("{what}-{}", self.mark)
    }

    async fn add_menu(&mut self) {
        let owner = self.client(Role::Owner);
        let category = owner.post("/admin/categories", &json!({"name": self.text("category")})).await.ok();
        self.category = id_of(&category);
        let price: i64 = self.mark.parse().unwrap();
        for what in ["soup", "noodles"] {
            let item = json!({"category_id": self.category, "name": self.text(what), "price": price,
                "description": self.text("description"), "image_url": format!("https://{}.example/", self.text("image"))});
            let adding = owner.request(Method::POST, "/admin/menus").json(&item);
            let adding = adding.header("Idempotency-Key", format!("{}-{what}", self.idempotency_key));
            self.menus.push(id_of(&answer(adding).await.ok()));
        }
    }

    /// A completed session.
    async fn add_past_session(&mut self) {
        self.log_in_tablet().await;
        let order = self.place().await;
        (self.past_session, self.past_order) = (self.session, id_of(&order));
        self.set_status(self.past_order, "preparing").await;
        self.complete().await;
    }

    /// A current session with three orders, one of them cancelled.
    async fn add_current_session(&mut self) {
        self.log_in_tablet().await;
        self.tablet_cursor = first_id(&self.client(Role::Tablet), "/customer/orders/stream").await;
        let placing = self.client(Role::Tablet).request(Method::POST, "/customer/orders");
        answer(placing.header("Idempotency-Key", &self.idempotency_key).json(&self.an_order())).await.ok();
        let order = self.place().await;
        self.order = id_of(&order);
        order["order_number"].as_str().unwrap().clone_into(&mut self.order_number);
        let mistake = id_of(&self.place().await);
        self.cancel(mistake).await;
    }

    /// Records the cursors and entity tags that a client of the store has at this point.
    pub async fn record_cursors_and_etags(&mut self) {
        self.dashboard_cursor = first_id(&self.client(Role::Owner), "/admin/orders/stream").await;
        let tablet = self.client(Role::Tablet);
        let mut etags = Vec::new();
        for path in ["", "/categories", &format!("/category/{}", self.category), &format!("/{}", self.menus[0])] {
            let answer = tablet.get(&format!("/customer/menu{path}")).await;
            etags.push(answer.headers["etag"].to_str().unwrap().to_owned());
            answer.ok();
        }
        self.etags = etags.join(", ");
    }

    /// Adds a category, tables and users with names that the other store may use too.
    pub async fn add_plain_names(&self) {
        let owner = self.client(Role::Owner);
        for role in [Role::Staff, Role::Owner] {
            owner.post("/admin/categories", &json!({"name": role.plain_name()})).await.ok();
            let table = json!({"table_number": role.plain_number(), "password": self.password});
            owner.post("/admin/tables", &table).await.ok();
            let account = json!({"username": role.plain_name(), "password": self.password, "role": "staff"});
            owner.post("/admin/users", &account).await.ok();
        }
    }

    /// Causes every kind of event.
    pub async fn cause_all_events(&mut self) {
        let owner = self.client(Role::Owner);
        let order = id_of(&self.place().await);
        self.set_status(order, "preparing").await;
        self.cancel(order).await;
        let renamed = json!({"name": self.text("renamed")});
        owner.patch(&format!("/admin/categories/{}", self.category), &renamed).await.ok();
        self.complete().await;
        self.log_in_tablet().await;
        self.place().await;
    }

    /// Causes an event on every stream of the store and returns its `seq`.
    pub async fn change_menu(&self) -> i64 {
        let owner = self.client(Role::Owner);
        owner.patch(&format!("/admin/menus/{}", self.menus[1]), &json!({"is_available": false})).await.ok();
        let dashboard = owner.get("/admin/tables/dashboard").await.ok();
        let (_, seq) = dashboard["event_id"].as_str().unwrap().split_once(':').unwrap();
        seq.parse().unwrap()
    }

    /// Logs the table's tablet in.
    async fn log_in_tablet(&mut self) {
        let body = json!({"store_id": self.code, "table_number": 1, "password": self.password});
        let login = self.app.post("/customer/auth/login", &body).await.ok();
        self.session = login["session_id"].as_i64().unwrap();
        self.device = login["device_id"].as_i64().unwrap();
    }

    fn an_order(&self) -> Value {
        json!({"items": [{"menu_id": self.menus[0], "quantity": 1}], "note": self.text("note")})
    }

    async fn place(&self) -> Value {
        self.client(Role::Tablet).post("/customer/orders", &self.an_order()).await.ok()
    }

    async fn set_status(&self, order: i64, status: &str) {
        let path = format!("/admin/orders/{order}/status");
        self.client(Role::Owner).patch(&path, &json!({"status": status})).await.ok();
    }

    async fn cancel(&self, order: i64) {
        let path = format!("/admin/orders/{order}?reason={}", self.text("reason"));
        self.client(Role::Owner).delete(&path).await.ok();
    }

    async fn complete(&self) {
        let path = format!("/admin/tables/{}/complete", self.table);
        self.client(Role::Owner).post(&path, &json!({})).await.ok();
    }

    /// A client of this store with its own token.
    pub fn client(&self, role: Role) -> ApiClient {
        self.token(role).map_or_else(|| self.app.clone(), |token| self.app.with_token(&token))
    }

    /// A token as issued by a login. Each has its own id, so a logout ends only one.
    pub fn token(&self, role: Role) -> Option<String> {
        let tokens = Tokens::new(&Secret::new(TestApp::SECRET), &[], Algorithm::HS256, self.epoch, noon());
        let issue = |audience, id, session| {
            let subject = Subject { audience, id, store: StoreId(self.id), session, device: None, version: 1 };
            tokens.issue(subject, Duration::from_mins(10)).unwrap().token
        };
        match role {
            Role::Anonymous => None,
            Role::Tablet => Some(issue(Audience::Table, self.table, Some(SessionId(self.session)))),
            Role::Staff => Some(issue(Audience::Admin, self.staff, None)),
            Role::Owner => Some(issue(Audience::Admin, self.owner, None)),
            Role::Ticket => {
                let login = tokens.check(issue(Audience::Admin, self.owner, None).as_bytes(), Audience::Admin).unwrap();
                Some(tokens.issue_ticket(&login.claims).unwrap().token)
            }
        }
    }

    /// A digest of the store's rows in each table.
    pub async fn digests(&self, app: &TestApp) -> Vec<(String, String)> {
        let mut connection = app.connection().await;
        let tables = "SELECT table_name::text, column_name::text FROM information_schema.columns
             WHERE table_schema = 'public' AND column_name = 'store_id' OR (table_name, column_name) = ('stores', 'id')
             ORDER BY table_name";
        let tables: Vec<(String, String)> = sqlx::query_as(tables).fetch_all(&mut connection).await.unwrap();
        let mut digests = Vec::new();
        for (table, column) in tables {
            // Failed logins from outside are recorded in the store's own audit log; that is intended.
            let but = if table == "audit_log" { "AND action NOT LIKE '%.login_failed'" } else { "" };
            let query = format!(
                "SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM {table} t WHERE {column} = $1 {but}"
            );
            let digest: Option<String> =
                sqlx::query_scalar(AssertSqlSafe(query)).bind(self.id).fetch_one(&mut connection).await.unwrap();
            let digest = digest.unwrap_or_else(|| panic!("add a row of {table} in Tenant::create"));
            digests.push((table, digest));
        }
        digests
    }
}

/// Makes the store's counters start with its mark.
async fn mark_counters(conn: &mut PgConnection, store: StoreId, mark: &str) {
    let from: i64 = format!("{mark}0000").parse().unwrap();
    let streams = "UPDATE store_streams
         SET event_seq = $2, menu_version = $2, access_version = $2 WHERE store_id = $1";
    sqlx::query(streams).bind(store.0).bind(from).execute(&mut *conn).await.unwrap();
    // The counter of order numbers has one digit more.
    let counters = "INSERT INTO order_counters (store_id, business_day, last_number)
         VALUES ($1, '2026-11-20', $2)";
    let from: i32 = format!("{mark}0").parse().unwrap();
    sqlx::query(counters).bind(store.0).bind(from).execute(conn).await.unwrap();
}

fn id_of(body: &Value) -> i64 {
    body["id"].as_i64().unwrap()
}

/// The cursor of a stream that is opened now.
async fn first_id(client: &ApiClient, path: &str) -> String {
    client.stream(path, None).await.connected().await.connected_at
}
