-- Distributes a migrated database by Citus 12.1 or newer (PostgreSQL 14 to 17). Run it on the coordinator as the database's
-- owner, after `CREATE EXTENSION citus` on every node and citus_add_node() for each worker:
--
--     tableorder migrate
--     psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f deploy/citus.sql
--
-- Run it again after every `tableorder migrate`: it skips tables that are distributed already and distributes new ones.
-- docs/scaling.md describes when and how to use Citus.
--
-- These stay local on the coordinator, to which every instance connects:
--   _sqlx_migrations, event_epochs, last_backup, setup
--                                  few rows, never joined with a tenant table
--   login_throttle                 unlogged; the store of a login attempt may not exist
--   place_orders_v1, place_orders_v2 run on the coordinator and send each statement, which names one store_id, to that
--                                  store's worker (deploy/citus-orders.sql: the whole function runs on the worker)
-- Citus creates the enum types on the workers with the first table that uses them. There are no views or triggers, and no
-- sequences except those of bigint identity columns, as Citus requires.

BEGIN;

-- One connection per worker for the whole transaction, so that each table can see the tables that it references.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
-- If a lock takes longer, try again at a time with less load.
SET LOCAL lock_timeout TO '10s';
SET LOCAL statement_timeout TO 0;

DO $$
BEGIN
    IF to_regclass('pg_dist_partition') IS NULL THEN
        RAISE EXCEPTION 'this database has no Citus: run CREATE EXTENSION citus, then add the workers with citus_add_node()';
    END IF;
    IF to_regclass('public.store_streams') IS NULL THEN
        RAISE EXCEPTION 'this database has no schema: run `tableorder migrate` first';
    END IF;
END
$$;

-- Read by code, before the store id is known, hence a copy on every node. It has no foreign keys in either direction.
SELECT create_reference_table('stores')
WHERE 'stores'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition);

-- Parents first: Citus allows references only between distributed tables.
SELECT create_distributed_table('store_streams', 'store_id', colocate_with => 'none')
WHERE 'store_streams'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition);

SELECT create_distributed_table('users', 'store_id', colocate_with => 'store_streams')
WHERE 'users'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition);

SELECT create_distributed_table('revoked_tokens', 'store_id', colocate_with => 'store_streams')
WHERE 'revoked_tokens'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition);

SELECT create_distributed_table('tables', 'store_id', colocate_with => 'store_streams')
WHERE 'tables'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition);

SELECT create_distributed_table('idempotency_keys', 'store_id', colocate_with => 'store_streams')
WHERE 'idempotency_keys'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition);

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

-- Check that every tenant table is distributed and colocated.
DO $$
DECLARE
    missing text;
BEGIN
    SELECT string_agg(c.relname::text, ', ' ORDER BY c.relname) INTO missing
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'store_id' AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      -- If the coordinator has shards, they are listed beside their tables.
      AND c.relname !~ '_[0-9]{6,}$'
      AND NOT EXISTS (
          SELECT FROM pg_dist_partition d
          JOIN pg_dist_partition root ON root.logicalrelid = 'store_streams'::regclass
          WHERE d.logicalrelid = c.oid AND d.colocationid = root.colocationid);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'not colocated with store_streams: %; add the tables to this file', missing;
    END IF;
END
$$;

COMMIT;
