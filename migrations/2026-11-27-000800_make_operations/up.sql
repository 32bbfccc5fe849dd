-- What the console does to containers for somebody: asked for in one transaction, carried out by a job, put on record in
-- another. They stand in the timeline as events, and are absent from "ActivityEvent": its project is required.

CREATE TABLE IF NOT EXISTS pilothouse.operations (
    id TEXT PRIMARY KEY CHECK (id ~ '^op_[0-9a-f]{32}$'),
    parent_id TEXT REFERENCES pilothouse.operations(id),
    verb TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'IN_PROGRESS', 'COMPLETED', 'FAILED', 'CANCELLED')),
    container_id UUID,
    container_name TEXT NOT NULL DEFAULT '',
    engine_container_id TEXT,
    project_id UUID,
    owner_id UUID,
    asked_by UUID,
    asked_by_name TEXT NOT NULL,
    request_id TEXT,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    begun_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    answer TEXT,
    settings JSONB NOT NULL DEFAULT '{}'
);
-- Whoever presses twice, here or at another instance, finds what goes on.
CREATE UNIQUE INDEX IF NOT EXISTS operations_container_id_key ON pilothouse.operations (container_id)
    WHERE status IN ('PENDING', 'IN_PROGRESS') AND container_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS operations_container_id_asked_at_idx ON pilothouse.operations (container_id, asked_at DESC) WHERE container_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS operations_parent_id_idx ON pilothouse.operations (parent_id) WHERE parent_id IS NOT NULL;
COMMENT ON TABLE pilothouse.operations IS 'What somebody had done to a container, and what came of it. One that was done to several is the parent of one for each.';
COMMENT ON COLUMN pilothouse.operations.container_id IS 'containers.id; no foreign key, the record outlives the row.';
COMMENT ON COLUMN pilothouse.operations.engine_container_id IS 'The engine''s id of it when this was asked.';
COMMENT ON COLUMN pilothouse.operations.project_id IS 'The asker''s project in the container, else its only live one.';
COMMENT ON COLUMN pilothouse.operations.owner_id IS 'Whose container it is, or who asked for several.';
COMMENT ON COLUMN pilothouse.operations.answer IS 'What came of it, in the engine''s own words where it had any.';

ALTER TABLE pilothouse.operations ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS admin ON pilothouse.operations;
CREATE POLICY admin ON pilothouse.operations TO pilothouse_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS owner_select ON pilothouse.operations;
CREATE POLICY owner_select ON pilothouse.operations FOR SELECT TO pilothouse_owner
    USING (owner_id = (SELECT pilothouse.app_user_id()) OR project_id IN (SELECT p FROM pilothouse.app_project_ids() p));
DROP POLICY IF EXISTS owner_insert ON pilothouse.operations;
CREATE POLICY owner_insert ON pilothouse.operations FOR INSERT TO pilothouse_owner
    WITH CHECK (owner_id = (SELECT pilothouse.app_user_id()) AND asked_by = (SELECT pilothouse.app_user_id())
                AND (project_id IS NULL OR project_id IN (SELECT p FROM pilothouse.app_project_ids() p))
                AND (container_id IS NULL
                     OR container_id IN (SELECT c.id FROM public.containers c WHERE c.user_id = (SELECT pilothouse.app_user_id()))));
-- An owner takes back what has not begun.
DROP POLICY IF EXISTS owner_update ON pilothouse.operations;
CREATE POLICY owner_update ON pilothouse.operations FOR UPDATE TO pilothouse_owner
    USING (owner_id = (SELECT pilothouse.app_user_id()))
    WITH CHECK (owner_id = (SELECT pilothouse.app_user_id()) AND status = 'CANCELLED');
GRANT SELECT, INSERT, UPDATE ON pilothouse.operations TO pilothouse_admin;
GRANT SELECT, INSERT, UPDATE (status, ended_at, answer) ON pilothouse.operations TO pilothouse_owner;

-- What the engine says is for the console to write.
REVOKE UPDATE (status, observed_at, observed_from, engine_status) ON public.containers FROM pilothouse_owner;

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
REVOKE ALL ON ALL ROUTINES IN SCHEMA pilothouse FROM PUBLIC;

DO $$
DECLARE
    operation record;
BEGIN
    FOR operation IN SELECT * FROM (VALUES
        ('insert', 'REFERENCING NEW TABLE AS written'), ('update', 'REFERENCING OLD TABLE AS gone NEW TABLE AS written'),
        ('delete', 'REFERENCING OLD TABLE AS gone'), ('truncate', '')) AS o (verb, tables)
    LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER %s ON pilothouse.operations %s FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.keep_operations()',
                       'operations_timeline_' || operation.verb, operation.verb, operation.tables);
    END LOOP;
END
$$;
-- Triggers fire in the order of their names: after the one that empties.
CREATE OR REPLACE TRIGGER "ActivityEvent_timeline_truncate_operations" AFTER TRUNCATE ON public."ActivityEvent"
    FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.return_operations();

-- What is done to a container of no project is its owner's to read.
DROP POLICY IF EXISTS owner_select_without_project ON pilothouse.timeline;
CREATE POLICY owner_select_without_project ON pilothouse.timeline FOR SELECT TO pilothouse_owner
    USING (project_id IS NULL AND project_text IS NULL AND owner_id = (SELECT pilothouse.app_user_id()));
CREATE INDEX IF NOT EXISTS timeline_container_idx ON pilothouse.timeline (container_id, at DESC, source DESC, id DESC)
    WHERE container_id IS NOT NULL;
COMMENT ON INDEX pilothouse.timeline_container_idx IS 'What was done to a container, and what its engine saw of it.';
