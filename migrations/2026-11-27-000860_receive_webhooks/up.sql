-- Webhooks of projects, and what was delivered to them: kept as it came, worked off by a job.

CREATE TABLE IF NOT EXISTS pilothouse.webhooks (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    project_id UUID NOT NULL REFERENCES public.projects(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    secret BYTEA NOT NULL,
    earlier_secret BYTEA,
    earlier_until TIMESTAMP WITH TIME ZONE,
    created_by UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    removed_at TIMESTAMP WITH TIME ZONE
);
CREATE INDEX IF NOT EXISTS webhooks_project_id_idx ON pilothouse.webhooks(project_id, created_at);
COMMENT ON TABLE pilothouse.webhooks IS 'Where others report to by signed deliveries.';
COMMENT ON COLUMN pilothouse.webhooks.secret IS 'Sealed with a key made of PILOTHOUSE_SECRET_KEY: signatures need it again.';
COMMENT ON COLUMN pilothouse.webhooks.earlier_secret IS 'Good beside the present one until earlier_until.';

CREATE TABLE IF NOT EXISTS pilothouse.deliveries (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    webhook_id UUID NOT NULL REFERENCES pilothouse.webhooks(id) ON DELETE CASCADE,
    project_id UUID NOT NULL,
    guid TEXT NOT NULL,
    event TEXT NOT NULL,
    body BYTEA,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'ignored', 'failed')),
    outcome TEXT,
    ref TEXT,
    before_sha TEXT,
    after_sha TEXT,
    gap_from TEXT,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    ended_at TIMESTAMP WITH TIME ZONE,
    UNIQUE (webhook_id, guid)
);
-- Others' JSON is large and comes packed by nobody: squeezing it would cost more than its place.
ALTER TABLE pilothouse.deliveries ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX IF NOT EXISTS deliveries_webhook_id_received_at_idx ON pilothouse.deliveries(webhook_id, received_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS deliveries_webhook_id_ref_idx ON pilothouse.deliveries(webhook_id, ref, ended_at DESC) WHERE ref IS NOT NULL;
CREATE INDEX IF NOT EXISTS deliveries_received_at_idx ON pilothouse.deliveries(received_at);
COMMENT ON TABLE pilothouse.deliveries IS 'What came to a webhook, under the id that its sender gave it, and what came of it.';
COMMENT ON COLUMN pilothouse.deliveries.body IS 'As it was signed; nothing once it is older than 30 days.';
COMMENT ON COLUMN pilothouse.deliveries.gap_from IS 'Of a push that does not go on where the one before it ended: where that was. Pushes in between were not delivered.';

CREATE OR REPLACE FUNCTION pilothouse.keep_earlier_secret() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.earlier_secret := OLD.secret;
    NEW.earlier_until := now() + interval '24 hours';
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION pilothouse.keep_earlier_secret() IS 'A secret that is replaced stays good for a day, so that its sender can be told the new one.';
REVOKE ALL ON FUNCTION pilothouse.keep_earlier_secret() FROM PUBLIC;
CREATE OR REPLACE TRIGGER webhooks_keep_earlier_secret BEFORE UPDATE OF secret ON pilothouse.webhooks
    FOR EACH ROW EXECUTE FUNCTION pilothouse.keep_earlier_secret();

DO $$
DECLARE
    me CONSTANT text := '(SELECT pilothouse.app_user_id())';
    own CONSTANT text := format('(SELECT p.id FROM public.projects p WHERE p.user_id = %s)', me);
    target text;
    p record;
BEGIN
    FOREACH target IN ARRAY ARRAY['pilothouse.webhooks', 'pilothouse.deliveries'] LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
        EXECUTE format('DROP POLICY IF EXISTS admin ON %s', target);
        EXECUTE format('CREATE POLICY admin ON %s TO pilothouse_admin USING (true) WITH CHECK (true)', target);
    END LOOP;
    FOR p IN SELECT * FROM (VALUES
        ('pilothouse.webhooks', 'owner', 'SELECT', 'project_id IN ' || own, NULL),
        ('pilothouse.webhooks', 'owner', 'INSERT', NULL, 'project_id IN ' || own || ' AND created_by = ' || me),
        ('pilothouse.webhooks', 'owner', 'UPDATE', 'project_id IN ' || own, 'project_id IN ' || own),
        ('pilothouse.webhooks', 'gate', 'SELECT', 'true', NULL),
        ('pilothouse.deliveries', 'owner', 'SELECT', 'project_id IN ' || own, NULL),
        ('pilothouse.deliveries', 'owner', 'INSERT', NULL,
            'project_id IN ' || own || ' AND webhook_id IN (SELECT w.id FROM pilothouse.webhooks w WHERE w.project_id = deliveries.project_id)'),
        ('pilothouse.deliveries', 'owner', 'UPDATE', 'project_id IN ' || own, 'project_id IN ' || own),
        ('pilothouse.deliveries', 'gate', 'INSERT', NULL,
            'EXISTS (SELECT FROM pilothouse.webhooks w WHERE w.id = webhook_id AND w.project_id = deliveries.project_id)')
    ) AS t(target, role, command, seen, written)
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS %I ON %s', p.role || '_' || lower(p.command COLLATE "C"), p.target);
        EXECUTE format('CREATE POLICY %I ON %s FOR %s TO %I', p.role || '_' || lower(p.command COLLATE "C"), p.target, p.command,
                       'pilothouse_' || p.role)
            || coalesce(' USING (' || p.seen || ')', '') || coalesce(' WITH CHECK (' || p.written || ')', '');
    END LOOP;
END
$$;
-- A secret can be set, never read, by whoever has a webhook; the gate reads it to check a signature.
GRANT SELECT (id, project_id, name, earlier_until, created_by, created_at, removed_at),
      INSERT (project_id, name, secret, created_by),
      UPDATE (secret, removed_at) ON pilothouse.webhooks TO pilothouse_owner, pilothouse_admin;
GRANT SELECT ON pilothouse.webhooks TO pilothouse_gate;
GRANT SELECT (id, webhook_id, project_id, guid, event, state, outcome, ref, before_sha, after_sha, gap_from, received_at, ended_at),
      INSERT (id, webhook_id, project_id, guid, event, body), UPDATE (state) ON pilothouse.deliveries TO pilothouse_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON pilothouse.deliveries TO pilothouse_admin;
GRANT INSERT (id, webhook_id, project_id, guid, event, body) ON pilothouse.deliveries TO pilothouse_gate;
