-- The set-up of the first store. There is at most one row in a deployment. Backup files do not contain this table.
CREATE TABLE setup (
    singleton boolean NOT NULL DEFAULT true,
    -- SHA-256 of the code that a server printed last. The code itself is not stored.
    code_digest bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    -- The store that was created with the code. The row does not change any more once there is one.
    created_store bigint,
    CONSTRAINT setup_pkey PRIMARY KEY (singleton),
    CONSTRAINT setup_singleton_check CHECK (singleton)
);
