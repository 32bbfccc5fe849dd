-- Entries that are older than threads have those causes that were told. A job finds the others, a batch at a time.

CREATE OR REPLACE FUNCTION pilothouse.tie_older(of_kind text, before_at bigint, before_id text, most integer)
RETURNS TABLE (at bigint, id text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT t.at, t.id, t.project_id::text AS project, t.cause,
               nullif(split_part(split_part(t.reference_ids, '"commit_sha": "', 2), '"', 1), '') AS commit_sha
        FROM pilothouse.timeline t
        WHERE t.kind = of_kind AND (t.at, t.source, t.id) < (before_at, 'action', before_id COLLATE "C") AND t.source = 'action'
        ORDER BY t.at DESC, t.source DESC, t.id DESC LIMIT most
    LOOP
        at := one.at;
        id := one.id;
        CONTINUE WHEN one.cause IS NOT NULL OR one.project IS NULL OR one.commit_sha IS NULL OR one.commit_sha LIKE '%\\%'
            OR EXISTS (SELECT FROM pilothouse.thread_entries e WHERE e.source = 'action' AND e.id = one.id);
        PERFORM pilothouse.tie_to_cause('action', one.id, one.at, 'action:' || push.id, true)
        FROM (SELECT p.id
              FROM (SELECT r.action_id FROM turbobackend.action_references r
                    WHERE r.key = 'commit_sha' AND r.value = pilothouse.reference_text(one.commit_sha)
                      AND r.project_id = one.project AND r.created_at <= one.at AND r.action_id <> one.id
                    ORDER BY r.created_at DESC, r.action_id DESC LIMIT 100) r
              JOIN pilothouse.timeline p ON p.source = 'action' AND p.id = r.action_id COLLATE "C"
              WHERE p.kind = 'github_push' LIMIT 1) push;
    END LOOP;
    IF at IS NOT NULL THEN
        RETURN NEXT;
    END IF;
END
$$;
COMMENT ON FUNCTION pilothouse.tie_older(text, bigint, text, integer) IS 'Puts a batch of entries of a kind into the threads of the pushes that their commit leaves no doubt of, newest first; where it ended, nothing at the end.';
REVOKE ALL ON FUNCTION pilothouse.tie_older(text, bigint, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pilothouse.tie_older(text, bigint, text, integer) TO pilothouse_admin;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pilothouse.timeline) THEN
        PERFORM pilothouse.enqueue('fill_timeline', 'ties', '{}', '0');
    END IF;
END
$$;
