ALTER FUNCTION pilothouse.fill_epoch_ms() RESET search_path;
ALTER FUNCTION pilothouse.fill_utc_times() RESET search_path;
