-- What a record costs to write. Functions that don't melt into the statement that calls them are started anew for each
-- row, and planned anew for each statement: six of them were most of what an insert took. So what is long, which is rare,
-- is asked for by itself, owners are looked up where they are needed, and what is used twice is worked out once.

CREATE OR REPLACE FUNCTION pilothouse.entry_of_action(
    action_id text, project_id text, user_id text, request_id text, action_type text, action_details text, status text,
    environment text, reference_ids jsonb, created_at bigint, received timestamp with time zone, written xid8)
RETURNS SETOF pilothouse.timeline LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'action'::text COLLATE "C", action_id COLLATE "C", x.at, CASE WHEN x.at <> created_at THEN created_at END, received, written,
           x.project, CASE WHEN x.project IS NULL THEN nullif(left(project_id, 1000), '') END,
           coalesce((SELECT p.user_id FROM public.projects p WHERE p.id = x.project),
                    (SELECT t.owner_id FROM pilothouse.tombstones t WHERE t.kind = 'project' AND t.id = x.project::text)),
           NULL::uuid,
           CASE WHEN octet_length(action_type) <= 500 THEN action_type ELSE pilothouse.word_text(action_type) END COLLATE "C",
           x.status, lower(x.status COLLATE "C"), pilothouse.outcome_of(lower(status COLLATE "C")) COLLATE "C",
           nullif(left(environment, 2000), ''),
           nullif(CASE WHEN octet_length(user_id) <= 500 THEN user_id ELSE pilothouse.word_text(user_id) END, '') COLLATE "C",
           NULL::text, NULL::text, nullif(left(request_id, 1000), ''),
           CASE WHEN x.cause IS NOT NULL THEN pilothouse.cause_text(x.cause) END,
           NULL::text, left(action_details, 2000),
           CASE WHEN octet_length(x.reference_text) <= 4000 THEN x.reference_text ELSE pilothouse.shown_references(reference_ids) END,
           NULL::text, NULL::text, NULL::text, NULL::bigint, NULL::text
    FROM (SELECT pilothouse.entry_time(created_at, received) AS at, pilothouse.uuid_of(project_id) AS project,
                 nullif(CASE WHEN octet_length(status) <= 500 THEN status ELSE pilothouse.word_text(status) END, '') AS status,
                 CASE WHEN jsonb_typeof(reference_ids->'caused_by') IN ('string', 'number', 'boolean')
                      THEN reference_ids->>'caused_by' END AS cause,
                 reference_ids::text AS reference_text
          OFFSET 0) x;
END;

CREATE OR REPLACE FUNCTION pilothouse.entry_of_event(
    id text, project_id text, user_id text, event_type text, entity_type text, entity_id text, title text, description text,
    metadata jsonb, status text, duration integer, created_at timestamp without time zone,
    received timestamp with time zone, written xid8)
RETURNS SETOF pilothouse.timeline LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'event'::text COLLATE "C", id COLLATE "C", x.at, CASE WHEN x.at <> x.told THEN x.told END, received, written,
           x.project, CASE WHEN x.project IS NULL THEN nullif(left(project_id, 1000), '') END,
           coalesce((SELECT p.user_id FROM public.projects p WHERE p.id = x.project),
                    (SELECT t.owner_id FROM pilothouse.tombstones t WHERE t.kind = 'project' AND t.id = x.project::text)),
           NULL::uuid, event_type COLLATE "C", status, lower(status COLLATE "C"),
           pilothouse.outcome_of(lower(status COLLATE "C")) COLLATE "C", NULL::text,
           nullif(CASE WHEN octet_length(user_id) <= 500 THEN user_id ELSE pilothouse.word_text(user_id) END, '') COLLATE "C",
           NULL::text, NULL::text, nullif(left(coalesce(metadata->>'request_id', metadata->>'requestId'), 1000), ''),
           CASE WHEN x.cause IS NOT NULL THEN pilothouse.cause_text(x.cause) END,
           left(title, 500), left(description, 2000), NULL::text,
           left(entity_type, 500), left(entity_id, 500), NULL::text, duration::bigint, left(metadata->>'progress', 100)
    FROM (SELECT o.told, o.project, o.cause, pilothouse.entry_time(o.told, received) AS at
          FROM (SELECT pilothouse.epoch_ms(created_at) AS told, pilothouse.uuid_of(project_id) AS project,
                       CASE WHEN jsonb_typeof(metadata->'caused_by') IN ('string', 'number', 'boolean')
                            THEN metadata->>'caused_by' END AS cause
                OFFSET 0) o
          OFFSET 0) x;
