-- Fewer bytes and fewer steps for each row that a worker writes.

-- Behind a word of a filter the time is enough: pages read what shares a millisecond with their last row, and sort it. The
-- plain orders, which every page walks, stay whole. Ascending, so that what is newest comes last.
DROP INDEX IF EXISTS pilothouse.timeline_project_kind_idx, pilothouse.timeline_owner_kind_idx, pilothouse.timeline_kind_idx,
    pilothouse.timeline_project_actor_idx, pilothouse.timeline_owner_actor_idx, pilothouse.timeline_actor_idx,
    pilothouse.timeline_time_idx;
CREATE INDEX timeline_project_kind_idx ON pilothouse.timeline (project_id, kind, at);
CREATE INDEX timeline_owner_kind_idx ON pilothouse.timeline (owner_id, kind, at) WHERE owner_id IS NOT NULL;
CREATE INDEX timeline_kind_idx ON pilothouse.timeline (kind, at);
CREATE INDEX timeline_project_actor_idx ON pilothouse.timeline (project_id, actor, at);
CREATE INDEX timeline_owner_actor_idx ON pilothouse.timeline (owner_id, actor, at) WHERE owner_id IS NOT NULL;
CREATE INDEX timeline_actor_idx ON pilothouse.timeline (actor, at);
CREATE INDEX timeline_time_idx ON pilothouse.timeline (at, source, id);
COMMENT ON INDEX pilothouse.timeline_project_kind_idx IS 'type= in a project, and the types that its filter offers.';
COMMENT ON INDEX pilothouse.timeline_owner_kind_idx IS 'type= in everything of one owner.';
COMMENT ON INDEX pilothouse.timeline_kind_idx IS 'type= in everything.';
COMMENT ON INDEX pilothouse.timeline_project_actor_idx IS 'actor= in a project, and the actors that its filter offers.';
COMMENT ON INDEX pilothouse.timeline_owner_actor_idx IS 'actor= in everything of one owner.';
COMMENT ON INDEX pilothouse.timeline_actor_idx IS 'actor= in everything.';
COMMENT ON INDEX pilothouse.timeline_time_idx IS 'Everything, for admins.';

-- Pages read the timeline: of the source, other programs ask by time, and doctor looks at what came last.
DROP INDEX IF EXISTS turbobackend.project_actions_project_idx, turbobackend.project_actions_time_idx;
CREATE INDEX project_actions_project_idx ON turbobackend.project_actions (project_id, created_at);
CREATE INDEX project_actions_time_idx ON turbobackend.project_actions (created_at);
COMMENT ON INDEX turbobackend.project_actions_project_idx IS 'What other programs ask for: the actions of a project, the newest first.';
COMMENT ON INDEX turbobackend.project_actions_time_idx IS 'The newest actions, which doctor looks at.';

-- The same condition without an expression that is matched twice a row: 32 digits in small letters and four dashes are left.
CREATE OR REPLACE TRIGGER project_actions_ids BEFORE INSERT OR UPDATE OF project_id, user_id ON turbobackend.project_actions
    FOR EACH ROW WHEN ((length(NEW.project_id) >= 32 AND translate(NEW.project_id, '0123456789abcdef', '') <> '----')
        OR (length(NEW.user_id) >= 32 AND translate(NEW.user_id, '0123456789abcdef', '') <> '----'))
    EXECUTE FUNCTION pilothouse.write_ids_in_one_form();

-- A project of ours is found by its text; only what is none is held against the form of a uuid.
CREATE OR REPLACE FUNCTION pilothouse.entry_of_action(
    action_id text, project_id text, user_id text, request_id text, action_type text, action_details text, status text,
    environment text, reference_ids jsonb, created_at bigint, received timestamp with time zone, written xid8)
RETURNS SETOF pilothouse.timeline LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'action'::text COLLATE "C", action_id COLLATE "C", x.at, CASE WHEN x.at <> created_at THEN created_at END, received, written,
           x.project, CASE WHEN x.project IS NULL THEN nullif(left(project_id, 1000), '') END,
           CASE WHEN x.is_ours THEN x.owner_id
                ELSE (SELECT t.owner_id FROM pilothouse.tombstones t WHERE t.kind = 'project' AND t.id = x.project::text) END,
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
    FROM (SELECT pilothouse.entry_time(created_at, received) AS at,
                 coalesce(p.id, pilothouse.uuid_of(project_id)) AS project, p.id IS NOT NULL AS is_ours, p.owner_id,
                 nullif(CASE WHEN octet_length(status) <= 500 THEN status ELSE pilothouse.word_text(status) END, '') AS status,
                 CASE WHEN jsonb_typeof(reference_ids->'caused_by') IN ('string', 'number', 'boolean')
                      THEN reference_ids->>'caused_by' END AS cause,
                 reference_ids::text AS reference_text
          FROM (SELECT) one LEFT JOIN (SELECT p.id, p.id_text, p.user_id AS owner_id FROM public.projects p) p ON p.id_text = project_id
          OFFSET 0) x;
END;

-- One statement and one savepoint for an insert.
CREATE OR REPLACE FUNCTION pilothouse.keep_actions() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    received CONSTANT timestamptz := clock_timestamp();
    known jsonb;
    one record;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        BEGIN
            IF TG_OP = 'TRUNCATE' THEN
                DELETE FROM turbobackend.action_references;
                DELETE FROM pilothouse.timeline t WHERE t.source = 'action';
                UPDATE pilothouse.rollups SET recounted_at = NULL WHERE name = 'activity';
                RETURN NULL;
            END IF;
            DELETE FROM turbobackend.action_references r
            USING (SELECT p.key, p.value, coalesce(t.at, g.created_at, 0) AS at, g.action_id AS id
                   FROM gone g LEFT JOIN pilothouse.timeline t ON t.source = 'action' AND t.id = g.action_id COLLATE "C"
                   CROSS JOIN LATERAL pilothouse.reference_pairs(g.reference_ids) p) o
            WHERE r.key = o.key AND r.value = o.value AND r.created_at = o.at AND r.action_id = o.id COLLATE "C";
            known := pilothouse.clear_entries('action', ARRAY(SELECT g.action_id::text FROM gone g));
        EXCEPTION WHEN OTHERS THEN
            PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
            RETURN NULL;
        END;
        IF TG_OP = 'DELETE' THEN
            RETURN NULL;
        END IF;
    END IF;
    BEGIN
        WITH added AS (
            INSERT INTO pilothouse.timeline AS t SELECT e.* FROM written w CROSS JOIN LATERAL pilothouse.entry_of_action(
                w.action_id, w.project_id, w.user_id, w.request_id, w.action_type, w.action_details, w.status, w.environment,
                w.reference_ids, w.created_at, coalesce((known->>w.action_id)::timestamptz, received), pg_current_xact_id()) e
            RETURNING t.at, t.project_id, coalesce(t.project_id::text, t.project_text, '') AS project),
        -- Those of a row that came before without its trigger are met below.
        referring AS (
            INSERT INTO turbobackend.action_references (key, value, created_at, action_id, project_id)
            SELECT p.key, p.value, w.at, w.action_id, w.project_id
            FROM (SELECT w.action_id, w.project_id, w.reference_ids,
                         pilothouse.entry_time(w.created_at, coalesce((known->>w.action_id)::timestamptz, received)) AS at
                  FROM written w WHERE w.reference_ids IS NOT NULL OFFSET 0) w
            CROSS JOIN LATERAL pilothouse.reference_pairs(w.reference_ids) p),
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
END
$$;
