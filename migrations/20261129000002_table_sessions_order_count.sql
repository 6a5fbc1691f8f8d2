-- What a session came to when it was completed: null while it runs, and where release 0.1.0 completed it.
ALTER TABLE table_sessions ADD COLUMN order_count bigint;
