-- Visitors talk with the assistant: they begin a session by a secret, claim it with an account, or delete it.

ALTER TABLE public.ai_assistant_sessions
    ADD COLUMN IF NOT EXISTS attribution_chain VARCHAR(500),
    ADD COLUMN IF NOT EXISTS answering_until TIMESTAMP WITH TIME ZONE;
COMMENT ON COLUMN public.ai_assistant_sessions.answering_until IS 'A message is being answered until then: no other is taken meanwhile.';
CREATE INDEX IF NOT EXISTS idx_ai_assistant_sessions_last_activity_at ON public.ai_assistant_sessions(last_activity_at DESC, session_id);

ALTER TABLE public.job_drafts
    ADD COLUMN IF NOT EXISTS edited TEXT[] NOT NULL DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS attribution_chain VARCHAR(500),
    ADD COLUMN IF NOT EXISTS posted_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN IF NOT EXISTS consent JSONB,
    ADD COLUMN IF NOT EXISTS project_id UUID;
COMMENT ON COLUMN public.job_drafts.edited IS 'Columns that a person wrote: no answer to the assistant changes them.';
COMMENT ON COLUMN public.job_drafts.consent IS 'What its owner agreed to when it was posted: the words'' version and the time, for posting and for the sales system.';
CREATE INDEX IF NOT EXISTS idx_job_drafts_user_id_updated_at ON public.job_drafts(user_id, updated_at DESC, id DESC);

CREATE TABLE IF NOT EXISTS pilothouse.guest_starts (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address INET NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS guest_starts_address_at_idx ON pilothouse.guest_starts(address, at);
COMMENT ON TABLE pilothouse.guest_starts IS 'Sessions that visitors began within the last hour, by IPv4 address or IPv6 network.';

CREATE TABLE IF NOT EXISTS pilothouse.claim_links (
    hash TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now() + interval '24 hours'
);
CREATE INDEX IF NOT EXISTS claim_links_session_id_idx ON pilothouse.claim_links(session_id);
COMMENT ON TABLE pilothouse.claim_links IS 'Links that let a visitor claim a session on another device, once, by hexadecimal SHA-256.';

CREATE TABLE IF NOT EXISTS pilothouse.referral_codes (
    code TEXT PRIMARY KEY,
    user_id UUID NOT NULL UNIQUE REFERENCES public.users(id) ON DELETE CASCADE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now()
);
COMMENT ON TABLE pilothouse.referral_codes IS 'Whose code ?ref= names. Codes of nobody are kept with what they brought, and credited to nobody.';

-- So many sessions an hour and address.
CREATE OR REPLACE FUNCTION pilothouse.begin_guest(guest_hash text, session text, address inet) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most CONSTANT integer := 5;
    begun integer;
    first_one timestamp with time zone;
    place inet := CASE WHEN family(address) = 6 THEN network(set_masklen(address, 64))::inet ELSE address END;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('pilothouse guest ' || place::text, 0));
    DELETE FROM pilothouse.guest_starts s WHERE s.address = place AND s.at < now() - interval '1 hour';
    SELECT count(*), min(s.at) INTO begun, first_one FROM pilothouse.guest_starts s WHERE s.address = place;
    IF begun >= most THEN
        RETURN greatest(1, ceil(extract(epoch FROM first_one + interval '1 hour' - now()))::integer);
    END IF;
    INSERT INTO pilothouse.guest_starts (address) VALUES (place);
    INSERT INTO pilothouse.guests (hash, session_id, expires_at) VALUES (guest_hash, session, now() + interval '30 days');
    RETURN 0;
END
$$;
COMMENT ON FUNCTION pilothouse.begin_guest(text, text, inet) IS 'Lets a visitor in by a secret for a new session; answers the seconds to wait when the address has begun too many within an hour.';

CREATE OR REPLACE FUNCTION pilothouse.keep_guest() RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE pilothouse.guests SET expires_at = now() + interval '30 days' WHERE session_id = pilothouse.app_guest_session();
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION pilothouse.keep_guest() IS 'A visitor who speaks is let in for thirty days more.';

