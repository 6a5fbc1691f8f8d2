//! Whether the data is what the server would have written.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnectOptions;

use super::connect;

/// Rows for which something does not hold.
const RULES: [(&str, &str); 8] = [
    (
        "the total of an order is that of its lines",
        "SELECT count(*) FROM orders o WHERE total_amount IS DISTINCT FROM (
            SELECT sum(unit_price * quantity) FROM order_items i WHERE i.store_id = o.store_id AND i.order_id = o.id)",
    ),
    (
        "a line has the name and price of its menu item",
        "SELECT count(*) FROM order_items i WHERE NOT EXISTS (
            SELECT FROM menus m WHERE m.store_id = i.store_id AND m.id = i.menu_id AND m.name = i.menu_name
            AND m.price = i.unit_price)",
    ),
    (
        "an order has the table of its session, and that table's number",
        "SELECT count(*) FROM orders o WHERE NOT EXISTS (
            SELECT FROM table_sessions s JOIN tables t ON t.store_id = s.store_id AND t.id = s.table_id
            WHERE s.store_id = o.store_id AND s.id = o.session_id AND t.id = o.table_id
            AND t.table_number = o.table_number)",
    ),
    (
        "a session counts its orders and lines",
        "SELECT count(*) FROM table_sessions s LEFT JOIN (
            SELECT o.store_id, session_id, count(DISTINCT o.id) AS orders, count(i) AS lines FROM orders o
            JOIN order_items i ON i.store_id = o.store_id AND i.order_id = o.id GROUP BY 1, 2
         ) AS o ON o.store_id = s.store_id AND o.session_id = s.id
         WHERE (placed_order_count, placed_line_count) IS DISTINCT FROM (coalesce(orders, 0), coalesce(lines, 0))",
    ),
    (
        "a completed session has its totals, and its orders lie in its time",
        "SELECT count(*) FROM table_sessions s LEFT JOIN (
            SELECT store_id, session_id, count(*) AS orders, sum(total_amount) AS total, min(created_at) AS first,
                   max(created_at) AS last
            FROM orders GROUP BY 1, 2
         ) AS o ON o.store_id = s.store_id AND o.session_id = s.id
         WHERE completed_at IS NOT NULL
         AND ((order_count, s.total_amount, unfinished_count, started_at) IS DISTINCT FROM (orders, total, 0, first)
              OR last >= completed_at)",
    ),
    (
        "past orders are completed",
        "SELECT count(*) FROM orders o JOIN table_sessions s ON s.store_id = o.store_id AND s.id = o.session_id
         WHERE (s.completed_at IS NOT NULL) <> (o.status = 'completed')",
    ),
    (
        "a day's counter is its last number, and its numbers have no holes",
        "SELECT count(*) FROM (
            SELECT store_id, business_day, count(*)::int AS orders, max(day_number) AS last FROM orders GROUP BY 1, 2) o
         FULL JOIN order_counters c USING (store_id, business_day)
         WHERE orders IS DISTINCT FROM last OR last IS DISTINCT FROM last_number",
    ),
    (
        "past events were deleted, and new ones follow without holes",
        "SELECT count(*) FROM store_streams s WHERE event_seq - pruned_seq <> (
            SELECT count(*) FROM events e WHERE e.store_id = s.store_id AND e.seq > s.pruned_seq)
         OR pruned_seq <> (SELECT 3 * coalesce(sum(order_count), 0) + count(*) FROM table_sessions t
                           WHERE t.store_id = s.store_id AND completed_at IS NOT NULL)",
    ),
];

/// For each foreign key, the query that counts rows without the row that they refer to.
const ORPHANS: &str = "SELECT format('%s %s', conrelid::regclass, conname), format(
        'SELECT count(*) FROM %s a WHERE num_nulls(%s) = 0 AND NOT EXISTS (SELECT FROM %s b WHERE (%s) = (%s))',
        conrelid::regclass, own.columns, confrelid::regclass, own.columns, referenced.columns)
    FROM pg_constraint,
        LATERAL (SELECT string_agg(format('a.%I', attname), ', ' ORDER BY position) AS columns
                 FROM unnest(conkey) WITH ORDINALITY AS k (key, position)
                 JOIN pg_attribute ON attrelid = conrelid AND attnum = key) AS own,
        LATERAL (SELECT string_agg(format('b.%I', attname), ', ' ORDER BY position) AS columns
                 FROM unnest(confkey) WITH ORDINALITY AS k (key, position)
                 JOIN pg_attribute ON attrelid = confrelid AND attnum = key) AS referenced
    WHERE contype = 'f'";

/// Checks every rule and every foreign key.
pub async fn check(options: &PgConnectOptions) {
    let mut connection = connect(options).await;
    // The rules join whole tables, and the statistics were collected when these were empty.
    sqlx::raw_sql("ANALYZE").execute(&mut connection).await.unwrap();
    for (rule, sql) in RULES {
        let broken: i64 = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
        assert_eq!(broken, 0, "{rule}");
    }
    let foreign_keys: Vec<(String, String)> = sqlx::query_as(ORPHANS).fetch_all(&mut connection).await.unwrap();
    assert!(foreign_keys.len() >= 10);
    for (name, sql) in foreign_keys {
        let orphans: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.unwrap();
        assert_eq!(orphans, 0, "{name}");
    }
}
