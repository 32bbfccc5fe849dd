-- Containers that the console makes: their ports, what is kept of a making until it is done, and locks.

CREATE TABLE IF NOT EXISTS pilothouse.port_reservations (
    address TEXT NOT NULL,
    port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
    container_id UUID NOT NULL,
    reserved_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    PRIMARY KEY (address, port)
);
CREATE UNIQUE INDEX IF NOT EXISTS port_reservations_container_id_key ON pilothouse.port_reservations (container_id);
COMMENT ON TABLE pilothouse.port_reservations IS 'Ports of PILOTHOUSE_PORTS that a container has, or is about to have.';
COMMENT ON COLUMN pilothouse.port_reservations.container_id IS 'containers.id; let go of when the container is gone.';
ALTER TABLE pilothouse.port_reservations ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS admin ON pilothouse.port_reservations;
CREATE POLICY admin ON pilothouse.port_reservations TO pilothouse_admin USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, DELETE ON pilothouse.port_reservations TO pilothouse_admin;

ALTER TABLE pilothouse.operations ADD COLUMN IF NOT EXISTS stage TEXT;
ALTER TABLE pilothouse.operations ADD COLUMN IF NOT EXISTS sealed BYTEA;
COMMENT ON COLUMN pilothouse.operations.settings IS 'What was asked for besides the verb: a new name, or what a container is made of, without the values of environment variables.';
COMMENT ON COLUMN pilothouse.operations.stage IS 'pull while an image is being pulled: until then a making can be taken back.';
COMMENT ON COLUMN pilothouse.operations.sealed IS 'Environment variables of a container that is to be made, sealed with the console''s key; emptied once it is made, or a day later.';
CREATE INDEX IF NOT EXISTS operations_sealed_idx ON pilothouse.operations (asked_at) WHERE sealed IS NOT NULL;

ALTER TABLE public.containers ADD COLUMN IF NOT EXISTS locked_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE public.projects ADD COLUMN IF NOT EXISTS locked_at TIMESTAMP WITH TIME ZONE;
COMMENT ON COLUMN public.containers.locked_at IS 'Since when nobody may stop or delete it; empty for most.';
COMMENT ON COLUMN public.projects.locked_at IS 'Since when nobody may delete it, nor stop or delete its container; empty for most.';
GRANT UPDATE (locked_at) ON public.containers, public.projects TO pilothouse_owner;

-- Owners have no INSERT on containers: what they may make is this.
CREATE OR REPLACE FUNCTION pilothouse.make_container(called text, image text, owner uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    made CONSTANT uuid := gen_random_uuid();
BEGIN
    IF current_setting('role') <> 'pilothouse_admin' AND owner IS DISTINCT FROM pilothouse.app_user_id() THEN
        RAISE EXCEPTION 'permission denied to make a container for somebody else' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO public.containers (id, container_id, name, image_name, status, user_id)
    VALUES (made, 'pending:' || made, called || '-' || left(made::text, 6), image, 'created', owner);
    RETURN made;
END
$$;
COMMENT ON FUNCTION pilothouse.make_container(text, text, uuid) IS 'The row of a container that an engine is to make; container_id is pending: and the row''s id until it has.';

-- One whose making failed is tried again under the same row.
CREATE OR REPLACE FUNCTION pilothouse.make_container_again(made uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.containers c SET status = 'created', stopped_at = NULL
     WHERE c.id = made AND c.container_id = 'pending:' || c.id AND c.status = 'deleted'
       AND (current_setting('role') = 'pilothouse_admin' OR c.user_id = pilothouse.app_user_id());
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION pilothouse.make_container_again(uuid) IS 'Brings back the row of a container whose making failed; false when that is not what it is.';
REVOKE ALL ON FUNCTION pilothouse.make_container(text, text, uuid), pilothouse.make_container_again(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pilothouse.make_container(text, text, uuid), pilothouse.make_container_again(uuid)
    TO pilothouse_owner, pilothouse_admin;
