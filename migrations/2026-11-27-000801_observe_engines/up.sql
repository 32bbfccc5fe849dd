-- What container engines say of themselves and of their containers.

CREATE TABLE IF NOT EXISTS pilothouse.leases (
    name TEXT PRIMARY KEY,
    holder UUID NOT NULL,
    held_since TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    held_until TIMESTAMP WITH TIME ZONE NOT NULL
);
COMMENT ON TABLE pilothouse.leases IS 'What one instance at a time does for all of them; whoever does not renew it loses it.';

CREATE TABLE IF NOT EXISTS pilothouse.engines (
    id TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    api_version TEXT NOT NULL,
    first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    connected_since TIMESTAMP WITH TIME ZONE,
    away_since TIMESTAMP WITH TIME ZONE,
    away_reason TEXT,
    last_sweep_at TIMESTAMP WITH TIME ZONE,
    last_sweep_containers INTEGER,
    last_sweep_ms INTEGER,
    last_event_nanos BIGINT,
    lag_ms INTEGER
);
COMMENT ON TABLE pilothouse.engines IS 'Engines that were seen, by the id that each says is its own.';
COMMENT ON COLUMN pilothouse.engines.last_sweep_at IS 'When all its containers were last held against the records: states that it has shown are as of then.';
COMMENT ON COLUMN pilothouse.engines.last_event_nanos IS 'Up to where its events have been taken in, by its own clock.';
COMMENT ON COLUMN pilothouse.engines.lag_ms IS 'How far behind the engine''s clock its last event was taken in.';

CREATE TABLE IF NOT EXISTS pilothouse.engine_containers (
    engine_id TEXT NOT NULL REFERENCES pilothouse.engines(id),
    container_id TEXT NOT NULL CHECK (container_id ~ '^[0-9a-f]{64}$'),
    row_id UUID,
    name TEXT NOT NULL,
    image TEXT NOT NULL,
    state TEXT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE,
    finished_at TIMESTAMP WITH TIME ZONE,
    restart_count BIGINT NOT NULL DEFAULT 0,
    first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    gone_at TIMESTAMP WITH TIME ZONE,
    adopted_at TIMESTAMP WITH TIME ZONE,
    adopted_by UUID,
    adopted_by_name TEXT,
    ignored_at TIMESTAMP WITH TIME ZONE,
    ignored_by_name TEXT,
    PRIMARY KEY (engine_id, container_id)
);
CREATE INDEX IF NOT EXISTS engine_containers_container_id_idx ON pilothouse.engine_containers (container_id);
CREATE INDEX IF NOT EXISTS engine_containers_row_id_idx ON pilothouse.engine_containers (row_id) WHERE row_id IS NOT NULL;
COMMENT ON TABLE pilothouse.engine_containers IS 'Containers as an engine last showed them. Only what it has shown may go missing from it.';
COMMENT ON COLUMN pilothouse.engine_containers.row_id IS 'containers.id; none while it is unknown here.';
COMMENT ON COLUMN pilothouse.engine_containers.adopted_at IS 'When an admin took it in: what stands for the console''s label, which can''t be added later.';

