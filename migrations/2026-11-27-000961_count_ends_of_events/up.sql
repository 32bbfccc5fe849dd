-- How events ended and how long they took, counted beside daily_kinds, which holds what no program may read.
CREATE TABLE IF NOT EXISTS pilothouse.daily_events (
    scope TEXT COLLATE "C" NOT NULL,
    day DATE NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    quarters SMALLINT[] NOT NULL,
    entries INTEGER[] NOT NULL,
    timed_quarters SMALLINT[] NOT NULL,
    buckets SMALLINT[] NOT NULL,
    runs INTEGER[] NOT NULL,
    PRIMARY KEY (scope, day, kind, status)
);
CREATE INDEX IF NOT EXISTS daily_events_day_idx ON pilothouse.daily_events (day);
COMMENT ON TABLE pilothouse.daily_events IS 'Events a scope, UTC day, type and status, in the quarters of an hour in which they began.';
COMMENT ON COLUMN pilothouse.daily_events.scope IS '"p:" and the project''s id, or "*" for all of them.';
COMMENT ON COLUMN pilothouse.daily_events.timed_quarters IS 'As in daily_kinds: the quarters of what has a duration, with its bucket and how many fell into it.';

CREATE OR REPLACE FUNCTION pilothouse.app_token_scopes() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'p:' || p FROM pilothouse.app_token_projects(NULL) p
    UNION ALL
    SELECT '*' FROM pilothouse.api_tokens t LEFT JOIN public.users u ON u.id = t.created_by
    WHERE t.id = pilothouse.app_token_id() AND t.all_projects AND t.revoked_at IS NULL
      AND (t.expires_at IS NULL OR t.expires_at > now())
      AND (t.created_by IS NULL OR (u.is_active AND u.role = 'admin'))
$$;
COMMENT ON FUNCTION pilothouse.app_token_scopes() IS 'The scopes of counts that this transaction''s token may read; that of everything is for tokens of all projects.';
REVOKE ALL ON FUNCTION pilothouse.app_token_scopes() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pilothouse.app_token_scopes() TO pilothouse_worker;

ALTER TABLE pilothouse.daily_events ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS admin ON pilothouse.daily_events;
CREATE POLICY admin ON pilothouse.daily_events TO pilothouse_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS owner_select ON pilothouse.daily_events;
CREATE POLICY owner_select ON pilothouse.daily_events FOR SELECT TO pilothouse_owner
    USING (scope IN (SELECT 'p:' || p FROM pilothouse.app_projects() p));
DROP POLICY IF EXISTS worker_select ON pilothouse.daily_events;
CREATE POLICY worker_select ON pilothouse.daily_events FOR SELECT TO pilothouse_worker
    USING (scope IN (SELECT s FROM pilothouse.app_token_scopes() s));
DROP POLICY IF EXISTS worker_select ON pilothouse.rollups;
CREATE POLICY worker_select ON pilothouse.rollups FOR SELECT TO pilothouse_worker
    USING (name = 'insights' AND EXISTS (SELECT FROM pilothouse.api_tokens t WHERE t.id = (SELECT pilothouse.app_token_id())));
GRANT SELECT, INSERT, UPDATE, DELETE ON pilothouse.daily_events TO pilothouse_admin;
GRANT SELECT ON pilothouse.daily_events TO pilothouse_owner, pilothouse_worker;
GRANT SELECT ON pilothouse.rollups TO pilothouse_worker;

-- Nothing is complete before these are counted too.
UPDATE pilothouse.rollups SET as_of = NULL, recounted_at = NULL WHERE name = 'insights';
