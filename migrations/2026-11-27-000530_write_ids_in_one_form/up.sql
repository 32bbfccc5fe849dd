-- Programs write the same uuid in capitals, in braces, without hyphens or as an URN; the console's own columns hold
-- one form, and compare texts. Ids of projects and users are brought into that form before anything looks at them.

CREATE OR REPLACE FUNCTION pilothouse.id_text(id text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN lower(id COLLATE "C") ~ '^\s*(urn:uuid:)?[{(]?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}[)}]?\s*$'
    THEN regexp_replace(lower(id COLLATE "C"),
        '^\s*(urn:uuid:)?[{(]?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})[)}]?\s*$',
        '\2-\3-\4-\5-\6')
    ELSE id END;
COMMENT ON FUNCTION pilothouse.id_text(text) IS 'An id as projects.id_text and users.id_text have it, if it is a uuid in whatever writing; any other text as it is.';

CREATE OR REPLACE FUNCTION pilothouse.write_ids_in_one_form() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.project_id := pilothouse.id_text(NEW.project_id);
    NEW.user_id := pilothouse.id_text(NEW.user_id);
    RETURN NEW;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NEW;
END
$$;
CREATE OR REPLACE FUNCTION pilothouse.write_quoted_ids_in_one_form() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW."projectId" := pilothouse.id_text(NEW."projectId");
    NEW."userId" := pilothouse.id_text(NEW."userId");
    RETURN NEW;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION pilothouse.id_text(text), pilothouse.write_ids_in_one_form(),
    pilothouse.write_quoted_ids_in_one_form() FROM PUBLIC;

-- Only texts that may be a uuid in another writing get as far as the function. The condition calls nothing of ours:
-- whoever writes may not be allowed to.
CREATE OR REPLACE TRIGGER project_actions_ids BEFORE INSERT OR UPDATE OF project_id, user_id ON turbobackend.project_actions
    FOR EACH ROW WHEN ((length(NEW.project_id) >= 32 AND NEW.project_id COLLATE "C" !~ '^[0-9a-f-]{36}$')
        OR (length(NEW.user_id) >= 32 AND NEW.user_id COLLATE "C" !~ '^[0-9a-f-]{36}$'))
    EXECUTE FUNCTION pilothouse.write_ids_in_one_form();
CREATE OR REPLACE TRIGGER github_push_history_ids BEFORE INSERT OR UPDATE OF project_id, user_id ON turbobackend.github_push_history
    FOR EACH ROW WHEN ((length(NEW.project_id) >= 32 AND NEW.project_id COLLATE "C" !~ '^[0-9a-f-]{36}$')
        OR (length(NEW.user_id) >= 32 AND NEW.user_id COLLATE "C" !~ '^[0-9a-f-]{36}$'))
    EXECUTE FUNCTION pilothouse.write_ids_in_one_form();
CREATE OR REPLACE TRIGGER project_deployments_ids BEFORE INSERT OR UPDATE OF project_id, user_id ON turbobackend.project_deployments
    FOR EACH ROW WHEN ((length(NEW.project_id) >= 32 AND NEW.project_id COLLATE "C" !~ '^[0-9a-f-]{36}$')
        OR (length(NEW.user_id) >= 32 AND NEW.user_id COLLATE "C" !~ '^[0-9a-f-]{36}$'))
    EXECUTE FUNCTION pilothouse.write_ids_in_one_form();
CREATE OR REPLACE TRIGGER container_sessions_ids BEFORE INSERT OR UPDATE OF project_id, user_id ON turbobackend.container_sessions
    FOR EACH ROW WHEN ((length(NEW.project_id) >= 32 AND NEW.project_id COLLATE "C" !~ '^[0-9a-f-]{36}$')
        OR (length(NEW.user_id) >= 32 AND NEW.user_id COLLATE "C" !~ '^[0-9a-f-]{36}$'))
    EXECUTE FUNCTION pilothouse.write_ids_in_one_form();
CREATE OR REPLACE TRIGGER project_databases_ids BEFORE INSERT OR UPDATE OF project_id, user_id ON turbobackend.project_databases
    FOR EACH ROW WHEN ((length(NEW.project_id) >= 32 AND NEW.project_id COLLATE "C" !~ '^[0-9a-f-]{36}$')
        OR (length(NEW.user_id) >= 32 AND NEW.user_id COLLATE "C" !~ '^[0-9a-f-]{36}$'))
    EXECUTE FUNCTION pilothouse.write_ids_in_one_form();
CREATE OR REPLACE TRIGGER message_cost_tracker_ids BEFORE INSERT OR UPDATE OF project_id, user_id ON turbobackend.message_cost_tracker
    FOR EACH ROW WHEN ((length(NEW.project_id) >= 32 AND NEW.project_id COLLATE "C" !~ '^[0-9a-f-]{36}$')
        OR (length(NEW.user_id) >= 32 AND NEW.user_id COLLATE "C" !~ '^[0-9a-f-]{36}$'))
    EXECUTE FUNCTION pilothouse.write_ids_in_one_form();
CREATE OR REPLACE TRIGGER "ActivityEvent_ids" BEFORE INSERT OR UPDATE OF "projectId", "userId" ON public."ActivityEvent"
    FOR EACH ROW WHEN ((length(NEW."projectId") >= 32 AND NEW."projectId" COLLATE "C" !~ '^[0-9a-f-]{36}$')
        OR (length(NEW."userId") >= 32 AND NEW."userId" COLLATE "C" !~ '^[0-9a-f-]{36}$'))
    EXECUTE FUNCTION pilothouse.write_quoted_ids_in_one_form();
CREATE OR REPLACE TRIGGER "ActivityLog_ids" BEFORE INSERT OR UPDATE OF "projectId", "userId" ON public."ActivityLog"
    FOR EACH ROW WHEN ((length(NEW."projectId") >= 32 AND NEW."projectId" COLLATE "C" !~ '^[0-9a-f-]{36}$')
        OR (length(NEW."userId") >= 32 AND NEW."userId" COLLATE "C" !~ '^[0-9a-f-]{36}$'))
    EXECUTE FUNCTION pilothouse.write_quoted_ids_in_one_form();
