-- What is known of backups: they lie in a directory, which may be another machine's.

CREATE TABLE IF NOT EXISTS pilothouse.backups (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('base', 'dump')),
    state TEXT NOT NULL CHECK (state IN ('written', 'verified', 'proven', 'failed')),
    began_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    point_at TIMESTAMP WITH TIME ZONE,
    bytes BIGINT NOT NULL DEFAULT 0,
    rows BIGINT NOT NULL DEFAULT 0,
    error TEXT,
    proven_at TIMESTAMP WITH TIME ZONE
);
CREATE INDEX IF NOT EXISTS backups_began_at_idx ON pilothouse.backups (began_at DESC, name DESC);
COMMENT ON TABLE pilothouse.backups IS 'Backups and attempts at one, as the instance that made them told.';
COMMENT ON COLUMN pilothouse.backups.state IS 'Of a backup: written, verified (read back under its sums), proven (restored and compared) or failed.';
COMMENT ON COLUMN pilothouse.backups.point_at IS 'The moment that it is compared at, and that it is restored to unless another is named.';

CREATE TABLE IF NOT EXISTS pilothouse.archives (
    system_id TEXT PRIMARY KEY,
    archived_until TIMESTAMP WITH TIME ZONE,
    waiting INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now()
);
COMMENT ON TABLE pilothouse.archives IS 'How far the log of a cluster has been archived: nothing later can be restored.';

ALTER TABLE pilothouse.backups ENABLE ROW LEVEL SECURITY;
ALTER TABLE pilothouse.archives ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS admin ON pilothouse.backups;
CREATE POLICY admin ON pilothouse.backups TO pilothouse_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS gate ON pilothouse.backups;
CREATE POLICY gate ON pilothouse.backups FOR SELECT TO pilothouse_gate USING (true);
DROP POLICY IF EXISTS admin ON pilothouse.archives;
CREATE POLICY admin ON pilothouse.archives TO pilothouse_admin USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON pilothouse.backups, pilothouse.archives TO pilothouse_admin;
-- `/readyz` tells that none was proven for long.
GRANT SELECT (began_at, proven_at) ON pilothouse.backups TO pilothouse_gate;
