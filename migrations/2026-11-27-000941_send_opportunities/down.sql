DROP INDEX IF EXISTS pilothouse.crm_outbox_retry_at_idx;
ALTER TABLE pilothouse.crm_outbox
    DROP COLUMN IF EXISTS contact_id,
    DROP COLUMN IF EXISTS opportunity_id,
    DROP COLUMN IF EXISTS retry_at;
