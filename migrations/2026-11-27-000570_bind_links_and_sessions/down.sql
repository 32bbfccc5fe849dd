COMMENT ON COLUMN pilothouse.sign_in_failures.scope IS 'account or address.';
COMMENT ON COLUMN pilothouse.sign_in_failures.subject IS 'The account''s hash (known or not), or the client''s address or network.';
DROP INDEX IF EXISTS pilothouse.password_links_used_from_idx, public.sessions_ip_address_idx;
DROP FUNCTION IF EXISTS pilothouse.stay();
DROP TRIGGER IF EXISTS users_cancel_password_links ON public.users;
DROP FUNCTION IF EXISTS pilothouse.cancel_password_links();
ALTER TABLE pilothouse.password_links
    DROP COLUMN IF EXISTS shown_at, DROP COLUMN IF EXISTS cancelled_at, DROP COLUMN IF EXISTS used_from;
COMMENT ON COLUMN pilothouse.password_links.used_at IS NULL;
