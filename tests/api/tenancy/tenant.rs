//! A store everything of which can be told from everything of another.

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

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Nobody,
    Tablet,
    Staff,
    Owner,
    /// Somebody with a ticket for the event stream.
    Ticket,
}

impl Role {
    pub const ALL: [Self; 5] = [Self::Nobody, Self::Tablet, Self::Staff, Self::Owner, Self::Ticket];

    /// What the document calls this role's token.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Nobody => "none",
            Self::Tablet => "table_token",
            Self::Staff | Self::Owner => "admin_token",
            Self::Ticket => "stream_ticket",
        }
    }

    /// A table number that is nobody's mark. One a role, since whoever tries takes it.
    pub fn plain_number(self) -> i32 {
        100 + self as i32
    }

    /// A name that is nobody's mark.
    pub fn plain_name(self) -> String {
        format!("plain {self:?}")
    }
}

/// A store with a past and a present.
pub struct Tenant {
    /// Stands in every id, text, price, order number and stream place of the store, and in nothing else.
    pub mark: &'static str,
    pub id: i64,
    pub code: String,
    /// Of the accounts and the tables.
    pub password: String,
    pub owner: i64,
    pub staff: i64,
    pub table: i64,
    pub category: i64,
    pub menus: Vec<i64>,
    pub past_session: i64,
    pub past_order: i64,
    pub session: i64,
    /// The table's tablet.
    pub device: i64,
    /// One of the live orders.
    pub order: i64,
    /// The number of the newest live order.
    pub order_number: String,
    pub idempotency_key: String,
    pub dashboard_place: String,
    pub tablet_place: String,
    /// Of everything that has one.
    pub etags: String,
    epoch: Uuid,
    app: ApiClient,
}

/// When everything happens: far from midnight, when order numbers begin anew.
pub const NOON: &str = "2026-11-20T03:00:00Z";

fn noon() -> Clock {
    Clock::from_fn(|| NOON.parse().unwrap())
}

/// New ids begin with `mark` from here on.
pub async fn begin_ids(app: &TestApp, mark: &str, from: u32) {
    let begin = "SELECT setval(pg_get_serial_sequence(quote_ident(table_name), column_name), $1)
         FROM information_schema.columns WHERE table_schema = 'public' AND is_identity = 'YES'";
    let from: i64 = format!("{mark}{from:04}").parse().unwrap();
    sqlx::query(begin).bind(from).execute(&mut app.connection().await).await.unwrap();
}

impl Tenant {
    /// A store whose every number and text has `mark`, eight digits, in it.
    pub async fn plant(app: &TestApp, mark: &'static str) -> Self {
        begin_ids(app, mark, 0).await;
        let mut tenant = Self::with_accounts_and_tables(app, mark).await;
        tenant.make_the_menu().await;
        tenant.live_through_a_past().await;
        tenant.be_busy().await;
        // A token that was logged out.
        tenant.client(Role::Owner).post("/admin/auth/logout", &json!({})).await.ok();
        tenant
    }

