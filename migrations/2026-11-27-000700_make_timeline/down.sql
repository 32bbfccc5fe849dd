-- The timeline out of three tables again, with the indexes and triggers that it needs.

DO $$
DECLARE
    t record;
    verb text;
BEGIN
    FOR t IN SELECT * FROM (VALUES ('turbobackend.project_actions', 'project_actions'), ('public."ActivityEvent"', 'ActivityEvent'),
                                   ('public."ActivityLog"', 'ActivityLog')) AS t (target, name)
    LOOP
        FOREACH verb IN ARRAY ARRAY['insert', 'update', 'delete', 'truncate'] LOOP
            EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', t.name || '_timeline_' || verb, t.target);
        END LOOP;
    END LOOP;
END
$$;
DROP TRIGGER IF EXISTS projects_take_entries_along_insert ON public.projects;
DROP TRIGGER IF EXISTS projects_take_entries_along_update ON public.projects;
ALTER POLICY owner_select ON pilothouse.recording_gaps USING (project_id IN (SELECT p FROM pilothouse.app_projects() p));
DELETE FROM pilothouse.recording_gaps WHERE source IS NOT NULL;
DROP TABLE pilothouse.timeline CASCADE;
DROP TABLE pilothouse.timeline_fill;
DROP FUNCTION IF EXISTS pilothouse.keep_actions(), pilothouse.keep_events(), pilothouse.keep_audit_entries(),
    pilothouse.take_entries_along(), pilothouse.move_entries(uuid, integer), pilothouse.fill_timeline(integer), pilothouse.pass_over(text),
    pilothouse.clear_entries(text, text[]), pilothouse.miss_entry(text, text, text, bigint, text, text),
    pilothouse.app_project_ids(), pilothouse.project_owner(uuid),
    pilothouse.shown_references(jsonb), pilothouse.cause_text(text), pilothouse.epoch_ms(timestamp without time zone),
    pilothouse.entry_time(bigint, timestamp with time zone), pilothouse.uuid_of(text), pilothouse.outcome_of(text),
    pilothouse.word_text(text);
ALTER TABLE pilothouse.recording_gaps DROP COLUMN source, DROP COLUMN entry_id;

CREATE OR REPLACE FUNCTION pilothouse.index_references() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM turbobackend.action_references;
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM turbobackend.action_references r
        USING pilothouse.reference_pairs(OLD.reference_ids) p
        WHERE r.key = p.key AND r.value = p.value
          AND r.created_at = coalesce(OLD.created_at, 0) AND r.action_id = OLD.action_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO turbobackend.action_references (key, value, created_at, action_id, project_id)
        SELECT p.key, p.value, coalesce(NEW.created_at, 0), NEW.action_id, NEW.project_id
        FROM pilothouse.reference_pairs(NEW.reference_ids) p
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION pilothouse.mark_action_days() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pilothouse.recount_marks (project_id, day)
    SELECT DISTINCT coalesce(c.project_id, ''), DATE 'epoch' + (c.created_at / 86400000)::integer
    FROM changed c WHERE c.created_at >= 631152000000 AND c.created_at < 4102444800000;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION pilothouse.mark_moved_action() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pilothouse.recount_marks (project_id, day)
    SELECT DISTINCT coalesce(c.project_id, ''), DATE 'epoch' + (c.created_at / 86400000)::integer
    FROM (VALUES (OLD.project_id, OLD.created_at), (NEW.project_id, NEW.created_at)) c (project_id, created_at)
    WHERE c.created_at >= 631152000000 AND c.created_at < 4102444800000;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION pilothouse.mark_entry_days() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pilothouse.recount_marks (project_id, day)
    SELECT DISTINCT coalesce(c."projectId", ''), c."createdAt"::date
    FROM changed c WHERE c."createdAt" >= '1990-01-01' AND c."createdAt" < '2100-01-01';
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION pilothouse.mark_moved_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pilothouse.recount_marks (project_id, day)
    SELECT DISTINCT coalesce(c.project_id, ''), c.created_at::date
    FROM (VALUES (OLD."projectId", OLD."createdAt"), (NEW."projectId", NEW."createdAt")) c (project_id, created_at)
    WHERE c.created_at >= '1990-01-01' AND c.created_at < '2100-01-01';
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION pilothouse.recount_everything() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE pilothouse.rollups SET recounted_at = NULL WHERE name = 'activity';
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;

REVOKE ALL ON ALL ROUTINES IN SCHEMA pilothouse FROM PUBLIC;

CREATE OR REPLACE TRIGGER project_actions_references_insert AFTER INSERT ON turbobackend.project_actions
    FOR EACH ROW WHEN (NEW.reference_ids IS NOT NULL) EXECUTE FUNCTION pilothouse.index_references();

