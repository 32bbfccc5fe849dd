DROP TRIGGER IF EXISTS timeline_keep_threads ON pilothouse.timeline;
DROP FUNCTION IF EXISTS pilothouse.keep_threads();
CREATE OR REPLACE FUNCTION pilothouse.keep_thread() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    known_cause text := NEW.cause;
    commit_sha text;
    effect record;
BEGIN
    IF known_cause IS NULL THEN
        commit_sha := substring(NEW.reference_ids FROM '"commit_sha": "([^"\\]+)"');
        IF commit_sha IS NULL THEN
            RETURN NULL;
        ELSIF NEW.kind <> 'github_push' THEN
            -- What is done with a commit follows the push that brought it.
            SELECT 'action:' || t.id INTO known_cause
            FROM (SELECT r.action_id FROM turbobackend.action_references r
                  WHERE r.key = 'commit_sha' AND r.value = pilothouse.reference_text(commit_sha)
                    AND r.project_id = NEW.project_id::text AND r.created_at <= NEW.at
                  ORDER BY r.created_at DESC, r.action_id DESC LIMIT 100) r
            JOIN pilothouse.timeline t ON t.source = 'action' AND t.id = r.action_id COLLATE "C"
            WHERE t.kind = 'github_push' AND t.id <> NEW.id LIMIT 1;
        ELSE
            -- It may have been told before its push was.
            FOR effect IN
                SELECT t.id, t.at
                FROM (SELECT r.action_id FROM turbobackend.action_references r
                      WHERE r.key = 'commit_sha' AND r.value = pilothouse.reference_text(commit_sha)
                        AND r.project_id = NEW.project_id::text AND r.created_at >= NEW.at
                      ORDER BY r.created_at, r.action_id LIMIT 100) r
                JOIN pilothouse.timeline t ON t.source = 'action' AND t.id = r.action_id COLLATE "C"
                WHERE t.kind IN ('deployment', 'workflow_run') AND t.cause IS NULL
                  AND NOT EXISTS (SELECT FROM pilothouse.thread_entries e WHERE e.source = 'action' AND e.id = t.id)
            LOOP
                PERFORM pilothouse.tie_to_cause('action', effect.id, effect.at, 'action:' || NEW.id, true);
            END LOOP;
        END IF;
    END IF;
    IF known_cause IS NOT NULL THEN
        PERFORM pilothouse.tie_to_cause(NEW.source, NEW.id, NEW.at, known_cause,
            NEW.cause IS NULL OR coalesce(NEW.reference_ids LIKE '%"cause_inferred": true%', false));
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION pilothouse.keep_thread() FROM PUBLIC;
CREATE OR REPLACE TRIGGER timeline_keep_thread AFTER INSERT ON pilothouse.timeline FOR EACH ROW
    WHEN (NEW.cause IS NOT NULL OR NEW.source = 'action' AND NEW.kind IN ('github_push', 'deployment', 'workflow_run')
          AND NEW.project_id IS NOT NULL AND NEW.reference_ids LIKE '%"commit_sha": "%')
    EXECUTE FUNCTION pilothouse.keep_thread();
