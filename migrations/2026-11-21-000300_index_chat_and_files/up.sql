-- Chat is read by conversation and by container, files by directory: an index for each, so that a page costs
-- the same however much there is. What a message has no time for stands at the epoch; times that no calendar
-- holds stand at its edges.

-- A conversation's messages in order, and a container's conversations one after the other.
CREATE INDEX IF NOT EXISTS chat_messages_conversation_idx ON public.chat_messages (container_id, session_id,
    GREATEST('0001-01-01 00:00:00+00'::timestamptz, LEAST('9999-12-31 23:59:59.999999+00'::timestamptz,
        COALESCE(created_at, '1970-01-01 00:00:00+00'::timestamptz))), id);

-- All of a container's messages, newest first: what a search looks through.
CREATE INDEX IF NOT EXISTS chat_messages_newest_idx ON public.chat_messages (container_id,
    GREATEST('0001-01-01 00:00:00+00'::timestamptz, LEAST('9999-12-31 23:59:59.999999+00'::timestamptz,
        COALESCE(created_at, '1970-01-01 00:00:00+00'::timestamptz))), id);

-- What an answer cost. By hash, because ids that workers choose may be longer than a b-tree takes.
CREATE INDEX IF NOT EXISTS message_cost_tracker_message_idx ON turbobackend.message_cost_tracker USING hash (message_id);

-- A container's files in the order of their paths, byte by byte, so that a directory is a range of them.
-- Longer paths would not fit into a b-tree, which refuses the row then: they have an index without the path.
CREATE INDEX IF NOT EXISTS file_storage_path_idx ON public.file_storage (container_id, file_path COLLATE "C", id)
    WHERE octet_length(file_path) <= 2000;
CREATE INDEX IF NOT EXISTS file_storage_long_path_idx ON public.file_storage (container_id)
    WHERE octet_length(file_path) > 2000;