END;

CREATE OR REPLACE FUNCTION pilothouse.entry_of_audit(
    id text, project_id text, user_id text, activity_type text, description text, actor_name text, actor_role text,
    target_type text, target_id text, target_name text, request_id text, created_at timestamp without time zone,
    received timestamp with time zone, written xid8)
RETURNS SETOF pilothouse.timeline LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'audit'::text COLLATE "C", id COLLATE "C", x.at, CASE WHEN x.at <> x.told THEN x.told END, received, written,
           x.project, CASE WHEN x.project IS NULL THEN nullif(left(project_id, 1000), '') END,
           coalesce((SELECT p.user_id FROM public.projects p WHERE p.id = x.project),
                    (SELECT t.owner_id FROM pilothouse.tombstones t WHERE t.kind = 'project' AND t.id = x.project::text)),
           NULL::uuid,
           CASE WHEN octet_length(activity_type) <= 500 THEN activity_type ELSE pilothouse.word_text(activity_type) END COLLATE "C",
           NULL::text, NULL::text, NULL::text, NULL::text,
           nullif(CASE WHEN octet_length(user_id) <= 500 THEN user_id ELSE pilothouse.word_text(user_id) END, '') COLLATE "C",
           left(actor_name, 500), left(actor_role, 500), nullif(left(request_id, 1000), ''), NULL::text,
           NULL::text, left(description, 2000), NULL::text, left(target_type, 500),
           CASE WHEN octet_length(target_id) <= 500 THEN target_id ELSE pilothouse.word_text(target_id) END,
           left(target_name, 500), NULL::bigint, NULL::text
    FROM (SELECT o.told, o.project, pilothouse.entry_time(o.told, received) AS at
          FROM (SELECT pilothouse.epoch_ms(created_at) AS told, pilothouse.uuid_of(project_id) AS project OFFSET 0) o
          OFFSET 0) x;
END;

-- When something last happened in each project, so that a list in that order walks an index.
CREATE TABLE IF NOT EXISTS pilothouse.project_activity (
    project_id UUID PRIMARY KEY REFERENCES public.projects (id) ON UPDATE CASCADE ON DELETE CASCADE,
    owner_id UUID,
    at BIGINT NOT NULL
);
COMMENT ON TABLE pilothouse.project_activity IS 'When the newest action of each project stands, 0 without one; to the second, kept by the triggers of project_actions and projects, and put right by the job that counts.';
CREATE INDEX IF NOT EXISTS project_activity_at_idx ON pilothouse.project_activity (at DESC, project_id DESC);
CREATE INDEX IF NOT EXISTS project_activity_owner_idx ON pilothouse.project_activity (owner_id, at DESC, project_id DESC);
COMMENT ON INDEX pilothouse.project_activity_at_idx IS 'All projects, the last active first.';
COMMENT ON INDEX pilothouse.project_activity_owner_idx IS 'An owner''s projects, the last active first.';

