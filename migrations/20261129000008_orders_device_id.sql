-- The device that placed the order: a memory, not a reference, so devices can go. Null for orders of release 0.1.0.
ALTER TABLE orders ADD COLUMN device_id bigint;