    async fn with_accounts_and_tables(app: &TestApp, mark: &'static str) -> Self {
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
        let mut account = async |role, name: &str| {
            let name = Username::parse(&format!("{name}-{mark}")).unwrap();
            user::insert(conn, id, &name, &hash, role, now).await.unwrap().id.0
        };
        let owner = account(AccountRole::Owner, "owner").await;
        let staff = account(AccountRole::Staff, "staff").await;
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
            dashboard_place: String::new(),
            tablet_place: String::new(),
            etags: String::new(),
            epoch,
            app: app.anonymous(),
        }
    }

    /// A text of the store's own.
    pub fn text(&self, what: &str) -> String {
        format!("{what}-{}", self.mark)
    }

    async fn make_the_menu(&mut self) {
        let owner = self.client(Role::Owner);
        let category = owner.post("/admin/categories", &json!({"name": self.text("category")})).await.ok();
        self.category = id_of(&category);
        let price: i64 = self.mark.parse().unwrap();
        for what in ["soup", "noodles"] {
            let dish = json!({"category_id": self.category, "name": self.text(what), "price": price,
                "description": self.text("description"), "image_url": format!("https://{}.example/", self.text("image"))});
            self.menus.push(id_of(&owner.post("/admin/menus", &dish).await.ok()));
        }
    }

    /// A stay that is over.
    async fn live_through_a_past(&mut self) {
        self.sit_down().await;
        let order = self.place().await;
        (self.past_session, self.past_order) = (self.session, id_of(&order));
        self.set_status(self.past_order, "preparing").await;
        self.complete().await;
    }

    /// A stay that goes on, with three orders, one of them cancelled.
    async fn be_busy(&mut self) {
        self.sit_down().await;
        self.tablet_place = first_id(&self.client(Role::Tablet), "/customer/orders/stream").await;
        let placing = self.client(Role::Tablet).request(Method::POST, "/customer/orders");
        answer(placing.header("Idempotency-Key", &self.idempotency_key).json(&self.an_order())).await.ok();
        let order = self.place().await;
        self.order = id_of(&order);
        order["order_number"].as_str().unwrap().clone_into(&mut self.order_number);
        let mistake = id_of(&self.place().await);
        self.cancel(mistake).await;
    }

    /// Notes what a client of the store holds once nothing changes any more.
    pub async fn note_places_and_etags(&mut self) {
        self.dashboard_place = first_id(&self.client(Role::Owner), "/admin/orders/stream").await;
        let tablet = self.client(Role::Tablet);
        let mut etags = Vec::new();
        for path in ["", "/categories", &format!("/category/{}", self.category), &format!("/{}", self.menus[0])] {
            let answer = tablet.get(&format!("/customer/menu{path}")).await;
            etags.push(answer.headers["etag"].to_str().unwrap().to_owned());
            answer.ok();
        }
        self.etags = etags.join(", ");
    }

    /// Has what another store may have as well.
    pub async fn take_plain_names(&self) {
        let owner = self.client(Role::Owner);
        for role in [Role::Staff, Role::Owner] {
            owner.post("/admin/categories", &json!({"name": role.plain_name()})).await.ok();
            let table = json!({"table_number": role.plain_number(), "password": self.password});
            owner.post("/admin/tables", &table).await.ok();
            let account = json!({"username": role.plain_name(), "password": self.password, "role": "staff"});
            owner.post("/admin/users", &account).await.ok();
        }
    }

    /// What may happen in a store, so that every kind of event tells of it.
    pub async fn live_on(&mut self) {
        let owner = self.client(Role::Owner);
        let order = id_of(&self.place().await);
        self.set_status(order, "preparing").await;
        self.cancel(order).await;
        let renamed = json!({"name": self.text("renamed")});
        owner.patch(&format!("/admin/categories/{}", self.category), &renamed).await.ok();
        self.complete().await;
        self.sit_down().await;
        self.place().await;
    }

    /// Sends an event to every stream of the store, and gives its seq.
    pub async fn change_the_menu(&self) -> i64 {
        let owner = self.client(Role::Owner);
        owner.patch(&format!("/admin/menus/{}", self.menus[1]), &json!({"is_available": false})).await.ok();
        let dashboard = owner.get("/admin/tables/dashboard").await.ok();
        let (_, seq) = dashboard["event_id"].as_str().unwrap().split_once(':').unwrap();
        seq.parse().unwrap()
    }

    /// The table's tablet logs in.
    async fn sit_down(&mut self) {
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

    /// Somebody of this store, with a token of their own.
    pub fn client(&self, role: Role) -> ApiClient {
        self.token(role).map_or_else(|| self.app.clone(), |token| self.app.with_token(&token))
    }

    /// A token as a login would give it: one that is logged out later takes no other with it.
    pub fn token(&self, role: Role) -> Option<String> {
        let tokens = Tokens::new(&Secret::new(TestApp::SECRET), &[], Algorithm::HS256, self.epoch, noon());
        let issue = |audience, id, session| {
            let subject = Subject { audience, id, store: StoreId(self.id), session, device: None, version: 1 };
            tokens.issue(subject, Duration::from_mins(10)).unwrap().token
        };
        match role {
            Role::Nobody => None,
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
            // That somebody guessed at their password is theirs to know, and nobody's change.
            let but = if table == "audit_log" { "AND action NOT LIKE '%.login_failed'" } else { "" };
            let query = format!(
                "SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM {table} t WHERE {column} = $1 {but}"
            );
            let digest: Option<String> =
                sqlx::query_scalar(AssertSqlSafe(query)).bind(self.id).fetch_one(&mut connection).await.unwrap();
            let digest = digest.unwrap_or_else(|| panic!("plant a row of {table} in Tenant::plant"));
            digests.push((table, digest));
        }
        digests
    }
}

/// Lets what counts up in the store begin with its mark.
async fn mark_counters(conn: &mut PgConnection, store: StoreId, mark: &str) {
    let from: i64 = format!("{mark}0000").parse().unwrap();
    let streams = "UPDATE store_streams
         SET event_seq = $2, menu_version = $2, access_version = $2 WHERE store_id = $1";
    sqlx::query(streams).bind(store.0).bind(from).execute(&mut *conn).await.unwrap();
    // An order number has room for one digit more.
    let counters = "INSERT INTO order_counters (store_id, business_day, last_number)
         VALUES ($1, '2026-11-20', $2)";
    let from: i32 = format!("{mark}0").parse().unwrap();
    sqlx::query(counters).bind(store.0).bind(from).execute(conn).await.unwrap();
}

fn id_of(body: &Value) -> i64 {
    body["id"].as_i64().unwrap()
}

/// Where a stream opened now goes on from.
async fn first_id(client: &ApiClient, path: &str) -> String {
    client.stream(path, None).await.connected().await.connected_at
}
