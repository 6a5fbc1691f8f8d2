CREATE INDEX devices_table_idx ON devices (store_id, table_id);
