DROP TABLE pilothouse.crm_outbox;
DROP TABLE pilothouse.draft_files;
