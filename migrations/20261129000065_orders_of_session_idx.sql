-- no-transaction
-- The foreign key's cascade looks for all orders of a session that is removed, also cancelled ones. Both other indexes on the
-- session are partial, so it read every order of the store while it held the locks of the session and the table.
CREATE INDEX CONCURRENTLY orders_of_session_idx ON orders (store_id, session_id, business_day, day_number);
