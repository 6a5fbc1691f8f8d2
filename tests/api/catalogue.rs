//! Checks the schema in PostgreSQL's catalogue: keys, indexes and references of tenant tables lead with `store_id`, so no
//! query can cross stores by mistake.

use regex::Regex;
use sqlx::{Connection, Executor, PgConnection};

use crate::support::{plain_database, prepared};

/// Tables without a `store_id`, with the reason.
const WITHOUT_STORE: [(&str, &str); 6] = [
    ("_sqlx_migrations", "the applied migrations"),
    ("event_epochs", "one row per deployment"),
    ("last_backup", "one row per deployment"),
    ("login_throttle", "the store or user of a login attempt may not exist"),
    ("setup", "one row per deployment, from before the first store"),
    ("stores", "read by code, before the store id is known"),
];

/// Queries whose rows each describe a violation.
const VIOLATIONS: [&str; 11] = [
    "SELECT format('%s.store_id is not a bigint NOT NULL', c.relname)
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'store_id'
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
       AND NOT (a.attnotnull AND a.atttypid = 'bigint'::regtype)",
    "SELECT format('%s has no primary key', c.relname)
     FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
       AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)",
    // Primary and unique keys are indexes too. For an index that starts with an expression, indkey[0] is 0.
    "SELECT format('%s, a key or index of %s, does not lead with store_id', x.relname, c.relname)
     FROM pg_index i
     JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
     JOIN pg_attribute s ON s.attrelid = c.oid AND s.attname = 'store_id'
     WHERE c.relnamespace = 'public'::regnamespace AND i.indkey[0] <> s.attnum",
    "SELECT format('%s does not lead with store_id on both sides', f.conname)
     FROM pg_constraint f
     LEFT JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
     LEFT JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = f.confkey[1]
     WHERE f.contype = 'f' AND (a.attname, b.attname) IS DISTINCT FROM ('store_id', 'store_id')",
    "SELECT format('%s is neither NO ACTION nor ON DELETE CASCADE', conname)
     FROM pg_constraint WHERE contype = 'f' AND NOT (confdeltype IN ('a', 'c') AND confupdtype = 'a')",
    // On Citus a foreign key works only within a shard: not between distributed tables and local tables.
    "SELECT format('%s refers from %s to %s, and only one of them has a store', f.conname, f.conrelid::regclass,
                   f.confrelid::regclass)
     FROM pg_constraint f
     WHERE f.contype = 'f'
       AND (SELECT count(*) FROM pg_attribute a WHERE a.attrelid IN (f.conrelid, f.confrelid) AND a.attname = 'store_id')
           <> CASE WHEN f.conrelid = f.confrelid THEN 1 ELSE 2 END",
    "SELECT format('%s.%s has numbers that are not a bigint identity', c.relname, a.attname)
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
     LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
       AND (pg_get_expr(d.adbin, d.adrelid) LIKE '%nextval(%' OR (a.attidentity <> '' AND a.atttypid <> 'bigint'::regtype))",
    "SELECT format('%s is neither a plain table nor a part of one', relname)
     FROM pg_class WHERE relnamespace = 'public'::regnamespace AND (relkind IN ('v', 'm', 'f', 'p') OR relispartition)",
    "SELECT format('%s is a rewrite rule on %s', rulename, ev_class::regclass)
     FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind <> 'v' AND c.relkind <> 'm'",
    "SELECT format('%s is a trigger on %s', tgname, tgrelid::regclass) FROM pg_trigger WHERE NOT tgisinternal",
    // A generated key name contains every column, including store_id. Our own names leave store_id out.
    "SELECT format('%s has a generated name', name)
     FROM (SELECT conname AS name FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
           UNION SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('i', 'I')) names
     WHERE name LIKE '%\\_store\\_id\\_%'",
];

async fn violations(connection: &mut PgConnection) -> Vec<String> {
    let mut violations = Vec::new();
    for query in VIOLATIONS {
        violations.extend(sqlx::query_scalar::<_, String>(query).fetch_all(&mut *connection).await.unwrap());
    }
    violations.sort();
    violations
}

async fn tables_without_store(connection: &mut PgConnection) -> Vec<String> {
    let query = "SELECT c.relname::text FROM pg_class c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
           AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'store_id')
         ORDER BY c.relname COLLATE \"C\"";
    sqlx::query_scalar(query).fetch_all(connection).await.unwrap()
}

#[tokio::test]
async fn every_key_index_and_reference_of_a_tenant_table_leads_with_store_id() {
    let mut connection = PgConnection::connect_with(&plain_database().await).await.unwrap();
    assert_eq!(violations(&mut connection).await, [""; 0]);
    let named = WITHOUT_STORE.map(|(table, _)| table);
    assert_eq!(
        tables_without_store(&mut connection).await,
        named,
        "a new table needs a store_id, or a reason in WITHOUT_STORE"
    );
}

