-- What goes with a draft: its wireframe, behind an address that nobody guesses, and its place in the queue for the sales system.

CREATE TABLE IF NOT EXISTS pilothouse.draft_files (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    draft_id BIGINT NOT NULL REFERENCES public.job_drafts(id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('wireframe')),
    hash TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    content JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    UNIQUE (draft_id, kind)
);
COMMENT ON TABLE pilothouse.draft_files IS 'Files of drafts, by the hexadecimal SHA-256 of the secret in their public address.';

CREATE TABLE IF NOT EXISTS pilothouse.crm_outbox (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    draft_id BIGINT NOT NULL UNIQUE REFERENCES public.job_drafts(id) ON DELETE CASCADE,
    user_id UUID NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sending', 'sent', 'unknown', 'parked', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS crm_outbox_changed_at_idx ON pilothouse.crm_outbox(changed_at DESC, id);
COMMENT ON TABLE pilothouse.crm_outbox IS 'Posted drafts whose owners agreed that the sales system is told, and how that goes.';

DO $$
DECLARE
    me CONSTANT text := '(SELECT pilothouse.app_user_id())';
    own CONSTANT text := format('(SELECT d.id FROM public.job_drafts d WHERE d.user_id = %s)', me);
    target text;
    p record;
BEGIN
    FOREACH target IN ARRAY ARRAY['pilothouse.draft_files', 'pilothouse.crm_outbox'] LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
        EXECUTE format('DROP POLICY IF EXISTS admin ON %s', target);
        EXECUTE format('CREATE POLICY admin ON %s TO pilothouse_admin USING (true) WITH CHECK (true)', target);
    END LOOP;
    FOR p IN SELECT * FROM (VALUES
        ('pilothouse.draft_files', 'owner', 'SELECT', 'draft_id IN ' || own, NULL),
        ('pilothouse.draft_files', 'owner', 'INSERT', NULL, 'draft_id IN ' || own),
        ('pilothouse.draft_files', 'owner', 'DELETE', 'draft_id IN ' || own, NULL),
        ('pilothouse.draft_files', 'gate', 'SELECT', 'true', NULL),
        ('pilothouse.crm_outbox', 'owner', 'SELECT', 'user_id = ' || me, NULL),
        ('pilothouse.crm_outbox', 'owner', 'INSERT', NULL, 'user_id = ' || me || ' AND state = ''pending'' AND draft_id IN ' || own)
    ) AS t(target, role, command, seen, written)
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS %I ON %s', p.role || '_' || lower(p.command COLLATE "C"), p.target);
        EXECUTE format('CREATE POLICY %I ON %s FOR %s TO %I', p.role || '_' || lower(p.command COLLATE "C"), p.target, p.command,
                       'pilothouse_' || p.role)
            || coalesce(' USING (' || p.seen || ')', '') || coalesce(' WITH CHECK (' || p.written || ')', '');
    END LOOP;
END
$$;
GRANT SELECT, INSERT, DELETE ON pilothouse.draft_files TO pilothouse_owner, pilothouse_admin;
GRANT SELECT (hash, title, content) ON pilothouse.draft_files TO pilothouse_gate;
GRANT SELECT, INSERT (draft_id, user_id) ON pilothouse.crm_outbox TO pilothouse_owner;
GRANT SELECT, INSERT, UPDATE ON pilothouse.crm_outbox TO pilothouse_admin;
