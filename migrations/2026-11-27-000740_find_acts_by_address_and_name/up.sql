CREATE INDEX activity_log_ip_idx ON public."ActivityLog" (ip) WHERE ip IS NOT NULL;
COMMENT ON INDEX public.activity_log_ip_idx IS 'What was done from one address.';
CREATE INDEX timeline_target_name_idx ON pilothouse.timeline (lower(target_name) text_pattern_ops) WHERE source = 'audit';
COMMENT ON INDEX pilothouse.timeline_target_name_idx IS 'What was done to things whose name begins like this.';