-- Everything of the visitor's own session, texts and drafts; what analytics hold names nobody and no text.
CREATE OR REPLACE FUNCTION pilothouse.forget_guest(guest_hash text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own text;
BEGIN
    DELETE FROM pilothouse.guests g WHERE g.hash = guest_hash AND g.session_id = pilothouse.app_guest_session()
        RETURNING g.session_id INTO own;
    IF own IS NULL THEN
        RETURN false;
    END IF;
    DELETE FROM pilothouse.guests g WHERE g.session_id = own;
    DELETE FROM pilothouse.claim_links l WHERE l.session_id = own;
    DELETE FROM public.job_drafts d WHERE d.session_id = own AND d.user_id IS NULL;
    DELETE FROM public.ai_assistant_sessions s WHERE s.session_id = own AND s.user_id IS NULL;
    RETURN true;
END
$$;
COMMENT ON FUNCTION pilothouse.forget_guest(text) IS 'Deletes what the visitor who is in with this secret''s hash has said, and lets them in no more.';

-- The secret is a visitor's, or of a link for another device. Whoever deletes its row first has the session.
CREATE OR REPLACE FUNCTION pilothouse.claim_guest(guest_hash text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    me CONSTANT uuid := pilothouse.app_user_id();
    claimed text;
BEGIN
    IF me IS NULL THEN
        RETURN NULL;
    END IF;
    DELETE FROM pilothouse.guests g WHERE g.hash = guest_hash AND g.expires_at > now() RETURNING g.session_id INTO claimed;
    IF claimed IS NULL THEN
        DELETE FROM pilothouse.claim_links l WHERE l.hash = guest_hash AND l.expires_at > now() RETURNING l.session_id INTO claimed;
    END IF;
    UPDATE public.ai_assistant_sessions s SET user_id = me, updated_at = timezone('UTC', now())
        WHERE s.session_id = claimed AND s.user_id IS NULL;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    DELETE FROM pilothouse.guests g WHERE g.session_id = claimed;
    DELETE FROM pilothouse.claim_links l WHERE l.session_id = claimed;
    UPDATE public.job_drafts d SET user_id = me WHERE d.session_id = claimed AND d.user_id IS NULL;
    UPDATE public.analytics a SET user_id = me WHERE a.session_id = claimed AND a.user_id IS NULL;
    RETURN claimed;
END
$$;
COMMENT ON FUNCTION pilothouse.claim_guest(text) IS 'Makes a visitor''s session, its draft and its events this user''s; answers its session_id, or nothing when the secret is no longer good.';

CREATE OR REPLACE FUNCTION pilothouse.claim_offer(guest_hash text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(d.title, d.generated_title, '')
    FROM (SELECT g.session_id FROM pilothouse.guests g WHERE g.hash = guest_hash AND g.expires_at > now()
          UNION ALL
          SELECT l.session_id FROM pilothouse.claim_links l WHERE l.hash = guest_hash AND l.expires_at > now()) offered
    JOIN public.ai_assistant_sessions s ON s.session_id = offered.session_id AND s.user_id IS NULL
    LEFT JOIN public.job_drafts d ON d.session_id = s.session_id
    LIMIT 1;
$$;
COMMENT ON FUNCTION pilothouse.claim_offer(text) IS 'What whoever has this secret may claim: the draft''s title, empty without a draft; nothing when there is nothing to claim.';

REVOKE ALL ON FUNCTION pilothouse.begin_guest(text, text, inet), pilothouse.keep_guest(), pilothouse.forget_guest(text),
    pilothouse.claim_guest(text), pilothouse.claim_offer(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pilothouse.begin_guest(text, text, inet) TO pilothouse_gate;
GRANT EXECUTE ON FUNCTION pilothouse.keep_guest(), pilothouse.forget_guest(text) TO pilothouse_guest;
GRANT EXECUTE ON FUNCTION pilothouse.claim_guest(text), pilothouse.claim_offer(text) TO pilothouse_owner, pilothouse_admin;

DO $$
DECLARE
    me CONSTANT text := '(SELECT pilothouse.app_user_id())';
    visitor CONSTANT text := '(SELECT pilothouse.app_guest_session())';
    target text;
    p record;
BEGIN
    FOREACH target IN ARRAY ARRAY['pilothouse.guest_starts', 'pilothouse.claim_links', 'pilothouse.referral_codes'] LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    END LOOP;
    FOR p IN SELECT * FROM (VALUES
        ('pilothouse.guest_starts', 'admin', 'SELECT', 'true', NULL),
        ('pilothouse.claim_links', 'guest', 'SELECT', 'session_id = ' || visitor, NULL),
        ('pilothouse.claim_links', 'guest', 'INSERT', NULL, 'session_id = ' || visitor || ' AND expires_at <= now() + interval ''24 hours'''),
        ('pilothouse.claim_links', 'retention', 'SELECT', 'true', NULL),
        ('pilothouse.claim_links', 'retention', 'DELETE', 'expires_at < now()', NULL),
        ('pilothouse.referral_codes', 'owner', 'SELECT', 'user_id = ' || me, NULL),
        ('pilothouse.referral_codes', 'owner', 'INSERT', NULL, 'user_id = ' || me),
        ('pilothouse.referral_codes', 'admin', 'SELECT', 'true', NULL),
        ('pilothouse.referral_codes', 'admin', 'INSERT', NULL, 'user_id = ' || me),
        -- A visitor's draft is a draft: posting needs an account.
        ('public.job_drafts', 'guest', 'INSERT', NULL,
            'user_id IS NULL AND session_id = ' || visitor || ' AND public_status = ''draft'' AND posted_at IS NULL AND project_id IS NULL'),
        ('public.job_drafts', 'guest', 'UPDATE', 'user_id IS NULL AND session_id = ' || visitor,
            'user_id IS NULL AND session_id = ' || visitor || ' AND public_status = ''draft'' AND posted_at IS NULL AND project_id IS NULL'),
        -- Visitors put their own deeds on record, and nobody else's.
        ('public."ActivityLog"', 'guest', 'INSERT', NULL,
            '"userId" IS NULL AND "projectId" IS NULL AND "actingAdminId" IS NULL AND "actorRole" = ''guest''
             AND "targetType" = ''assistant session'' AND "targetId" = ' || visitor || ' AND "activityType" = ''assistant.deleted'''),
        -- What nobody claimed is deleted ninety days after its last word.
        ('public.ai_assistant_sessions', 'retention', 'SELECT', 'user_id IS NULL', NULL),
        ('public.ai_assistant_sessions', 'retention', 'DELETE',
            'user_id IS NULL AND last_activity_at < timezone(''UTC'', now()) - interval ''90 days''', NULL),
        ('public.job_drafts', 'retention', 'SELECT', 'user_id IS NULL', NULL),
        ('public.job_drafts', 'retention', 'DELETE',
            'user_id IS NULL AND public_status = ''draft'' AND session_id IN (SELECT s.session_id FROM public.ai_assistant_sessions s
                WHERE s.user_id IS NULL AND s.last_activity_at < timezone(''UTC'', now()) - interval ''90 days'')', NULL)
    ) AS t(target, role, command, seen, written)
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS %I ON %s', p.role || '_' || lower(p.command COLLATE "C"), p.target);
        EXECUTE format('CREATE POLICY %I ON %s FOR %s TO %I', p.role || '_' || lower(p.command COLLATE "C"), p.target,
                       p.command, 'pilothouse_' || p.role)
            || coalesce(' USING (' || p.seen || ')', '') || coalesce(' WITH CHECK (' || p.written || ')', '');
    END LOOP;
END
$$;
GRANT SELECT ON pilothouse.guest_starts TO pilothouse_admin;
GRANT SELECT (session_id, expires_at), INSERT (hash, session_id) ON pilothouse.claim_links TO pilothouse_guest;
GRANT SELECT (session_id, expires_at), DELETE ON pilothouse.claim_links TO pilothouse_retention;
GRANT SELECT, INSERT ON pilothouse.referral_codes TO pilothouse_owner, pilothouse_admin;
GRANT INSERT ON public."ActivityLog" TO pilothouse_guest;
GRANT SELECT (session_id, user_id, last_activity_at), DELETE ON public.ai_assistant_sessions TO pilothouse_retention;
GRANT SELECT (id, user_id, session_id, public_status), DELETE ON public.job_drafts TO pilothouse_retention;
