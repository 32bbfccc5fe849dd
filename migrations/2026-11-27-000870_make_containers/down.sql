DROP FUNCTION IF EXISTS pilothouse.make_container_again(uuid);
DROP FUNCTION IF EXISTS pilothouse.make_container(text, text, uuid);
ALTER TABLE public.projects DROP COLUMN IF EXISTS locked_at;
ALTER TABLE public.containers DROP COLUMN IF EXISTS locked_at;
DROP INDEX IF EXISTS pilothouse.operations_sealed_idx;
ALTER TABLE pilothouse.operations DROP COLUMN IF EXISTS sealed, DROP COLUMN IF EXISTS stage;
DROP TABLE IF EXISTS pilothouse.port_reservations;
