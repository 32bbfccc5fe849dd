-- The activity tracker's DDL, and the table that its example query joins.
CREATE SCHEMA turbobackend;
CREATE TABLE turbobackend.project_actions (
  action_id VARCHAR PRIMARY KEY,
  project_id VARCHAR,
  user_id VARCHAR,
  request_id VARCHAR,
  action_type VARCHAR,
  action_details VARCHAR,
  status VARCHAR,
  environment VARCHAR,
  reference_ids JSONB,
  created_at BIGINT
);
ALTER TABLE turbobackend.project_actions DROP COLUMN IF EXISTS cost_usd;
ALTER TABLE turbobackend.project_actions ADD COLUMN IF NOT EXISTS reference_ids JSONB;
ALTER TABLE turbobackend.project_actions 
ADD COLUMN IF NOT EXISTS reference_ids JSONB;
CREATE TABLE turbobackend.github_push_history (
  push_id VARCHAR PRIMARY KEY,
  project_id VARCHAR,
  commit_sha VARCHAR,
  files_changed INTEGER
);
