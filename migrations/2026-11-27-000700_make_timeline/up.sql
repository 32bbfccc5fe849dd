-- One row for each entry of the timeline, with everything that a page shows of it, whatever table it comes from.
-- Triggers keep it; pages read nothing else.

CREATE TABLE IF NOT EXISTS pilothouse.timeline (
    source TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    told_at BIGINT,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    xid XID8 NOT NULL,
    project_id UUID,
    project_text TEXT,
    owner_id UUID,
    container_id UUID,
    kind TEXT COLLATE "C",
    status TEXT,
    status_word TEXT COLLATE "C",
    outcome TEXT COLLATE "C",
    environment TEXT,
    actor TEXT COLLATE "C",
    actor_name TEXT,
    actor_role TEXT,
    request_id TEXT,
    cause TEXT,
    title TEXT,
    details TEXT,
    reference_ids TEXT,
    target_kind TEXT,
    target_id TEXT,
    target_name TEXT,
    duration BIGINT,
    progress TEXT,
    PRIMARY KEY (source, id)
);
COMMENT ON TABLE pilothouse.timeline IS 'One row for each entry of the timeline, kept by triggers of the tables that it comes from. Long texts are cut as pages cut them; the source has all of them.';
COMMENT ON COLUMN pilothouse.timeline.source IS 'action, audit, event: the words of data-activity, and the second part of the order.';
COMMENT ON COLUMN pilothouse.timeline.at IS 'Epoch milliseconds, the first part of the order. Without a time 0; what was told more than five minutes ahead of its receipt stands at its receipt.';
COMMENT ON COLUMN pilothouse.timeline.told_at IS 'The time that was told, where the entry does not stand there.';
COMMENT ON COLUMN pilothouse.timeline.xid IS 'The transaction that wrote it last; 0 when it was filled in later, so that nothing counts as changed.';
COMMENT ON COLUMN pilothouse.timeline.project_text IS 'The project as it was written, where that is no uuid.';
COMMENT ON COLUMN pilothouse.timeline.owner_id IS 'Whose entry it is, to find it: what may be seen is decided by project_id.';
COMMENT ON COLUMN pilothouse.timeline.status_word IS 'The status as filters compare it, in lower case.';
COMMENT ON COLUMN pilothouse.timeline.outcome IS 'What the status means: good, bad or busy.';
COMMENT ON COLUMN pilothouse.timeline.cause IS 'What led to it: action:ID, event:ID, audit:ID or engine:ID.';

-- The one order in each scope, alone and behind each word that a filter may ask for. Whole:
-- where an index holds less of it, all that has the word is read and sorted.
CREATE INDEX timeline_project_idx ON pilothouse.timeline (project_id, at DESC, source DESC, id DESC);
CREATE INDEX timeline_owner_idx ON pilothouse.timeline (owner_id, at DESC, source DESC, id DESC) WHERE owner_id IS NOT NULL;
CREATE INDEX timeline_time_idx ON pilothouse.timeline (at DESC, source DESC, id DESC);
CREATE INDEX timeline_project_kind_idx ON pilothouse.timeline (project_id, kind, at DESC, source DESC, id DESC);
CREATE INDEX timeline_owner_kind_idx ON pilothouse.timeline (owner_id, kind, at DESC, source DESC, id DESC) WHERE owner_id IS NOT NULL;
CREATE INDEX timeline_kind_idx ON pilothouse.timeline (kind, at DESC, source DESC, id DESC);
CREATE INDEX timeline_project_actor_idx ON pilothouse.timeline (project_id, actor, at DESC, source DESC, id DESC);
CREATE INDEX timeline_owner_actor_idx ON pilothouse.timeline (owner_id, actor, at DESC, source DESC, id DESC) WHERE owner_id IS NOT NULL;
CREATE INDEX timeline_actor_idx ON pilothouse.timeline (actor, at DESC, source DESC, id DESC);
-- Most actions say "success": they are found by walking the order itself.
CREATE INDEX timeline_project_status_idx ON pilothouse.timeline (project_id, status_word, at DESC, source DESC, id DESC)
    WHERE status_word <> 'success';
CREATE INDEX timeline_owner_status_idx ON pilothouse.timeline (owner_id, status_word, at DESC, source DESC, id DESC)
    WHERE status_word <> 'success' AND owner_id IS NOT NULL;
CREATE INDEX timeline_status_idx ON pilothouse.timeline (status_word, at DESC, source DESC, id DESC)
    WHERE status_word <> 'success';
-- Most entries are actions.
CREATE INDEX timeline_project_source_idx ON pilothouse.timeline (project_id, source, at DESC, id DESC) WHERE source <> 'action';
CREATE INDEX timeline_owner_source_idx ON pilothouse.timeline (owner_id, source, at DESC, id DESC)
    WHERE source <> 'action' AND owner_id IS NOT NULL;
