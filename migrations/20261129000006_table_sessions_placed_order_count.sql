-- The number of orders placed in the session, including cancelled ones, for the limit of a session. Release 0.1.0 does not
-- update it.
ALTER TABLE table_sessions ADD COLUMN placed_order_count integer NOT NULL DEFAULT 0;
