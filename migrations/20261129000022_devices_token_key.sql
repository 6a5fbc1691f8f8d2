CREATE UNIQUE INDEX devices_token_key ON devices (store_id, token_id) WHERE token_id IS NOT NULL;
