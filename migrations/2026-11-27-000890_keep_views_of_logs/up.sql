-- How somebody reads logs stays as they left it.

CREATE TABLE IF NOT EXISTS pilothouse.log_views (
    user_id UUID PRIMARY KEY REFERENCES public.users(id) ON DELETE CASCADE,
    lines INTEGER NOT NULL CHECK (lines BETWEEN 1 AND 2000),
    stream TEXT NOT NULL CHECK (stream IN ('', 'stdout', 'stderr')),
    has_times BOOLEAN NOT NULL,
    wraps BOOLEAN NOT NULL
);
COMMENT ON TABLE pilothouse.log_views IS 'How each user wants logs shown.';
COMMENT ON COLUMN pilothouse.log_views.stream IS 'Of one stream alone; empty for both.';

ALTER TABLE pilothouse.log_views ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own ON pilothouse.log_views;
CREATE POLICY own ON pilothouse.log_views TO pilothouse_admin, pilothouse_owner
    USING (user_id = (SELECT pilothouse.app_user_id())) WITH CHECK (user_id = (SELECT pilothouse.app_user_id()));
GRANT SELECT, INSERT, UPDATE ON pilothouse.log_views TO pilothouse_admin, pilothouse_owner;
