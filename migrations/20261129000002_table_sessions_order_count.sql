-- The number of orders when the session was completed. Null while it is not completed, and if release 0.1.0 completed it.
ALTER TABLE table_sessions ADD COLUMN order_count bigint;
