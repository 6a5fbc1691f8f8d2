-- The result of each request that a user sent with an idempotency key. Orders of guests keep their keys in `orders`.
-- Backup files do not contain this table: a restore ends all logins.
CREATE TABLE idempotency_keys (
    store_id bigint NOT NULL,
    user_id bigint NOT NULL,
    key text NOT NULL,
    -- SHA-256 of the operation and its content.
    digest bytea NOT NULL,
    -- JSON. It is stored in the transaction that inserts the row.
    result text,
    created_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (store_id, user_id, key),
    CONSTRAINT idempotency_keys_store_fkey FOREIGN KEY (store_id)
        REFERENCES store_streams (store_id) ON DELETE CASCADE
);
