-- Entries of the timeline, counted by a job. A day of a person's zone begins at some quarter of an hour of UTC, so
-- days of any zone can be summed from quarters. A row holds only those quarters in which something happened.

-- Nothing has ever filled this one.
DROP TABLE IF EXISTS pilothouse.daily_activity;
CREATE TABLE pilothouse.daily_activity (
    project_id TEXT NOT NULL,
    day DATE NOT NULL,
    quarters SMALLINT[] NOT NULL,
    entries INTEGER[] NOT NULL,
    failed INTEGER[] NOT NULL,
    PRIMARY KEY (project_id, day)
);
CREATE INDEX daily_activity_day_idx ON pilothouse.daily_activity(day);
COMMENT ON TABLE pilothouse.daily_activity IS 'Entries of the timeline (actions, events, audit entries) a project and UTC day, rolled up by a job: nothing counts over the timeline while a page waits. An empty project_id stands for none.';
COMMENT ON COLUMN pilothouse.daily_activity.quarters IS 'The quarters of an hour in which something happened, 0 to 95, ascending. The other arrays go with it.';
COMMENT ON COLUMN pilothouse.daily_activity.failed IS 'How many of the entries say that they failed.';

CREATE TABLE IF NOT EXISTS pilothouse.daily_totals (
    day DATE PRIMARY KEY,
    quarters SMALLINT[] NOT NULL,
    entries INTEGER[] NOT NULL,
    failed INTEGER[] NOT NULL
);
COMMENT ON TABLE pilothouse.daily_totals IS 'The sums of daily_activity over all projects, kept with it.';

CREATE TABLE IF NOT EXISTS pilothouse.recount_marks (
    project_id TEXT NOT NULL,
    day DATE NOT NULL
);
COMMENT ON TABLE pilothouse.recount_marks IS 'Days of projects whose entries changed since they were counted. No key: writers must not wait for each other here.';

CREATE TABLE IF NOT EXISTS pilothouse.rollups (
    name TEXT PRIMARY KEY,
    as_of TIMESTAMP WITH TIME ZONE,
    recounted_at TIMESTAMP WITH TIME ZONE
);
INSERT INTO pilothouse.rollups (name) VALUES ('activity') ON CONFLICT DO NOTHING;
COMMENT ON TABLE pilothouse.rollups IS 'Up to when a rollup is complete, and when all of it was last counted. Without recounted_at it is counted as a whole at once.';

-- The mark is written in the transaction of the rows that it speaks of: whoever sees it sees them.
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
-- Events and audit entries name these columns alike.
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

DO $$
DECLARE
    target regclass;
BEGIN
    FOR target IN SELECT unnest(ARRAY['pilothouse.daily_activity', 'pilothouse.daily_totals',
                                      'pilothouse.recount_marks', 'pilothouse.rollups'])::regclass
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
        EXECUTE format('DROP POLICY IF EXISTS admin ON %s', target);
        EXECUTE format('CREATE POLICY admin ON %s TO pilothouse_admin USING (true) WITH CHECK (true)', target);
    END LOOP;
END
$$;
CREATE POLICY owner_select ON pilothouse.daily_activity FOR SELECT TO pilothouse_owner USING (project_id IN (
    SELECT p.id_text FROM public.projects p WHERE p.user_id = (SELECT pilothouse.app_user_id())
    UNION ALL SELECT t.id FROM pilothouse.tombstones t
    WHERE t.kind = 'project' AND t.owner_id = (SELECT pilothouse.app_user_id())));
DROP POLICY IF EXISTS owner_select ON pilothouse.rollups;
CREATE POLICY owner_select ON pilothouse.rollups FOR SELECT TO pilothouse_owner
    USING (EXISTS (SELECT FROM public.users u WHERE u.id = (SELECT pilothouse.app_user_id())));
GRANT SELECT, INSERT, UPDATE, DELETE ON pilothouse.daily_activity, pilothouse.daily_totals TO pilothouse_admin;
GRANT SELECT, DELETE ON pilothouse.recount_marks TO pilothouse_admin;
GRANT SELECT, UPDATE (as_of, recounted_at) ON pilothouse.rollups TO pilothouse_admin;
GRANT SELECT ON pilothouse.daily_activity, pilothouse.rollups TO pilothouse_owner;