CREATE TABLE IF NOT EXISTS pilothouse.engine_events (
    id TEXT PRIMARY KEY CHECK (id ~ '^eng_[0-9a-f]{32}$'),
    engine_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    engine_container_id TEXT,
    container_name TEXT NOT NULL DEFAULT '',
    container_id UUID,
    project_id UUID,
    owner_id UUID,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    at_nanos BIGINT NOT NULL,
    exit_code INTEGER,
    was_out_of_memory BOOLEAN NOT NULL DEFAULT false,
    last_lines TEXT,
    operation_id TEXT,
    request_id TEXT,
    title TEXT NOT NULL,
    details TEXT,
    times INTEGER NOT NULL DEFAULT 1,
    last_at TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE,
    is_reconstructed BOOLEAN NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX IF NOT EXISTS engine_events_told_key ON pilothouse.engine_events (engine_id, engine_container_id, kind, at_nanos);
CREATE INDEX IF NOT EXISTS engine_events_container_id_idx ON pilothouse.engine_events (container_id, at DESC) WHERE container_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS engine_events_open_idx ON pilothouse.engine_events (engine_id) WHERE kind = 'container_restart_loop' AND closed_at IS NULL;
COMMENT ON TABLE pilothouse.engine_events IS 'What an engine saw happen to its containers; source engine of the timeline.';
COMMENT ON COLUMN pilothouse.engine_events.operation_id IS 'The operation that it follows from: it was asked for here.';
COMMENT ON COLUMN pilothouse.engine_events.last_lines IS 'What the container wrote last, taken when it crashed.';
COMMENT ON COLUMN pilothouse.engine_events.times IS 'How often, where one entry counts: restarts of a loop.';
COMMENT ON COLUMN pilothouse.engine_events.is_reconstructed IS 'Told by the container''s state, after the event itself was missed.';

DO $$
DECLARE
    target regclass;
BEGIN
    FOR target IN SELECT unnest(ARRAY['pilothouse.leases', 'pilothouse.engines', 'pilothouse.engine_containers', 'pilothouse.engine_events'])::regclass LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
        EXECUTE format('DROP POLICY IF EXISTS admin ON %s', target);
        EXECUTE format('CREATE POLICY admin ON %s TO pilothouse_admin USING (true) WITH CHECK (true)', target);
    END LOOP;
END
$$;
DROP POLICY IF EXISTS owner_select ON pilothouse.engines;
CREATE POLICY owner_select ON pilothouse.engines FOR SELECT TO pilothouse_owner
    USING (id IN (SELECT c.engine_id FROM pilothouse.engine_containers c));
DROP POLICY IF EXISTS owner_select ON pilothouse.engine_containers;
CREATE POLICY owner_select ON pilothouse.engine_containers FOR SELECT TO pilothouse_owner
    USING (row_id IN (SELECT c.id FROM public.containers c WHERE c.user_id = (SELECT pilothouse.app_user_id())));
DROP POLICY IF EXISTS owner_select ON pilothouse.engine_events;
CREATE POLICY owner_select ON pilothouse.engine_events FOR SELECT TO pilothouse_owner
    USING (owner_id = (SELECT pilothouse.app_user_id()) OR project_id IN (SELECT p FROM pilothouse.app_project_ids() p));
GRANT SELECT, INSERT, UPDATE, DELETE ON pilothouse.leases, pilothouse.engine_events TO pilothouse_admin;
GRANT SELECT, INSERT, UPDATE ON pilothouse.engines, pilothouse.engine_containers TO pilothouse_admin;
GRANT SELECT (id, last_sweep_at, connected_since, away_since, away_reason) ON pilothouse.engines TO pilothouse_owner;
GRANT SELECT (engine_id, container_id, row_id, gone_at, adopted_at) ON pilothouse.engine_containers TO pilothouse_owner;
GRANT SELECT ON pilothouse.engine_events TO pilothouse_owner;

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
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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
COMMENT ON FUNCTION pilothouse.keep_engine_events() IS 'Keeps the timeline of pilothouse.engine_events.';
REVOKE ALL ON ALL ROUTINES IN SCHEMA pilothouse FROM PUBLIC;

DO $$
DECLARE
    operation record;
BEGIN
    FOR operation IN SELECT * FROM (VALUES
        ('insert', 'REFERENCING NEW TABLE AS written'), ('update', 'REFERENCING OLD TABLE AS gone NEW TABLE AS written'),
        ('delete', 'REFERENCING OLD TABLE AS gone'), ('truncate', '')) AS o (verb, tables)
    LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER %s ON pilothouse.engine_events %s FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.keep_engine_events()',
                       'engine_events_timeline_' || operation.verb, operation.verb, operation.tables);
    END LOOP;
END
$$;
COMMENT ON COLUMN pilothouse.timeline.source IS 'action, audit, engine, event: the words of data-activity, and the second part of the order.';
