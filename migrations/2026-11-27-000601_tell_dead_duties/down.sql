REVOKE SELECT (kind, next_at, due_since) ON pilothouse.schedules FROM pilothouse_gate;
DROP POLICY IF EXISTS gate ON pilothouse.schedules;
