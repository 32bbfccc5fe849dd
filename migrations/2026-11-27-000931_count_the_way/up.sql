-- The way from a first message to a project, counted by day, so that the funnel costs the same at any size; and what came of
-- a referral code, for its owner, in numbers that name nobody.

CREATE INDEX IF NOT EXISTS idx_analytics_event_type_created_at ON public.analytics(event_type, created_at);
CREATE INDEX IF NOT EXISTS idx_analytics_created_at ON public.analytics(created_at);
CREATE INDEX IF NOT EXISTS idx_analytics_session_id_created_at ON public.analytics(session_id, created_at, id);

CREATE TABLE IF NOT EXISTS pilothouse.funnel_days (
    day DATE NOT NULL,
    developer_ref TEXT NOT NULL,
    source TEXT NOT NULL,
    step TEXT NOT NULL,
    bucket INTEGER NOT NULL,
    sessions BIGINT NOT NULL,
    PRIMARY KEY (day, developer_ref, source, step, bucket)
);
COMMENT ON TABLE pilothouse.funnel_days IS 'Sessions that began on a day (UTC) and came to a step within 30 days, by how long that took; and where others left.';
COMMENT ON COLUMN pilothouse.funnel_days.developer_ref IS '"*" counts all of them; so does source.';
COMMENT ON COLUMN pilothouse.funnel_days.bucket IS 'Time since the step before, in seconds, by the power of 1.1 that it reaches.';

CREATE TABLE IF NOT EXISTS pilothouse.funnel_progress (
    name TEXT PRIMARY KEY,
    as_of TIMESTAMP WITH TIME ZONE
);
COMMENT ON TABLE pilothouse.funnel_progress IS 'Until when the events of analytics are counted.';

-- Counts the sessions anew that began on a day. A step counts only after the one before it.
CREATE OR REPLACE FUNCTION pilothouse.count_funnel_day(counted date) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM pilothouse.funnel_days f WHERE f.day = counted;
    INSERT INTO pilothouse.funnel_days (day, developer_ref, source, step, bucket, sessions)
    WITH begun AS (
        SELECT a.session_id, min(a.created_at) AS t0, min(a.developer_ref) AS developer_ref, min(a.source) AS source,
               bool_or(a.user_id IS NOT NULL) AS has_account
        FROM public.analytics a
        WHERE a.event_type = 'session_started' AND a.session_id IS NOT NULL
          AND a.created_at >= counted::timestamp AT TIME ZONE 'UTC'
          AND a.created_at < (counted + 1)::timestamp AT TIME ZONE 'UTC'
        GROUP BY a.session_id
    ), way AS (
        SELECT b.session_id, b.developer_ref, b.source, b.t0, w.*
        FROM begun b CROSS JOIN LATERAL (
            SELECT min(a.created_at) FILTER (WHERE a.event_type IN ('slot_filled', 'slot_corrected', 'slot_skipped')) AS t1,
                   min(a.created_at) FILTER (WHERE a.event_type = 'draft_created') AS t2,
                   CASE WHEN b.has_account THEN min(a.created_at) FILTER (WHERE a.event_type = 'draft_created')
                        ELSE min(a.created_at) FILTER (WHERE a.event_type = 'session_claimed') END AS t3,
                   min(a.created_at) FILTER (WHERE a.event_type = 'draft_posted') AS t4,
                   min(a.created_at) FILTER (WHERE a.event_type = 'project_created') AS t5,
                   (array_agg(a.slot_name ORDER BY a.id DESC) FILTER (WHERE a.event_type = 'slot_asked'))[1] AS last_slot
            FROM public.analytics a
            WHERE a.session_id = b.session_id AND a.created_at <= b.t0 + interval '30 days'
        ) w
    ), strict AS (
        SELECT y.*,
               t1 >= t0 AS s1,
               t1 >= t0 AND t2 >= t1 AS s2,
               t1 >= t0 AND t2 >= t1 AND t3 >= t2 AS s3,
               t1 >= t0 AND t2 >= t1 AND t3 >= t2 AND t4 >= t3 AS s4,
               t1 >= t0 AND t2 >= t1 AND t3 >= t2 AND t4 >= t3 AND t5 >= t4 AS s5
        FROM way y
    ), steps AS (
        SELECT s.developer_ref, s.source, x.step, x.seconds
        FROM strict s CROSS JOIN LATERAL (VALUES
            ('started', true, 0::numeric),
            ('answered', s.s1, extract(epoch FROM s.t1 - s.t0)),
            ('drafted', s.s2, extract(epoch FROM s.t2 - s.t1)),
            ('account', s.s3, extract(epoch FROM s.t3 - s.t2)),
            ('posted', s.s4, extract(epoch FROM s.t4 - s.t3)),
            ('project', s.s5, extract(epoch FROM s.t5 - s.t4)),
            ('exit:' || coalesce(s.last_slot, 'end'), coalesce(s.s2, false) IS FALSE, 0::numeric)
        ) AS x(step, reached, seconds)
        WHERE x.reached
    )
    SELECT counted, CASE WHEN grouping(st.developer_ref) = 1 THEN '*' ELSE coalesce(st.developer_ref, '') END,
           CASE WHEN grouping(st.source) = 1 THEN '*' ELSE coalesce(st.source, '') END, st.step, st.bucket, count(*)
    FROM (SELECT developer_ref, source, step, floor(ln(greatest(seconds, 0) + 1) / ln(1.1))::integer AS bucket FROM steps) st
    GROUP BY GROUPING SETS ((st.step, st.bucket), (st.developer_ref, st.step, st.bucket), (st.source, st.step, st.bucket),
                            (st.developer_ref, st.source, st.step, st.bucket));
