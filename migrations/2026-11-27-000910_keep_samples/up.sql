-- What containers used, as the engine told at intervals.

CREATE TABLE IF NOT EXISTS pilothouse.samples (
    container_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    cpu DOUBLE PRECISION,
    memory BIGINT,
    memory_limit BIGINT,
    received DOUBLE PRECISION,
    sent DOUBLE PRECISION,
    read DOUBLE PRECISION,
    written DOUBLE PRECISION,
    processes INTEGER,
    PRIMARY KEY (container_id, at)
);
CREATE INDEX IF NOT EXISTS samples_at_idx ON pilothouse.samples (at);
COMMENT ON TABLE pilothouse.samples IS 'What running containers used; none of one that does not run. Pruned by age.';
COMMENT ON COLUMN pilothouse.samples.container_id IS 'containers.id';
COMMENT ON COLUMN pilothouse.samples.cpu IS 'Percent of one processor since the sample before; none where there is no such sample of this run.';
COMMENT ON COLUMN pilothouse.samples.memory IS 'Bytes, without what the kernel gives back when asked.';
COMMENT ON COLUMN pilothouse.samples.received IS 'Bytes a second since the sample before, as sent, read and written.';

ALTER TABLE pilothouse.samples ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS admin ON pilothouse.samples;
CREATE POLICY admin ON pilothouse.samples TO pilothouse_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS owner_select ON pilothouse.samples;
CREATE POLICY owner_select ON pilothouse.samples FOR SELECT TO pilothouse_owner
    USING (container_id IN (SELECT c.id FROM public.containers c WHERE c.user_id = (SELECT pilothouse.app_user_id())));
GRANT SELECT, INSERT, DELETE ON pilothouse.samples TO pilothouse_admin;
GRANT SELECT ON pilothouse.samples TO pilothouse_owner;
