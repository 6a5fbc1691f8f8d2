//! What Citus needs of the schema and of the statements, as far as a plain PostgreSQL can tell: each statement is bound
//! to one store in every table it touches, and `deploy/citus.sql` names every table, parents first.
//!
//! That script is run here against **stand-ins** for the three things of Citus it uses, which distribute nothing: they
//! note what they are asked for and refuse what Citus is known to refuse. This checks its syntax, its order, that it is
//! one transaction, and what a second run does; whether Citus itself takes it only a cluster can say.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::support::{plain_database, prepared};

const SCRIPT: &str = include_str!("../../deploy/citus.sql");

/// Statements that do not bind a table to `store_id = $n`, with the reason.
const UNBOUND: [(&str, &str); 2] = [
    ("FROM place_orders_v2(", "its first argument is the store; its own statements are looked at below"),
    ("FROM store_streams WHERE store_id = ANY($1)", "the poll: many stores at a time, one shard each"),
];

/// The tables that have a store.
async fn of_a_store(connection: &mut PgConnection) -> BTreeSet<String> {
    let query = "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attname = 'store_id'";
    sqlx::query_scalar(query).fetch_all(connection).await.unwrap().into_iter().collect()
}

/// What of a plan is not bound to one store: scans without `store_id = $n`, a constant or what the planner derived
/// from one. (That is how Citus finds a statement's shard as well: by what its planner knows of each table.)
fn unbound(plan: &Value, tables: &BTreeSet<String>, query: &str, found: &mut Vec<String>) {
    let bound = Regex::new(r"\bstore_id = \$[1-9]").unwrap();
    if let Some(table) = plan["Relation Name"].as_str().filter(|table| tables.contains(*table)) {
        let conditions: String =
            ["Index Cond", "Recheck Cond", "Filter"].iter().filter_map(|key| plan[key].as_str()).collect();
        let is_insert = plan["Operation"] == "Insert"
            && Regex::new(&format!(r"INSERT INTO {table}\b[^(]*\(\s*store_id,[^)]*\)\s*VALUES\s*\(\$1[,)]|INSERT INTO {table} \(store_id\) VALUES \(\$1\)"))
                .unwrap()
                .is_match(query);
        // An update or delete finds its rows by a scan below.
        let is_change = plan["Operation"] == "Update" || plan["Operation"] == "Delete";
        if !is_insert && !is_change && !bound.is_match(&conditions) {
            found.push(format!("{table} by {conditions:?}"));
        }
    }
    for below in plan["Plans"].as_array().into_iter().flatten() {
        unbound(below, tables, query, found);
    }
}

/// What of a statement's plan is not bound to one store.
async fn unbound_in(connection: &mut PgConnection, statement: &prepared::Statement) -> Vec<String> {
    let tables = of_a_store(connection).await;
    prepared::prepare(connection, &statement.query).await.unwrap();
    let nulls = vec!["NULL"; statement.parameters].join(", ");
    let execute = if nulls.is_empty() { "statement".to_owned() } else { format!("statement({nulls})") };
    let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE {execute}");
    let plan: Value = sqlx::query_scalar(AssertSqlSafe(explain)).persistent(false).fetch_one(connection).await.unwrap();
    let mut found = Vec::new();
    unbound(&plan[0]["Plan"], &tables, &statement.query, &mut found);
    found
}

async fn planning_for_any_store() -> PgConnection {
    let mut connection = PgConnection::connect_with(&plain_database().await).await.unwrap();
    // Parameters stay parameters in the plan.
    connection.execute("SET plan_cache_mode = force_generic_plan").await.unwrap();
    connection
}

#[tokio::test]
async fn every_statement_is_bound_to_one_store_in_each_table_it_touches() {
    let mut connection = planning_for_any_store().await;
    let mut excused = BTreeSet::new();
    let mut faults = Vec::new();
    for statement in prepared::statements() {
        let found = unbound_in(&mut connection, &statement).await;
        let excuse = UNBOUND.iter().find(|(part, _)| one_line(&statement.query).contains(part));
        match excuse {
            Some((part, _)) => {
                excused.insert(*part);
            }
            None if found.is_empty() => {}
            None => faults.push(format!("{found:?} in {}", one_line(&statement.query))),
        }
    }
    assert_eq!(faults, [""; 0]);
    assert_eq!(excused, UNBOUND.iter().map(|(part, _)| *part).collect(), "an excuse that nobody needs any more");
}

fn one_line(query: &str) -> String {
    query.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_statement_that_leaves_a_table_open_is_found() {
    let mut connection = planning_for_any_store().await;
    for (query, table) in [
        ("SELECT id FROM menus WHERE id = $1", "menus"),
        ("UPDATE orders SET note = $2 WHERE id = $1", "orders"),
        (
            "INSERT INTO categories (id, store_id, name, display_order, created_at) VALUES ($1, $2, '', 0, now())",
            "categories",
        ),
        (
            // The constant does not reach the sub-select, though the result is the same.
            "SELECT s.id, l.n FROM table_sessions s, LATERAL (
               SELECT count(*) AS n FROM orders o WHERE o.store_id = s.store_id AND o.session_id = s.id) l
             WHERE s.store_id = $1",
            "orders",
        ),
    ] {
        let parameters = query.matches('$').map(|_| ()).count();
        let found = unbound_in(&mut connection, &prepared::Statement { query: query.to_owned(), parameters }).await;
        assert!(found.iter().any(|found| found.starts_with(table)), "{query}: {found:?}");
    }
}

