-- Makes a migrated database a distributed one, on Citus 12.1 or newer (PostgreSQL 14 to 17). On the coordinator, by the
-- database's owner, after `CREATE EXTENSION citus` on every node and citus_add_node() for each worker:
--
--     tableorder migrate
--     psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f deploy/citus.sql
--
-- Run it again after every `tableorder migrate`: what is distributed already is left alone, what a migration added is
-- distributed too. docs/scaling.md tells when to go there, and how.
--
-- What stays as it is, on the coordinator alone, where every instance connects:
--   _sqlx_migrations, event_epochs, last_backup
--                                    a few rows that no statement joins to a store's
--   login_throttle                   unlogged; what is tried at a login need not have a store
--   place_orders_v1, place_orders_v2 run on the coordinator and send each of their statements, which all name one
--                                    store_id, to that store's worker (deploy/citus-orders.sql: all of them at once)
-- The enum types go to the workers with the first table that has a column of them. There are no views, no triggers and
-- no sequences but those of identity columns, which are all bigint as Citus wants them.

BEGIN;

-- One connection to a worker for all of the transaction: each table is to see the one it refers to.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
-- Whoever waits for a table longer than that had better wait for a quieter hour.
SET LOCAL lock_timeout TO '10s';
SET LOCAL statement_timeout TO 0;

DO $$
BEGIN
    IF to_regclass('pg_dist_partition') IS NULL THEN
        RAISE EXCEPTION 'this database has no Citus: CREATE EXTENSION citus, and add its workers by citus_add_node()';
    END IF;
    IF to_regclass('public.store_streams') IS NULL THEN
        RAISE EXCEPTION 'this database has no schema: run `tableorder migrate` first';
    END IF;
END
$$;

-- Looked up by code before a store is known, hence on every node; no foreign key in or out.
SELECT create_reference_table('stores')
WHERE 'stores'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition);

-- Parents first: a reference is only possible between distributed tables.
SELECT create_distributed_table('store_streams', 'store_id', colocate_with => 'none')
WHERE 'store_streams'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition);

SELECT create_distributed_table('users', 'store_id', colocate_with => 'store_streams')
WHERE 'users'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition);

SELECT create_distributed_table('revoked_tokens', 'store_id', colocate_with => 'store_streams')
WHERE 'revoked_tokens'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition);

SELECT create_distributed_table('tables', 'store_id', colocate_with => 'store_streams')
WHERE 'tables'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition);

SELECT create_distributed_table('devices', 'store_id', colocate_with => 'store_streams')
WHERE 'devices'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition);

SELECT create_distributed_table('table_sessions', 'store_id', colocate_with => 'store_streams')
WHERE 'table_sessions'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition);

SELECT create_distributed_table('categories', 'store_id', colocate_with => 'store_streams')
WHERE 'categories'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition);

SELECT create_distributed_table('menus', 'store_id', colocate_with => 'store_streams')
WHERE 'menus'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition);

SELECT create_distributed_table('order_counters', 'store_id', colocate_with => 'store_streams')
WHERE 'order_counters'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition);

SELECT create_distributed_table('orders', 'store_id', colocate_with => 'store_streams')
WHERE 'orders'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition);

SELECT create_distributed_table('order_items', 'store_id', colocate_with => 'store_streams')
WHERE 'order_items'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition);

SELECT create_distributed_table('events', 'store_id', colocate_with => 'store_streams')
WHERE 'events'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition);

SELECT create_distributed_table('audit_log', 'store_id', colocate_with => 'store_streams')
WHERE 'audit_log'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition);

-- Nothing was forgotten, and a store's rows of every table are on one node.
DO $$
DECLARE
    forgotten text;
BEGIN
    SELECT string_agg(c.relname::text, ', ' ORDER BY c.relname) INTO forgotten
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'store_id' AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      -- Where the coordinator has shards of its own, they stand beside their tables.
      AND c.relname !~ '_[0-9]{6,}$'
      AND NOT EXISTS (
          SELECT FROM pg_dist_partition d
          JOIN pg_dist_partition root ON root.logicalrelid = 'store_streams'::regclass
          WHERE d.logicalrelid = c.oid AND d.colocationid = root.colocationid);
    IF forgotten IS NOT NULL THEN
        RAISE EXCEPTION 'not beside store_streams: %; this file is older than the schema', forgotten;
    END IF;
END
$$;

COMMIT;
