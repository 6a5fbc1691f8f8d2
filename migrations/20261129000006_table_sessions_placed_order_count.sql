-- How many orders were placed in a session, cancelled ones included: a session has a bound. Release 0.1.0 does not count.
ALTER TABLE table_sessions ADD COLUMN placed_order_count integer NOT NULL DEFAULT 0;
