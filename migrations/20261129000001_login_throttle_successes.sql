-- When the successful logins of an account would end if they came one after the other at the permitted rate. While that
-- is more than an hour ahead, logins are refused. A release without this column deletes the row at a successful login:
-- the account's limit then begins anew.
ALTER TABLE login_throttle ADD COLUMN successes_until timestamptz NOT NULL DEFAULT 'epoch';
