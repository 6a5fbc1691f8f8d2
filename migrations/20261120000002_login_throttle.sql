-- Failed logins, per account and per address, shared by every instance. What is tried need not exist, so these
-- rows have no store; `key` is a digest, since what is typed as a name may well be a password. Unlogged: a flood of
-- guesses must not flush to disk beside the orders, and after a crash of PostgreSQL the counts may begin anew.
CREATE UNLOGGED TABLE login_throttle (
    key bytea NOT NULL,
    failures integer NOT NULL,
    failed_at timestamptz NOT NULL,
    -- After a pause one attempt at a time: until when the one under way has its turn.
    claimed_until timestamptz,
    CONSTRAINT login_throttle_pkey PRIMARY KEY (key)
);