#[tokio::test]
async fn a_table_that_breaks_the_rules_is_reported_by_name() {
    let mut connection = PgConnection::connect_with(&plain_database().await).await.unwrap();
    let careless = "
        CREATE TABLE coupons (
            store_id integer,
            id bigint CONSTRAINT coupons_pkey PRIMARY KEY,
            code text CONSTRAINT coupons_code_key UNIQUE,
            user_id bigint,
            menu_id bigint,
            CONSTRAINT coupons_user_fkey FOREIGN KEY (user_id, store_id) REFERENCES users (id, store_id),
            FOREIGN KEY (store_id, menu_id) REFERENCES menus (store_id, id) ON DELETE SET NULL
        );
        CREATE INDEX coupons_code_idx ON coupons (lower(code), store_id);
        CREATE TRIGGER coupons_stamp BEFORE UPDATE ON coupons
            FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
        CREATE TABLE till_rolls (line text);
        CREATE TABLE shelves (id serial CONSTRAINT shelves_pkey PRIMARY KEY,
            number integer GENERATED ALWAYS AS IDENTITY);
        ALTER TABLE coupons ADD COLUMN shelf_id integer CONSTRAINT coupons_shelf_fkey REFERENCES shelves;
        CREATE VIEW cheap AS SELECT * FROM coupons;
        CREATE RULE hide AS ON DELETE TO till_rolls DO INSTEAD NOTHING;";
    // The reference to users has its columns in the wrong order; PostgreSQL requires a matching unique index.
    connection.execute("CREATE UNIQUE INDEX users_id_key ON users (id, store_id)").await.unwrap();
    connection.execute(careless).await.unwrap();
    assert_eq!(
        violations(&mut connection).await,
        [
            "cheap is neither a plain table nor a part of one",
            "coupons.store_id is not a bigint NOT NULL",
            "coupons_code_idx, a key or index of coupons, does not lead with store_id",
            "coupons_code_key, a key or index of coupons, does not lead with store_id",
            "coupons_pkey, a key or index of coupons, does not lead with store_id",
            "coupons_shelf_fkey does not lead with store_id on both sides",
            "coupons_shelf_fkey refers from coupons to shelves, and only one of them has a store",
            "coupons_stamp is a trigger on coupons",
            "coupons_store_id_menu_id_fkey has a generated name",
            "coupons_store_id_menu_id_fkey is neither NO ACTION nor ON DELETE CASCADE",
            "coupons_user_fkey does not lead with store_id on both sides",
            "hide is a rewrite rule on till_rolls",
            "shelves.id has numbers that are not a bigint identity",
            "shelves.number has numbers that are not a bigint identity",
            "till_rolls has no primary key",
            "users_id_key, a key or index of users, does not lead with store_id",
        ]
    );
    assert!(tables_without_store(&mut connection).await.contains(&"till_rolls".to_owned()));
}

/// Whether a statement's row lock blocks foreign key checks. An order that references such a row would wait for it while
/// holding the store's stream row, which the other transaction may need next: a deadlock.
fn blocks_references(sql: &str) -> bool {
    Regex::new(r"(?i)\bFOR\s+UPDATE\b").unwrap().is_match(sql)
}

#[tokio::test]
async fn no_row_lock_blocks_orders_that_reference_the_row() {
    let mut connection = PgConnection::connect_with(&plain_database().await).await.unwrap();
    let query = "SELECT prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace";
    let functions: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap();
    let statements = prepared::statements().into_iter().map(|statement| statement.query).chain(functions);
    let violations: Vec<String> = statements.filter(|sql| blocks_references(sql)).collect();
    assert_eq!(violations, [""; 0], "use FOR NO KEY UPDATE, which allows references");
    assert!(blocks_references("SELECT id FROM tables FOR  UPDATE OF t"));
}

#[test]
fn a_statement_on_login_failures_locks_one_key() {
    // An attempt has two keys. One statement over both would lock them in an order chosen by the planner, and could
    // deadlock with another attempt. The clean-up skips locked rows.
    let changes: Vec<String> = prepared::statements()
        .into_iter()
        .map(|statement| statement.query)
        .filter(|sql| Regex::new(r"\b(UPDATE|DELETE FROM) login_throttle\b").unwrap().is_match(sql))
        .collect();
    assert!(changes.len() >= 4, "{changes:?}");
    for sql in changes {
        assert!(sql.contains("WHERE key = $1") || sql.contains("SKIP LOCKED"), "{sql}");
    }
}
