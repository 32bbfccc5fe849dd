DROP INDEX pilothouse.timeline_target_name_idx;
DROP INDEX public.activity_log_ip_idx;
