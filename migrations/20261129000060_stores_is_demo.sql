-- The demo restaurant, which the server created itself. It does not count as a store of this server: a store can be set
-- up beside it, and it can be removed.
ALTER TABLE stores ADD COLUMN is_demo boolean NOT NULL DEFAULT false;
