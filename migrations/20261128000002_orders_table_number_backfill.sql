-- no-transaction
-- Gives the orders of earlier releases the number that their table has now, 5,000 at a time, each batch in a transaction
-- of its own. An order that the earlier release places afterwards gets it before its table gets another number.
DO $$
DECLARE
    store bigint;
    last_id bigint;
    next_id bigint;
BEGIN
    FOR store IN SELECT s.store_id FROM store_streams s LOOP
        last_id := 0;
        LOOP
            SELECT max(page.id) INTO next_id
            FROM (SELECT o.id FROM orders o WHERE o.store_id = store AND o.id > last_id ORDER BY o.id LIMIT 5000) page;
            EXIT WHEN next_id IS NULL;
            UPDATE orders o SET table_number = t.table_number
            FROM tables t
            WHERE o.store_id = store AND t.store_id = store AND t.id = o.table_id
              AND o.id > last_id AND o.id <= next_id AND o.table_number IS NULL;
            COMMIT;
            last_id := next_id;
        END LOOP;
    END LOOP;
END
$$;
