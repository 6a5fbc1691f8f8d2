-- Pending or preparing orders when it was completed.
ALTER TABLE table_sessions ADD COLUMN unfinished_count bigint;
