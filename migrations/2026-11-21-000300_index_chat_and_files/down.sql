DROP INDEX IF EXISTS
    public.chat_messages_conversation_idx, public.chat_messages_newest_idx,
    turbobackend.message_cost_tracker_message_idx,
    public.file_storage_path_idx, public.file_storage_long_path_idx;
