-- For forgetting what is long past.
CREATE INDEX login_throttle_failed_at_idx ON login_throttle (failed_at);
