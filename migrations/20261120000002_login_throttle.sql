-- Failed logins, per account and per address, shared by every instance. What is tried need not exist, so these
-- rows have no store; `key` is a digest, since what is typed as a name may well be a password.
CREATE TABLE login_throttle (
    key bytea NOT NULL,
    failures integer NOT NULL,
    failed_at timestamptz NOT NULL,
    CONSTRAINT login_throttle_pkey PRIMARY KEY (key)
);
