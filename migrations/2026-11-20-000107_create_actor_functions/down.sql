DROP FUNCTION IF EXISTS
    pilothouse.reference_pairs(jsonb),
    pilothouse.reference_text(text),
    pilothouse.enter_token(text),
    pilothouse.enter(text),
    pilothouse.token_actor(text),
    pilothouse.session_actor(text),
    pilothouse.session_absolute(text),
    pilothouse.session_idle(text),
    pilothouse.app_guest_session(),
    pilothouse.app_token_id(),
    pilothouse.app_session_id(),
    pilothouse.app_user_id();
