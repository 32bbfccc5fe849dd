DROP TABLE IF EXISTS
    pilothouse.daily_activity,
    pilothouse.sign_in_failures,
    pilothouse.tombstones,
    pilothouse.api_token_projects,
    pilothouse.api_tokens,
    pilothouse.password_links,
    pilothouse.trigger_failures,
    pilothouse.recording_gaps,
    pilothouse.action_spool;
