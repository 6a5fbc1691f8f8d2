//! Stores with tokens for their clients.

use chrono::{DateTime, NaiveTime, Utc};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tableorder::clock::Clock;
use tableorder::config::{Config, Secret};
use tableorder::database::MIGRATIONS;
use tableorder::models::{BusinessCalendar, MenuItemDetails, Price, Role, StoreCode, Username};
use tableorder::repositories::{category, event, menu_item, session, store, table, user};
use tableorder::security::token::{Audience, Subject, Tokens};

const MENU: [&str; 8] = ["김치찌개", "된장찌개", "비빔밥", "칼국수", "김밥", "콜라", "사이다", "소주"];

/// A store with what its clients need.
#[derive(Debug, Clone)]
pub struct Store {
    pub code: String,
    pub admin: String,
    /// A token for each table.
    pub tables: Vec<String>,
    pub menus: Vec<i64>,
}

/// Migrates the database and adds stores called store-001 …, whose tokens are signed with `secret`.
pub async fn create(options: &PgConnectOptions, secret: &str, stores: usize, tables: usize) -> Vec<Store> {
    let mut connection = PgConnection::connect_with(options).await.unwrap();
    MIGRATIONS.run(&mut connection).await.unwrap();
    let config = Config::read(|_| None).unwrap().jwt;
    let epoch = event::epoch(&mut connection).await.unwrap();
    let tokens = Tokens::new(&Secret::new(secret), &[], config.algorithm, epoch, Clock::system());
    let issue = |subject: Subject| {
        let lifetime = if subject.session.is_some() { config.table_lifetime } else { config.admin_lifetime };
        tokens.issue(subject, lifetime).unwrap().token
    };
    let mut created = Vec::new();
    for number in 1..=stores {
        created.push(create_one(&mut connection, &format!("store-{number:03}"), tables, issue).await);
    }
    connection.close().await.unwrap();
    created
}

async fn create_one(
    connection: &mut PgConnection,
    code: &str,
    tables: usize,
    issue: impl Fn(Subject) -> String,
) -> Store {
    let now: DateTime<Utc> = Clock::system().now();
    let mut tx = connection.begin().await.unwrap();
    let calendar = BusinessCalendar { time_zone: chrono_tz::Asia::Seoul, day_starts_at: NaiveTime::MIN };
    let id = store::insert(&mut tx, &StoreCode::parse(code).unwrap(), code, &calendar, now).await.unwrap();
    store::insert_stream(&mut tx, id).await.unwrap();
    let subject =
        |audience, owner, session| Subject { audience, id: owner, store: id, session, device: None, version: 1 };
    // No client logs in: the hashes are never read.
    let admin = Username::parse("admin").unwrap();
    let admin = user::insert(&mut tx, id, &admin, "none", Role::Owner, now).await.unwrap().id;
    let mut table_tokens = Vec::new();
    for number in (1..).take(tables) {
        let table = table::insert(&mut tx, id, number, "none", now).await.unwrap().id;
        let session = session::insert_unfinished(&mut tx, id, table, now).await.unwrap();
        table_tokens.push(issue(subject(Audience::Table, table.0, session)));
    }
    let category = category::insert(&mut tx, id, "식사", 0, now).await.unwrap();
    let mut menus = Vec::new();
    for (order, name) in (0..).zip(MENU) {
        let item = MenuItemDetails {
            category_id: category,
            name: name.to_owned(),
            price: Price::try_from(1_000 * (i64::from(order) + 1)).unwrap(),
            description: None,
            image_url: None,
            is_available: true,
        };
        menus.push(menu_item::insert(&mut tx, id, &item, order, now).await.unwrap().0);
    }
    tx.commit().await.unwrap();
    Store { code: code.to_owned(), admin: issue(subject(Audience::Admin, admin.0, None)), tables: table_tokens, menus }
}
