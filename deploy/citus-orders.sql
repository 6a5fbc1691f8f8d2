-- Optional, after deploy/citus.sql: lets Citus hand the whole writing of an order to the worker that has the store, one
-- trip instead of one for each of its statements. Without it the function runs on the coordinator and does the same.
--
--     psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f deploy/citus-orders.sql
--
-- Citus (11 or newer) hands over `SELECT … FROM place_orders_v1($1, …)` when it stands outside a transaction block and
-- its argument p_store is a value: so the program calls it. Ids are then given by the worker: from 2^48 times its group
-- on, which JavaScript reads exactly up to group 31. Nothing is sorted by id.

SELECT create_distributed_function(to_regproc('place_orders_v1')::oid::regprocedure, 'p_store',
                                   colocate_with => 'store_streams')
WHERE NOT EXISTS (
    SELECT FROM pg_dist_object
    WHERE classid = 'pg_proc'::regclass AND objid = to_regproc('place_orders_v1')::oid
      AND distribution_argument_index IS NOT NULL);
