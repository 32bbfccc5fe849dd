DROP FUNCTION IF EXISTS pilothouse.entry_of_engine_event(text, text, uuid, text, uuid, uuid, timestamp with time zone, integer, text, text, text, text, text, timestamp with time zone, timestamp with time zone, xid8);
CREATE OR REPLACE FUNCTION pilothouse.entry_of_engine_event(
    id text, kind text, container_id uuid, container_name text, project_id uuid, owner_id uuid, at timestamp with time zone,
    exit_code integer, operation_id text, request_id text, title text, details text, closed_at timestamp with time zone,
    received timestamp with time zone, written xid8)
RETURNS SETOF pilothouse.timeline LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    told CONSTANT bigint := floor(date_part('epoch', at) * 1000)::bigint;
    e pilothouse.timeline;
BEGIN
    e.source := 'engine';
    e.id := id;
    e.at := pilothouse.entry_time(told, received);
    e.told_at := CASE WHEN e.at <> told THEN told END;
    e.received_at := received;
    e.xid := written;
    e.project_id := project_id;
    e.owner_id := coalesce(pilothouse.project_owner(project_id), owner_id);
    e.container_id := container_id;
    e.kind := kind;
    e.status := CASE WHEN kind = 'container_crashed' OR (kind = 'container_restart_loop' AND closed_at IS NULL) THEN 'failed' END;
    e.status_word := e.status;
    e.outcome := pilothouse.outcome_of(e.status_word);
    e.request_id := nullif(left(request_id, 1000), '');
    e.cause := 'event:' || operation_id;
    e.title := left(title, 500);
    e.details := nullif(left(details, 2000), '');
    e.reference_ids := CASE WHEN container_id IS NOT NULL THEN jsonb_build_object('container_id', container_id)::text END;
    e.target_kind := 'container';
    e.target_id := container_id::text;
    e.target_name := nullif(left(container_name, 500), '');
    RETURN NEXT e;
END
$$;
COMMENT ON FUNCTION pilothouse.entry_of_engine_event(text, text, uuid, text, uuid, uuid, timestamp with time zone, integer, text, text, text, text, timestamp with time zone, timestamp with time zone, xid8) IS 'A row of pilothouse.engine_events as an entry of the timeline.';

CREATE OR REPLACE FUNCTION pilothouse.keep_engine_events() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    received CONSTANT timestamptz := clock_timestamp();
    known jsonb := '{}';
    one record;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM pilothouse.clear_entries('engine', ARRAY(SELECT t.id FROM pilothouse.timeline t WHERE t.source = 'engine'));
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        known := pilothouse.clear_entries('engine', ARRAY(SELECT g.id FROM gone g));
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN NULL;
    END IF;
    FOR one IN SELECT w.* FROM written w LOOP
        BEGIN
            WITH added AS (
                INSERT INTO pilothouse.timeline AS t SELECT e.* FROM pilothouse.entry_of_engine_event(
                    one.id, one.kind, one.container_id, one.container_name, one.project_id, one.owner_id, one.at, one.exit_code,
                    one.operation_id, one.request_id, one.title, one.details, one.closed_at,
                    coalesce((known->>one.id)::timestamptz, received), pg_current_xact_id()) e
                RETURNING t.at, coalesce(t.project_id::text, '') AS project)
            INSERT INTO pilothouse.recount_marks (project_id, day)
            SELECT a.project, DATE 'epoch' + (a.at / 86400000)::integer
            FROM added a WHERE a.at >= 631152000000 AND a.at < 4102444800000;
        EXCEPTION WHEN OTHERS THEN
            PERFORM pilothouse.miss_entry('engine', one.id, one.project_id::text, floor(date_part('epoch', one.at) * 1000)::bigint, TG_NAME, SQLERRM);
        END;
    END LOOP;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION pilothouse.entry_of_engine_event(text, text, uuid, text, uuid, uuid, timestamp with time zone, integer, text, text, text, text, timestamp with time zone, timestamp with time zone, xid8), pilothouse.keep_engine_events() FROM PUBLIC;
ALTER TABLE pilothouse.engine_events DROP COLUMN IF EXISTS cause;
