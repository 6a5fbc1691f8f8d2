-- The device that placed the order. Not a foreign key, so that devices can be deleted. Null for orders of release 0.1.0.
ALTER TABLE orders ADD COLUMN device_id bigint;
