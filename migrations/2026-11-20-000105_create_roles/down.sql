-- Roles belong to the cluster and may serve other databases: they stay, without rights here.
REVOKE USAGE ON SCHEMA public, turbobackend, pilothouse
    FROM pilothouse_admin, pilothouse_owner, pilothouse_worker, pilothouse_guest, pilothouse_gate, pilothouse_nobody;
