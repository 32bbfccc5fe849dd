DROP FUNCTION pilothouse.referral_counts();
DROP FUNCTION pilothouse.keep_funnel();
DROP FUNCTION pilothouse.count_funnel_day(date);
DROP TABLE pilothouse.funnel_progress;
DROP TABLE pilothouse.funnel_days;
DROP INDEX public.idx_analytics_created_at;
DROP INDEX public.idx_analytics_session_id_created_at;
DROP INDEX public.idx_analytics_event_type_created_at;
