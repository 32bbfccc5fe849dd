-- What insights show, counted a project and UTC day beside the counts of charts: by type and environment, how long things took,
-- what models cost, how long containers ran. The job that counts activity hands on the days that changed, so that writers of
-- actions do nothing more than before.

CREATE TABLE IF NOT EXISTS pilothouse.insight_marks (
    project_id TEXT NOT NULL,
    day DATE NOT NULL
);
COMMENT ON TABLE pilothouse.insight_marks IS 'Days of projects whose entries or costs changed since insights were counted. No key, as in recount_marks.';

CREATE TABLE IF NOT EXISTS pilothouse.daily_kinds (
    scope TEXT COLLATE "C" NOT NULL,
    day DATE NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    environment TEXT COLLATE "C" NOT NULL,
    quarters SMALLINT[] NOT NULL,
    entries INTEGER[] NOT NULL,
    failed INTEGER[] NOT NULL,
    timed_quarters SMALLINT[] NOT NULL,
    buckets SMALLINT[] NOT NULL,
    runs INTEGER[] NOT NULL,
    slowest TEXT[] NOT NULL,
    PRIMARY KEY (scope, day, kind, environment)
);
CREATE INDEX IF NOT EXISTS daily_kinds_day_idx ON pilothouse.daily_kinds (day);
COMMENT ON TABLE pilothouse.daily_kinds IS 'Entries of the timeline a scope, UTC day, type and environment, in the quarters of an hour in which something happened.';
COMMENT ON COLUMN pilothouse.daily_kinds.scope IS '"p:" and the project''s id, or "*" for all of them.';
COMMENT ON COLUMN pilothouse.daily_kinds.timed_quarters IS 'The quarters of what has a duration, once for each bucket; the next three arrays go with it.';
COMMENT ON COLUMN pilothouse.daily_kinds.buckets IS 'Durations in milliseconds, by the power of 1.1 that they reach.';
COMMENT ON COLUMN pilothouse.daily_kinds.slowest IS 'The longest of each: its milliseconds in 19 digits, and where it stands in the timeline.';

CREATE TABLE IF NOT EXISTS pilothouse.daily_costs (
    scope TEXT COLLATE "C" NOT NULL,
    day DATE NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    quarters SMALLINT[] NOT NULL,
    messages INTEGER[] NOT NULL,
    tokens BIGINT[] NOT NULL,
    micro_usd BIGINT[] NOT NULL,
    PRIMARY KEY (scope, day, model)
);
CREATE INDEX IF NOT EXISTS daily_costs_day_idx ON pilothouse.daily_costs (day);
COMMENT ON TABLE pilothouse.daily_costs IS 'What models cost a scope and UTC day, of message_cost_tracker.';

CREATE TABLE IF NOT EXISTS pilothouse.run_marks (
    container_id TEXT NOT NULL,
    day DATE NOT NULL
);
COMMENT ON TABLE pilothouse.run_marks IS 'Days of containers whose runs changed since they were counted.';

CREATE TABLE IF NOT EXISTS pilothouse.daily_runs (
    container_id TEXT COLLATE "C" NOT NULL,
    day DATE NOT NULL,
    is_whole BOOLEAN NOT NULL,
    quarters SMALLINT[] NOT NULL,
    up_ms INTEGER[] NOT NULL,
    begun INTEGER[] NOT NULL,
    crashed INTEGER[] NOT NULL,
    PRIMARY KEY (container_id, day)
);
COMMENT ON TABLE pilothouse.daily_runs IS 'How long a container ran on a UTC day, how often it was started and crashed, of container_sessions. A run that goes on is not in it.';
COMMENT ON COLUMN pilothouse.daily_runs.container_id IS 'The engine''s id.';
COMMENT ON COLUMN pilothouse.daily_runs.is_whole IS 'It ran all day: no quarter is written down.';

INSERT INTO pilothouse.rollups (name) VALUES ('insights') ON CONFLICT DO NOTHING;

CREATE INDEX IF NOT EXISTS container_sessions_container_time_idx ON turbobackend.container_sessions (container_id, created_at);
COMMENT ON INDEX turbobackend.container_sessions_container_time_idx IS 'The runs of a container in their order.';

