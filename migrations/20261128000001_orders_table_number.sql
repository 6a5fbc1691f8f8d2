-- The table's number when the order was placed, since a table can get another one. Orders that the release before 0.2.0
-- places do not have it: for them the table's own number stands in.
ALTER TABLE orders ADD COLUMN table_number integer;
