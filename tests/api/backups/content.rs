//! The content of a database, for comparison with another database.

use std::collections::BTreeMap;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Executor, PgConnection};
use tableorder::backup::{EXCLUDED_TABLES, TABLES};

use super::connect;

/// The number of schemas left by an unfinished restore.
pub const STAGING: &str = "SELECT count(*) FROM pg_namespace WHERE nspname = 'tableorder_restore'";

/// The rows of each table, sorted, and the last value of its id sequence.
pub async fn of(options: &PgConnectOptions) -> BTreeMap<String, String> {
    let mut conn = connect(options).await;
    // Independent of the database's own settings.
    conn.execute("SET DateStyle = ISO; SET TimeZone = UTC; SET bytea_output = hex").await.unwrap();
    let mut content = BTreeMap::new();
    for table in TABLES {
        let rows = format!("SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') FROM {table} t");
        let rows: String = sqlx::query_scalar(AssertSqlSafe(rows)).fetch_one(&mut conn).await.unwrap();
        let last = format!(
            "SELECT pg_sequence_last_value(pg_get_serial_sequence('{table}', 'id')::regclass) FROM pg_attribute
             WHERE attrelid = '{table}'::regclass AND attname = 'id' AND attidentity <> ''"
        );
        let last: Option<Option<i64>> =
            sqlx::query_scalar(AssertSqlSafe(last)).fetch_optional(&mut conn).await.unwrap();
        content.insert(table.to_owned(), format!("{last:?}\n{rows}"));
    }
    content
}

/// Asserts that two contents are equal.
#[track_caller]
pub fn assert_equal(found: &BTreeMap<String, String>, expected: &BTreeMap<String, String>, what: &str) {
    for (table, rows) in expected {
        let differing = found[table].lines().zip(rows.lines()).find(|(found, expected)| found != expected);
        assert_eq!(differing, None, "{what}: {table}");
        assert_eq!(found[table].len(), rows.len(), "{what}: {table}");
    }
}

/// The columns, constraints, indexes, functions and enum values of the schema.
pub async fn schema(options: &PgConnectOptions) -> Vec<String> {
    let sql = "
        SELECT format('%s.%s %s %s %s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull,
                      attidentity, pg_get_expr(adbin, adrelid))
        FROM pg_attribute JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
        UNION ALL SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT format('%s %s', oid::regclass, reloptions)
        FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT format('%s %s', enumtypid::regtype, enumlabel) FROM pg_enum
        ORDER BY 1";
    sqlx::query_scalar(sql).fetch_all(&mut connect(options).await).await.unwrap()
}

/// Texts that need escaping in the text format of `COPY`, or look like SQL.
const TEXTS: [&str; 20] = [
    "\t",
    "\n",
    "\\.",
    "a\n\\.\nb",
    "\\N",
    "\r\n",
    "김치찌개 🍲",
    "NULL",
    "\"';DROP TABLE orders;--",
    "\u{8}\u{c}\u{b}",
    "\u{7f}\u{1}",
    "\\x41",
    "C:\\temp\\new",
    "   ",
    "{}",
    "1",
    "\u{200b}",
    "{\"a\": \"\\n\"}",
    "\\",
    "COPY orders TO PROGRAM 'touch x'",
];

