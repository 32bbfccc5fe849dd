-- How long what is kept for a time is kept: a rule a class, holds that stop it, and since when something is deleted.

CREATE TABLE IF NOT EXISTS pilothouse.retention_rules (
    class TEXT PRIMARY KEY,
    keep_days INTEGER CHECK (keep_days BETWEEN 1 AND 36500),
    changed_at TIMESTAMP WITH TIME ZONE,
    changed_by TEXT,
    reason TEXT,
    began_at TIMESTAMP WITH TIME ZONE,
    gone JSONB NOT NULL DEFAULT '{}',
    ended_at TIMESTAMP WITH TIME ZONE,
    last_gone JSONB NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE pilothouse.retention_rules IS 'How many days what a class names is kept, for ever without a number; a class without a row, as the console has it.';
COMMENT ON COLUMN pilothouse.retention_rules.began_at IS 'When the run began that is not over. Whoever goes on with it takes the same time, and so the same rows.';
COMMENT ON COLUMN pilothouse.retention_rules.gone IS 'How many of what that run has deleted, written with each batch.';
COMMENT ON COLUMN pilothouse.retention_rules.last_gone IS 'The same of the last run, which ended at ended_at.';
CREATE TABLE IF NOT EXISTS pilothouse.holds (
    kind TEXT NOT NULL CHECK (kind IN ('project', 'user')),
    id UUID NOT NULL,
    name TEXT NOT NULL,
    reason TEXT NOT NULL,
    placed_by TEXT NOT NULL,
    placed_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, id)
);
COMMENT ON TABLE pilothouse.holds IS 'Projects and users of whom nothing is deleted, whatever the rules say. No foreign key: a record outlives its row.';

CREATE TABLE IF NOT EXISTS pilothouse.deletions (
    kind TEXT NOT NULL CHECK (kind IN ('user', 'project', 'container', 'file')),
    id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX IF NOT EXISTS deletions_kind_at_idx ON pilothouse.deletions (kind, at, id);
COMMENT ON TABLE pilothouse.deletions IS 'Since when a row says that it is deleted (a user: deactivated). Kept by triggers; a row that comes back, or goes for good, has none.';

CREATE OR REPLACE FUNCTION pilothouse.note_deletion() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- A row that comes as a deleted one was deleted before.
    since timestamptz := CASE TG_OP WHEN 'INSERT' THEN least((to_jsonb(NEW)->>'updated_at')::timestamptz, now()) ELSE now() END;
BEGIN
    INSERT INTO pilothouse.deletions AS d (kind, id, at) VALUES (TG_ARGV[0], NEW.id, coalesce(since, now()))
    ON CONFLICT (kind, id) DO UPDATE SET at = EXCLUDED.at WHERE TG_OP = 'UPDATE';
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION pilothouse.lift_deletion() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM pilothouse.deletions d WHERE d.kind = TG_ARGV[0] AND d.id = OLD.id;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION pilothouse.note_deletion() IS 'Notes when a row was marked as deleted.';
COMMENT ON FUNCTION pilothouse.lift_deletion() IS 'Forgets it when the row is back, or gone for good.';

-- What is held: an owner's hold covers what is theirs.
CREATE OR REPLACE FUNCTION pilothouse.held_projects() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT h.id FROM pilothouse.holds h WHERE h.kind = 'project'
    UNION SELECT p.id FROM pilothouse.holds h JOIN public.projects p ON p.user_id = h.id WHERE h.kind = 'user'
    UNION SELECT pilothouse.uuid_of(t.id) FROM pilothouse.holds h
          JOIN pilothouse.tombstones t ON t.owner_id = h.id AND t.kind = 'project' WHERE h.kind = 'user';
END
$$;
CREATE OR REPLACE FUNCTION pilothouse.held_containers() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT c.id FROM pilothouse.holds h JOIN public.containers c ON c.user_id = h.id WHERE h.kind = 'user'
    UNION SELECT p.container_id FROM public.projects p
          WHERE p.container_id IS NOT NULL AND p.id IN (SELECT held FROM pilothouse.held_projects() held);
END
$$;
CREATE OR REPLACE FUNCTION pilothouse.held_users() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT h.id FROM pilothouse.holds h WHERE h.kind = 'user';
END
$$;
COMMENT ON FUNCTION pilothouse.held_projects() IS 'Projects of which nothing is deleted: held themselves, or their owner is.';
COMMENT ON FUNCTION pilothouse.held_containers() IS 'Containers of which nothing is deleted: of a held user, or with a held project in them.';
COMMENT ON FUNCTION pilothouse.held_users() IS 'Users of whom nothing is deleted.';
REVOKE ALL ON FUNCTION pilothouse.note_deletion(), pilothouse.lift_deletion(), pilothouse.held_projects(),
    pilothouse.held_containers(), pilothouse.held_users() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pilothouse.held_projects(), pilothouse.held_containers(), pilothouse.held_users()
    TO pilothouse_admin, pilothouse_retention;

DO $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT * FROM (VALUES
        ('user', 'users', 'is_active IS FALSE'), ('project', 'projects', 'status = ''deleted'''),
        ('container', 'containers', 'status = ''deleted'''), ('file', 'file_storage', 'is_deleted IS TRUE')
    ) AS t(kind, name, condition)
    LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER INSERT ON public.%I FOR EACH ROW WHEN (NEW.%s) '
                       'EXECUTE FUNCTION pilothouse.note_deletion(%L)', t.name || '_deleted_insert', t.name, t.condition, t.kind);
        EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER UPDATE ON public.%I FOR EACH ROW WHEN (NEW.%s AND (OLD.%s) IS NOT TRUE) '
                       'EXECUTE FUNCTION pilothouse.note_deletion(%L)', t.name || '_deleted_update', t.name, t.condition, t.condition, t.kind);
        EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER UPDATE ON public.%I FOR EACH ROW WHEN (OLD.%s AND (NEW.%s) IS NOT TRUE) '
                       'EXECUTE FUNCTION pilothouse.lift_deletion(%L)', t.name || '_deleted_lift', t.name, t.condition, t.condition, t.kind);
        EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER DELETE ON public.%I FOR EACH ROW WHEN (OLD.%s) '
                       'EXECUTE FUNCTION pilothouse.lift_deletion(%L)', t.name || '_deleted_delete', t.name, t.condition, t.kind);
        EXECUTE format('INSERT INTO pilothouse.deletions (kind, id, at) '
                       'SELECT %L, t.id, least(coalesce(t.updated_at, t.created_at, now()), now()) FROM public.%I t WHERE t.%s '
                       'ON CONFLICT DO NOTHING', t.kind, t.name, t.condition);
    END LOOP;
