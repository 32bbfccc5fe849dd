-- `/readyz` asks as the gate, and tells which duties nobody fulfils.
DROP POLICY IF EXISTS gate ON pilothouse.schedules;
CREATE POLICY gate ON pilothouse.schedules FOR SELECT TO pilothouse_gate USING (true);
GRANT SELECT (kind, next_at, due_since) ON pilothouse.schedules TO pilothouse_gate;
