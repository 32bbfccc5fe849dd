-- Threads are kept by the statement: a function that is started for each row took as long as everything else of a batch.

CREATE OR REPLACE FUNCTION pilothouse.keep_threads() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    tie record;
BEGIN
    FOR tie IN
        -- The text between its quotes: an expression would take longer than all the rest.
        WITH told AS MATERIALIZED (
            SELECT w.source, w.id, w.at, w.cause, w.kind, w.project_id::text AS project, w.reference_ids,
                   CASE WHEN w.cause IS NULL
                        THEN nullif(split_part(split_part(w.reference_ids, '"commit_sha": "', 2), '"', 1), '') END AS commit_sha
            FROM written w
            WHERE w.cause IS NOT NULL
               OR w.source = 'action' AND w.kind IN ('github_push', 'deployment', 'workflow_run')
                  AND w.project_id IS NOT NULL AND w.reference_ids LIKE '%"commit_sha": "%')
        SELECT t.source, t.id, t.at, t.cause, coalesce(t.reference_ids LIKE '%"cause_inferred": true%', false) AS inferred
        FROM told t WHERE t.cause IS NOT NULL
        UNION ALL
        -- What is done with a commit follows the push that brought it.
        SELECT t.source, t.id, t.at, push.cause, true
        FROM told t CROSS JOIN LATERAL (
            SELECT 'action:' || p.id AS cause
            FROM (SELECT r.action_id FROM turbobackend.action_references r
                  WHERE r.key = 'commit_sha'
                    AND r.value = CASE WHEN length(t.commit_sha) <= 200 THEN t.commit_sha ELSE pilothouse.reference_text(t.commit_sha) END
                    AND r.project_id = t.project AND r.created_at <= t.at AND r.action_id <> t.id
                  ORDER BY r.created_at DESC, r.action_id DESC LIMIT 100) r
            JOIN pilothouse.timeline p ON p.source = 'action' AND p.id = r.action_id COLLATE "C"
            WHERE p.kind = 'github_push' LIMIT 1) push
        WHERE t.commit_sha NOT LIKE '%\\%' AND t.kind <> 'github_push'
        UNION ALL
        -- It may have been told before its push was.
        SELECT 'action', effect.id, effect.at, 'action:' || t.id, true
        FROM told t CROSS JOIN LATERAL (
            SELECT e.id, e.at
            FROM (SELECT r.action_id FROM turbobackend.action_references r
                  WHERE r.key = 'commit_sha'
                    AND r.value = CASE WHEN length(t.commit_sha) <= 200 THEN t.commit_sha ELSE pilothouse.reference_text(t.commit_sha) END
                    AND r.project_id = t.project AND r.created_at >= t.at
                  ORDER BY r.created_at, r.action_id LIMIT 100) r
            JOIN pilothouse.timeline e ON e.source = 'action' AND e.id = r.action_id COLLATE "C"
            WHERE e.kind IN ('deployment', 'workflow_run') AND e.cause IS NULL
              AND NOT EXISTS (SELECT FROM pilothouse.thread_entries x WHERE x.source = 'action' AND x.id = e.id)) effect
        WHERE t.commit_sha NOT LIKE '%\\%' AND t.kind = 'github_push'
    LOOP
        BEGIN
            PERFORM pilothouse.tie_to_cause(tie.source, tie.id, tie.at, tie.cause, tie.inferred);
        EXCEPTION WHEN OTHERS THEN
            PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
        END;
    END LOOP;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION pilothouse.keep_threads() IS 'Puts entries that were written, and what they led to, into the threads of their causes.';
REVOKE ALL ON FUNCTION pilothouse.keep_threads() FROM PUBLIC;

DROP TRIGGER IF EXISTS timeline_keep_thread ON pilothouse.timeline;
CREATE OR REPLACE TRIGGER timeline_keep_threads AFTER INSERT ON pilothouse.timeline
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.keep_threads();
DROP FUNCTION IF EXISTS pilothouse.keep_thread();
