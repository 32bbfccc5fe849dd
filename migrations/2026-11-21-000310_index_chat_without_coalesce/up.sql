-- An owner's bound on a time is answered by an index only when PostgreSQL knows that computing the time tells
-- nothing of other people's rows. It knows that of CASE, GREATEST and LEAST, and not of COALESCE.
DROP INDEX IF EXISTS public.chat_messages_conversation_idx, public.chat_messages_newest_idx;

CREATE INDEX IF NOT EXISTS chat_messages_conversation_idx ON public.chat_messages (container_id, session_id,
    GREATEST('0001-01-01 00:00:00+00'::timestamptz, LEAST('9999-12-31 23:59:59.999999+00'::timestamptz,
        CASE WHEN created_at IS NULL THEN '1970-01-01 00:00:00+00'::timestamptz ELSE created_at END)), id);

CREATE INDEX IF NOT EXISTS chat_messages_newest_idx ON public.chat_messages (container_id,
    GREATEST('0001-01-01 00:00:00+00'::timestamptz, LEAST('9999-12-31 23:59:59.999999+00'::timestamptz,
        CASE WHEN created_at IS NULL THEN '1970-01-01 00:00:00+00'::timestamptz ELSE created_at END)), id);
