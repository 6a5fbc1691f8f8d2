-- Who changed what, and when: rows are added and read, never changed. Whoever acted may be gone by now, and so may
-- what was acted upon, hence names and snapshots instead of references. `id` is a UUIDv7: it grows with time.
CREATE TABLE audit_log (
    store_id bigint NOT NULL,
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    actor_kind text NOT NULL,
    actor_id bigint,
    actor_name text NOT NULL,
    address text,
    action text NOT NULL,
    subject_id bigint,
    before json,
    after json,
    CONSTRAINT audit_log_pkey PRIMARY KEY (store_id, id),
    CONSTRAINT audit_log_store_fkey FOREIGN KEY (store_id) REFERENCES store_streams (store_id) ON DELETE CASCADE
);
