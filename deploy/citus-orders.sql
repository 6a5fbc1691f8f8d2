-- Optional, after deploy/citus.sql: lets Citus hand the whole writing of an order to the worker that has the store, one
-- trip instead of one for each of its statements. Without it the function runs on the coordinator and does the same.
--
--     psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f deploy/citus-orders.sql
--
-- Citus (11 or newer) hands over `SELECT … FROM place_orders_v2($1, …)` when it stands outside a transaction block and
-- its argument p_store is a value, as the program calls it. Ids are then given by the worker: from 2^48 times its group
-- on, which JavaScript reads exactly up to group 31. Nothing is sorted by id. (place_orders_v1 is what release 0.1.0
-- calls.)

SELECT create_distributed_function(p.oid::regprocedure, 'p_store', colocate_with => 'store_streams')
FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace AND p.proname IN ('place_orders_v1', 'place_orders_v2')
  AND NOT EXISTS (
    SELECT FROM pg_dist_object o
    WHERE o.classid = 'pg_proc'::regclass AND o.objid = p.oid AND o.distribution_argument_index IS NOT NULL);
