-- What the console keeps for itself.

CREATE TABLE IF NOT EXISTS pilothouse.action_spool (
    action_id TEXT,
    payload JSONB,
    spooled_at TIMESTAMP WITH TIME ZONE DEFAULT now(),
    attempts INTEGER DEFAULT 0,
    last_error TEXT
);
CREATE INDEX IF NOT EXISTS action_spool_spooled_at_idx ON pilothouse.action_spool(spooled_at);
COMMENT ON TABLE pilothouse.action_spool IS 'Actions that could not be recorded, until a retry succeeds. No constraints: nothing may refuse a row here.';

CREATE TABLE IF NOT EXISTS pilothouse.recording_gaps (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id TEXT,
    from_ms BIGINT NOT NULL,
    to_ms BIGINT NOT NULL,
    lost BIGINT NOT NULL DEFAULT 1,
    reason TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS recording_gaps_project_id_to_ms_idx ON pilothouse.recording_gaps(project_id, to_ms DESC);
CREATE INDEX IF NOT EXISTS recording_gaps_to_ms_idx ON pilothouse.recording_gaps(to_ms DESC);
COMMENT ON TABLE pilothouse.recording_gaps IS 'Records that are lost for good, counted: the timeline shows each as a gap. Without a project it concerns all.';

CREATE TABLE IF NOT EXISTS pilothouse.trigger_failures (
    trigger_name TEXT PRIMARY KEY,
    failures BIGINT NOT NULL DEFAULT 1,
    last_error TEXT,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now()
);
COMMENT ON TABLE pilothouse.trigger_failures IS 'Our triggers never make a worker''s write fail: what they could not do is counted here.';

CREATE TABLE IF NOT EXISTS pilothouse.password_links (
    hash TEXT PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES public.users(id) ON DELETE CASCADE,
    created_by UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE
);
CREATE INDEX IF NOT EXISTS password_links_user_id_idx ON pilothouse.password_links(user_id);
COMMENT ON TABLE pilothouse.password_links IS 'One-time links to set a password; hash is the lower-case hexadecimal SHA-256 of the link''s secret.';

CREATE TABLE IF NOT EXISTS pilothouse.api_tokens (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    hash TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_by UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    expires_at TIMESTAMP WITH TIME ZONE,
    last_used_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE
);
CREATE INDEX IF NOT EXISTS api_tokens_created_by_idx ON pilothouse.api_tokens(created_by);
COMMENT ON TABLE pilothouse.api_tokens IS 'What workers sign in with; hash is the lower-case hexadecimal SHA-256 of the token.';

CREATE TABLE IF NOT EXISTS pilothouse.api_token_projects (
    token_id UUID NOT NULL REFERENCES pilothouse.api_tokens(id) ON DELETE CASCADE,
    project_id UUID NOT NULL REFERENCES public.projects(id) ON DELETE CASCADE,
    PRIMARY KEY (token_id, project_id)
);
CREATE INDEX IF NOT EXISTS api_token_projects_project_id_idx ON pilothouse.api_token_projects(project_id);
COMMENT ON TABLE pilothouse.api_token_projects IS 'The projects that a token may report into; it sees no others.';

CREATE TABLE IF NOT EXISTS pilothouse.tombstones (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT,
    owner_id UUID,
    project_id TEXT,
    deleted_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, id)
);
CREATE INDEX IF NOT EXISTS tombstones_owner_id_kind_idx ON pilothouse.tombstones(owner_id, kind);
COMMENT ON TABLE pilothouse.tombstones IS 'Users, projects and containers whose row somebody deleted: their record outlives them, and its owner still reads it.';
COMMENT ON COLUMN pilothouse.tombstones.kind IS 'user, project or container.';

CREATE TABLE IF NOT EXISTS pilothouse.sign_in_failures (
    scope TEXT NOT NULL,
    subject TEXT NOT NULL,
    failures INTEGER NOT NULL DEFAULT 1,
    first_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    last_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    blocked_until TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (scope, subject)
);
CREATE INDEX IF NOT EXISTS sign_in_failures_last_at_idx ON pilothouse.sign_in_failures(last_at);
COMMENT ON TABLE pilothouse.sign_in_failures IS 'Failed sign-ins for throttling, shared by all instances.';
COMMENT ON COLUMN pilothouse.sign_in_failures.scope IS 'account or address.';
COMMENT ON COLUMN pilothouse.sign_in_failures.subject IS 'The account''s hash (known or not), or the client''s address or network.';

CREATE TABLE IF NOT EXISTS pilothouse.daily_activity (
    project_id TEXT NOT NULL DEFAULT '',
    day DATE NOT NULL,
    type TEXT NOT NULL,
    count BIGINT NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, day, type)
);
CREATE INDEX IF NOT EXISTS daily_activity_day_idx ON pilothouse.daily_activity(day);
COMMENT ON TABLE pilothouse.daily_activity IS 'Actions a project, UTC day and type, rolled up by a job: nothing counts over the timeline while a page waits. An empty project_id stands for none.';
