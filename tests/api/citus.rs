//! The requirements of Citus, as far as they can be checked on plain PostgreSQL: each statement is bound to one store in
//! every table, and `deploy/citus.sql` lists every table, parents first.
//!
//! The script runs against **stubs** of the three Citus objects that it uses. The stubs distribute nothing: they record
//! their calls and refuse what Citus is known to refuse. This checks the script's syntax, order, atomicity and
//! repeatability; only a real cluster shows whether Citus accepts it.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::support::{plain_database, prepared};

const SCRIPT: &str = include_str!("../../deploy/citus.sql");

/// Statements that are not bound to `store_id = $n` in every table, with the reason.
const EXCEPTIONS: [(&str, &str); 3] = [
    ("FROM place_orders_v2(", "its first argument is the store; a test below checks its own statements"),
    ("FROM store_streams WHERE store_id = ANY($1)", "the poll reads many stores at a time, one shard each"),
    ("FROM users UNION SELECT password_hash FROM tables", "a restore checks its rows before they are distributed"),
];

/// The tables with a `store_id`.
async fn tenant_tables(connection: &mut PgConnection) -> BTreeSet<String> {
    let query = "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attname = 'store_id'";
    sqlx::query_scalar(query).fetch_all(connection).await.unwrap().into_iter().collect()
}

/// Collects the scans of a plan that are not bound to one store by `store_id = $n`, by a constant, or by a condition that
/// the planner derived from one. (Citus finds a statement's shard in the same way.)
fn unbound(plan: &Value, tables: &BTreeSet<String>, query: &str, found: &mut Vec<String>) {
    let bound = Regex::new(r"\bstore_id = \$[1-9]").unwrap();
    if let Some(table) = plan["Relation Name"].as_str().filter(|table| tables.contains(*table)) {
        let conditions: String =
            ["Index Cond", "Recheck Cond", "Filter"].iter().filter_map(|key| plan[key].as_str()).collect();
        let is_insert = plan["Operation"] == "Insert"
            && Regex::new(&format!(r"INSERT INTO {table}\b[^(]*\(\s*store_id,[^)]*\)\s*VALUES\s*\(\$1[,)]|INSERT INTO {table} \(store_id\) VALUES \(\$1\)"))
                .unwrap()
                .is_match(query);
        // A scan below finds the rows of an update or delete, and is checked by itself.
        let is_change = plan["Operation"] == "Update" || plan["Operation"] == "Delete";
        if !is_insert && !is_change && !bound.is_match(&conditions) {
            found.push(format!("{table} by {conditions:?}"));
        }
    }
    for child in plan["Plans"].as_array().into_iter().flatten() {
        unbound(child, tables, query, found);
    }
}

/// The tables of a statement that are not bound to one store.
async fn unbound_tables(connection: &mut PgConnection, statement: &prepared::Statement) -> Vec<String> {
    let tables = tenant_tables(connection).await;
    prepared::prepare(connection, &statement.query).await.unwrap();
    let nulls = vec!["NULL"; statement.parameters].join(", ");
    let execute = if nulls.is_empty() { "statement".to_owned() } else { format!("statement({nulls})") };
    let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE {execute}");
    let plan: Value = sqlx::query_scalar(AssertSqlSafe(explain)).persistent(false).fetch_one(connection).await.unwrap();
    let mut found = Vec::new();
    unbound(&plan[0]["Plan"], &tables, &statement.query, &mut found);
    found
}

async fn generic_plan_connection() -> PgConnection {
    let mut connection = PgConnection::connect_with(&plain_database().await).await.unwrap();
    // A generic plan keeps the parameters visible.
    connection.execute("SET plan_cache_mode = force_generic_plan").await.unwrap();
    connection
}

#[tokio::test]
async fn every_statement_is_bound_to_one_store_in_each_table() {
    let mut connection = generic_plan_connection().await;
    let mut used = BTreeSet::new();
    let mut violations = Vec::new();
    for statement in prepared::statements() {
        let found = unbound_tables(&mut connection, &statement).await;
        let exception = EXCEPTIONS.iter().find(|(part, _)| one_line(&statement.query).contains(part));
        match exception {
            Some((part, _)) => {
                used.insert(*part);
            }
            None if found.is_empty() => {}
            None => violations.push(format!("{found:?} in {}", one_line(&statement.query))),
        }
    }
    assert_eq!(violations, [""; 0]);
    assert_eq!(used, EXCEPTIONS.iter().map(|(part, _)| *part).collect(), "every exception should be in use");
}

fn one_line(query: &str) -> String {
    query.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_statement_that_is_not_bound_to_a_store_is_found() {
    let mut connection = generic_plan_connection().await;
    for (query, table) in [
        ("SELECT id FROM menus WHERE id = $1", "menus"),
        ("UPDATE orders SET note = $2 WHERE id = $1", "orders"),
        (
            "INSERT INTO categories (id, store_id, name, display_order, created_at) VALUES ($1, $2, '', 0, now())",
            "categories",
        ),
        (
            // The planner does not pass the constant to the sub-select, although the result is the same.
            "SELECT s.id, l.n FROM table_sessions s, LATERAL (
               SELECT count(*) AS n FROM orders o WHERE o.store_id = s.store_id AND o.session_id = s.id) l
             WHERE s.store_id = $1",
            "orders",
        ),
    ] {
        let parameters = query.matches('$').map(|_| ()).count();
        let found = unbound_tables(&mut connection, &prepared::Statement { query: query.to_owned(), parameters }).await;
        assert!(found.iter().any(|found| found.starts_with(table)), "{query}: {found:?}");
    }
}

