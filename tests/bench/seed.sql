-- Rows for the benchmark: many projects of many owners, one of which holds a tenth of everything, and 500 people who act
-- in all of them.
-- The owner of one project, the owner of 200 and the admin are there already: $(one), $(many), $(admin).
SELECT setseed(0.4711);

INSERT INTO users (id, email, name, role)
SELECT md5('user' || n)::uuid, 'user' || n || '@bench.test', 'User ' || n, 'owner'
FROM generate_series(1, 497) n;

INSERT INTO containers (container_id, name, status, user_id, assigned_port, image_name, observed_at)
SELECT md5('container' || n) || md5('engine' || n), 'app-' || n, 'running', md5('user' || 1 + n % 497)::uuid,
       4000 + n, 'node:22', now()
FROM generate_series(1, 500) n;

CREATE TEMP TABLE place AS
SELECT n, md5('project' || n)::uuid AS id, 'project-' || n AS name,
       CASE WHEN n = 0 THEN '$(one)'::uuid WHEN n <= 200 THEN '$(many)'::uuid
            ELSE md5('user' || 1 + n % 497)::uuid END AS owner
FROM generate_series(0, 1999) n;
INSERT INTO projects (id, name, user_id, status, type) SELECT id, name, owner, 'active', 'nextjs' FROM place;

-- Triggers would do row by row what one statement does below.
ALTER TABLE turbobackend.project_actions DISABLE TRIGGER USER;
ALTER TABLE pilothouse.timeline DISABLE TRIGGER USER;
CREATE TEMP TABLE drawn AS
SELECT g, CASE WHEN g % 10 = 0 THEN 0 ELSE 1 + floor(1999 * random() ^ 2)::int END AS n, random() AS dice
FROM generate_series(1, $(rows)) g;
INSERT INTO turbobackend.project_actions
    (action_id, project_id, user_id, request_id, action_type, action_details, status, environment, reference_ids, created_at)
SELECT 'act_' || lpad(to_hex(g), 12, '0'), p.id::text,
       CASE WHEN g % ($(rows) / 20) = 7 THEN '$(rare)' ELSE md5('user' || 1 + floor(497 * dice)::int)::uuid::text END,
       'req_' || md5('r' || g / 2),
       CASE WHEN g % ($(rows) / 20) = 3 THEN 'database_creation'
            ELSE (ARRAY['github_push', 'deployment', 'file_change', 'chat_prompt', 'container_start'])[1 + g / 10 % 5] END,
       'Deployed revision ' || left(md5(g::text), 8) || ' after the health check on the new container had answered twice',
       CASE WHEN g % ($(rows) / 20) = 5 THEN 'cancelled' WHEN g % 41 = 0 THEN 'failed' ELSE 'success' END,
       CASE WHEN g % 3 = 0 THEN 'production' ELSE 'development' END,
       jsonb_build_object('branch_name', 'main', 'commit_sha', md5('c' || g / 2) || '00000000',
                          'deployment_id', 'deploy_' || to_hex(g / 2)),
       floor(extract(epoch FROM now()) * 1000)::bigint - ($(rows) - g) * (26000000000 / $(rows))
FROM drawn JOIN place p USING (n);
INSERT INTO turbobackend.action_references (key, value, created_at, action_id, project_id)
SELECT p.key, p.value, a.created_at, a.action_id, a.project_id
FROM turbobackend.project_actions a, pilothouse.reference_pairs(a.reference_ids) p
ON CONFLICT DO NOTHING;
INSERT INTO pilothouse.timeline
SELECT e.* FROM turbobackend.project_actions a CROSS JOIN LATERAL pilothouse.entry_of_action(
    a.action_id, a.project_id, a.user_id, a.request_id, a.action_type, a.action_details, a.status, a.environment,
    a.reference_ids, a.created_at, now(), '0') e;
ALTER TABLE turbobackend.project_actions ENABLE TRIGGER USER;
ALTER TABLE pilothouse.timeline ENABLE TRIGGER USER;

INSERT INTO "ActivityEvent" ("projectId", "userId", "eventType", "entityType", title, description, status, duration, "createdAt", "updatedAt")
SELECT p.id::text, p.owner::text, 'APR_REVIEW', 'project', 'Review of ' || p.name, 'Nothing to mend', 'COMPLETED', 4000, d.at, d.at
FROM (SELECT n, timezone('UTC', now()) - random() * interval '300 days' AS at FROM drawn WHERE g % 20 IN (3, 10)) d
JOIN place p USING (n);
INSERT INTO "ActivityLog" ("projectId", "userId", "activityType", description, "actorName", "targetType", "targetId", "targetName", "createdAt")
SELECT p.id::text, p.owner::text, 'project.updated', 'Changed the settings', 'User', 'project', p.id::text, p.name, d.at
FROM (SELECT n, timezone('UTC', now()) - random() * interval '300 days' AS at FROM drawn WHERE g % 20 IN (7, 0)) d
JOIN place p USING (n);

-- What single inserts are measured against: the table as its own document has it.
CREATE SCHEMA bare;
CREATE TABLE bare.project_actions (
    action_id VARCHAR PRIMARY KEY, project_id VARCHAR, user_id VARCHAR, request_id VARCHAR, action_type VARCHAR,
    action_details VARCHAR, status VARCHAR, environment VARCHAR, reference_ids JSONB, created_at BIGINT);
INSERT INTO bare.project_actions
SELECT action_id, project_id, user_id, request_id, action_type, action_details, status, environment, reference_ids, created_at
FROM turbobackend.project_actions;
