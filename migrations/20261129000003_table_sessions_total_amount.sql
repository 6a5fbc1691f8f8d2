ALTER TABLE table_sessions ADD COLUMN total_amount bigint;
