//! The removal of the demo restaurant beside other stores.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tableorder::clock::Clock;
use tableorder::database::MIGRATIONS;
use tableorder::database::migrations::migrate;
use tableorder::services::{has_demo, seed_demo};

use crate::binary::login;
use crate::support::{ApiClient, TestApp, TestStore, empty_database};

/// The documented limit for the end of a stream whose token was revoked.
const STREAM_DEADLINE: Duration = Duration::from_secs(5);

/// The migration that adds the mark of the demo.
const MARK: i64 = 20_261_129_000_060;

/// A server with the demo.
async fn with_demo() -> TestApp {
    let app = TestApp::start().await;
    assert!(seed_demo(&app.database, &Clock::system()).await.unwrap());
    app
}

/// The number of the store's rows in each table, with a digest of them.
async fn rows(app: &TestApp, store: i64) -> BTreeMap<String, (i64, Option<String>)> {
    let mut connection = app.connection().await;
    let tables = "SELECT table_name::text, column_name::text FROM information_schema.columns
         WHERE table_schema = 'public' AND column_name = 'store_id' OR (table_name, column_name) = ('stores', 'id')";
    let tables: Vec<(String, String)> = sqlx::query_as(tables).fetch_all(&mut connection).await.unwrap();
    let mut rows = BTreeMap::new();
    for (table, column) in tables {
        let query = format!(
            "SELECT count(*), md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM {table} t WHERE {column} = $1"
        );
        let found = sqlx::query_as(AssertSqlSafe(query)).bind(store).fetch_one(&mut connection).await.unwrap();
        rows.insert(table, found);
    }
    rows
}

/// A store with a past and a current order.
async fn busy_store(app: &TestApp, code: &str) -> TestStore {
    let store = app.store(code).await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    tablet.order(&store.menus[..1]).await.ok();
    admin.post(&format!("/admin/tables/{}/complete", store.tables[0]), &json!({})).await.ok();
    store.tablet(1).await.order(&store.menus[..1]).await.ok();
    store
}

async fn is_removable(admin: &ApiClient) -> bool {
    admin.get("/admin/demo-store").await.ok()["is_removable"].as_bool().unwrap()
}

#[tokio::test]
async fn the_oldest_store_removes_the_demo_and_other_stores_keep_all_rows() {
    let app = with_demo().await;
    // This instance polls only, and receives no announcement.
    let second = TestApp::start_on(app.options.clone(), |config| config.events.wake_ups = false).await;
    let (first, other, third) =
        (busy_store(&app, "first").await, busy_store(&app, "other").await, busy_store(&app, "third").await);
    let (owner, stranger) = (first.admin().await, other.admin().await);
    let (demo_admin, demo_tablet) = login(&app.anonymous()).await;
    let menu = demo_tablet.get("/customer/menu").await.ok();
    let order = json!({"items": [{"menu_id": menu["menus"][0]["id"], "quantity": 1}]});
    demo_tablet.post("/customer/orders", &order).await.ok();
    demo_admin.post("/admin/users", &json!({"username": "kim", "password": "1234", "role": "staff"})).await.ok();
    let elsewhere = second.anonymous();
    let streams = [
        demo_admin.stream("/admin/orders/stream", None).await.connected().await,
        demo_tablet.stream("/customer/orders/stream", None).await.connected().await,
        elsewhere.with_token(demo_admin.token()).stream("/admin/orders/stream", None).await.connected().await,
        elsewhere.with_token(demo_tablet.token()).stream("/customer/orders/stream", None).await.connected().await,
    ];
    let demo = app.store_id("demo-store").await.0;
    let others = [app.store_id("other").await.0, app.store_id("third").await.0];
    let before = [rows(&app, others[0]).await, rows(&app, others[1]).await];

    assert!(is_removable(&owner).await);
    let removed = Instant::now();
    owner.delete("/admin/demo-store").await.ok();
    for stream in streams {
        assert!(tokio::time::timeout(STREAM_DEADLINE, stream.end()).await.unwrap().is_err());
    }
    assert!(removed.elapsed() < STREAM_DEADLINE, "{:?}", removed.elapsed());
    for server in [&app, &second] {
        for token in [demo_admin.token(), demo_tablet.token()] {
            let path = if token == demo_admin.token() { "/admin/auth/me" } else { "/customer/menu" };
            server.anonymous().with_token(token).get(path).await.refused(401, "INVALID_TOKEN");
        }
    }
    let again = json!({"store_id": "demo-store", "username": "admin", "password": "admin1234"});
    app.anonymous().post("/admin/auth/login", &again).await.refused(401, "AUTH_FAILED");
    assert!(rows(&app, demo).await.values().all(|(count, _)| *count == 0), "{:?}", rows(&app, demo).await);
    assert_eq!([rows(&app, others[0]).await, rows(&app, others[1]).await], before);
    third.tablet(1).await.order(&third.menus[..1]).await.ok();
    stranger.get("/admin/tables/dashboard").await.ok();

    let audit = owner.get("/admin/audit?action=demo.removed").await.ok();
    assert_eq!(audit["entries"][0]["before"], json!({"store_id": "demo-store", "store_name": "데모 식당"}));
    assert!(!is_removable(&owner).await);
    owner.delete("/admin/demo-store").await.refused(404, "STORE_NOT_FOUND");
    assert!(!has_demo(&app.database).await.unwrap());
    assert!(!seed_demo(&app.database, &Clock::system()).await.unwrap(), "a restart should not create it again");
}

