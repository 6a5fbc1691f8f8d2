-- The time at which the account's successful logins would have ended at the permitted rate, one after the other. While it
-- is more than an hour ahead, logins are refused. A release without this column deletes the row at a successful login,
-- which resets the account's limit.
ALTER TABLE login_throttle ADD COLUMN successes_until timestamptz NOT NULL DEFAULT 'epoch';
