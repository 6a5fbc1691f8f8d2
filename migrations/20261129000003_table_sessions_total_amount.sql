-- The total amount of its orders when the session was completed.
ALTER TABLE table_sessions ADD COLUMN total_amount bigint;
