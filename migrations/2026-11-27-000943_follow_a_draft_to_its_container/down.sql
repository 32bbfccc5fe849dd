DROP FUNCTION IF EXISTS pilothouse.entry_of_operation(text, text, text, uuid, text, text, uuid, uuid, uuid, text, text, text, timestamp with time zone, timestamp with time zone, text, timestamp with time zone, xid8);
CREATE OR REPLACE FUNCTION pilothouse.entry_of_operation(
    id text, verb text, status text, container_id uuid, container_name text, engine_container_id text, project_id uuid,
    owner_id uuid, asked_by uuid, asked_by_name text, request_id text, asked_at timestamp with time zone,
    ended_at timestamp with time zone, answer text, received timestamp with time zone, written xid8)
RETURNS SETOF pilothouse.timeline LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    told CONSTANT bigint := floor(date_part('epoch', asked_at) * 1000)::bigint;
    e pilothouse.timeline;
BEGIN
    e.source := 'event';
    e.id := id;
    e.at := pilothouse.entry_time(told, received);
    e.told_at := CASE WHEN e.at <> told THEN told END;
    e.received_at := received;
    e.xid := written;
    e.project_id := project_id;
    e.owner_id := coalesce(pilothouse.project_owner(project_id), owner_id);
    e.container_id := container_id;
    e.kind := 'CONTAINER_' || upper(verb COLLATE "C");
    e.status := status;
    e.status_word := lower(status COLLATE "C");
    e.outcome := pilothouse.outcome_of(e.status_word);
    e.actor := asked_by::text;
    e.actor_name := nullif(left(asked_by_name, 500), '');
    e.request_id := nullif(left(request_id, 1000), '');
    e.title := upper(left(verb, 1)) || substr(verb, 2) || ' ' || CASE WHEN container_name = '' THEN 'several containers' ELSE 'container ' || left(container_name, 300) END;
    e.details := nullif(left(answer, 2000), '');
    e.reference_ids := CASE WHEN container_id IS NOT NULL THEN jsonb_build_object('container_id', container_id)::text END;
    e.target_kind := 'container';
    e.target_id := container_id::text;
    e.target_name := nullif(left(container_name, 500), '');
    e.duration := floor(extract(epoch FROM ended_at - asked_at) * 1000)::bigint;
    RETURN NEXT e;
END
$$;
COMMENT ON FUNCTION pilothouse.entry_of_operation(text, text, text, uuid, text, text, uuid, uuid, uuid, text, text, timestamp with time zone, timestamp with time zone, text, timestamp with time zone, xid8) IS 'A row of pilothouse.operations as an entry of the timeline.';

CREATE OR REPLACE FUNCTION pilothouse.keep_operations() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    received CONSTANT timestamptz := clock_timestamp();
    known jsonb := '{}';
    one record;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM pilothouse.clear_entries('event', ARRAY(
            SELECT t.id FROM pilothouse.timeline t WHERE t.source = 'event' AND t.id LIKE 'op\_%'));
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        known := pilothouse.clear_entries('event', ARRAY(SELECT g.id FROM gone g));
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN NULL;
    END IF;
    FOR one IN SELECT w.* FROM written w LOOP
        BEGIN
            WITH added AS (
                INSERT INTO pilothouse.timeline AS t SELECT e.* FROM pilothouse.entry_of_operation(
                    one.id, one.verb, one.status, one.container_id, one.container_name, one.engine_container_id, one.project_id,
                    one.owner_id, one.asked_by, one.asked_by_name, one.request_id, one.asked_at, one.ended_at, one.answer,
                    coalesce((known->>one.id)::timestamptz, received), pg_current_xact_id()) e
                RETURNING t.at, coalesce(t.project_id::text, '') AS project)
            INSERT INTO pilothouse.recount_marks (project_id, day)
            SELECT a.project, DATE 'epoch' + (a.at / 86400000)::integer
            FROM added a WHERE a.at >= 631152000000 AND a.at < 4102444800000;
        EXCEPTION WHEN OTHERS THEN
            PERFORM pilothouse.miss_entry('event', one.id, one.project_id::text, floor(date_part('epoch', one.asked_at) * 1000)::bigint, TG_NAME, SQLERRM);
        END;
    END LOOP;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION pilothouse.keep_operations() IS 'Keeps the timeline of pilothouse.operations.';

-- A truncated "ActivityEvent" takes all events out of the timeline; operations are none of its rows.
CREATE OR REPLACE FUNCTION pilothouse.return_operations() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pilothouse.timeline SELECT e.* FROM pilothouse.operations o CROSS JOIN LATERAL pilothouse.entry_of_operation(
        o.id, o.verb, o.status, o.container_id, o.container_name, o.engine_container_id, o.project_id, o.owner_id, o.asked_by,
        o.asked_by_name, o.request_id, o.asked_at, o.ended_at, o.answer, o.asked_at, '0') e
    ON CONFLICT DO NOTHING;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION pilothouse.entry_of_operation(text, text, text, uuid, text, text, uuid, uuid, uuid, text, text, timestamp with time zone, timestamp with time zone, text, timestamp with time zone, xid8),
    pilothouse.keep_operations(), pilothouse.return_operations() FROM PUBLIC;
ALTER TABLE pilothouse.operations DROP COLUMN IF EXISTS cause;
