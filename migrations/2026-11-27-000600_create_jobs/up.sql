-- What the console does by itself: jobs, and the schedules that ask for them.

CREATE TABLE IF NOT EXISTS pilothouse.jobs (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    kind TEXT NOT NULL,
    key TEXT CHECK (length(key) <= 200),
    payload JSONB NOT NULL DEFAULT '{}',
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'failed')),
    run_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    attempts INTEGER NOT NULL DEFAULT 0,
    claim UUID,
    claimed_until TIMESTAMP WITH TIME ZONE,
    last_error TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    ended_at TIMESTAMP WITH TIME ZONE
);
CREATE UNIQUE INDEX IF NOT EXISTS jobs_kind_key_key ON pilothouse.jobs(kind, key);
CREATE INDEX IF NOT EXISTS jobs_kind_run_at_idx ON pilothouse.jobs(kind, run_at, id) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS jobs_state_ended_at_idx ON pilothouse.jobs(state, ended_at DESC, id DESC)
    WHERE state <> 'waiting';
COMMENT ON TABLE pilothouse.jobs IS 'Work that waits, runs or is over. An instance that works on a row holds its lease, and no transaction.';
COMMENT ON COLUMN pilothouse.jobs.key IS 'What makes asking twice harmless: one row a kind and key for as long as it is kept.';
COMMENT ON COLUMN pilothouse.jobs.attempts IS 'How often it was begun since it last came to an end or got on.';
COMMENT ON COLUMN pilothouse.jobs.claim IS 'Whose turn it is: what the holder of the lease must name to write anything here.';
COMMENT ON COLUMN pilothouse.jobs.claimed_until IS 'Until then nobody else takes it; moved while somebody works on it.';

CREATE TABLE IF NOT EXISTS pilothouse.schedules (
    kind TEXT PRIMARY KEY,
    pattern TEXT NOT NULL,
    next_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_since TIMESTAMP WITH TIME ZONE,
    last_success_at TIMESTAMP WITH TIME ZONE,
    failing_since TIMESTAMP WITH TIME ZONE,
    last_error TEXT
);
COMMENT ON TABLE pilothouse.schedules IS 'When a kind of job is due (a cron pattern with seconds, in UTC), and how its last runs went.';
COMMENT ON COLUMN pilothouse.schedules.due_since IS 'Since when a run is due that has not succeeded.';

ALTER TABLE pilothouse.jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE pilothouse.schedules ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS admin ON pilothouse.jobs;
CREATE POLICY admin ON pilothouse.jobs TO pilothouse_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS admin ON pilothouse.schedules;
CREATE POLICY admin ON pilothouse.schedules TO pilothouse_admin USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON pilothouse.jobs, pilothouse.schedules TO pilothouse_admin;

-- Whoever acts may ask for work, in the transaction of the act, and can neither read nor change what waits.
CREATE OR REPLACE FUNCTION pilothouse.enqueue(job_kind text, job_key text, job_payload jsonb, job_delay interval)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pilothouse.jobs (kind, key, payload, run_at)
    VALUES (job_kind, pilothouse.reference_text(job_key), job_payload, now() + job_delay)
    ON CONFLICT (kind, key) DO NOTHING;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION pilothouse.enqueue(text, text, jsonb, interval) IS 'Asks for a job once this transaction is committed. Answers false when there is one of that kind and key.';
REVOKE ALL ON FUNCTION pilothouse.enqueue(text, text, jsonb, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pilothouse.enqueue(text, text, jsonb, interval)
    TO pilothouse_admin, pilothouse_owner, pilothouse_worker, pilothouse_gate;