#[tokio::test]
async fn every_statement_of_a_function_names_the_store_it_was_called_for() {
    let mut connection = PgConnection::connect_with(&plain_database().await).await.unwrap();
    let query = "SELECT proname::text, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace";
    let functions: Vec<(String, String)> = sqlx::query_as(query).fetch_all(&mut connection).await.unwrap();
    assert!(functions.iter().any(|(name, _)| name == "place_orders_v1"));
    // What is read from a parameter alone touches no table.
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
async fn the_script_names_every_table_and_says_why_the_others_stay() {
    let mut connection = PgConnection::connect_with(&plain_database().await).await.unwrap();
    let named = |call: &str| -> BTreeSet<String> {
        let call = Regex::new(&format!(r"(?m)^SELECT {call}\('(\w+)'")).unwrap();
        call.captures_iter(SCRIPT).map(|found| found[1].to_owned()).collect()
    };
    assert_eq!(named("create_distributed_table"), of_a_store(&mut connection).await);
    assert_eq!(named("create_reference_table"), BTreeSet::from(["stores".to_owned()]));
    let query = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
                 AND relkind NOT IN ('i', 'I', 'S', 't', 'c') UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace";
    let there: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap();
    for name in there {
        assert!(
            Regex::new(&format!(r"\b{name}\b")).unwrap().is_match(SCRIPT),
            "{name} is neither distributed nor excused"
        );
    }
}

/// Stand-ins for what the script uses of Citus, in a schema of their own.
const STAND_INS: &str = "
    CREATE SCHEMA stand_in;
    CREATE TABLE stand_in.pg_dist_partition (
        logicalrelid regclass PRIMARY KEY, partmethod text, colocationid integer, place serial);
    CREATE FUNCTION stand_in.create_reference_table(table_name regclass) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO stand_in.pg_dist_partition VALUES (table_name, 'n', 1);
    END $$;
    CREATE FUNCTION stand_in.create_distributed_table(
        table_name regclass, distribution_column text, distribution_type text DEFAULT 'hash',
        colocate_with text DEFAULT 'default') RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        beside integer := 2;
    BEGIN
        IF current_setting('citus.multi_shard_modify_mode', true) IS DISTINCT FROM 'sequential' THEN
            RAISE EXCEPTION 'the tables before this one would not be seen';
        END IF;
        IF colocate_with <> 'none' THEN
            SELECT colocationid INTO STRICT beside FROM stand_in.pg_dist_partition
            WHERE logicalrelid = colocate_with::regclass;
        END IF;
        IF EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = table_name AND f.confrelid <> table_name
                   AND f.confrelid NOT IN (SELECT logicalrelid FROM stand_in.pg_dist_partition WHERE colocationid = beside)) THEN
            RAISE EXCEPTION '% refers to a table that is not distributed beside it', table_name;
        END IF;
        INSERT INTO stand_in.pg_dist_partition VALUES (table_name, 'h', beside);
    END $$;
    SET search_path = public, stand_in;";

async fn distributed(connection: &mut PgConnection) -> Vec<String> {
    let query = "SELECT logicalrelid::text FROM stand_in.pg_dist_partition ORDER BY place";
    sqlx::query_scalar(query).fetch_all(connection).await.unwrap()
}

#[tokio::test]
async fn the_script_runs_in_order_in_one_transaction_and_again_after_later_migrations() {
    let mut connection = PgConnection::connect_with(&plain_database().await).await.unwrap();
    let told = connection.execute(SCRIPT).await.unwrap_err();
    assert!(told.to_string().contains("has no Citus"), "{told}");
    connection.execute("ROLLBACK").await.unwrap();

    connection.execute(STAND_INS).await.unwrap();
    connection.execute(SCRIPT).await.unwrap();
    let first = distributed(&mut connection).await;
    assert_eq!(first[..2], ["stores", "store_streams"]);
    assert_eq!(first.len(), 1 + of_a_store(&mut connection).await.len());

    connection.execute(SCRIPT).await.unwrap();
    assert_eq!(distributed(&mut connection).await, first, "a second run changes nothing");

    connection.execute("DELETE FROM pg_dist_partition WHERE logicalrelid = 'audit_log'::regclass").await.unwrap();
    connection.execute(SCRIPT).await.unwrap();
    assert_eq!(distributed(&mut connection).await.last().unwrap(), "audit_log", "what a migration added is added");

    let coupons = "CREATE TABLE coupons (store_id bigint REFERENCES store_streams, PRIMARY KEY (store_id))";
    connection.execute(coupons).await.unwrap();
    connection.execute("TRUNCATE pg_dist_partition").await.unwrap();
    let told = connection.execute(SCRIPT).await.unwrap_err();
    assert!(told.to_string().contains("coupons"), "{told}");
    connection.execute("ROLLBACK").await.unwrap();
    assert_eq!(distributed(&mut connection).await, [""; 0], "all of it or nothing");
}