/// Fills every table of release 0.1.0: two stores with `orders` orders each.
pub async fn fill(conn: &mut PgConnection, seed: i64, orders: i64) {
    conn.execute("CREATE TEMPORARY TABLE texts (n bigint, t text)").await.unwrap();
    let texts = "INSERT INTO texts SELECT n - 1, t FROM unnest($1::text[]) WITH ORDINALITY AS u (t, n)";
    sqlx::query(texts).bind(TEXTS.map(str::to_owned).to_vec()).execute(&mut *conn).await.unwrap();
    let statements = [
        "INSERT INTO stores (code, name, time_zone, day_starts_at, created_at)
         SELECT 'store ' || s, t, 'Asia/Seoul', '04:00', 'epoch'::timestamptz + s * interval '1.234567 s'
         FROM generate_series(1, 2) s JOIN texts ON n = (s * 7 + $1) % 20",
        "INSERT INTO store_streams (store_id, event_seq) SELECT id, $2 FROM stores WHERE $1::bigint IS NOT NULL",
        "INSERT INTO users (store_id, username, password_hash, role, kept_token_id, created_at)
         SELECT id, 'user ' || u, t, CASE u WHEN 1 THEN 'owner' ELSE 'staff' END::user_role,
                CASE u WHEN 2 THEN gen_random_uuid() END, now()
         FROM stores, generate_series(1, 3) u JOIN texts ON n = (u * 5 + $1) % 20",
        "INSERT INTO revoked_tokens SELECT id, gen_random_uuid(), 'infinity' FROM stores WHERE $1::bigint IS NOT NULL",
        "INSERT INTO tables (store_id, table_number, password_hash, created_at, deleted_at)
         SELECT id, n + 1, t, now(), CASE WHEN n % 3 = 0 THEN now() END FROM stores, texts WHERE $1::bigint IS NOT NULL",
        "INSERT INTO table_sessions (store_id, table_id, created_at, started_at, completed_at)
         SELECT store_id, id, '-infinity', 'epoch', CASE WHEN id % 2 = 0 THEN now() END FROM tables WHERE $1::bigint IS NOT NULL",
        "INSERT INTO categories (store_id, name, display_order, created_at)
         SELECT id, t || n, n, now() FROM stores, texts WHERE $1::bigint IS NOT NULL",
        "INSERT INTO menus (store_id, category_id, name, price, description, image_url, display_order, created_at)
         SELECT store_id, id, name || '.', id, CASE WHEN id % 3 > 0 THEN name END, NULL, -1, now()
         FROM categories WHERE $1::bigint IS NOT NULL",
        "INSERT INTO orders (store_id, session_id, table_id, business_day, day_number, status, total_amount, note,
                             created_at, updated_at, cancelled_at, cancelled_by, cancel_reason, idempotency_key,
                             content_digest)
         SELECT s.store_id, s.id, s.table_id, '2026-11-29', o, (enum_range(NULL::order_status))[1 + o % 3], o, t,
                now() + o * interval '1 microsecond', now(), c.at, c.by, c.reason, k.key, k.digest
         FROM generate_series(1, $2) o JOIN texts ON n = (o + $1) % 20
         JOIN (SELECT *, row_number() OVER (PARTITION BY store_id ORDER BY id) AS rank FROM table_sessions) s
           ON s.rank = 1 + (o * 3 + $1) % 20
         LEFT JOIN LATERAL (SELECT now() AS at, t AS by, t AS reason) c ON o % 5 = 0
         LEFT JOIN LATERAL (SELECT o::text || t AS key, sha256(convert_to(o || t, 'UTF8')) AS digest) k ON o % 2 = 0",
        "INSERT INTO order_counters (store_id, business_day, last_number)
         SELECT store_id, business_day, max(day_number) FROM orders WHERE $1::bigint IS NOT NULL GROUP BY 1, 2",
        "INSERT INTO events (store_id, seq, kind, audience, session_id, data, created_at)
         SELECT store_id, row_number() OVER (PARTITION BY store_id ORDER BY id), 'new_order', 'session', session_id,
                json_build_object('order_id', id, 'note', note)::text::json, created_at
         FROM orders WHERE $1::bigint IS NOT NULL",
        "INSERT INTO order_items (store_id, order_id, line, menu_id, menu_name, unit_price, quantity)
         SELECT store_id, o.id, line, line, t, 100000000, line
         FROM orders o, generate_series(1, 3) line JOIN texts ON n = (line + $1) % 20",
        "INSERT INTO audit_log (store_id, id, at, actor_kind, actor_name, action, before, after)
         SELECT id, gen_random_uuid(), now(), 'user', t, 'menu_updated', to_json(t), json_build_object('a', t)
         FROM stores, texts WHERE $1::bigint IS NOT NULL",
    ];
    for statement in statements {
        let query = sqlx::query(statement).bind(seed);
        let query = if statement.contains("$2") { query.bind(orders) } else { query };
        query.execute(&mut *conn).await.unwrap();
    }
    conn.execute("DROP TABLE texts").await.unwrap();
}

#[tokio::test]
async fn every_table_is_in_a_backup_or_listed_as_excluded() {
    let options = crate::support::plain_database().await;
    let sql = "SELECT relname::text FROM pg_class
               WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname";
    let existing: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut connect(&options).await).await.unwrap();
    let mut known: Vec<_> = TABLES.iter().chain(&EXCLUDED_TABLES).copied().collect();
    known.sort_unstable();
    assert_eq!(existing, known);
}
