-- Who claims a conversation is its user from its first event on: the claim is when they came to have an account.

CREATE OR REPLACE FUNCTION pilothouse.count_funnel_day(counted date) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM pilothouse.funnel_days f WHERE f.day = counted;
    INSERT INTO pilothouse.funnel_days (day, developer_ref, source, step, bucket, sessions)
    WITH begun AS (
        SELECT a.session_id, min(a.created_at) AS t0, min(a.developer_ref) AS developer_ref, min(a.source) AS source,
               bool_or(a.user_id IS NOT NULL) AND NOT EXISTS (
                   SELECT FROM public.analytics c WHERE c.session_id = a.session_id AND c.event_type = 'session_claimed'
               ) AS had_account
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
                   coalesce(min(a.created_at) FILTER (WHERE a.event_type = 'session_claimed'),
                            CASE WHEN b.had_account THEN min(a.created_at) FILTER (WHERE a.event_type = 'draft_created') END) AS t3,
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
-- All days are counted again.
UPDATE pilothouse.funnel_progress SET as_of = NULL WHERE name = 'funnel';
