-- What was told to the CRM can be wrong later: the draft was edited, or somebody else is credited. It is told again.

ALTER TABLE pilothouse.crm_outbox
    ADD COLUMN IF NOT EXISTS asked_name TEXT,
    ADD COLUMN IF NOT EXISTS correction JSONB,
    ADD COLUMN IF NOT EXISTS corrected_at TIMESTAMP WITH TIME ZONE;
COMMENT ON COLUMN pilothouse.crm_outbox.asked_name IS 'By what name it was asked for, and is looked up.';
COMMENT ON COLUMN pilothouse.crm_outbox.correction IS 'Who is credited instead of whom the draft names: developer_ref, source and attribution_chain.';
COMMENT ON COLUMN pilothouse.crm_outbox.corrected_at IS 'Since when the CRM knows it otherwise than it is.';
DROP INDEX IF EXISTS pilothouse.crm_outbox_retry_at_idx;
CREATE INDEX crm_outbox_retry_at_idx ON pilothouse.crm_outbox(retry_at)
    WHERE state IN ('pending', 'sending', 'unknown') OR corrected_at IS NOT NULL;

CREATE OR REPLACE FUNCTION pilothouse.correct_opportunity(of_draft bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE pilothouse.crm_outbox o
    SET corrected_at = clock_timestamp(),
        attempts = CASE WHEN o.state = 'sent' THEN 0 ELSE o.attempts END,
        retry_at = CASE WHEN o.state = 'sent' THEN now() ELSE o.retry_at END
    WHERE o.draft_id = of_draft AND o.user_id = pilothouse.app_user_id();
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION pilothouse.correct_opportunity(bigint) IS 'The CRM is to be told again what the user''s own draft says.';
REVOKE ALL ON FUNCTION pilothouse.correct_opportunity(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pilothouse.correct_opportunity(bigint) TO pilothouse_owner, pilothouse_admin;