END
$$;
COMMENT ON FUNCTION pilothouse.count_funnel_day(date) IS 'Counts the sessions anew that began on a day.';

-- Counts the days again whose sessions have had an event since the last time. A transaction may have been under way then.
CREATE OR REPLACE FUNCTION pilothouse.keep_funnel() RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    since timestamp with time zone;
    counted date;
    days integer := 0;
BEGIN
    INSERT INTO pilothouse.funnel_progress (name) VALUES ('funnel') ON CONFLICT DO NOTHING;
    SELECT p.as_of - interval '10 minutes' INTO since FROM pilothouse.funnel_progress p WHERE p.name = 'funnel' FOR UPDATE;
    FOR counted IN
        SELECT DISTINCT (b.created_at AT TIME ZONE 'UTC')::date
        FROM public.analytics b
        WHERE b.event_type = 'session_started'
          AND (since IS NULL OR b.session_id IN (SELECT a.session_id FROM public.analytics a WHERE a.created_at >= since))
    LOOP
        PERFORM pilothouse.count_funnel_day(counted);
        days := days + 1;
    END LOOP;
    UPDATE pilothouse.funnel_progress p SET as_of = now() WHERE p.name = 'funnel';
    RETURN days;
END
$$;
COMMENT ON FUNCTION pilothouse.keep_funnel() IS 'Counts the days again whose sessions went on; answers how many.';

-- An owner learns how many came by their code, and no more: what few did is nobody's to know.
CREATE OR REPLACE FUNCTION pilothouse.referral_counts()
RETURNS TABLE (conversations bigint, drafts bigint, posted bigint, projects bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    me CONSTANT uuid := pilothouse.app_user_id();
    own text;
BEGIN
    SELECT c.code INTO own FROM pilothouse.referral_codes c WHERE c.user_id = me;
    IF own IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT (SELECT count(*) FROM public.ai_assistant_sessions s WHERE s.developer_ref = own AND s.user_id IS DISTINCT FROM me),
           count(*), count(*) FILTER (WHERE d.posted_at IS NOT NULL), count(*) FILTER (WHERE d.project_id IS NOT NULL)
    FROM public.job_drafts d WHERE d.developer_ref = own AND d.user_id IS DISTINCT FROM me;
END
$$;
COMMENT ON FUNCTION pilothouse.referral_counts() IS 'What came of the user''s own code, their own doings apart.';

REVOKE ALL ON FUNCTION pilothouse.count_funnel_day(date), pilothouse.keep_funnel(), pilothouse.referral_counts() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pilothouse.count_funnel_day(date), pilothouse.keep_funnel() TO pilothouse_admin;
GRANT EXECUTE ON FUNCTION pilothouse.referral_counts() TO pilothouse_owner, pilothouse_admin;

DO $$
DECLARE
    target text;
BEGIN
    FOREACH target IN ARRAY ARRAY['pilothouse.funnel_days', 'pilothouse.funnel_progress'] LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
        EXECUTE format('DROP POLICY IF EXISTS admin ON %s', target);
        EXECUTE format('CREATE POLICY admin ON %s TO pilothouse_admin USING (true) WITH CHECK (true)', target);
    END LOOP;
END
$$;
GRANT SELECT, INSERT, UPDATE, DELETE ON pilothouse.funnel_days, pilothouse.funnel_progress TO pilothouse_admin;
