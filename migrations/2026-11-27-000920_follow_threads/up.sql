-- Each entry with a cause stands in the thread of its first cause, in the order of time, so that a thread is read page by
-- page whatever its length and shape. A first cause needs no row: the thread is named after it.

CREATE TABLE IF NOT EXISTS pilothouse.thread_entries (
    source TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    cause TEXT NOT NULL,
    is_inferred BOOLEAN NOT NULL,
    root TEXT NOT NULL,
    thread UUID NOT NULL GENERATED ALWAYS AS (md5(root)::uuid) STORED,
    PRIMARY KEY (source, id)
);
CREATE INDEX IF NOT EXISTS thread_entries_thread_idx ON pilothouse.thread_entries (thread, at, source, id);
COMMENT ON TABLE pilothouse.thread_entries IS 'Entries of the timeline that have a cause, and the first cause that they go back to; kept by triggers of the timeline.';
COMMENT ON COLUMN pilothouse.thread_entries.cause IS 'What led to it: told, or where its references leave no doubt, inferred.';
COMMENT ON COLUMN pilothouse.thread_entries.root IS 'The first cause, as action:ID, event:ID, audit:ID or engine:ID.';
COMMENT ON COLUMN pilothouse.thread_entries.thread IS 'The root as indexes hold it: a b-tree refuses long texts.';
COMMENT ON INDEX pilothouse.thread_entries_thread_idx IS 'A thread, page by page.';

CREATE OR REPLACE FUNCTION pilothouse.tie_to_cause(of_source text, of_id text, its_at bigint, its_cause text, inferred boolean)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    me CONSTANT text := of_source || ':' || of_id;
    first_cause text;
BEGIN
    SELECT e.root INTO first_cause FROM pilothouse.thread_entries e
    WHERE e.source = split_part(its_cause, ':', 1) COLLATE "C" AND e.id = substr(its_cause, strpos(its_cause, ':') + 1) COLLATE "C";
    first_cause := coalesce(first_cause, its_cause);
    INSERT INTO pilothouse.thread_entries AS e (source, id, at, cause, is_inferred, root)
    VALUES (of_source, of_id, its_at, its_cause, inferred, first_cause)
    ON CONFLICT (source, id) DO UPDATE
        SET at = EXCLUDED.at, cause = EXCLUDED.cause, is_inferred = EXCLUDED.is_inferred, root = EXCLUDED.root;
    -- What it led to may have come before it. Of more than a thousand the others go on naming it, and pages lead on from there.
    IF first_cause <> me THEN
        UPDATE pilothouse.thread_entries e SET root = first_cause
        WHERE (e.source, e.id) IN (SELECT f.source, f.id FROM pilothouse.thread_entries f
                                   WHERE f.thread = md5(me)::uuid AND f.root = me LIMIT 1000);
    END IF;
END
$$;
COMMENT ON FUNCTION pilothouse.tie_to_cause(text, text, bigint, text, boolean) IS 'Puts an entry, and what it led to, into the thread of its cause.';

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

CREATE OR REPLACE FUNCTION pilothouse.leave_thread() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM pilothouse.thread_entries e WHERE e.source = OLD.source AND e.id = OLD.id;
    RETURN NULL;
END
$$;

-- A row at a time, and only for those that belong to a thread: all others cost nothing.
CREATE OR REPLACE TRIGGER timeline_keep_thread AFTER INSERT ON pilothouse.timeline FOR EACH ROW
    WHEN (NEW.cause IS NOT NULL OR NEW.source = 'action' AND NEW.kind IN ('github_push', 'deployment', 'workflow_run')
          AND NEW.project_id IS NOT NULL AND NEW.reference_ids LIKE '%"commit_sha": "%')
    EXECUTE FUNCTION pilothouse.keep_thread();
CREATE OR REPLACE TRIGGER timeline_leave_thread AFTER DELETE ON pilothouse.timeline FOR EACH ROW
    WHEN (OLD.cause IS NOT NULL OR OLD.source = 'action' AND OLD.kind IN ('deployment', 'workflow_run'))
    EXECUTE FUNCTION pilothouse.leave_thread();

-- What the timeline has already. A walk up ends where causes go round in a circle.
INSERT INTO pilothouse.thread_entries (source, id, at, cause, is_inferred, root)
WITH RECURSIVE up (source, id, depth, root) AS (
    SELECT t.source, t.id, 1, t.cause FROM pilothouse.timeline t WHERE t.cause IS NOT NULL
    UNION ALL
    SELECT u.source, u.id, u.depth + 1, t.cause
    FROM up u JOIN pilothouse.timeline t ON t.source = split_part(u.root, ':', 1) COLLATE "C"
                                        AND t.id = substr(u.root, strpos(u.root, ':') + 1) COLLATE "C"
    WHERE t.cause IS NOT NULL AND u.depth < 100)
SELECT t.source, t.id, t.at, t.cause, coalesce(t.reference_ids LIKE '%"cause_inferred": true%', false), u.root
FROM (SELECT DISTINCT ON (source, id) source, id, root FROM up ORDER BY source, id, depth DESC) u
JOIN pilothouse.timeline t USING (source, id)
ON CONFLICT DO NOTHING;

ALTER TABLE pilothouse.thread_entries ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS admin ON pilothouse.thread_entries;
CREATE POLICY admin ON pilothouse.thread_entries TO pilothouse_admin USING (true) WITH CHECK (true);
-- Whoever sees an entry sees where it belongs. As a value: what EXISTS asks may be answered by reading the whole timeline.
DROP POLICY IF EXISTS owner_select ON pilothouse.thread_entries;
CREATE POLICY owner_select ON pilothouse.thread_entries FOR SELECT TO pilothouse_owner
    USING ((SELECT true FROM pilothouse.timeline t WHERE t.source = thread_entries.source AND t.id = thread_entries.id));
GRANT SELECT ON pilothouse.thread_entries TO pilothouse_admin, pilothouse_owner;
REVOKE ALL ON FUNCTION pilothouse.tie_to_cause(text, text, bigint, text, boolean), pilothouse.keep_thread(),
    pilothouse.leave_thread() FROM PUBLIC;
