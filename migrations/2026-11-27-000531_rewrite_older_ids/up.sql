-- Ids of the rows that were here before the trigger, in batches along each table's key. Updating a row lets its own
-- triggers write its references anew and mark the days of both projects.
DO $$
DECLARE
    batch CONSTANT integer := 5000;
    target record;
    position text;
    odd text[];
    one text;
    changed boolean := false;
BEGIN
    FOR target IN SELECT * FROM (VALUES
        ('turbobackend.project_actions', 'action_id', 'project_id', 'user_id'),
        ('turbobackend.github_push_history', 'push_id', 'project_id', 'user_id'),
        ('turbobackend.project_deployments', 'deployment_id', 'project_id', 'user_id'),
        ('turbobackend.container_sessions', 'session_id', 'project_id', 'user_id'),
        ('turbobackend.project_databases', 'database_id', 'project_id', 'user_id'),
        ('turbobackend.message_cost_tracker', 'cost_id', 'project_id', 'user_id'),
        ('public."ActivityEvent"', 'id', 'projectId', 'userId'),
        ('public."ActivityLog"', 'id', 'projectId', 'userId')) t (name, key, project, owner)
    LOOP
        position := '';
        LOOP
            EXECUTE format(
                'SELECT array_agg(k ORDER BY k) FROM (SELECT %2$I::text AS k FROM %1$s WHERE %2$I >= $1
                 AND ((length(%3$I) >= 32 AND %3$I COLLATE "C" !~ ''^[0-9a-f-]{36}$''
                         AND pilothouse.id_text(%3$I) <> %3$I)
                   OR (length(%4$I) >= 32 AND %4$I COLLATE "C" !~ ''^[0-9a-f-]{36}$''
                         AND pilothouse.id_text(%4$I) <> %4$I))
                 ORDER BY %2$I LIMIT $2) b', target.name, target.key, target.project, target.owner)
                INTO odd USING position, batch;
            EXIT WHEN odd IS NULL;
            changed := true;
            BEGIN
                EXECUTE format('UPDATE %1$s SET %3$I = pilothouse.id_text(%3$I), %4$I = pilothouse.id_text(%4$I)
                                WHERE %2$I = ANY ($1)', target.name, target.key, target.project, target.owner)
                    USING odd;
            EXCEPTION WHEN OTHERS THEN
                -- One row that something of others refuses must not keep the others as they are.
                FOREACH one IN ARRAY odd LOOP
                    BEGIN
                        EXECUTE format('UPDATE %1$s SET %3$I = pilothouse.id_text(%3$I), %4$I = pilothouse.id_text(%4$I)
                                        WHERE %2$I = $1', target.name, target.key, target.project, target.owner)
                            USING one;
                    EXCEPTION WHEN OTHERS THEN
                        PERFORM pilothouse.count_trigger_failure('rewrite_older_ids', SQLERRM);
                    END;
                END LOOP;
            END;
            COMMIT;
            -- A row that was refused is met once more at most, as the first of the next batch.
            EXIT WHEN cardinality(odd) < batch;
            position := odd[cardinality(odd)];
        END LOOP;
    END LOOP;
    IF changed THEN
        -- The words that filters offer.
        UPDATE pilothouse.rollups SET recounted_at = NULL WHERE name = 'activity';
        -- Left off while their rows named projects and users in other writings.
        CALL pilothouse.adopt_constraint('public."ActivityEvent"', 'ActivityEvent_projectId_fkey',
            'FOREIGN KEY ("projectId") REFERENCES public.projects(id_text) ON DELETE CASCADE ON UPDATE CASCADE');
        CALL pilothouse.adopt_constraint('public."ActivityEvent"', 'ActivityEvent_userId_fkey',
            'FOREIGN KEY ("userId") REFERENCES public.users(id_text) ON DELETE SET NULL ON UPDATE CASCADE');
    END IF;
END
$$;
