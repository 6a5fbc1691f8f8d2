-- no-transaction
CREATE INDEX CONCURRENTLY table_sessions_completed_idx ON table_sessions (store_id, table_id, completed_at)
    WHERE completed_at IS NOT NULL;