CREATE OR REPLACE TRIGGER project_actions_references_update
    AFTER UPDATE OF action_id, project_id, reference_ids, created_at ON turbobackend.project_actions
    FOR EACH ROW WHEN (OLD.reference_ids IS NOT NULL OR NEW.reference_ids IS NOT NULL)
    EXECUTE FUNCTION pilothouse.index_references();

CREATE OR REPLACE TRIGGER project_actions_references_delete AFTER DELETE ON turbobackend.project_actions
    FOR EACH ROW WHEN (OLD.reference_ids IS NOT NULL) EXECUTE FUNCTION pilothouse.index_references();

CREATE OR REPLACE TRIGGER project_actions_references_truncate AFTER TRUNCATE ON turbobackend.project_actions
    FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.index_references();

CREATE OR REPLACE TRIGGER project_actions_mark_insert AFTER INSERT ON turbobackend.project_actions
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.mark_action_days();

CREATE OR REPLACE TRIGGER project_actions_mark_delete AFTER DELETE ON turbobackend.project_actions
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.mark_action_days();

CREATE OR REPLACE TRIGGER project_actions_mark_update
    AFTER UPDATE OF project_id, status, created_at ON turbobackend.project_actions FOR EACH ROW
    WHEN ((OLD.project_id, OLD.status, OLD.created_at) IS DISTINCT FROM (NEW.project_id, NEW.status, NEW.created_at))
    EXECUTE FUNCTION pilothouse.mark_moved_action();

CREATE OR REPLACE TRIGGER project_actions_mark_truncate AFTER TRUNCATE ON turbobackend.project_actions
    FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.recount_everything();

CREATE OR REPLACE TRIGGER "ActivityEvent_mark_insert" AFTER INSERT ON public."ActivityEvent"
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.mark_entry_days();

CREATE OR REPLACE TRIGGER "ActivityEvent_mark_delete" AFTER DELETE ON public."ActivityEvent"
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.mark_entry_days();

CREATE OR REPLACE TRIGGER "ActivityEvent_mark_update"
    AFTER UPDATE OF "projectId", status, "createdAt" ON public."ActivityEvent" FOR EACH ROW
    WHEN ((OLD."projectId", OLD.status, OLD."createdAt") IS DISTINCT FROM (NEW."projectId", NEW.status, NEW."createdAt"))
    EXECUTE FUNCTION pilothouse.mark_moved_entry();

CREATE OR REPLACE TRIGGER "ActivityEvent_mark_truncate" AFTER TRUNCATE ON public."ActivityEvent"
    FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.recount_everything();

CREATE OR REPLACE TRIGGER "ActivityLog_mark_insert" AFTER INSERT ON public."ActivityLog"
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.mark_entry_days();

CREATE OR REPLACE TRIGGER "ActivityLog_mark_delete" AFTER DELETE ON public."ActivityLog"
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.mark_entry_days();

CREATE OR REPLACE TRIGGER "ActivityLog_mark_update"
    AFTER UPDATE OF "projectId", "createdAt" ON public."ActivityLog" FOR EACH ROW
    WHEN ((OLD."projectId", OLD."createdAt") IS DISTINCT FROM (NEW."projectId", NEW."createdAt"))
    EXECUTE FUNCTION pilothouse.mark_moved_entry();

CREATE OR REPLACE TRIGGER "ActivityLog_mark_truncate" AFTER TRUNCATE ON public."ActivityLog"
    FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.recount_everything();

CREATE INDEX IF NOT EXISTS project_actions_type_idx ON turbobackend.project_actions
    (action_type, created_at DESC, action_id COLLATE "C" DESC);

CREATE INDEX IF NOT EXISTS project_actions_status_idx ON turbobackend.project_actions
    (status, created_at DESC, action_id COLLATE "C" DESC);

CREATE INDEX IF NOT EXISTS project_actions_user_idx ON turbobackend.project_actions
    (user_id, created_at DESC, action_id COLLATE "C" DESC);

CREATE INDEX IF NOT EXISTS project_actions_request_idx ON turbobackend.project_actions USING hash (request_id);

CREATE INDEX IF NOT EXISTS "ActivityEvent_timeline_idx" ON public."ActivityEvent"
    ("createdAt" DESC, id COLLATE "C" DESC);

CREATE INDEX IF NOT EXISTS "ActivityEvent_project_timeline_idx" ON public."ActivityEvent"
    ("projectId", "createdAt" DESC, id COLLATE "C" DESC);

CREATE INDEX IF NOT EXISTS "ActivityLog_timeline_idx" ON public."ActivityLog"
    ("createdAt" DESC, id COLLATE "C" DESC);

CREATE INDEX IF NOT EXISTS "ActivityLog_project_timeline_idx" ON public."ActivityLog"
    ("projectId", "createdAt" DESC, id COLLATE "C" DESC);

CREATE INDEX IF NOT EXISTS "ActivityLog_user_timeline_idx" ON public."ActivityLog"
    ("userId", "createdAt" DESC, id COLLATE "C" DESC);

CREATE INDEX IF NOT EXISTS "ActivityLog_requestId_idx" ON public."ActivityLog" USING hash ("requestId");

