-- The functions that keep entries write the same as before: they stay, with the table that they belong to.
DROP INDEX IF EXISTS pilothouse.timeline_project_kind_idx, pilothouse.timeline_owner_kind_idx, pilothouse.timeline_kind_idx,
    pilothouse.timeline_project_actor_idx, pilothouse.timeline_owner_actor_idx, pilothouse.timeline_actor_idx,
    pilothouse.timeline_time_idx, turbobackend.project_actions_project_idx, turbobackend.project_actions_time_idx;
CREATE INDEX timeline_project_kind_idx ON pilothouse.timeline (project_id, kind, at DESC, source DESC, id DESC);
CREATE INDEX timeline_owner_kind_idx ON pilothouse.timeline (owner_id, kind, at DESC, source DESC, id DESC) WHERE owner_id IS NOT NULL;
CREATE INDEX timeline_kind_idx ON pilothouse.timeline (kind, at DESC, source DESC, id DESC);
CREATE INDEX timeline_project_actor_idx ON pilothouse.timeline (project_id, actor, at DESC, source DESC, id DESC);
CREATE INDEX timeline_owner_actor_idx ON pilothouse.timeline (owner_id, actor, at DESC, source DESC, id DESC) WHERE owner_id IS NOT NULL;
CREATE INDEX timeline_actor_idx ON pilothouse.timeline (actor, at DESC, source DESC, id DESC);
CREATE INDEX timeline_time_idx ON pilothouse.timeline (at DESC, source DESC, id DESC);
CREATE INDEX project_actions_project_idx ON turbobackend.project_actions (project_id, created_at DESC, action_id COLLATE "C" DESC);
CREATE INDEX project_actions_time_idx ON turbobackend.project_actions (created_at DESC, action_id COLLATE "C" DESC);
CREATE OR REPLACE TRIGGER project_actions_ids BEFORE INSERT OR UPDATE OF project_id, user_id ON turbobackend.project_actions
    FOR EACH ROW WHEN ((length(NEW.project_id) >= 32 AND NEW.project_id COLLATE "C" !~ '^[0-9a-f-]{36}$')
        OR (length(NEW.user_id) >= 32 AND NEW.user_id COLLATE "C" !~ '^[0-9a-f-]{36}$'))
    EXECUTE FUNCTION pilothouse.write_ids_in_one_form();