CREATE OR REPLACE FUNCTION pilothouse.mark_cost_days() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pilothouse.insight_marks (project_id, day)
    SELECT DISTINCT coalesce(c.project_id, ''), DATE 'epoch' + (c.created_at / 86400000)::integer
    FROM changed c WHERE c.created_at >= 631152000000 AND c.created_at < 4102444800000;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION pilothouse.mark_cost_days() IS 'Marks the days whose costs changed.';

-- A run ends where the next begins, if nobody saw its end: so the days since then change too. A run is counted for a year.
CREATE OR REPLACE FUNCTION pilothouse.mark_run_days() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pilothouse.run_marks (container_id, day)
    SELECT DISTINCT s.container_id, DATE 'epoch' + d.day
    FROM (SELECT c.container_id, coalesce(b.created_at, c.created_at) AS since, greatest(c.created_at, c.ended_at) AS until
          FROM changed c LEFT JOIN LATERAL (
              SELECT r.created_at, r.ended_at FROM turbobackend.container_sessions r
              WHERE r.container_id = c.container_id AND r.created_at < c.created_at
              ORDER BY r.created_at DESC LIMIT 1) b ON b.ended_at IS NULL
          WHERE c.container_id IS NOT NULL AND c.created_at >= 631152000000 AND c.created_at < 4102444800000) s
    CROSS JOIN LATERAL generate_series((s.since / 86400000)::integer,
        least(s.until / 86400000, s.since / 86400000 + 366, 47481)::integer) d(day);
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION pilothouse.mark_run_days() IS 'Marks the days whose runs changed.';

CREATE OR REPLACE FUNCTION pilothouse.recount_insights() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE pilothouse.rollups SET recounted_at = NULL WHERE name = 'insights';
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION pilothouse.recount_insights() IS 'Asks for all of insights to be counted again.';

CREATE OR REPLACE TRIGGER message_cost_tracker_mark_insert AFTER INSERT ON turbobackend.message_cost_tracker
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.mark_cost_days();
CREATE OR REPLACE TRIGGER message_cost_tracker_mark_update_old AFTER UPDATE ON turbobackend.message_cost_tracker
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.mark_cost_days();
CREATE OR REPLACE TRIGGER message_cost_tracker_mark_update_new AFTER UPDATE ON turbobackend.message_cost_tracker
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.mark_cost_days();
CREATE OR REPLACE TRIGGER message_cost_tracker_mark_delete AFTER DELETE ON turbobackend.message_cost_tracker
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.mark_cost_days();
CREATE OR REPLACE TRIGGER message_cost_tracker_mark_truncate AFTER TRUNCATE ON turbobackend.message_cost_tracker
    FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.recount_insights();
CREATE OR REPLACE TRIGGER container_sessions_mark_insert AFTER INSERT ON turbobackend.container_sessions
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.mark_run_days();
CREATE OR REPLACE TRIGGER container_sessions_mark_update_old AFTER UPDATE ON turbobackend.container_sessions
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.mark_run_days();
CREATE OR REPLACE TRIGGER container_sessions_mark_update_new AFTER UPDATE ON turbobackend.container_sessions
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.mark_run_days();
CREATE OR REPLACE TRIGGER container_sessions_mark_delete AFTER DELETE ON turbobackend.container_sessions
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.mark_run_days();
CREATE OR REPLACE TRIGGER container_sessions_mark_truncate AFTER TRUNCATE ON turbobackend.container_sessions
    FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.recount_insights();