END
$$;

ALTER TABLE pilothouse.retention_rules ENABLE ROW LEVEL SECURITY;
ALTER TABLE pilothouse.holds ENABLE ROW LEVEL SECURITY;
ALTER TABLE pilothouse.deletions ENABLE ROW LEVEL SECURITY;

DO $$
DECLARE
    no_container CONSTANT text := '(container_id IS NULL OR container_id NOT IN (SELECT held FROM pilothouse.held_containers() held))';
    no_project CONSTANT text := '(project_id IS NULL OR project_id NOT IN (SELECT held FROM pilothouse.held_projects() held))';
    no_project_text CONSTANT text := '(%1$s IS NULL OR %1$s NOT IN (SELECT held::text FROM pilothouse.held_projects() held))';
    no_user CONSTANT text := '(user_id IS NULL OR user_id NOT IN (SELECT held FROM pilothouse.held_users() held))';
    p record;
BEGIN
    FOR p IN SELECT * FROM (VALUES
        ('pilothouse.retention_rules', 'admin', 'ALL', 'true', 'true'),
        ('pilothouse.retention_rules', 'owner', 'SELECT', 'EXISTS (SELECT FROM public.users u WHERE u.id = (SELECT pilothouse.app_user_id()))', NULL),
        ('pilothouse.retention_rules', 'retention', 'SELECT', 'true', NULL),
        ('pilothouse.retention_rules', 'retention', 'UPDATE', 'true', 'true'),
        ('pilothouse.holds', 'admin', 'ALL', 'true', 'true'),
        ('pilothouse.deletions', 'admin', 'ALL', 'true', 'true'),
        ('pilothouse.deletions', 'owner', 'SELECT', 'id IN (SELECT p FROM pilothouse.app_project_ids() p)', NULL),
        ('pilothouse.deletions', 'retention', 'SELECT', 'true', NULL),
        ('public.users', 'retention', 'SELECT', 'true', NULL),
        ('public.users', 'retention', 'DELETE', 'is_active IS FALSE AND id NOT IN (SELECT held FROM pilothouse.held_users() held)', NULL),
        ('public.projects', 'retention', 'SELECT', 'true', NULL),
        -- A container that goes takes no project with it.
        ('public.projects', 'retention', 'UPDATE', 'true', 'container_id IS NULL'),
        ('public.projects', 'retention', 'DELETE', 'status = ''deleted'' AND id NOT IN (SELECT held FROM pilothouse.held_projects() held)', NULL),
        ('public.containers', 'retention', 'SELECT', 'true', NULL),
        ('public.containers', 'retention', 'DELETE', 'status = ''deleted'' AND id NOT IN (SELECT held FROM pilothouse.held_containers() held)', NULL),
        ('public.chat_messages', 'retention', 'DELETE', no_container, NULL),
        ('public.file_storage', 'retention', 'DELETE', '(is_deleted OR container_id IN (SELECT c.id FROM public.containers c WHERE c.status = ''deleted'')) AND ' || no_container, NULL),
        ('public.sessions', 'retention', 'DELETE', '(is_active IS NOT TRUE OR expires_at < now()) AND ' || no_user, NULL),
        ('public."ActivityEvent"', 'retention', 'SELECT', 'true', NULL),
        ('public."ActivityEvent"', 'retention', 'DELETE', format(no_project_text, '"projectId"'), NULL),
        ('public."ActivityLog"', 'retention', 'SELECT', 'true', NULL),
        ('public."ActivityLog"', 'retention', 'DELETE', format(no_project_text, '"projectId"')
            || ' AND ("userId" IS NULL OR "userId" NOT IN (SELECT held::text FROM pilothouse.held_users() held))', NULL),
        ('turbobackend.project_actions', 'retention', 'SELECT', 'true', NULL),
        ('turbobackend.project_actions', 'retention', 'DELETE', format(no_project_text, 'project_id'), NULL),
        ('pilothouse.engine_events', 'retention', 'SELECT', 'true', NULL),
        ('pilothouse.engine_events', 'retention', 'DELETE', no_project || ' AND ' || no_container, NULL),
        ('pilothouse.timeline', 'retention', 'SELECT', 'true', NULL),
        ('pilothouse.reports', 'retention', 'SELECT', 'true', NULL),
        ('pilothouse.reports', 'retention', 'DELETE', 'true', NULL),
        ('pilothouse.deliveries', 'retention', 'SELECT', 'true', NULL),
        ('pilothouse.deliveries', 'retention', 'DELETE', no_project, NULL),
        ('public.ai_assistant_sessions', 'retention', 'SELECT', 'true', NULL),
        ('public.ai_assistant_sessions', 'retention', 'DELETE', 'user_id IS NULL', NULL),
        ('public.job_drafts', 'retention', 'SELECT', 'true', NULL),
        ('public.job_drafts', 'retention', 'DELETE', 'user_id IS NULL AND public_status = ''draft''', NULL)
    ) AS t(target, role, command, seen, written)
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS %I ON %s', p.role || CASE p.command WHEN 'ALL' THEN '' ELSE '_' || lower(p.command COLLATE "C") END, p.target);
        EXECUTE format('CREATE POLICY %I ON %s FOR %s TO %I', p.role || CASE p.command WHEN 'ALL' THEN '' ELSE '_' || lower(p.command COLLATE "C") END,
                       p.target, p.command, 'pilothouse_' || p.role)
            || coalesce(' USING (' || p.seen || ')', '') || coalesce(' WITH CHECK (' || p.written || ')', '');
    END LOOP;