#[tokio::test]
async fn no_other_store_learns_of_the_demo_or_removes_it() {
    let app = with_demo().await;
    let (first, other) = (app.store("first").await, app.store("other").await);
    let stranger = other.admin().await;
    assert!(!is_removable(&stranger).await);
    stranger.delete("/admin/demo-store").await.refused(404, "STORE_NOT_FOUND");
    let (demo, _) = login(&app.anonymous()).await;
    assert!(!is_removable(&demo).await);
    demo.delete("/admin/demo-store").await.refused(409, "OWN_STORE");
    let owner = first.admin().await;
    owner.post("/admin/users", &json!({"username": "mina", "password": "mina1234", "role": "staff"})).await.ok();
    let staff = first.login("mina", "mina1234").await;
    staff.get("/admin/demo-store").await.refused(403, "FORBIDDEN");
    staff.delete("/admin/demo-store").await.refused(403, "FORBIDDEN");
    assert!(has_demo(&app.database).await.unwrap());
}

#[tokio::test]
async fn a_real_store_is_never_taken_for_the_demo() {
    let app = TestApp::start().await;
    let (first, named) = (app.store("first").await, app.store("demo-store").await);
    let owner = first.admin().await;
    assert!(!is_removable(&owner).await);
    owner.delete("/admin/demo-store").await.refused(404, "STORE_NOT_FOUND");
    named.admin().await.delete("/admin/demo-store").await.refused(404, "STORE_NOT_FOUND");
    named.admin().await.get("/admin/auth/me").await.ok();
}

#[tokio::test]
async fn an_interrupted_removal_is_completed_by_the_next_call() {
    let app = with_demo().await;
    let owner = app.store("first").await.admin().await;
    let demo = app.store_id("demo-store").await.0;
    let interrupted = sqlx::query("DELETE FROM store_streams WHERE store_id = $1").bind(demo);
    interrupted.execute(&mut app.connection().await).await.unwrap();
    assert!(is_removable(&owner).await);
    owner.delete("/admin/demo-store").await.ok();
    assert!(!has_demo(&app.database).await.unwrap());
    assert_eq!(owner.get("/admin/audit?action=demo.removed").await.ok()["entries"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn two_removals_at_once_make_one_audit_entry() {
    let app = with_demo().await;
    let owner = app.store("first").await.admin().await;
    let (one, other) = tokio::join!(owner.delete("/admin/demo-store"), owner.delete("/admin/demo-store"));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404]);
    assert_eq!(owner.get("/admin/audit?action=demo.removed").await.ok()["entries"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_demo_of_an_earlier_release_is_recognised_and_other_stores_are_not() {
    let options = empty_database().await;
    let earlier = MIGRATIONS.iter().filter(|migration| migration.version < MARK).cloned().collect();
    migrate(&Migrator::with_migrations(earlier), &options).await.unwrap();
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    let stores = "INSERT INTO stores (code, name, created_at)
                  VALUES ('demo-store', '데모 식당', now()), ('demo', '데모 식당', now()), ('kimchi', '김치식당', now())";
    connection.execute(stores).await.unwrap();
    migrate(&MIGRATIONS, &options).await.unwrap();
    let marked: Vec<String> =
        sqlx::query_scalar("SELECT code FROM stores WHERE is_demo").fetch_all(&mut connection).await.unwrap();
    assert_eq!(marked, ["demo-store"]);
}
