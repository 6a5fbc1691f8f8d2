-- The number of pending or preparing orders when the session was completed.
ALTER TABLE table_sessions ADD COLUMN unfinished_count bigint;