END
$$;
GRANT SELECT, INSERT, UPDATE ON pilothouse.retention_rules TO pilothouse_admin;
GRANT SELECT, INSERT, UPDATE, DELETE ON pilothouse.holds TO pilothouse_admin;
GRANT SELECT ON pilothouse.deletions TO pilothouse_admin, pilothouse_owner, pilothouse_retention;
GRANT SELECT (class, keep_days) ON pilothouse.retention_rules TO pilothouse_owner;
GRANT SELECT, UPDATE (gone) ON pilothouse.retention_rules TO pilothouse_retention;
-- Of a row what tells its age and whose it is, never what it says.
GRANT SELECT (id, is_active), DELETE ON public.users TO pilothouse_retention;
GRANT SELECT (id, user_id, container_id, status), UPDATE (container_id), DELETE ON public.projects TO pilothouse_retention;
GRANT SELECT (id, user_id, status), DELETE ON public.containers TO pilothouse_retention;
GRANT SELECT (id, "projectId", "createdAt"), DELETE ON public."ActivityEvent" TO pilothouse_retention;
GRANT SELECT (id, "projectId", "userId"), DELETE ON public."ActivityLog" TO pilothouse_retention;
GRANT SELECT (action_id, project_id), DELETE ON turbobackend.project_actions TO pilothouse_retention;
GRANT SELECT (id, project_id, container_id), DELETE ON pilothouse.engine_events TO pilothouse_retention;
GRANT SELECT (source, id, at, project_id, owner_id, container_id, actor, outcome) ON pilothouse.timeline TO pilothouse_retention;
GRANT SELECT (source, id), DELETE ON pilothouse.reports TO pilothouse_retention;
GRANT SELECT (id, project_id, received_at), DELETE ON pilothouse.deliveries TO pilothouse_retention;
GRANT SELECT (id, session_id, user_id, last_activity_at, created_at), DELETE ON public.ai_assistant_sessions TO pilothouse_retention;
GRANT SELECT (id, session_id, user_id, public_status), DELETE ON public.job_drafts TO pilothouse_retention;
