-- How far an opportunity came: what the CRM calls its contact and itself, and when it is looked at again.

ALTER TABLE pilothouse.crm_outbox
    ADD COLUMN IF NOT EXISTS contact_id TEXT,
    ADD COLUMN IF NOT EXISTS opportunity_id TEXT,
    ADD COLUMN IF NOT EXISTS retry_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now();
CREATE INDEX IF NOT EXISTS crm_outbox_retry_at_idx ON pilothouse.crm_outbox(retry_at)
    WHERE state IN ('pending', 'sending', 'unknown');
COMMENT ON COLUMN pilothouse.crm_outbox.retry_at IS 'When it is taken next; while it is being sent, when somebody else may take it over.';