CREATE OR REPLACE FUNCTION pilothouse.mend_project_activity(only_of uuid[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO pilothouse.project_activity AS l (project_id, owner_id, at)
    SELECT p.id, p.user_id, coalesce((SELECT t.at FROM pilothouse.timeline t WHERE t.project_id = p.id AND t.source = 'action'
                                      ORDER BY t.at DESC, t.source DESC, t.id DESC LIMIT 1), 0)
    FROM public.projects p WHERE only_of IS NULL OR p.id = ANY (only_of)
    ON CONFLICT (project_id) DO UPDATE SET owner_id = EXCLUDED.owner_id, at = EXCLUDED.at
        WHERE (l.owner_id, l.at) IS DISTINCT FROM (EXCLUDED.owner_id, EXCLUDED.at)
$$;
COMMENT ON FUNCTION pilothouse.mend_project_activity(uuid[]) IS 'Looks up when something last happened in these projects, or in all.';

CREATE OR REPLACE FUNCTION pilothouse.take_entries_along() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pilothouse.move_entries(NEW.id, 5000) = 5000 THEN
        PERFORM pilothouse.enqueue('move_entries', NEW.id || ' ' || pg_current_xact_id(), jsonb_build_object('project', NEW.id), '0');
    END IF;
    PERFORM pilothouse.mend_project_activity(ARRAY[NEW.id]);
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;

ALTER TABLE pilothouse.project_activity ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS admin ON pilothouse.project_activity;
CREATE POLICY admin ON pilothouse.project_activity TO pilothouse_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS owner_select ON pilothouse.project_activity;
CREATE POLICY owner_select ON pilothouse.project_activity FOR SELECT TO pilothouse_owner
    USING (owner_id = (SELECT pilothouse.app_user_id()));
GRANT SELECT ON pilothouse.project_activity TO pilothouse_admin, pilothouse_owner;
REVOKE ALL ON FUNCTION pilothouse.mend_project_activity(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pilothouse.mend_project_activity(uuid[]) TO pilothouse_admin;
SELECT pilothouse.mend_project_activity(NULL);

CREATE OR REPLACE FUNCTION pilothouse.keep_actions() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    received CONSTANT timestamptz := clock_timestamp();
    known jsonb := '{}';
    one record;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM turbobackend.action_references;
        DELETE FROM pilothouse.timeline t WHERE t.source = 'action';
        UPDATE pilothouse.rollups SET recounted_at = NULL WHERE name = 'activity';
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM turbobackend.action_references r
        USING (SELECT p.key, p.value, coalesce(t.at, g.created_at, 0) AS at, g.action_id AS id
               FROM gone g LEFT JOIN pilothouse.timeline t ON t.source = 'action' AND t.id = g.action_id COLLATE "C"
               CROSS JOIN LATERAL pilothouse.reference_pairs(g.reference_ids) p) o
        WHERE r.key = o.key AND r.value = o.value AND r.created_at = o.at AND r.action_id = o.id COLLATE "C";
        known := pilothouse.clear_entries('action', ARRAY(SELECT g.action_id::text FROM gone g));
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN NULL;
    END IF;
    BEGIN
        -- Those of a row that came before without its trigger are met below.
        INSERT INTO turbobackend.action_references (key, value, created_at, action_id, project_id)
        SELECT p.key, p.value, pilothouse.entry_time(w.created_at, coalesce((known->>w.action_id)::timestamptz, received)),
               w.action_id, w.project_id
        FROM written w CROSS JOIN LATERAL pilothouse.reference_pairs(w.reference_ids) p;
        WITH added AS (
            INSERT INTO pilothouse.timeline AS t SELECT e.* FROM written w CROSS JOIN LATERAL pilothouse.entry_of_action(
                w.action_id, w.project_id, w.user_id, w.request_id, w.action_type, w.action_details, w.status, w.environment,
                w.reference_ids, w.created_at, coalesce((known->>w.action_id)::timestamptz, received), pg_current_xact_id()) e
            RETURNING t.at, t.project_id, coalesce(t.project_id::text, t.project_text, '') AS project),
        -- To the second, and never waiting for another writer: the job that counts knows better within seconds.
        active AS (
            SELECT l.project_id, n.at
            FROM (SELECT a.project_id, max(a.at) AS at FROM added a WHERE a.project_id IS NOT NULL GROUP BY a.project_id) n
            JOIN pilothouse.project_activity l ON l.project_id = n.project_id AND l.at < n.at - 1000
            FOR UPDATE OF l SKIP LOCKED),
        moved AS (UPDATE pilothouse.project_activity l SET at = a.at FROM active a WHERE l.project_id = a.project_id)
        INSERT INTO pilothouse.recount_marks (project_id, day)
        SELECT DISTINCT a.project, DATE 'epoch' + (a.at / 86400000)::integer
        FROM added a WHERE a.at >= 631152000000 AND a.at < 4102444800000;
        RETURN NULL;
    EXCEPTION WHEN OTHERS THEN
        NULL;
    END;
    -- One odd row costs the others nothing.
    FOR one IN SELECT w.* FROM written w LOOP
        BEGIN
            PERFORM pilothouse.clear_entries('action', ARRAY[one.action_id::text]);
            WITH added AS (
                INSERT INTO pilothouse.timeline AS t SELECT e.* FROM pilothouse.entry_of_action(
                    one.action_id, one.project_id, one.user_id, one.request_id, one.action_type, one.action_details, one.status,
                    one.environment, one.reference_ids, one.created_at, coalesce((known->>one.action_id)::timestamptz, received),
                    pg_current_xact_id()) e
                RETURNING t.at, t.id, coalesce(t.project_id::text, t.project_text, '') AS project),
            marked AS (
                INSERT INTO pilothouse.recount_marks (project_id, day)
                SELECT a.project, DATE 'epoch' + (a.at / 86400000)::integer
                FROM added a WHERE a.at >= 631152000000 AND a.at < 4102444800000)
            INSERT INTO turbobackend.action_references (key, value, created_at, action_id, project_id)
            SELECT p.key, p.value, a.at, a.id, one.project_id
            FROM added a CROSS JOIN LATERAL pilothouse.reference_pairs(one.reference_ids) p
            ON CONFLICT DO NOTHING;
        EXCEPTION WHEN OTHERS THEN
            PERFORM pilothouse.miss_entry('action', one.action_id, one.project_id, one.created_at, TG_NAME, SQLERRM);
        END;
    END LOOP;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;

-- What goes on is little among what did not succeed, and each first page asks for it.
CREATE INDEX IF NOT EXISTS timeline_project_busy_idx ON pilothouse.timeline (project_id, at DESC) WHERE outcome = 'busy';
CREATE INDEX IF NOT EXISTS timeline_owner_busy_idx ON pilothouse.timeline (owner_id, at DESC)
    WHERE outcome = 'busy' AND owner_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS timeline_busy_idx ON pilothouse.timeline (at DESC) WHERE outcome = 'busy';
COMMENT ON INDEX pilothouse.timeline_project_busy_idx IS 'Whether anything goes on in a project.';
COMMENT ON INDEX pilothouse.timeline_owner_busy_idx IS 'Whether anything goes on in what one owner has.';
COMMENT ON INDEX pilothouse.timeline_busy_idx IS 'Whether anything goes on anywhere.';
COMMENT ON INDEX pilothouse.timeline_project_status_idx IS 'status= in a project; what failed there.';
COMMENT ON INDEX pilothouse.timeline_owner_status_idx IS 'status= in everything of one owner; what failed there.';
COMMENT ON INDEX pilothouse.timeline_status_idx IS 'status= in everything; what failed.';

-- Within a project a reference is looked up by the project first where many projects share its value, as a branch. What
-- names one record is found by itself, whoever asks.
CREATE INDEX IF NOT EXISTS action_references_shared_idx ON turbobackend.action_references
    (project_id, key, value, created_at DESC, action_id COLLATE "C" DESC)
    WHERE key <> ALL ('{commit_sha,container_session_id,database_id,deployment_id,github_push_id,message_id,request_id}');
DROP INDEX IF EXISTS turbobackend.action_references_project_idx;
COMMENT ON INDEX turbobackend.action_references_shared_idx IS 'What carries a reference in a project, where its value may be everybody''s: a branch, an app.';

-- Lists in the order of a time, which may be missing or beyond the calendar: the very expression that they order by.
CREATE INDEX IF NOT EXISTS projects_listed_idx ON public.projects ((greatest('0001-01-01 00:00:00+00'::timestamptz, least('9999-12-31 23:59:59.999999+00'::timestamptz, coalesce(updated_at, '1970-01-01 00:00:00+00'::timestamptz)))) DESC, id DESC);
CREATE INDEX IF NOT EXISTS projects_user_listed_idx ON public.projects (user_id, (greatest('0001-01-01 00:00:00+00'::timestamptz, least('9999-12-31 23:59:59.999999+00'::timestamptz, coalesce(updated_at, '1970-01-01 00:00:00+00'::timestamptz)))) DESC, id DESC);
CREATE INDEX IF NOT EXISTS containers_listed_idx ON public.containers ((greatest('0001-01-01 00:00:00+00'::timestamptz, least('9999-12-31 23:59:59.999999+00'::timestamptz, coalesce(created_at, '1970-01-01 00:00:00+00'::timestamptz)))) DESC, id DESC);
CREATE INDEX IF NOT EXISTS containers_user_listed_idx ON public.containers (user_id, (greatest('0001-01-01 00:00:00+00'::timestamptz, least('9999-12-31 23:59:59.999999+00'::timestamptz, coalesce(created_at, '1970-01-01 00:00:00+00'::timestamptz)))) DESC, id DESC);
COMMENT ON INDEX public.projects_listed_idx IS 'All projects, the last changed first.';
COMMENT ON INDEX public.projects_user_listed_idx IS 'An owner''s projects, the last changed first.';
COMMENT ON INDEX public.containers_listed_idx IS 'All containers, the newest first.';
COMMENT ON INDEX public.containers_user_listed_idx IS 'An owner''s containers, the newest first.';
