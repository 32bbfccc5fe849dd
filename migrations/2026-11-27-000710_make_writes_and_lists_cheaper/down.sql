-- The functions that make entries write the same as before: they stay, with the table that they belong to.
DROP INDEX IF EXISTS pilothouse.timeline_project_busy_idx, pilothouse.timeline_owner_busy_idx, pilothouse.timeline_busy_idx,
    public.projects_listed_idx, public.projects_user_listed_idx, public.containers_listed_idx, public.containers_user_listed_idx;
CREATE INDEX IF NOT EXISTS action_references_project_idx ON turbobackend.action_references
    (project_id, key, value, created_at DESC, action_id COLLATE "C" DESC);
DROP INDEX IF EXISTS turbobackend.action_references_shared_idx;
DROP TABLE IF EXISTS pilothouse.project_activity;
DROP FUNCTION IF EXISTS pilothouse.mend_project_activity(uuid[]);
CREATE OR REPLACE FUNCTION pilothouse.take_entries_along() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pilothouse.move_entries(NEW.id, 5000) = 5000 THEN
        PERFORM pilothouse.enqueue('move_entries', NEW.id || ' ' || pg_current_xact_id(), jsonb_build_object('project', NEW.id), '0');
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;

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
        INSERT INTO turbobackend.action_references (key, value, created_at, action_id, project_id)
        SELECT p.key, p.value, pilothouse.entry_time(w.created_at, coalesce((known->>w.action_id)::timestamptz, received)),
               w.action_id, w.project_id
        FROM written w CROSS JOIN LATERAL pilothouse.reference_pairs(w.reference_ids) p
        ON CONFLICT DO NOTHING;
        WITH added AS (
            INSERT INTO pilothouse.timeline AS t SELECT e.* FROM written w CROSS JOIN LATERAL pilothouse.entry_of_action(
                w.action_id, w.project_id, w.user_id, w.request_id, w.action_type, w.action_details, w.status, w.environment,
                w.reference_ids, w.created_at, coalesce((known->>w.action_id)::timestamptz, received), pg_current_xact_id()) e
            RETURNING t.at, coalesce(t.project_id::text, t.project_text, '') AS project)
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
