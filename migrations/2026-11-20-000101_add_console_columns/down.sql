-- CASCADE takes the foreign keys that refer to id_text.
ALTER TABLE public.containers
    DROP COLUMN IF EXISTS engine_status,
    DROP COLUMN IF EXISTS observed_from,
    DROP COLUMN IF EXISTS observed_at;
ALTER TABLE public.projects DROP COLUMN IF EXISTS id_text CASCADE;
ALTER TABLE public.users
    DROP COLUMN IF EXISTS id_text CASCADE,
    DROP COLUMN IF EXISTS theme,
    DROP COLUMN IF EXISTS time_zone,
    DROP COLUMN IF EXISTS password_hash,
    DROP COLUMN IF EXISTS role;
