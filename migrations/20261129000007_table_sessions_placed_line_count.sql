-- The number of lines of these orders.
ALTER TABLE table_sessions ADD COLUMN placed_line_count integer NOT NULL DEFAULT 0;
