-- What is known of copies of backups in buckets: their truth lies there, behind a network.

CREATE TABLE IF NOT EXISTS pilothouse.buckets (
    name TEXT PRIMARY KEY,
    place TEXT NOT NULL,
    region TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    copied_at TIMESTAMP WITH TIME ZONE,
    log_until TIMESTAMP WITH TIME ZONE,
    failing_since TIMESTAMP WITH TIME ZONE,
    error TEXT
);
COMMENT ON TABLE pilothouse.buckets IS 'Buckets that backups are copied to, as the configuration names them.';
COMMENT ON COLUMN pilothouse.buckets.copied_at IS 'When it last had everything that lies here.';
COMMENT ON COLUMN pilothouse.buckets.log_until IS 'When the newest file of the log that it has was archived: nothing later can be restored from it.';

CREATE TABLE IF NOT EXISTS pilothouse.copies (
    bucket TEXT NOT NULL REFERENCES pilothouse.buckets (name) ON DELETE CASCADE,
    backup TEXT NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('copying', 'copied', 'verified', 'failed')),
    upload TEXT,
    verified_at TIMESTAMP WITH TIME ZONE,
    error TEXT,
    PRIMARY KEY (bucket, backup)
);
COMMENT ON TABLE pilothouse.copies IS 'Each backup in each bucket, as far as it is known here.';
COMMENT ON COLUMN pilothouse.copies.state IS 'Of a copy: copying, copied (each file taken with its sum), verified (read back under its seals) or failed.';
COMMENT ON COLUMN pilothouse.copies.upload IS 'How far an upload in parts is: what the bucket calls it, how long a part is, and the mark of each.';

ALTER TABLE pilothouse.buckets ENABLE ROW LEVEL SECURITY;
ALTER TABLE pilothouse.copies ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS admin ON pilothouse.buckets;
CREATE POLICY admin ON pilothouse.buckets TO pilothouse_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS admin ON pilothouse.copies;
CREATE POLICY admin ON pilothouse.copies TO pilothouse_admin USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON pilothouse.buckets, pilothouse.copies TO pilothouse_admin;
