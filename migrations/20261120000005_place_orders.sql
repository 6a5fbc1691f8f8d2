-- Writes orders of one store in one round trip: what would be ten statements and two more for the transaction. It judges
-- nothing but what must hold at the moment of writing: the stay goes on, the key is new, and the menu is still the
-- one the lines were priced from. Whatever does not hold is told, and nothing of that order is written.
--
-- Each statement in it concerns one store and few rows, as Citus likes it. A new version gets a new name, so that
-- the program before keeps running beside the one after.
CREATE FUNCTION place_orders_v1(
    p_store bigint,
    p_day date,
    p_now timestamptz,
    -- One element an order; sorted by session, so that two who write several never wait for each other.
    p_sessions bigint[],
    p_tables bigint[],
    p_menu_versions bigint[],
    p_totals bigint[],
    p_notes text[],
    p_keys text[],
    p_digests bytea[],
    -- The event's data from behind the table's number on.
    p_event_tails text[],
    p_line_counts integer[],
    -- One element a line, order by order.
    p_menus bigint[],
    p_names text[],
    p_prices bigint[],
    p_quantities integer[]
)
RETURNS TABLE (
    place integer,
    outcome text,
    order_id bigint,
    day_number integer,
    event_seq bigint,
    table_number integer,
    item_ids bigint[]
)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    stays integer := cardinality(p_sessions);
    numbers integer[] := array_fill(NULL::integer, ARRAY[stays]);
    is_started boolean[] := array_fill(false, ARRAY[stays]);
    number integer;
    started boolean;
    line integer := 0;
    item_id bigint;
    number_text text;
BEGIN
    -- Against being completed: the order is on this stay's bill or refused.
    FOR i IN 1..stays LOOP
        SELECT t.table_number, s.started_at IS NOT NULL INTO number, started
        FROM table_sessions s JOIN tables t ON t.store_id = s.store_id AND t.id = s.table_id
        WHERE s.store_id = p_store AND s.id = p_sessions[i] AND s.table_id = p_tables[i] AND s.completed_at IS NULL
        FOR NO KEY UPDATE OF s;
        numbers[i] := number;
        is_started[i] := started;
    END LOOP;
    FOR i IN 1..stays LOOP
        place := i;
        order_id := NULL;
        day_number := NULL;
        event_seq := NULL;
        item_ids := NULL;
        table_number := numbers[i];
        line := line + p_line_counts[i];
        IF table_number IS NULL THEN
            outcome := 'session_ended';
            RETURN NEXT;
            CONTINUE;
        END IF;
        IF p_keys[i] IS NOT NULL THEN
            -- The session is locked: nobody else can use the key meanwhile.
            PERFORM FROM orders o
            WHERE o.store_id = p_store AND o.session_id = p_sessions[i] AND o.idempotency_key = p_keys[i];
            IF FOUND THEN
                outcome := 'key_used';
                RETURN NEXT;
                CONTINUE;
            END IF;
        END IF;
        -- From here to the commit the store's other orders and changes wait.
        UPDATE store_streams SET event_seq = store_streams.event_seq + 1
        WHERE store_id = p_store AND menu_version = p_menu_versions[i]
        RETURNING store_streams.event_seq INTO event_seq;
        IF NOT FOUND THEN
            outcome := 'menu_changed';
            RETURN NEXT;
            CONTINUE;
        END IF;
        INSERT INTO order_counters (store_id, business_day, last_number) VALUES (p_store, p_day, 1)
        ON CONFLICT (store_id, business_day) DO UPDATE SET last_number = order_counters.last_number + 1
        RETURNING last_number INTO day_number;
        IF NOT is_started[i] THEN
            UPDATE table_sessions SET started_at = p_now
            WHERE store_id = p_store AND id = p_sessions[i] AND started_at IS NULL;
        END IF;
        INSERT INTO orders (store_id, session_id, table_id, business_day, day_number, status, total_amount, note,
                            created_at, updated_at, idempotency_key, content_digest)
        VALUES (p_store, p_sessions[i], p_tables[i], p_day, place_orders_v1.day_number, 'pending', p_totals[i],
                p_notes[i], p_now, p_now, p_keys[i], p_digests[i])
        RETURNING id INTO order_id;
        item_ids := ARRAY[]::bigint[];
        FOR l IN 1..p_line_counts[i] LOOP
            INSERT INTO order_items (store_id, order_id, line, menu_id, menu_name, unit_price, quantity)
            VALUES (p_store, place_orders_v1.order_id, l, p_menus[line - p_line_counts[i] + l],
                    p_names[line - p_line_counts[i] + l], p_prices[line - p_line_counts[i] + l],
                    p_quantities[line - p_line_counts[i] + l])
            RETURNING id INTO item_id;
            item_ids := item_ids || item_id;
        END LOOP;
        number_text := to_char(p_day, 'YYYYMMDD') || '-'
            || CASE WHEN place_orders_v1.day_number < 1000 THEN lpad(place_orders_v1.day_number::text, 3, '0')
                    ELSE place_orders_v1.day_number::text END;
        INSERT INTO events (store_id, seq, kind, audience, session_id, data, created_at)
        VALUES (p_store, place_orders_v1.event_seq, 'new_order', 'staff', p_sessions[i],
                ('{"order_id":' || place_orders_v1.order_id || ',"order_number":"' || number_text
                 || '","table_number":' || place_orders_v1.table_number || ',' || p_event_tails[i])::json,
                p_now);
        outcome := 'placed';
        RETURN NEXT;
    END LOOP;
END
$$;
