-- The activity tracker's table and those that its references point to.
-- Ids are varchar, times are epoch milliseconds, and there are no foreign keys: a record outlives what it is about.

CREATE SCHEMA IF NOT EXISTS turbobackend;

CREATE TABLE IF NOT EXISTS turbobackend.project_actions (
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
-- A tracker older than its references.
ALTER TABLE turbobackend.project_actions ADD COLUMN IF NOT EXISTS reference_ids JSONB;

CREATE TABLE IF NOT EXISTS turbobackend.github_push_history (push_id VARCHAR PRIMARY KEY);
ALTER TABLE turbobackend.github_push_history
    ADD COLUMN IF NOT EXISTS project_id VARCHAR,
    ADD COLUMN IF NOT EXISTS user_id VARCHAR,
    ADD COLUMN IF NOT EXISTS request_id VARCHAR,
    ADD COLUMN IF NOT EXISTS repo_url VARCHAR,
    ADD COLUMN IF NOT EXISTS branch_name VARCHAR,
    ADD COLUMN IF NOT EXISTS commit_sha VARCHAR,
    ADD COLUMN IF NOT EXISTS commit_message VARCHAR,
    ADD COLUMN IF NOT EXISTS author_name VARCHAR,
    ADD COLUMN IF NOT EXISTS author_email VARCHAR,
    ADD COLUMN IF NOT EXISTS files_changed INTEGER,
    ADD COLUMN IF NOT EXISTS files JSONB,
    ADD COLUMN IF NOT EXISTS created_at BIGINT;

CREATE TABLE IF NOT EXISTS turbobackend.project_deployments (deployment_id VARCHAR PRIMARY KEY);
ALTER TABLE turbobackend.project_deployments
    ADD COLUMN IF NOT EXISTS project_id VARCHAR,
    ADD COLUMN IF NOT EXISTS user_id VARCHAR,
    ADD COLUMN IF NOT EXISTS request_id VARCHAR,
    ADD COLUMN IF NOT EXISTS app_name VARCHAR,
    ADD COLUMN IF NOT EXISTS app_url VARCHAR,
    ADD COLUMN IF NOT EXISTS commit_sha VARCHAR,
    ADD COLUMN IF NOT EXISTS status VARCHAR,
    ADD COLUMN IF NOT EXISTS environment VARCHAR,
    ADD COLUMN IF NOT EXISTS error VARCHAR,
    ADD COLUMN IF NOT EXISTS created_at BIGINT,
    ADD COLUMN IF NOT EXISTS finished_at BIGINT;

CREATE TABLE IF NOT EXISTS turbobackend.container_sessions (session_id VARCHAR PRIMARY KEY);
ALTER TABLE turbobackend.container_sessions
    ADD COLUMN IF NOT EXISTS project_id VARCHAR,
    ADD COLUMN IF NOT EXISTS user_id VARCHAR,
    ADD COLUMN IF NOT EXISTS container_id VARCHAR,
    ADD COLUMN IF NOT EXISTS status VARCHAR,
    ADD COLUMN IF NOT EXISTS exit_code INTEGER,
    ADD COLUMN IF NOT EXISTS created_at BIGINT,
    ADD COLUMN IF NOT EXISTS ended_at BIGINT;

CREATE TABLE IF NOT EXISTS turbobackend.project_databases (database_id VARCHAR PRIMARY KEY);
ALTER TABLE turbobackend.project_databases
    ADD COLUMN IF NOT EXISTS project_id VARCHAR,
    ADD COLUMN IF NOT EXISTS user_id VARCHAR,
    ADD COLUMN IF NOT EXISTS request_id VARCHAR,
    ADD COLUMN IF NOT EXISTS database_name VARCHAR,
    ADD COLUMN IF NOT EXISTS schema_design JSONB,
    ADD COLUMN IF NOT EXISTS status VARCHAR,
    ADD COLUMN IF NOT EXISTS created_at BIGINT;

CREATE TABLE IF NOT EXISTS turbobackend.message_cost_tracker (cost_id VARCHAR PRIMARY KEY);
ALTER TABLE turbobackend.message_cost_tracker
    ADD COLUMN IF NOT EXISTS project_id VARCHAR,
    ADD COLUMN IF NOT EXISTS user_id VARCHAR,
    ADD COLUMN IF NOT EXISTS request_id VARCHAR,
    ADD COLUMN IF NOT EXISTS message_id VARCHAR,
    ADD COLUMN IF NOT EXISTS model VARCHAR,
    ADD COLUMN IF NOT EXISTS input_tokens BIGINT,
    ADD COLUMN IF NOT EXISTS output_tokens BIGINT,
    ADD COLUMN IF NOT EXISTS cost_usd NUMERIC(12,6),
    ADD COLUMN IF NOT EXISTS created_at BIGINT;

-- Owners search references here: text equality is leakproof and uses an index under row security,
-- the operators of jsonb are not and would read the whole table.
-- Compared byte by byte: nothing sorts by key or value, and a locale's comparison made inserts twice as dear.
-- action_id has the collation of the column that it is joined with, or the join would find no index.
CREATE TABLE IF NOT EXISTS turbobackend.action_references (
    key TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    -- Compared like the timeline's order, so that the key's own index answers its pages.
    action_id VARCHAR COLLATE "C" NOT NULL,
    project_id VARCHAR,
    PRIMARY KEY (key, value, created_at, action_id)
);

COMMENT ON TABLE turbobackend.project_actions IS 'Something happened to a project: the activity tracker''s append-only record.';
COMMENT ON TABLE turbobackend.github_push_history IS 'Pushes, named by github_push_id.';
COMMENT ON TABLE turbobackend.project_deployments IS 'Deployments, named by deployment_id.';
COMMENT ON TABLE turbobackend.container_sessions IS 'Runs of a container, named by container_session_id; container_id is the engine''s.';
COMMENT ON TABLE turbobackend.project_databases IS 'Provisioned databases, named by database_id.';
COMMENT ON TABLE turbobackend.message_cost_tracker IS 'What a model''s answer cost, in US dollars.';
COMMENT ON TABLE turbobackend.action_references IS 'One row a key and scalar value of project_actions.reference_ids, kept by trigger; long texts as pilothouse.reference_text writes them.';
