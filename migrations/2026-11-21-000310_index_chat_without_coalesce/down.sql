DROP INDEX IF EXISTS public.chat_messages_conversation_idx, public.chat_messages_newest_idx;

CREATE INDEX IF NOT EXISTS chat_messages_conversation_idx ON public.chat_messages (container_id, session_id,
    GREATEST('0001-01-01 00:00:00+00'::timestamptz, LEAST('9999-12-31 23:59:59.999999+00'::timestamptz,
        COALESCE(created_at, '1970-01-01 00:00:00+00'::timestamptz))), id);

CREATE INDEX IF NOT EXISTS chat_messages_newest_idx ON public.chat_messages (container_id,
    GREATEST('0001-01-01 00:00:00+00'::timestamptz, LEAST('9999-12-31 23:59:59.999999+00'::timestamptz,
        COALESCE(created_at, '1970-01-01 00:00:00+00'::timestamptz))), id);
