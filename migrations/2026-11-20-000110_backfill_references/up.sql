-- References of the actions that were here before the trigger. One statement, or its commits would be refused.
DO $$
DECLARE
    batch CONSTANT integer := 5000;
    position text;
    last text;
    action record;
BEGIN
    SELECT min(action_id) INTO position FROM turbobackend.project_actions;
    WHILE position IS NOT NULL LOOP
        SELECT max(b.action_id) INTO last FROM (
            SELECT a.action_id FROM turbobackend.project_actions a
            WHERE a.action_id >= position ORDER BY a.action_id LIMIT batch) b;
        BEGIN
            INSERT INTO turbobackend.action_references (key, value, created_at, action_id, project_id)
            SELECT p.key, p.value, coalesce(a.created_at, 0), a.action_id, a.project_id
            FROM turbobackend.project_actions a CROSS JOIN LATERAL pilothouse.reference_pairs(a.reference_ids) p
            WHERE a.action_id BETWEEN position AND last
            ON CONFLICT DO NOTHING;
        EXCEPTION WHEN OTHERS THEN
            -- One odd row must not keep the others out.
            FOR action IN SELECT a.* FROM turbobackend.project_actions a WHERE a.action_id BETWEEN position AND last LOOP
                BEGIN
                    INSERT INTO turbobackend.action_references (key, value, created_at, action_id, project_id)
                    SELECT p.key, p.value, coalesce(action.created_at, 0), action.action_id, action.project_id
                    FROM pilothouse.reference_pairs(action.reference_ids) p
                    ON CONFLICT DO NOTHING;
                EXCEPTION WHEN OTHERS THEN
                    PERFORM pilothouse.count_trigger_failure('backfill_references', SQLERRM);
                END;
            END LOOP;
        END;
        COMMIT;
        SELECT min(a.action_id) INTO position FROM turbobackend.project_actions a WHERE a.action_id > last;
    END LOOP;
END
$$;