CREATE INDEX IF NOT EXISTS project_actions_project_type_idx ON turbobackend.project_actions
    (project_id, action_type, created_at DESC, action_id COLLATE "C" DESC);

CREATE INDEX IF NOT EXISTS project_actions_project_status_idx ON turbobackend.project_actions
    (project_id, status, created_at DESC, action_id COLLATE "C" DESC);

CREATE INDEX IF NOT EXISTS project_actions_project_user_idx ON turbobackend.project_actions
    (project_id, user_id, created_at DESC, action_id COLLATE "C" DESC);

CREATE INDEX IF NOT EXISTS project_actions_project_running_idx ON turbobackend.project_actions
    (project_id, created_at DESC, action_id COLLATE "C" DESC)
    WHERE status IN ('running', 'RUNNING', 'Running', 'in_progress', 'IN_PROGRESS', 'In_progress', 'pending', 'PENDING', 'Pending');

CREATE INDEX IF NOT EXISTS "ActivityEvent_project_user_timeline_idx" ON public."ActivityEvent"
    ("projectId", "userId", "createdAt" DESC, id COLLATE "C" DESC);

CREATE INDEX IF NOT EXISTS "ActivityEvent_type_timeline_idx" ON public."ActivityEvent"
    ("eventType", "createdAt" DESC, id COLLATE "C" DESC);

CREATE INDEX IF NOT EXISTS "ActivityEvent_running_timeline_idx" ON public."ActivityEvent"
    ("createdAt" DESC, id COLLATE "C" DESC) WHERE status = 'IN_PROGRESS';

CREATE INDEX IF NOT EXISTS "ActivityEvent_failed_timeline_idx" ON public."ActivityEvent"
    ("createdAt" DESC, id COLLATE "C" DESC) WHERE status = 'FAILED';

CREATE INDEX IF NOT EXISTS "ActivityLog_project_user_timeline_idx" ON public."ActivityLog"
    ("projectId", "userId", "createdAt" DESC, id COLLATE "C" DESC);

CREATE INDEX IF NOT EXISTS "ActivityLog_project_type_timeline_idx" ON public."ActivityLog"
    ("projectId", "activityType", "createdAt" DESC, id COLLATE "C" DESC);

CREATE INDEX IF NOT EXISTS project_actions_failed_idx ON turbobackend.project_actions
    (project_id, created_at DESC, action_id COLLATE "C" DESC) WHERE status IN ('failed', 'failure', 'error', 'FAILED');

CREATE INDEX IF NOT EXISTS "ActivityEvent_failed_idx" ON public."ActivityEvent"
    ("projectId", "createdAt" DESC, id COLLATE "C" DESC) WHERE status = 'FAILED';

CREATE TABLE IF NOT EXISTS pilothouse.held_words (
    project_id TEXT NOT NULL,
    what TEXT NOT NULL CHECK (what IN ('type', 'status', 'environment', 'actor')),
    word TEXT NOT NULL,
    last_day DATE NOT NULL,
    PRIMARY KEY (project_id, what, word)
);
CREATE INDEX IF NOT EXISTS held_words_last_day_idx ON pilothouse.held_words (project_id, what, last_day DESC);
COMMENT ON TABLE pilothouse.held_words IS 'The words that a project''s actions hold, for filters to offer. An empty project_id stands for all actions, also those of no project.';
COMMENT ON COLUMN pilothouse.held_words.last_day IS 'The last UTC day that holds it.';
ALTER TABLE pilothouse.held_words ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS admin ON pilothouse.held_words;
CREATE POLICY admin ON pilothouse.held_words TO pilothouse_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS owner_select ON pilothouse.held_words;
CREATE POLICY owner_select ON pilothouse.held_words FOR SELECT TO pilothouse_owner USING (project_id IN (
    SELECT p.id_text FROM public.projects p WHERE p.user_id = (SELECT pilothouse.app_user_id())
    UNION ALL SELECT t.id FROM pilothouse.tombstones t
    WHERE t.kind = 'project' AND t.owner_id = (SELECT pilothouse.app_user_id())));
GRANT SELECT, INSERT, UPDATE, DELETE ON pilothouse.held_words TO pilothouse_admin;
GRANT SELECT ON pilothouse.held_words TO pilothouse_owner;

ALTER POLICY owner_select ON pilothouse.held_words USING (project_id IN (SELECT p FROM pilothouse.app_projects() p));

UPDATE pilothouse.rollups SET recounted_at = NULL WHERE name = 'activity';
CREATE INDEX IF NOT EXISTS "ActivityLog_type_timeline_idx" ON public."ActivityLog"
    ("activityType", "createdAt" DESC, id COLLATE "C" DESC);
CREATE INDEX IF NOT EXISTS "ActivityLog_target_timeline_idx" ON public."ActivityLog"
    ("targetId", "createdAt" DESC, id COLLATE "C" DESC);
