-- The baseline of an order: one call of a PostgreSQL function writes what the server writes. It omits what only the
-- server's clients need (the ids of the lines), so it does slightly less than the server.

CREATE SCHEMA bench;

CREATE FUNCTION bench.place_order(the_store bigint, the_session bigint, menu_items bigint[], quantities int[])
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    the_table bigint;
    the_number int;
    has_started timestamptz;
    names text[];
    prices bigint[];
    total bigint;
    lines text;
    today date := current_date;
    day_number int;
    the_order bigint;
    the_seq bigint;
BEGIN
    SELECT s.table_id, t.table_number, s.started_at INTO the_table, the_number, has_started
    FROM table_sessions s JOIN tables t ON t.store_id = s.store_id AND t.id = s.table_id
    WHERE s.store_id = the_store AND s.id = the_session AND s.completed_at IS NULL
    FOR NO KEY UPDATE OF s;
    IF NOT FOUND THEN
        RAISE 'no such session: %, %', the_store, the_session;
    END IF;
    IF has_started IS NULL THEN
        UPDATE table_sessions SET started_at = now() WHERE store_id = the_store AND id = the_session;
    END IF;

    SELECT array_agg(m.name ORDER BY l.line), array_agg(m.price ORDER BY l.line), sum(m.price * l.quantity),
           string_agg('{"menu_name":' || to_json(m.name) || ',"quantity":' || l.quantity || ',"subtotal":'
                      || m.price * l.quantity || '}', ',' ORDER BY l.line)
    INTO names, prices, total, lines
    FROM unnest(menu_items, quantities) WITH ORDINALITY AS l (menu_id, quantity, line)
    JOIN menus m ON m.store_id = the_store AND m.id = l.menu_id AND m.is_available
    WHERE m.id = ANY (menu_items);
    IF cardinality(names) IS DISTINCT FROM cardinality(menu_items) THEN
        RAISE 'no such menu item among %', menu_items;
    END IF;

    INSERT INTO order_counters (store_id, business_day, last_number) VALUES (the_store, today, 1)
    ON CONFLICT (store_id, business_day) DO UPDATE SET last_number = order_counters.last_number + 1
    RETURNING last_number INTO day_number;

    INSERT INTO orders (store_id, session_id, table_id, business_day, day_number, status, total_amount,
                        created_at, updated_at)
    VALUES (the_store, the_session, the_table, today, day_number, 'pending', total, now(), now())
    RETURNING id INTO the_order;

    INSERT INTO order_items (store_id, order_id, line, menu_id, menu_name, unit_price, quantity)
    SELECT the_store, the_order, l.line, l.menu_id, l.name, l.price, l.quantity
    FROM unnest(menu_items, names, prices, quantities) WITH ORDINALITY AS l (menu_id, name, price, quantity, line);

    UPDATE store_streams SET event_seq = event_seq + 1 WHERE store_id = the_store RETURNING event_seq INTO the_seq;

    INSERT INTO events (store_id, seq, kind, audience, session_id, data, created_at)
    VALUES (the_store, the_seq, 'new_order', 'staff', the_session,
            ('{"order_id":' || the_order || ',"order_number":"' || to_char(today, 'YYYYMMDD') || '-'
             || CASE WHEN day_number < 1000 THEN lpad(day_number::text, 3, '0') ELSE day_number::text END
             || '","table_number":' || the_number || ',"items":[' || lines || '],"total_amount":' || total
             || ',"status":"pending","created_at":"' || now()::text || '","session_id":' || the_session
             || ',"table_id":' || the_table || '}')::json, now());
    RETURN the_order;
END $$;
