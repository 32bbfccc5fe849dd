-- What the assistant's model reads and writes in a day, of all instances together, so that its budget holds.

CREATE TABLE IF NOT EXISTS pilothouse.assistant_usage (
    day DATE PRIMARY KEY,
    calls BIGINT NOT NULL DEFAULT 0,
    input_tokens BIGINT NOT NULL DEFAULT 0,
    output_tokens BIGINT NOT NULL DEFAULT 0
);
COMMENT ON TABLE pilothouse.assistant_usage IS 'Tokens that the assistant''s model read and wrote on a day (UTC).';

CREATE OR REPLACE FUNCTION pilothouse.count_assistant_usage(read bigint, written bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pilothouse.assistant_usage AS u (day, calls, input_tokens, output_tokens)
    VALUES (timezone('UTC', now())::date, 1, greatest(read, 0), greatest(written, 0))
    ON CONFLICT (day) DO UPDATE SET calls = u.calls + 1, input_tokens = u.input_tokens + EXCLUDED.input_tokens,
        output_tokens = u.output_tokens + EXCLUDED.output_tokens;
END
$$;
COMMENT ON FUNCTION pilothouse.count_assistant_usage(bigint, bigint) IS 'Counts one answer of the model.';

CREATE OR REPLACE FUNCTION pilothouse.assistant_usage_today() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT u.input_tokens + u.output_tokens FROM pilothouse.assistant_usage u
                     WHERE u.day = timezone('UTC', now())::date), 0);
END
$$;
COMMENT ON FUNCTION pilothouse.assistant_usage_today() IS 'Tokens of today.';

REVOKE ALL ON FUNCTION pilothouse.count_assistant_usage(bigint, bigint), pilothouse.assistant_usage_today() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pilothouse.count_assistant_usage(bigint, bigint), pilothouse.assistant_usage_today()
    TO pilothouse_guest, pilothouse_owner, pilothouse_admin;

ALTER TABLE pilothouse.assistant_usage ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS admin ON pilothouse.assistant_usage;
CREATE POLICY admin ON pilothouse.assistant_usage TO pilothouse_admin USING (true) WITH CHECK (true);
GRANT SELECT ON pilothouse.assistant_usage TO pilothouse_admin;