-- What a day of a container comes to. A run ends at its end, or where the next begins.
CREATE OR REPLACE FUNCTION pilothouse.runs_of_day(container text, counted date)
RETURNS TABLE (quarter smallint, up_ms integer, begun integer, crashed integer)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH bounds AS (SELECT (counted - DATE 'epoch')::bigint * 86400000 AS from_ms, (counted - DATE 'epoch' + 1)::bigint * 86400000 AS to_ms),
    run AS (
        (SELECT r.session_id, r.created_at, r.ended_at, r.status FROM bounds b JOIN turbobackend.container_sessions r
            ON r.container_id = container AND r.created_at >= b.from_ms AND r.created_at < b.to_ms)
        UNION ALL
        (SELECT r.session_id, r.created_at, r.ended_at, r.status FROM bounds b JOIN turbobackend.container_sessions r
            ON r.container_id = container AND r.created_at < b.from_ms ORDER BY r.created_at DESC, r.session_id DESC LIMIT 1)),
    following AS (SELECT min(r.created_at) AS at FROM bounds b JOIN turbobackend.container_sessions r
        ON r.container_id = container AND r.created_at >= b.to_ms),
    piece AS (
        SELECT greatest(x.created_at, b.from_ms) - b.from_ms AS since,
               CASE WHEN x.until IS NOT NULL THEN least(x.until, b.to_ms) - b.from_ms END AS until,
               x.created_at - b.from_ms AS begun, x.ended_at - b.from_ms AS ended,
               x.status IN ('failed', 'crashed', 'error') AS is_bad
        FROM bounds b CROSS JOIN (
            SELECT r.created_at, r.ended_at, r.status,
                   least(r.ended_at, coalesce(lead(r.created_at) OVER (ORDER BY r.created_at, r.session_id), f.at)) AS until
            FROM run r CROSS JOIN following f) x)
    SELECT e.quarter::smallint, sum(e.up)::integer, sum(e.begun)::integer, sum(e.crashed)::integer
    FROM (SELECT q.quarter, least(p.until, (q.quarter + 1) * 900000) - greatest(p.since, q.quarter * 900000) AS up, 0 AS begun, 0 AS crashed
          FROM piece p CROSS JOIN LATERAL generate_series(p.since / 900000, (p.until - 1) / 900000) q(quarter) WHERE p.until > p.since
          UNION ALL SELECT p.begun / 900000, 0, 1, 0 FROM piece p WHERE p.begun >= 0
          UNION ALL SELECT p.ended / 900000, 0, 0, 1 FROM piece p WHERE p.is_bad AND p.ended >= 0 AND p.ended < 86400000) e
    GROUP BY e.quarter
$$;
COMMENT ON FUNCTION pilothouse.runs_of_day(text, date) IS 'How long a container ran in each quarter of an hour of a UTC day.';
REVOKE ALL ON FUNCTION pilothouse.mark_cost_days(), pilothouse.mark_run_days(), pilothouse.recount_insights(),
    pilothouse.runs_of_day(text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pilothouse.runs_of_day(text, date), pilothouse.word_text(text) TO pilothouse_admin;

DO $$
DECLARE
    target text;
BEGIN
    FOREACH target IN ARRAY ARRAY['pilothouse.insight_marks', 'pilothouse.daily_kinds', 'pilothouse.daily_costs',
                                  'pilothouse.run_marks', 'pilothouse.daily_runs'] LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
        EXECUTE format('DROP POLICY IF EXISTS admin ON %s', target);
        EXECUTE format('CREATE POLICY admin ON %s TO pilothouse_admin USING (true) WITH CHECK (true)', target);
    END LOOP;
    FOREACH target IN ARRAY ARRAY['pilothouse.daily_kinds', 'pilothouse.daily_costs'] LOOP
        EXECUTE format('DROP POLICY IF EXISTS owner_select ON %s', target);
        EXECUTE format('CREATE POLICY owner_select ON %s FOR SELECT TO pilothouse_owner
            USING (scope IN (SELECT ''p:'' || p FROM pilothouse.app_projects() p))', target);
    END LOOP;
END
$$;
DROP POLICY IF EXISTS owner_select ON pilothouse.daily_runs;
CREATE POLICY owner_select ON pilothouse.daily_runs FOR SELECT TO pilothouse_owner
    USING (container_id IN (SELECT c.container_id FROM public.containers c WHERE c.user_id = (SELECT pilothouse.app_user_id())
                            UNION ALL SELECT e.container_id FROM pilothouse.engine_containers e));
GRANT SELECT, INSERT, UPDATE, DELETE ON pilothouse.insight_marks, pilothouse.daily_kinds, pilothouse.daily_costs, pilothouse.run_marks,
    pilothouse.daily_runs TO pilothouse_admin;
GRANT SELECT ON pilothouse.daily_kinds, pilothouse.daily_costs, pilothouse.daily_runs TO pilothouse_owner;