CREATE INDEX timeline_source_idx ON pilothouse.timeline (source, at DESC, id DESC) WHERE source <> 'action';
CREATE INDEX timeline_target_idx ON pilothouse.timeline (target_id, at DESC, id DESC) WHERE source = 'audit';
CREATE INDEX timeline_request_idx ON pilothouse.timeline USING hash (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX timeline_cause_idx ON pilothouse.timeline USING hash (cause) WHERE cause IS NOT NULL;
CREATE INDEX timeline_xid_idx ON pilothouse.timeline (xid) WHERE xid > '0';
COMMENT ON INDEX pilothouse.timeline_project_idx IS 'A project''s timeline, page by page.';
COMMENT ON INDEX pilothouse.timeline_owner_idx IS 'Everything of one owner, whose policy looks at the projects.';
COMMENT ON INDEX pilothouse.timeline_time_idx IS 'Everything, for admins.';
COMMENT ON INDEX pilothouse.timeline_project_kind_idx IS 'type= in a project, and the types that its filter offers.';
COMMENT ON INDEX pilothouse.timeline_owner_kind_idx IS 'type= in everything of one owner.';
COMMENT ON INDEX pilothouse.timeline_kind_idx IS 'type= in everything.';
COMMENT ON INDEX pilothouse.timeline_project_actor_idx IS 'actor= in a project, and the actors that its filter offers.';
COMMENT ON INDEX pilothouse.timeline_owner_actor_idx IS 'actor= in everything of one owner.';
COMMENT ON INDEX pilothouse.timeline_actor_idx IS 'actor= in everything.';
COMMENT ON INDEX pilothouse.timeline_project_status_idx IS 'status= in a project; what goes on and what failed there.';
COMMENT ON INDEX pilothouse.timeline_owner_status_idx IS 'status= in everything of one owner; what goes on and what failed there.';
COMMENT ON INDEX pilothouse.timeline_status_idx IS 'status= in everything; what goes on and what failed.';
COMMENT ON INDEX pilothouse.timeline_project_source_idx IS 'source= in a project.';
COMMENT ON INDEX pilothouse.timeline_owner_source_idx IS 'source= in everything of one owner.';
COMMENT ON INDEX pilothouse.timeline_source_idx IS 'The audit log, and source= in everything.';
COMMENT ON INDEX pilothouse.timeline_target_idx IS 'What was done to one target.';
COMMENT ON INDEX pilothouse.timeline_request_idx IS 'What one request left.';
COMMENT ON INDEX pilothouse.timeline_cause_idx IS 'What an entry led to.';
COMMENT ON INDEX pilothouse.timeline_xid_idx IS 'What changed since a snapshot.';

-- How the texts of others become columns. Functions in SQL, so that they melt into the statement that calls them.

CREATE OR REPLACE FUNCTION pilothouse.word_text(word text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(word) <= 500 THEN word
            ELSE left(word, 100) || '… sha256:' || encode(sha256(convert_to(word, 'UTF8')), 'hex') END;
COMMENT ON FUNCTION pilothouse.word_text(text) IS 'A word as the timeline''s indexes hold it: a b-tree refuses long ones, so those are cut and told apart by their hash.';

CREATE OR REPLACE FUNCTION pilothouse.outcome_of(word text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN word IN ('success', 'succeeded', 'completed', 'ok', 'done') THEN 'good'
            WHEN word IN ('failed', 'failure', 'error') THEN 'bad'
            WHEN word IN ('running', 'in_progress', 'pending', 'queued', 'started') THEN 'busy' END;
COMMENT ON FUNCTION pilothouse.outcome_of(text) IS 'What a status in lower case means; the words of activity::status.';

CREATE OR REPLACE FUNCTION pilothouse.uuid_of(id text) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN id COLLATE "C" ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' THEN id::uuid END;
COMMENT ON FUNCTION pilothouse.uuid_of(text) IS 'The uuid that a text is, if it is one in its usual writing.';

CREATE OR REPLACE FUNCTION pilothouse.entry_time(told bigint, received timestamp with time zone) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN told IS NULL THEN 0
            WHEN told > floor(date_part('epoch', received) * 1000)::bigint + 300000 THEN floor(date_part('epoch', received) * 1000)::bigint
            ELSE told END;
COMMENT ON FUNCTION pilothouse.entry_time(bigint, timestamp with time zone) IS 'Where an entry stands whose time was told: a clock that goes ahead never reorders what was seen here.';

CREATE OR REPLACE FUNCTION pilothouse.epoch_ms(at timestamp without time zone) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN at IS NOT NULL
    THEN floor(extract(epoch FROM greatest(timestamp '0001-01-01', least(timestamp '9999-12-31 23:59:59.999', at))) * 1000)::bigint END;
COMMENT ON FUNCTION pilothouse.epoch_ms(timestamp without time zone) IS 'A time without a zone, which is UTC, in epoch milliseconds, within the calendar.';

CREATE OR REPLACE FUNCTION pilothouse.cause_text(cause text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN cause = '' THEN NULL
            WHEN split_part(left(cause, 1000), ':', 1) IN ('action', 'event', 'audit', 'engine') AND cause LIKE '%:%' THEN left(cause, 1000)
            ELSE 'action:' || left(cause, 1000) END;
COMMENT ON FUNCTION pilothouse.cause_text(text) IS 'A cause with its source before the first colon; a bare id is an action''s.';

CREATE OR REPLACE FUNCTION pilothouse.shown_references(reference_ids jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(reference_ids::text) <= 4000 THEN reference_ids::text ELSE (
    SELECT '+' || count(*) FILTER (WHERE NOT r.kept) || ' '
           || coalesce(jsonb_object_agg(r.key, r.value) FILTER (WHERE r.kept), '{}')
    FROM (SELECT f.key, f.value, f.fits AND row_number() OVER (ORDER BY f.fits DESC, f.key = ANY (
                     '{caused_by,deployment_id,github_push_id,commit_sha,database_id,branch_name}') DESC, f.at) <= 24 AS kept
          FROM (SELECT j.key, j.value, j.at, octet_length(j.key) + octet_length(j.value::text) <= 300 AS fits
                FROM jsonb_each(CASE WHEN jsonb_typeof(reference_ids) = 'object' THEN reference_ids ELSE '{}' END)
                     WITH ORDINALITY j (key, value, at)
                WHERE jsonb_typeof(j.value) IN ('string', 'number', 'boolean')) f) r) END;
COMMENT ON FUNCTION pilothouse.shown_references(jsonb) IS 'reference_ids as far as a page shows them; how many were left out stands before the others.';

CREATE OR REPLACE FUNCTION pilothouse.project_owner(project uuid) RETURNS uuid
LANGUAGE sql STABLE
RETURN coalesce((SELECT p.user_id FROM public.projects p WHERE p.id = project),
                (SELECT t.owner_id FROM pilothouse.tombstones t WHERE t.kind = 'project' AND t.id = project::text));
COMMENT ON FUNCTION pilothouse.project_owner(uuid) IS 'Whose project it is, or was.';

-- An entry of each source. A new source is a function like these, its triggers and its word.

CREATE OR REPLACE FUNCTION pilothouse.entry_of_action(
    action_id text, project_id text, user_id text, request_id text, action_type text, action_details text, status text,
    environment text, reference_ids jsonb, created_at bigint, received timestamp with time zone, written xid8)
RETURNS SETOF pilothouse.timeline LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'action'::text COLLATE "C", action_id COLLATE "C", pilothouse.entry_time(created_at, received),
           CASE WHEN pilothouse.entry_time(created_at, received) <> created_at THEN created_at END, received, written,
           pilothouse.uuid_of(project_id), CASE WHEN pilothouse.uuid_of(project_id) IS NULL THEN nullif(left(project_id, 1000), '') END,
           pilothouse.project_owner(pilothouse.uuid_of(project_id)), NULL::uuid,
           pilothouse.word_text(action_type) COLLATE "C", nullif(pilothouse.word_text(status), ''),
           nullif(lower(pilothouse.word_text(status) COLLATE "C"), ''), pilothouse.outcome_of(lower(status COLLATE "C")) COLLATE "C",
           nullif(left(environment, 2000), ''), nullif(pilothouse.word_text(user_id), '') COLLATE "C", NULL::text, NULL::text,
           nullif(left(request_id, 1000), ''), pilothouse.cause_text(CASE WHEN jsonb_typeof(reference_ids->'caused_by') IN ('string', 'number', 'boolean') THEN reference_ids->>'caused_by' END),
           NULL::text, left(action_details, 2000), pilothouse.shown_references(reference_ids),
           NULL::text, NULL::text, NULL::text, NULL::bigint, NULL::text;
END;

CREATE OR REPLACE FUNCTION pilothouse.entry_of_event(
    id text, project_id text, user_id text, event_type text, entity_type text, entity_id text, title text, description text,
    metadata jsonb, status text, duration integer, created_at timestamp without time zone,
    received timestamp with time zone, written xid8)
RETURNS SETOF pilothouse.timeline LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'event'::text COLLATE "C", id COLLATE "C", pilothouse.entry_time(pilothouse.epoch_ms(created_at), received),
           CASE WHEN pilothouse.entry_time(pilothouse.epoch_ms(created_at), received) <> pilothouse.epoch_ms(created_at)
                THEN pilothouse.epoch_ms(created_at) END, received, written,
           pilothouse.uuid_of(project_id), CASE WHEN pilothouse.uuid_of(project_id) IS NULL THEN nullif(left(project_id, 1000), '') END,
           pilothouse.project_owner(pilothouse.uuid_of(project_id)), NULL::uuid,
           event_type COLLATE "C", status, lower(status COLLATE "C"), pilothouse.outcome_of(lower(status COLLATE "C")) COLLATE "C",
           NULL::text, nullif(pilothouse.word_text(user_id), '') COLLATE "C", NULL::text, NULL::text,
           nullif(left(coalesce(metadata->>'request_id', metadata->>'requestId'), 1000), ''),
           pilothouse.cause_text(CASE WHEN jsonb_typeof(metadata->'caused_by') IN ('string', 'number', 'boolean') THEN metadata->>'caused_by' END),
           left(title, 500), left(description, 2000), NULL::text,
           left(entity_type, 500), left(entity_id, 500), NULL::text, duration::bigint, left(metadata->>'progress', 100);
END;

CREATE OR REPLACE FUNCTION pilothouse.entry_of_audit(
    id text, project_id text, user_id text, activity_type text, description text, actor_name text, actor_role text,
    target_type text, target_id text, target_name text, request_id text, created_at timestamp without time zone,
    received timestamp with time zone, written xid8)
RETURNS SETOF pilothouse.timeline LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'audit'::text COLLATE "C", id COLLATE "C", pilothouse.entry_time(pilothouse.epoch_ms(created_at), received),
           CASE WHEN pilothouse.entry_time(pilothouse.epoch_ms(created_at), received) <> pilothouse.epoch_ms(created_at)
                THEN pilothouse.epoch_ms(created_at) END, received, written,
           pilothouse.uuid_of(project_id), CASE WHEN pilothouse.uuid_of(project_id) IS NULL THEN nullif(left(project_id, 1000), '') END,
           pilothouse.project_owner(pilothouse.uuid_of(project_id)), NULL::uuid,
           pilothouse.word_text(activity_type) COLLATE "C", NULL::text, NULL::text, NULL::text,
           NULL::text, nullif(pilothouse.word_text(user_id), '') COLLATE "C", left(actor_name, 500), left(actor_role, 500),
           nullif(left(request_id, 1000), ''), NULL::text,
           NULL::text, left(description, 2000), NULL::text,
           left(target_type, 500), pilothouse.word_text(target_id), left(target_name, 500), NULL::bigint, NULL::text;
END;
COMMENT ON FUNCTION pilothouse.entry_of_action(text, text, text, text, text, text, text, text, jsonb, bigint, timestamp with time zone, xid8) IS 'A row of turbobackend.project_actions as an entry of the timeline.';
COMMENT ON FUNCTION pilothouse.entry_of_event(text, text, text, text, text, text, text, text, jsonb, text, integer, timestamp without time zone, timestamp with time zone, xid8) IS 'A row of "ActivityEvent" as an entry of the timeline.';
COMMENT ON FUNCTION pilothouse.entry_of_audit(text, text, text, text, text, text, text, text, text, text, text, timestamp without time zone, timestamp with time zone, xid8) IS 'A row of "ActivityLog" as an entry of the timeline.';

-- What a trigger could not write is a gap until it is mended.
ALTER TABLE pilothouse.recording_gaps
    ADD COLUMN IF NOT EXISTS source TEXT,
    ADD COLUMN IF NOT EXISTS entry_id TEXT;
CREATE INDEX IF NOT EXISTS recording_gaps_entry_idx ON pilothouse.recording_gaps (source, entry_id) WHERE source IS NOT NULL;
COMMENT ON COLUMN pilothouse.recording_gaps.source IS 'Where the record stands that the timeline lacks: "timeline rebuild" mends it.';
COMMENT ON COLUMN pilothouse.recording_gaps.entry_id IS 'Its id there; without one the gap tells how far a source has not been filled in yet.';

CREATE OR REPLACE FUNCTION pilothouse.miss_entry(missed_source text, missed_id text, project text, at bigint, trigger_name text, message text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pilothouse.count_trigger_failure(trigger_name, message);
    INSERT INTO pilothouse.recording_gaps (project_id, from_ms, to_ms, reason, source, entry_id)
    SELECT nullif(left(project, 1000), ''), coalesce(at, 0), coalesce(at, 0), 'The record is there and could not be put into the timeline.',
           missed_source, left(missed_id, 2000)
    WHERE NOT EXISTS (SELECT FROM pilothouse.recording_gaps g WHERE g.source = missed_source AND g.entry_id = left(missed_id, 2000));
EXCEPTION WHEN OTHERS THEN
    NULL;
END
$$;
COMMENT ON FUNCTION pilothouse.miss_entry(text, text, text, bigint, text, text) IS 'Counts an entry that a trigger could not write, and leaves a gap in its place.';

CREATE OR REPLACE FUNCTION pilothouse.clear_entries(of_source text, ids text[]) RETURNS jsonb
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
    WITH cleared AS (
        DELETE FROM pilothouse.timeline t WHERE t.source = of_source AND t.id = ANY (ids COLLATE "C")
        RETURNING t.id, t.at, t.received_at, coalesce(t.project_id::text, t.project_text, '') AS project),
    marked AS (
        INSERT INTO pilothouse.recount_marks (project_id, day)
        SELECT DISTINCT c.project, DATE 'epoch' + (c.at / 86400000)::integer
        FROM cleared c WHERE c.at >= 631152000000 AND c.at < 4102444800000)
    SELECT coalesce(jsonb_object_agg(c.id, c.received_at), '{}') FROM cleared c
$$;
COMMENT ON FUNCTION pilothouse.clear_entries(text, text[]) IS 'Takes entries out of the timeline, and answers when each had been received.';

CREATE OR REPLACE FUNCTION pilothouse.keep_actions() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    received CONSTANT timestamptz := clock_timestamp();
    known jsonb := '{}';
    one record;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM turbobackend.action_references;
        DELETE FROM pilothouse.timeline t WHERE t.source = 'action';
        UPDATE pilothouse.rollups SET recounted_at = NULL WHERE name = 'activity';
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM turbobackend.action_references r
        USING (SELECT p.key, p.value, coalesce(t.at, g.created_at, 0) AS at, g.action_id AS id
               FROM gone g LEFT JOIN pilothouse.timeline t ON t.source = 'action' AND t.id = g.action_id COLLATE "C"
               CROSS JOIN LATERAL pilothouse.reference_pairs(g.reference_ids) p) o
        WHERE r.key = o.key AND r.value = o.value AND r.created_at = o.at AND r.action_id = o.id COLLATE "C";
        known := pilothouse.clear_entries('action', ARRAY(SELECT g.action_id::text FROM gone g));
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN NULL;
    END IF;
    BEGIN
        INSERT INTO turbobackend.action_references (key, value, created_at, action_id, project_id)
        SELECT p.key, p.value, pilothouse.entry_time(w.created_at, coalesce((known->>w.action_id)::timestamptz, received)),
               w.action_id, w.project_id
        FROM written w CROSS JOIN LATERAL pilothouse.reference_pairs(w.reference_ids) p
        ON CONFLICT DO NOTHING;
        WITH added AS (
            INSERT INTO pilothouse.timeline AS t SELECT e.* FROM written w CROSS JOIN LATERAL pilothouse.entry_of_action(
                w.action_id, w.project_id, w.user_id, w.request_id, w.action_type, w.action_details, w.status, w.environment,
                w.reference_ids, w.created_at, coalesce((known->>w.action_id)::timestamptz, received), pg_current_xact_id()) e
            RETURNING t.at, coalesce(t.project_id::text, t.project_text, '') AS project)
        INSERT INTO pilothouse.recount_marks (project_id, day)
        SELECT DISTINCT a.project, DATE 'epoch' + (a.at / 86400000)::integer
        FROM added a WHERE a.at >= 631152000000 AND a.at < 4102444800000;
        RETURN NULL;
    EXCEPTION WHEN OTHERS THEN
        NULL;
    END;
    -- One odd row costs the others nothing.
    FOR one IN SELECT w.* FROM written w LOOP
        BEGIN
            PERFORM pilothouse.clear_entries('action', ARRAY[one.action_id::text]);
            WITH added AS (
                INSERT INTO pilothouse.timeline AS t SELECT e.* FROM pilothouse.entry_of_action(
                    one.action_id, one.project_id, one.user_id, one.request_id, one.action_type, one.action_details, one.status,
                    one.environment, one.reference_ids, one.created_at, coalesce((known->>one.action_id)::timestamptz, received),
                    pg_current_xact_id()) e
                RETURNING t.at, t.id, coalesce(t.project_id::text, t.project_text, '') AS project),
            marked AS (
                INSERT INTO pilothouse.recount_marks (project_id, day)
                SELECT a.project, DATE 'epoch' + (a.at / 86400000)::integer
                FROM added a WHERE a.at >= 631152000000 AND a.at < 4102444800000)
            INSERT INTO turbobackend.action_references (key, value, created_at, action_id, project_id)
            SELECT p.key, p.value, a.at, a.id, one.project_id
            FROM added a CROSS JOIN LATERAL pilothouse.reference_pairs(one.reference_ids) p
            ON CONFLICT DO NOTHING;
        EXCEPTION WHEN OTHERS THEN
            PERFORM pilothouse.miss_entry('action', one.action_id, one.project_id, one.created_at, TG_NAME, SQLERRM);
        END;
    END LOOP;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION pilothouse.keep_events() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    received CONSTANT timestamptz := clock_timestamp();
    known jsonb := '{}';
    one record;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM pilothouse.timeline t WHERE t.source = 'event';
        UPDATE pilothouse.rollups SET recounted_at = NULL WHERE name = 'activity';
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        known := pilothouse.clear_entries('event', ARRAY(SELECT g.id FROM gone g));
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN NULL;
    END IF;
    BEGIN
        WITH added AS (
            INSERT INTO pilothouse.timeline AS t SELECT e.* FROM written w CROSS JOIN LATERAL pilothouse.entry_of_event(w.id, w."projectId", w."userId", w."eventType"::text, w."entityType", w."entityId", w.title, w.description, w.metadata, w.status::text, w.duration, w."createdAt",
                coalesce((known->>w.id)::timestamptz, received), pg_current_xact_id()) e
            RETURNING t.at, coalesce(t.project_id::text, t.project_text, '') AS project)
        INSERT INTO pilothouse.recount_marks (project_id, day)
        SELECT DISTINCT a.project, DATE 'epoch' + (a.at / 86400000)::integer
        FROM added a WHERE a.at >= 631152000000 AND a.at < 4102444800000;
        RETURN NULL;
    EXCEPTION WHEN OTHERS THEN
        NULL;
    END;
    FOR one IN SELECT w.* FROM written w LOOP
        BEGIN
            PERFORM pilothouse.clear_entries('event', ARRAY[one.id]);
            WITH added AS (
                INSERT INTO pilothouse.timeline AS t SELECT e.* FROM pilothouse.entry_of_event(one.id, one."projectId", one."userId", one."eventType"::text, one."entityType", one."entityId", one.title, one.description, one.metadata, one.status::text, one.duration, one."createdAt",
                    coalesce((known->>one.id)::timestamptz, received), pg_current_xact_id()) e
                RETURNING t.at, coalesce(t.project_id::text, t.project_text, '') AS project)
            INSERT INTO pilothouse.recount_marks (project_id, day)
            SELECT a.project, DATE 'epoch' + (a.at / 86400000)::integer
            FROM added a WHERE a.at >= 631152000000 AND a.at < 4102444800000;
        EXCEPTION WHEN OTHERS THEN
            PERFORM pilothouse.miss_entry('event', one.id, one."projectId", pilothouse.epoch_ms(one."createdAt"), TG_NAME, SQLERRM);
        END;
    END LOOP;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION pilothouse.keep_audit_entries() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    received CONSTANT timestamptz := clock_timestamp();
    known jsonb := '{}';
    one record;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM pilothouse.timeline t WHERE t.source = 'audit';
        UPDATE pilothouse.rollups SET recounted_at = NULL WHERE name = 'activity';
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        known := pilothouse.clear_entries('audit', ARRAY(SELECT g.id FROM gone g));
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN NULL;
    END IF;
    BEGIN
        WITH added AS (
            INSERT INTO pilothouse.timeline AS t SELECT e.* FROM written w CROSS JOIN LATERAL pilothouse.entry_of_audit(w.id, w."projectId", w."userId", w."activityType", w.description, coalesce(w."actorName", w."actorEmail"), w."actorRole", w."targetType", w."targetId", w."targetName", w."requestId", w."createdAt",
                coalesce((known->>w.id)::timestamptz, received), pg_current_xact_id()) e
            RETURNING t.at, coalesce(t.project_id::text, t.project_text, '') AS project)
        INSERT INTO pilothouse.recount_marks (project_id, day)
        SELECT DISTINCT a.project, DATE 'epoch' + (a.at / 86400000)::integer
        FROM added a WHERE a.at >= 631152000000 AND a.at < 4102444800000;
        RETURN NULL;
    EXCEPTION WHEN OTHERS THEN
        NULL;
    END;
    FOR one IN SELECT w.* FROM written w LOOP
        BEGIN
            PERFORM pilothouse.clear_entries('audit', ARRAY[one.id]);
            WITH added AS (
                INSERT INTO pilothouse.timeline AS t SELECT e.* FROM pilothouse.entry_of_audit(one.id, one."projectId", one."userId", one."activityType", one.description, coalesce(one."actorName", one."actorEmail"), one."actorRole", one."targetType", one."targetId", one."targetName", one."requestId", one."createdAt",
                    coalesce((known->>one.id)::timestamptz, received), pg_current_xact_id()) e
                RETURNING t.at, coalesce(t.project_id::text, t.project_text, '') AS project)
            INSERT INTO pilothouse.recount_marks (project_id, day)
            SELECT a.project, DATE 'epoch' + (a.at / 86400000)::integer
            FROM added a WHERE a.at >= 631152000000 AND a.at < 4102444800000;
        EXCEPTION WHEN OTHERS THEN
            PERFORM pilothouse.miss_entry('audit', one.id, one."projectId", pilothouse.epoch_ms(one."createdAt"), TG_NAME, SQLERRM);
        END;
    END LOOP;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION pilothouse.keep_actions() IS 'Keeps the timeline and the references of project_actions, statement by statement; row by row where a statement fails.';
COMMENT ON FUNCTION pilothouse.keep_events() IS 'Keeps the timeline of "ActivityEvent".';
COMMENT ON FUNCTION pilothouse.keep_audit_entries() IS 'Keeps the timeline of "ActivityLog".';

-- A project that changes hands, or comes after its entries, takes them along: a few at once, the rest by a job.
-- Until then row security decides, as always, by the project.
CREATE OR REPLACE FUNCTION pilothouse.move_entries(project uuid, most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner CONSTANT uuid := pilothouse.project_owner(project);
    moved integer;
BEGIN
    UPDATE pilothouse.timeline t SET owner_id = owner, xid = pg_current_xact_id()
    WHERE (t.source, t.id) IN (SELECT o.source, o.id FROM pilothouse.timeline o
                               WHERE o.project_id = project AND o.owner_id IS DISTINCT FROM owner LIMIT most);
    GET DIAGNOSTICS moved = ROW_COUNT;
    RETURN moved;
END
$$;
COMMENT ON FUNCTION pilothouse.move_entries(uuid, integer) IS 'Gives entries of a project to whoever owns it now; how many were moved.';
CREATE OR REPLACE FUNCTION pilothouse.take_entries_along() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pilothouse.move_entries(NEW.id, 5000) = 5000 THEN
        PERFORM pilothouse.enqueue('move_entries', NEW.id || ' ' || pg_current_xact_id(), jsonb_build_object('project', NEW.id), '0');
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    PERFORM pilothouse.count_trigger_failure(TG_NAME, SQLERRM);
    RETURN NULL;
END
$$;

-- Records that were here before: a job takes them in, newest first, while others write.
CREATE TABLE IF NOT EXISTS pilothouse.timeline_fill (
    source TEXT PRIMARY KEY,
    before_at TEXT NOT NULL,
    before_id TEXT NOT NULL DEFAULT U&'\+10FFFF'
);
COMMENT ON TABLE pilothouse.timeline_fill IS 'How far the records of a source that are older than the timeline have been taken in, down to this time and id; a source without a row is complete.';
INSERT INTO pilothouse.timeline_fill (source, before_at)
VALUES ('action', '9223372036854775807'), ('audit', 'infinity'), ('event', 'infinity') ON CONFLICT DO NOTHING;

-- The next record can't be taken in.
CREATE OR REPLACE FUNCTION pilothouse.pass_over(message text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    fill pilothouse.timeline_fill;
    next_one record;
BEGIN
    SELECT f.* INTO fill FROM pilothouse.timeline_fill f ORDER BY f.source LIMIT 1 FOR UPDATE;
    IF fill.source = 'action' THEN
        SELECT a.action_id AS id, a.project_id AS project, a.created_at AS ms, a.created_at::text AS at INTO next_one
        FROM turbobackend.project_actions a
        WHERE (a.created_at, a.action_id COLLATE "C") < (fill.before_at::bigint, fill.before_id COLLATE "C")
        ORDER BY a.created_at DESC, a.action_id COLLATE "C" DESC LIMIT 1;
    ELSIF fill.source = 'event' THEN
        SELECT e.id, e."projectId" AS project, pilothouse.epoch_ms(e."createdAt") AS ms, e."createdAt"::text AS at INTO next_one
        FROM public."ActivityEvent" e
        WHERE (e."createdAt", e.id COLLATE "C") < (fill.before_at::timestamp, fill.before_id COLLATE "C")
        ORDER BY e."createdAt" DESC, e.id COLLATE "C" DESC LIMIT 1;
    ELSE
        SELECT l.id, l."projectId" AS project, pilothouse.epoch_ms(l."createdAt") AS ms, l."createdAt"::text AS at INTO next_one
        FROM public."ActivityLog" l
        WHERE (l."createdAt", l.id COLLATE "C") < (fill.before_at::timestamp, fill.before_id COLLATE "C")
        ORDER BY l."createdAt" DESC, l.id COLLATE "C" DESC LIMIT 1;
    END IF;
    IF next_one.id IS NULL THEN
        -- Only those without a time are left, which "timeline rebuild" takes in one by one.
        PERFORM pilothouse.count_trigger_failure('fill_timeline', message);
        DELETE FROM pilothouse.timeline_fill f WHERE f.source = fill.source;
        DELETE FROM pilothouse.recording_gaps g WHERE g.source = fill.source AND g.entry_id IS NULL;
    ELSE
        PERFORM pilothouse.miss_entry(fill.source, next_one.id, next_one.project, next_one.ms, 'fill_timeline', message);
        UPDATE pilothouse.timeline_fill f SET before_at = next_one.at, before_id = next_one.id WHERE f.source = fill.source;
    END IF;
END
$$;
COMMENT ON FUNCTION pilothouse.pass_over(text) IS 'Leaves a gap for the next record that would be taken into the timeline, and goes on behind it.';

CREATE OR REPLACE FUNCTION pilothouse.fill_timeline(most integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    received CONSTANT timestamptz := clock_timestamp();
    fill pilothouse.timeline_fill;
    taken integer;
    last_at text;
    last_id text;
    -- Only pages read these, and they read the timeline now.
    unneeded CONSTANT text[] := ARRAY[
        'turbobackend.project_actions_type_idx', 'turbobackend.project_actions_status_idx',
        'turbobackend.project_actions_user_idx', 'turbobackend.project_actions_request_idx',
        'turbobackend.project_actions_project_type_idx', 'turbobackend.project_actions_project_status_idx',
        'turbobackend.project_actions_project_user_idx', 'turbobackend.project_actions_project_running_idx',
        'turbobackend.project_actions_failed_idx',
        'public."ActivityEvent_timeline_idx"', 'public."ActivityEvent_project_timeline_idx"',
        'public."ActivityEvent_project_user_timeline_idx"', 'public."ActivityEvent_type_timeline_idx"',
        'public."ActivityEvent_running_timeline_idx"', 'public."ActivityEvent_failed_timeline_idx"',
        'public."ActivityEvent_failed_idx"',
        'public."ActivityLog_timeline_idx"', 'public."ActivityLog_project_timeline_idx"',
        'public."ActivityLog_user_timeline_idx"', 'public."ActivityLog_requestId_idx"',
        'public."ActivityLog_project_user_timeline_idx"', 'public."ActivityLog_project_type_timeline_idx"',
        'public."ActivityLog_type_timeline_idx"', 'public."ActivityLog_target_timeline_idx"'];
    index_name text;
BEGIN
    SELECT f.* INTO fill FROM pilothouse.timeline_fill f ORDER BY f.source LIMIT 1 FOR UPDATE;
    IF fill.source IS NULL THEN
        PERFORM set_config('lock_timeout', '300ms', true);
        FOREACH index_name IN ARRAY unneeded LOOP
            EXECUTE 'DROP INDEX IF EXISTS ' || index_name;
        END LOOP;
        RETURN false;
    END IF;
    -- Whoever changes one of these rows waits until its entry is there. Nobody is waited for here: a writer who holds one
    -- of these may wait for another.
    IF fill.source = 'action' THEN
        WITH batch AS MATERIALIZED (
            SELECT a.* FROM turbobackend.project_actions a
            WHERE (a.created_at, a.action_id COLLATE "C") < (fill.before_at::bigint, fill.before_id COLLATE "C")
            ORDER BY a.created_at DESC, a.action_id COLLATE "C" DESC LIMIT most FOR NO KEY UPDATE NOWAIT),
        added AS (
            INSERT INTO pilothouse.timeline SELECT e.* FROM batch b CROSS JOIN LATERAL pilothouse.entry_of_action(
                b.action_id, b.project_id, b.user_id, b.request_id, b.action_type, b.action_details, b.status, b.environment,
                b.reference_ids, b.created_at, received, '0') e
            ON CONFLICT DO NOTHING),
        moved AS (
            UPDATE turbobackend.action_references r SET created_at = m.at
            FROM (SELECT b.*, pilothouse.entry_time(b.created_at, received) AS at FROM batch b) m
            CROSS JOIN LATERAL pilothouse.reference_pairs(m.reference_ids) p
            WHERE m.at <> m.created_at AND r.key = p.key AND r.value = p.value AND r.created_at = m.created_at
              AND r.action_id = m.action_id COLLATE "C")
        SELECT count(*), min(b.created_at)::text, (array_agg(b.action_id ORDER BY b.created_at, b.action_id COLLATE "C"))[1]
        INTO taken, last_at, last_id FROM batch b;
        IF taken < most THEN
            INSERT INTO pilothouse.timeline SELECT e.* FROM (
                SELECT a.* FROM turbobackend.project_actions a WHERE a.created_at IS NULL FOR NO KEY UPDATE NOWAIT) b
            CROSS JOIN LATERAL pilothouse.entry_of_action(
                b.action_id, b.project_id, b.user_id, b.request_id, b.action_type, b.action_details, b.status, b.environment,
                b.reference_ids, b.created_at, received, '0') e
            ON CONFLICT DO NOTHING;
        END IF;
    ELSIF fill.source = 'event' THEN
        WITH batch AS MATERIALIZED (
            SELECT a.* FROM public."ActivityEvent" a
            WHERE (a."createdAt", a.id COLLATE "C") < (fill.before_at::timestamp, fill.before_id COLLATE "C")
            ORDER BY a."createdAt" DESC, a.id COLLATE "C" DESC LIMIT most FOR NO KEY UPDATE NOWAIT),
        added AS (
            INSERT INTO pilothouse.timeline SELECT e.* FROM batch b CROSS JOIN LATERAL pilothouse.entry_of_event(
                b.id, b."projectId", b."userId", b."eventType"::text, b."entityType", b."entityId", b.title, b.description,
                b.metadata, b.status::text, b.duration, b."createdAt", received, '0') e
            ON CONFLICT DO NOTHING)
        SELECT count(*), min(b."createdAt")::text, (array_agg(b.id ORDER BY b."createdAt", b.id COLLATE "C"))[1]
        INTO taken, last_at, last_id FROM batch b;
    ELSE
        WITH batch AS MATERIALIZED (
            SELECT a.* FROM public."ActivityLog" a
            WHERE (a."createdAt", a.id COLLATE "C") < (fill.before_at::timestamp, fill.before_id COLLATE "C")
            ORDER BY a."createdAt" DESC, a.id COLLATE "C" DESC LIMIT most FOR NO KEY UPDATE NOWAIT),
        added AS (
            INSERT INTO pilothouse.timeline SELECT e.* FROM batch b CROSS JOIN LATERAL pilothouse.entry_of_audit(
                b.id, b."projectId", b."userId", b."activityType", b.description, coalesce(b."actorName", b."actorEmail"),
                b."actorRole", b."targetType", b."targetId", b."targetName", b."requestId", b."createdAt", received, '0') e
            ON CONFLICT DO NOTHING)
        SELECT count(*), min(b."createdAt")::text, (array_agg(b.id ORDER BY b."createdAt", b.id COLLATE "C"))[1]
        INTO taken, last_at, last_id FROM batch b;
        IF taken < most THEN
            INSERT INTO pilothouse.timeline SELECT e.* FROM (
                SELECT a.* FROM public."ActivityLog" a WHERE a."createdAt" IS NULL FOR NO KEY UPDATE NOWAIT) b
            CROSS JOIN LATERAL pilothouse.entry_of_audit(
                b.id, b."projectId", b."userId", b."activityType", b.description, coalesce(b."actorName", b."actorEmail"),
                b."actorRole", b."targetType", b."targetId", b."targetName", b."requestId", b."createdAt", received, '0') e
            ON CONFLICT DO NOTHING;
        END IF;
    END IF;
    UPDATE pilothouse.timeline_fill f
    SET before_at = coalesce(last_at, f.before_at), before_id = coalesce(last_id, f.before_id)
    WHERE f.source = fill.source;
    DELETE FROM pilothouse.timeline_fill f WHERE f.source = fill.source AND taken < most;
    DELETE FROM pilothouse.recording_gaps g WHERE g.source = fill.source AND g.entry_id IS NULL;
    IF taken = most THEN
        INSERT INTO pilothouse.recording_gaps (from_ms, to_ms, lost, reason, source)
        VALUES (0, CASE fill.source WHEN 'action' THEN last_at::bigint ELSE pilothouse.epoch_ms(last_at::timestamp) END, 0,
                'Older records are still being taken into the timeline.', fill.source);
    END IF;
    IF NOT EXISTS (SELECT FROM pilothouse.timeline_fill) THEN
        UPDATE pilothouse.rollups SET recounted_at = NULL WHERE name = 'activity';
    END IF;
    RETURN true;
EXCEPTION
    WHEN lock_not_available THEN
        PERFORM pg_sleep(0.05);
        RETURN true;
    WHEN OTHERS THEN
        -- One odd record costs the others nothing: halves lead to it, and alone it is passed over.
        IF most > 1 THEN
            PERFORM pilothouse.fill_timeline(most / 2);
        ELSE
            PERFORM pilothouse.pass_over(SQLERRM);
        END IF;
        RETURN true;
END
$$;
COMMENT ON FUNCTION pilothouse.fill_timeline(integer) IS 'Takes a batch of the records that are older than the timeline into it, newest first; at the end it drops the indexes that nothing needs any more. Whether there is more to do.';

CREATE OR REPLACE FUNCTION pilothouse.app_project_ids() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT p.id FROM public.projects p WHERE p.user_id = pilothouse.app_user_id()
    UNION ALL
    SELECT pilothouse.uuid_of(t.id) FROM pilothouse.tombstones t
    WHERE t.kind = 'project' AND t.owner_id = pilothouse.app_user_id() AND pilothouse.uuid_of(t.id) IS NOT NULL;
END
$$;
COMMENT ON FUNCTION pilothouse.app_project_ids() IS 'As app_projects(): the projects whose history the user of this transaction may see.';

DROP TABLE IF EXISTS pilothouse.held_words;

DO $$
DECLARE
    target regclass;
BEGIN
    FOR target IN SELECT unnest(ARRAY['pilothouse.timeline', 'pilothouse.timeline_fill'])::regclass LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
        EXECUTE format('DROP POLICY IF EXISTS admin ON %s', target);
        EXECUTE format('CREATE POLICY admin ON %s TO pilothouse_admin USING (true) WITH CHECK (true)', target);
    END LOOP;
END
$$;
CREATE POLICY owner_select ON pilothouse.timeline FOR SELECT TO pilothouse_owner
    USING (project_id IN (SELECT p FROM pilothouse.app_project_ids() p));
CREATE POLICY worker_select ON pilothouse.timeline FOR SELECT TO pilothouse_worker
    USING (project_id IN (SELECT tp.project_id FROM pilothouse.api_token_projects tp
                          WHERE tp.token_id = (SELECT pilothouse.app_token_id()))
           AND source <> 'audit');
-- How far it is filled concerns everybody's pages.
ALTER POLICY owner_select ON pilothouse.recording_gaps USING (
    (source IS NOT NULL AND entry_id IS NULL) OR project_id IN (SELECT p FROM pilothouse.app_projects() p));
GRANT SELECT ON pilothouse.timeline TO pilothouse_admin, pilothouse_owner, pilothouse_worker;
GRANT SELECT ON pilothouse.timeline_fill TO pilothouse_admin;

REVOKE ALL ON ALL ROUTINES IN SCHEMA pilothouse FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pilothouse.fill_timeline(integer), pilothouse.move_entries(uuid, integer) TO pilothouse_admin;
GRANT EXECUTE ON FUNCTION pilothouse.app_project_ids() TO pilothouse_owner;
GRANT EXECUTE ON FUNCTION pilothouse.uuid_of(text) TO pilothouse_admin;

-- One trigger a kind of statement, in place of one a row and of those that marked days.
DO $$
DECLARE
    t record;
    operation record;
    old_trigger record;
BEGIN
    FOR t IN SELECT * FROM (VALUES
        ('turbobackend.project_actions', 'project_actions', 'keep_actions'),
        ('public."ActivityEvent"', 'ActivityEvent', 'keep_events'),
        ('public."ActivityLog"', 'ActivityLog', 'keep_audit_entries')) AS t (target, name, keeper)
    LOOP
        FOR old_trigger IN
            SELECT tgname FROM pg_catalog.pg_trigger
            WHERE tgrelid = t.target::regclass AND NOT tgisinternal
              AND (tgname ~ '_mark_(insert|update|delete|truncate)$' OR tgname ~ '^project_actions_references_')
        LOOP
            EXECUTE format('DROP TRIGGER %I ON %s', old_trigger.tgname, t.target);
        END LOOP;
        FOR operation IN SELECT * FROM (VALUES
            ('insert', 'REFERENCING NEW TABLE AS written'), ('update', 'REFERENCING OLD TABLE AS gone NEW TABLE AS written'),
            ('delete', 'REFERENCING OLD TABLE AS gone'), ('truncate', '')) AS o (verb, tables)
        LOOP
            EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.%I()',
                           t.name || '_timeline_' || operation.verb, operation.verb, t.target, operation.tables, t.keeper);
        END LOOP;
    END LOOP;
END
$$;
CREATE OR REPLACE TRIGGER projects_take_entries_along_insert AFTER INSERT ON public.projects
    FOR EACH ROW EXECUTE FUNCTION pilothouse.take_entries_along();
CREATE OR REPLACE TRIGGER projects_take_entries_along_update AFTER UPDATE OF user_id ON public.projects
    FOR EACH ROW WHEN (OLD.user_id IS DISTINCT FROM NEW.user_id) EXECUTE FUNCTION pilothouse.take_entries_along();
DROP FUNCTION IF EXISTS pilothouse.index_references(), pilothouse.mark_action_days(), pilothouse.mark_moved_action(),
    pilothouse.mark_entry_days(), pilothouse.mark_moved_entry(), pilothouse.recount_everything();

-- A small database is filled at once, a large one by a job while pages are answered.
DO $$
BEGIN
    IF (SELECT count(*) FROM (SELECT FROM turbobackend.project_actions LIMIT 5001) a)
       + (SELECT count(*) FROM (SELECT FROM public."ActivityEvent" LIMIT 5001) e)
       + (SELECT count(*) FROM (SELECT FROM public."ActivityLog" LIMIT 5001) l) <= 5000
    THEN
        WHILE pilothouse.fill_timeline(5001) LOOP END LOOP;
    ELSE
        INSERT INTO pilothouse.recording_gaps (from_ms, to_ms, lost, reason, source)
        SELECT 0, floor(date_part('epoch', clock_timestamp()) * 1000)::bigint, 0, 'Older records are still being taken into the timeline.', f.source
        FROM pilothouse.timeline_fill f;
        PERFORM pilothouse.enqueue('fill_timeline', 'once', '{}', '0');
    END IF;
END
$$;
