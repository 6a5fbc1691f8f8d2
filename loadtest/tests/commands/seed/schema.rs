//! The schema, as text.

use sqlx::postgres::PgConnectOptions;

use super::connect;

/// Every constraint and index with its definition; a constraint that was not validated is marked.
pub async fn read(options: &PgConnectOptions) -> Vec<String> {
    let sql = "SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated)
               FROM pg_constraint WHERE connamespace = 'public'::regnamespace
               UNION ALL SELECT concat_ws(' ', pg_get_indexdef(indexrelid), indisvalid, indisready, indisunique, indisprimary)
               FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE c.relnamespace = 'public'::regnamespace
               ORDER BY 1";
    sqlx::query_scalar(sql).fetch_all(&mut connect(options).await).await.unwrap()
}
