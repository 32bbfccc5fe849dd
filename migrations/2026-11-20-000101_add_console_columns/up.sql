-- What the console needs beside the workers' columns. All have defaults, so that nobody's INSERT changes.

ALTER TABLE public.users
    ADD COLUMN IF NOT EXISTS role TEXT NOT NULL DEFAULT 'owner',
    ADD COLUMN IF NOT EXISTS password_hash TEXT,
    ADD COLUMN IF NOT EXISTS time_zone TEXT NOT NULL DEFAULT 'UTC',
    ADD COLUMN IF NOT EXISTS theme TEXT NOT NULL DEFAULT 'system',
    ADD COLUMN IF NOT EXISTS id_text TEXT GENERATED ALWAYS AS (id::text) STORED;
ALTER TABLE public.projects
    ADD COLUMN IF NOT EXISTS id_text TEXT GENERATED ALWAYS AS (id::text) STORED;
CALL pilothouse.adopt_constraint('public.users', 'users_id_text_key', 'UNIQUE (id_text)');
CALL pilothouse.adopt_constraint('public.projects', 'projects_id_text_key', 'UNIQUE (id_text)');

ALTER TABLE public.containers
    ADD COLUMN IF NOT EXISTS observed_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN IF NOT EXISTS observed_from TEXT,
    ADD COLUMN IF NOT EXISTS engine_status TEXT;

COMMENT ON COLUMN public.users.role IS 'owner or admin; any other text counts as owner.';
COMMENT ON COLUMN public.users.password_hash IS 'argon2id, PHC string; null: no sign-in with a password.';
COMMENT ON COLUMN public.users.time_zone IS 'IANA name; days and times are shown in it.';
COMMENT ON COLUMN public.users.theme IS 'system, light or dark.';
COMMENT ON COLUMN public.users.id_text IS 'The id as text: keys of text can refer to it.';
COMMENT ON COLUMN public.projects.id_text IS 'The id as text: what project_actions.project_id holds.';
COMMENT ON COLUMN public.containers.observed_at IS 'When the engine was last asked about this container.';
COMMENT ON COLUMN public.containers.observed_from IS 'Who said so: the engine''s address.';
COMMENT ON COLUMN public.containers.engine_status IS 'The state in the engine''s own word.';
