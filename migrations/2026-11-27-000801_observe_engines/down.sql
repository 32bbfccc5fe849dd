DELETE FROM pilothouse.timeline WHERE source = 'engine';
DROP TABLE IF EXISTS pilothouse.engine_events, pilothouse.engine_containers, pilothouse.engines, pilothouse.leases;
DROP FUNCTION IF EXISTS pilothouse.keep_engine_events(),
    pilothouse.entry_of_engine_event(text, text, uuid, text, uuid, uuid, timestamp with time zone, integer, text, text, text, text, timestamp with time zone, timestamp with time zone, xid8);
COMMENT ON COLUMN pilothouse.timeline.source IS 'action, audit, event: the words of data-activity, and the second part of the order.';
