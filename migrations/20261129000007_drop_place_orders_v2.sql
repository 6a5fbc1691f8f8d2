-- contract: unused since 0.2.0
DROP FUNCTION place_orders_v2(bigint, date, timestamptz, jsonb);
