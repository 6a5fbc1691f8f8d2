-- Writes orders of one store in one round trip. It checks only the conditions that must hold at the moment of writing: the
-- session is not completed; the idempotency key is new in the session and, with this content, at the table in the last 24
-- hours, unless the client named the session; the order has not expired; the session is below its limits; the menu still has the version from which the lines
-- were priced. If a condition does not hold, the order is not written and its outcome names the condition.
--
-- Each statement concerns one store and few rows, as Citus requires.
CREATE FUNCTION place_orders_v2(
    p_store bigint,
    p_day date,
    p_now timestamptz,
    -- An array of orders, sorted by session, so that two transactions that lock several sessions cannot deadlock:
    -- {session_id, is_session_named, table_id, device_id, menu_version, not_after, total_amount, note, key, digest (hex), lines:
    -- [{menu_id, menu_name, unit_price, quantity}], event: {kind, audience, data}}. This function adds order_id,
    -- order_number and table_number to the event's data.
    p_orders jsonb,
    -- The limits of one session.
    p_max_orders integer,
    p_max_lines integer
)
RETURNS TABLE (
    place integer,
    -- placed, session_ended, key_used, expired, too_many_orders, too_many_lines or menu_changed
    outcome text,
    order_id bigint,
    day_number integer,
    event_seq bigint,
    table_number integer,
    item_ids bigint[],
    event_data text,
    -- The store's menu version, if the outcome is menu_changed.
    current_menu_version bigint
)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    placed record;
    document jsonb;
    numbers integer[];
    order_counts integer[];
    line_counts integer[];
    number integer;
    item_id bigint;
    -- The session of the current order, and its counts.
    session bigint;
    orders_placed integer;
    lines_placed integer;
BEGIN
    -- Lock the sessions against completion, so that an order is either part of its session's total or refused.
    FOR i IN 1..jsonb_array_length(p_orders) LOOP
        document := p_orders->(i - 1);
        SELECT t.table_number, s.placed_order_count, s.placed_line_count INTO number, orders_placed, lines_placed
        FROM table_sessions s JOIN tables t ON t.store_id = s.store_id AND t.id = s.table_id
        WHERE s.store_id = p_store AND s.id = (document->>'session_id')::bigint
          AND s.table_id = (document->>'table_id')::bigint AND s.completed_at IS NULL
        FOR NO KEY UPDATE OF s;
        numbers[i] := number;
        order_counts[i] := orders_placed;
        line_counts[i] := lines_placed;
    END LOOP;
    place := 0;
    FOR placed IN
        SELECT * FROM jsonb_to_recordset(p_orders)
        AS o(session_id bigint, is_session_named boolean, table_id bigint, device_id bigint, menu_version bigint, not_after timestamptz,
             total_amount bigint, note text, key text, digest text, lines jsonb, event jsonb)
    LOOP
        place := place + 1;
        order_id := NULL;
        day_number := NULL;
        event_seq := NULL;
        item_ids := NULL;
        event_data := NULL;
        current_menu_version := NULL;
        table_number := numbers[place];
        IF table_number IS NULL THEN
            outcome := 'session_ended';
            RETURN NEXT;
            CONTINUE;
        END IF;
        IF placed.key IS NOT NULL THEN
            -- No other transaction can use the key now, because the session is locked.
            PERFORM FROM orders x
            WHERE x.store_id = p_store AND x.session_id = placed.session_id AND x.idempotency_key = placed.key;
            IF NOT FOUND AND NOT placed.is_session_named THEN
                -- A tablet that lost the response and logged in again retries the order in a new session. One that names
                -- this session means a new order.
                PERFORM FROM table_sessions s
                JOIN orders x ON x.store_id = p_store AND x.session_id = s.id AND x.idempotency_key = placed.key
                WHERE s.store_id = p_store AND s.table_id = placed.table_id
                  AND s.completed_at > p_now - interval '24 hours' AND x.created_at > p_now - interval '24 hours'
                  AND x.content_digest = decode(placed.digest, 'hex');
            END IF;
            IF FOUND THEN
                outcome := 'key_used';
                RETURN NEXT;
                CONTINUE;
            END IF;
        END IF;
        IF placed.session_id IS DISTINCT FROM session THEN
            session := placed.session_id;
            orders_placed := order_counts[place];
            lines_placed := line_counts[place];
        END IF;
        outcome := CASE
            WHEN placed.not_after < p_now THEN 'expired'
            WHEN orders_placed >= p_max_orders THEN 'too_many_orders'
            WHEN lines_placed + jsonb_array_length(placed.lines) > p_max_lines THEN 'too_many_lines'
        END;
        IF outcome IS NOT NULL THEN
            RETURN NEXT;
            CONTINUE;
        END IF;
        -- From here until the commit, the store's other orders and changes wait for this row.
        UPDATE store_streams SET event_seq = store_streams.event_seq + 1
        WHERE store_id = p_store AND menu_version = placed.menu_version
        RETURNING store_streams.event_seq INTO event_seq;
        IF NOT FOUND THEN
            SELECT s.menu_version INTO current_menu_version FROM store_streams s WHERE s.store_id = p_store;
            outcome := 'menu_changed';
            RETURN NEXT;
            CONTINUE;
        END IF;
        INSERT INTO order_counters (store_id, business_day, last_number) VALUES (p_store, p_day, 1)
        ON CONFLICT (store_id, business_day) DO UPDATE SET last_number = order_counters.last_number + 1
        RETURNING last_number INTO day_number;
        orders_placed := orders_placed + 1;
        lines_placed := lines_placed + jsonb_array_length(placed.lines);
        UPDATE table_sessions SET started_at = coalesce(started_at, p_now), placed_order_count = orders_placed,
                                  placed_line_count = lines_placed
        WHERE store_id = p_store AND id = placed.session_id;
        INSERT INTO orders (store_id, session_id, table_id, device_id, table_number, business_day, day_number, status,
                            total_amount, note, created_at, updated_at, idempotency_key, content_digest)
        VALUES (p_store, placed.session_id, placed.table_id, placed.device_id, place_orders_v2.table_number, p_day,
                place_orders_v2.day_number, 'pending', placed.total_amount, placed.note, p_now, p_now, placed.key,
                decode(placed.digest, 'hex'))
        RETURNING id INTO order_id;
        item_ids := ARRAY[]::bigint[];
        FOR line IN 1..jsonb_array_length(placed.lines) LOOP
            document := placed.lines->(line - 1);
            INSERT INTO order_items (store_id, order_id, line, menu_id, menu_name, unit_price, quantity)
            VALUES (p_store, place_orders_v2.order_id, line, (document->>'menu_id')::bigint, document->>'menu_name',
                    (document->>'unit_price')::bigint, (document->>'quantity')::integer)
            RETURNING id INTO item_id;
            item_ids := item_ids || item_id;
        END LOOP;
        event_data := (placed.event->'data') || jsonb_build_object(
            'order_id', order_id,
            'order_number', to_char(p_day, 'YYYYMMDD') || '-'
                || lpad(place_orders_v2.day_number::text, greatest(3, length(place_orders_v2.day_number::text)), '0'),
            'table_number', table_number);
        INSERT INTO events (store_id, seq, kind, audience, session_id, data, created_at)
        VALUES (p_store, place_orders_v2.event_seq, placed.event->>'kind', (placed.event->>'audience')::event_audience,
                placed.session_id, event_data::json, p_now);
        outcome := 'placed';
        RETURN NEXT;
    END LOOP;
END
$$;
