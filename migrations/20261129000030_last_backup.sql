-- The last nightly backup. One row a deployment; a backup file does not contain it.
CREATE TABLE last_backup (
    singleton boolean NOT NULL DEFAULT true,
    -- The moment it was due: all instances agree on it, so only one of them makes the backup.
    due_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    bytes bigint NOT NULL,
    CONSTRAINT last_backup_pkey PRIMARY KEY (singleton),
    CONSTRAINT last_backup_singleton_check CHECK (singleton)
);