#[tokio::test]
async fn every_statement_of_a_function_is_bound_to_its_store() {
    let mut connection = PgConnection::connect_with(&plain_database().await).await.unwrap();
    let query = "SELECT proname::text, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace";
    let functions: Vec<(String, String)> = sqlx::query_as(query).fetch_all(&mut connection).await.unwrap();
    assert!(functions.iter().any(|(name, _)| name == "place_orders_v1"));
    // A statement that reads only a parameter touches no table.
    let statement = Regex::new(r"(?s)\b(SELECT|PERFORM|UPDATE|INSERT INTO|DELETE)\b[^;]*").unwrap();
    let of_parameter = Regex::new(r"(?s)\ASELECT \* FROM jsonb_to_recordset\(p_[^;]*?\bLOOP\b").unwrap();
    let bound = Regex::new(r"\bstore_id = p_store\b|VALUES \(p_store,").unwrap();
    let comment = Regex::new("--.*").unwrap();
    for (name, source) in functions {
        let code = comment.replace_all(&source, "").into_owned();
        let mut rest = code.as_str();
        while let Some(found) = statement.find(rest) {
            let end = if let Some(of_parameter) = of_parameter.find(found.as_str()) {
                found.start() + of_parameter.end()
            } else {
                assert!(bound.is_match(found.as_str()), "{name}: {}", one_line(found.as_str()));
                found.end()
            };
            rest = &rest[end..];
        }
    }
}

#[tokio::test]
async fn the_script_lists_every_table_or_why_it_stays_local() {
    let mut connection = PgConnection::connect_with(&plain_database().await).await.unwrap();
    let named = |call: &str| -> BTreeSet<String> {
        let call = Regex::new(&format!(r"(?m)^SELECT {call}\('(\w+)'")).unwrap();
        call.captures_iter(SCRIPT).map(|found| found[1].to_owned()).collect()
    };
    assert_eq!(named("create_distributed_table"), tenant_tables(&mut connection).await);
    assert_eq!(named("create_reference_table"), BTreeSet::from(["stores".to_owned()]));
    let query = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
                 AND relkind NOT IN ('i', 'I', 'S', 't', 'c') UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace";
    let there: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap();
    for name in there {
        assert!(Regex::new(&format!(r"\b{name}\b")).unwrap().is_match(SCRIPT), "{name} is not in the script");
    }
}

/// Stubs of the Citus objects that the script uses, in their own schema.
const STUBS: &str = "
    CREATE SCHEMA stub;
    CREATE TABLE stub.pg_dist_partition (
        logicalrelid regclass PRIMARY KEY, partmethod text, colocationid integer, place serial);
    CREATE FUNCTION stub.create_reference_table(table_name regclass) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO stub.pg_dist_partition VALUES (table_name, 'n', 1);
    END $$;
    CREATE FUNCTION stub.create_distributed_table(
        table_name regclass, distribution_column text, distribution_type text DEFAULT 'hash',
        colocate_with text DEFAULT 'default') RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        beside integer := 2;
    BEGIN
        IF current_setting('citus.multi_shard_modify_mode', true) IS DISTINCT FROM 'sequential' THEN
            RAISE EXCEPTION 'the tables before this one would not be seen';
        END IF;
        IF colocate_with <> 'none' THEN
            SELECT colocationid INTO STRICT beside FROM stub.pg_dist_partition
            WHERE logicalrelid = colocate_with::regclass;
        END IF;
        IF EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = table_name AND f.confrelid <> table_name
                   AND f.confrelid NOT IN (SELECT logicalrelid FROM stub.pg_dist_partition WHERE colocationid = beside)) THEN
            RAISE EXCEPTION '% refers to a table that is not distributed beside it', table_name;
        END IF;
        INSERT INTO stub.pg_dist_partition VALUES (table_name, 'h', beside);
    END $$;
    SET search_path = public, stub;";

async fn distributed(connection: &mut PgConnection) -> Vec<String> {
    let query = "SELECT logicalrelid::text FROM stub.pg_dist_partition ORDER BY place";
    sqlx::query_scalar(query).fetch_all(connection).await.unwrap()
}

#[tokio::test]
async fn the_script_is_atomic_ordered_and_repeatable() {
    let mut connection = PgConnection::connect_with(&plain_database().await).await.unwrap();
    let error = connection.execute(SCRIPT).await.unwrap_err();
    assert!(error.to_string().contains("has no Citus"), "{error}");
    connection.execute("ROLLBACK").await.unwrap();

    connection.execute(STUBS).await.unwrap();
    connection.execute(SCRIPT).await.unwrap();
    let first = distributed(&mut connection).await;
    assert_eq!(first[..2], ["stores", "store_streams"]);
    assert_eq!(first.len(), 1 + tenant_tables(&mut connection).await.len());

    connection.execute(SCRIPT).await.unwrap();
    assert_eq!(distributed(&mut connection).await, first, "a second run should change nothing");

    connection.execute("DELETE FROM pg_dist_partition WHERE logicalrelid = 'audit_log'::regclass").await.unwrap();
    connection.execute(SCRIPT).await.unwrap();
    assert_eq!(
        distributed(&mut connection).await.last().unwrap(),
        "audit_log",
        "a table from a later migration should be distributed"
    );

    let coupons = "CREATE TABLE coupons (store_id bigint REFERENCES store_streams, PRIMARY KEY (store_id))";
    connection.execute(coupons).await.unwrap();
    connection.execute("TRUNCATE pg_dist_partition").await.unwrap();
    let error = connection.execute(SCRIPT).await.unwrap_err();
    assert!(error.to_string().contains("coupons"), "{error}");
    connection.execute("ROLLBACK").await.unwrap();
    assert_eq!(distributed(&mut connection).await, [""; 0], "the script should be atomic");
}
