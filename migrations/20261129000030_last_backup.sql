-- The last nightly backup. There is one row in a deployment. Backup files do not contain this table.
CREATE TABLE last_backup (
    singleton boolean NOT NULL DEFAULT true,
    -- The due time of the backup. All instances compute the same time, so only one of them makes the backup.
    due_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    bytes bigint NOT NULL,
    CONSTRAINT last_backup_pkey PRIMARY KEY (singleton),
    CONSTRAINT last_backup_singleton_check CHECK (singleton)
);
