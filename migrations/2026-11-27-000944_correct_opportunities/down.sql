DROP FUNCTION IF EXISTS pilothouse.correct_opportunity(bigint);
DROP INDEX IF EXISTS pilothouse.crm_outbox_retry_at_idx;
ALTER TABLE pilothouse.crm_outbox
    DROP COLUMN IF EXISTS asked_name,
    DROP COLUMN IF EXISTS correction,
    DROP COLUMN IF EXISTS corrected_at;
CREATE INDEX crm_outbox_retry_at_idx ON pilothouse.crm_outbox(retry_at) WHERE state IN ('pending', 'sending', 'unknown');
