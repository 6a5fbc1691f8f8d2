-- Optional, after deploy/citus.sql: Citus then runs the whole function that places orders on the store's worker, with one
-- round trip instead of one per statement. Without it the function runs on the coordinator, with the same result.
--
--     psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f deploy/citus-orders.sql
--
-- Citus (11 or newer) delegates `SELECT … FROM place_orders_v2($1, …)` when the call is outside a transaction block and
-- its argument p_store is a value; the program calls it like this. The worker then assigns the ids, starting at 2^48 times
-- its group number. JavaScript represents these exactly up to group 31. Nothing is sorted by id. (Release 0.1.0 calls
-- place_orders_v1.)

SELECT create_distributed_function(p.oid::regprocedure, 'p_store', colocate_with => 'store_streams')
FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace AND p.proname IN ('place_orders_v1', 'place_orders_v2')
  AND NOT EXISTS (
    SELECT FROM pg_dist_object o
    WHERE o.classid = 'pg_proc'::regclass AND o.objid = p.oid AND o.distribution_argument_index IS NOT NULL);
