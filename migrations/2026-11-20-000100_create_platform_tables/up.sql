-- The platform's six tables, one function, three triggers and two views, exactly as their workers know them.
-- Everything is created only where it is missing: a living database keeps its tables and rows.

CREATE SCHEMA IF NOT EXISTS pilothouse;
REVOKE ALL ON SCHEMA pilothouse FROM PUBLIC;
COMMENT ON SCHEMA pilothouse IS 'What the console keeps for itself; the other schemas belong to the programs that report into it.';

-- gen_random_uuid() is built in, so a server without the contributed modules still serves.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['uuid-ossp', 'pgcrypto'] LOOP
        BEGIN
            EXECUTE format('CREATE EXTENSION IF NOT EXISTS %I', wanted);
        EXCEPTION WHEN undefined_file OR feature_not_supported OR insufficient_privilege THEN
            RAISE WARNING 'extension % could not be created: %', wanted, SQLERRM;
        END;
    END LOOP;
END
$$;

-- Adds a constraint to a table that may have been there before. Rows that break it prove that somebody
-- relies on breaking it: then it is left off, and the drift check tells.
CREATE OR REPLACE PROCEDURE pilothouse.adopt_constraint(target regclass, constraint_name text, definition text)
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_constraint c WHERE c.conrelid = target AND c.conname = constraint_name) THEN
        RETURN;
    END IF;
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', target, constraint_name, definition);
EXCEPTION
    WHEN check_violation OR foreign_key_violation OR unique_violation
        OR datatype_mismatch OR invalid_foreign_key OR duplicate_table THEN
        RAISE WARNING 'constraint % on % was left off: %', constraint_name, target, SQLERRM;
END
$$;
REVOKE ALL ON PROCEDURE pilothouse.adopt_constraint(regclass, text, text) FROM PUBLIC;
COMMENT ON PROCEDURE pilothouse.adopt_constraint(regclass, text, text) IS 'Migrations only: a constraint where rows allow it.';

CREATE TABLE IF NOT EXISTS public.users (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    email VARCHAR(255) UNIQUE NOT NULL,
    name VARCHAR(255),
    avatar_url TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    last_login TIMESTAMP WITH TIME ZONE,
    is_active BOOLEAN DEFAULT true
);
CREATE INDEX IF NOT EXISTS idx_users_email ON public.users(email);
CREATE INDEX IF NOT EXISTS idx_users_created_at ON public.users(created_at);

CREATE TABLE IF NOT EXISTS public.containers (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    container_id VARCHAR(255) UNIQUE NOT NULL,
    name VARCHAR(255) NOT NULL,
    status VARCHAR(50) NOT NULL DEFAULT 'created',
    image_name VARCHAR(255),
    assigned_port INTEGER,
    url TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    started_at TIMESTAMP WITH TIME ZONE,
    stopped_at TIMESTAMP WITH TIME ZONE,
    user_id UUID REFERENCES public.users(id) ON DELETE CASCADE,
    labels JSONB DEFAULT '{}',
    metadata JSONB DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS idx_containers_container_id ON public.containers(container_id);
CREATE INDEX IF NOT EXISTS idx_containers_status ON public.containers(status);
CREATE INDEX IF NOT EXISTS idx_containers_user_id ON public.containers(user_id);
CREATE INDEX IF NOT EXISTS idx_containers_created_at ON public.containers(created_at);
CREATE INDEX IF NOT EXISTS idx_containers_assigned_port ON public.containers(assigned_port);

CREATE TABLE IF NOT EXISTS public.sessions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID REFERENCES public.users(id) ON DELETE CASCADE,
    token VARCHAR(255) UNIQUE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    last_activity TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    ip_address INET,
    user_agent TEXT,
    is_active BOOLEAN DEFAULT true
);
CREATE INDEX IF NOT EXISTS idx_sessions_token ON public.sessions(token);
CREATE INDEX IF NOT EXISTS idx_sessions_user_id ON public.sessions(user_id);
CREATE INDEX IF NOT EXISTS idx_sessions_expires_at ON public.sessions(expires_at);

CREATE TABLE IF NOT EXISTS public.projects (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    container_id UUID REFERENCES public.containers(id) ON DELETE CASCADE,
    name VARCHAR(255) NOT NULL,
    description TEXT,
    type VARCHAR(100) DEFAULT 'nextjs',
    status VARCHAR(50) DEFAULT 'active',
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    user_id UUID REFERENCES public.users(id) ON DELETE CASCADE,
    metadata JSONB DEFAULT '{}',
    settings JSONB DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS idx_projects_container_id ON public.projects(container_id);
CREATE INDEX IF NOT EXISTS idx_projects_user_id ON public.projects(user_id);
CREATE INDEX IF NOT EXISTS idx_projects_status ON public.projects(status);
CREATE INDEX IF NOT EXISTS idx_projects_type ON public.projects(type);

CREATE TABLE IF NOT EXISTS public.chat_messages (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    container_id UUID REFERENCES public.containers(id) ON DELETE CASCADE,
    session_id VARCHAR(255) NOT NULL,
    role VARCHAR(20) NOT NULL,
    content TEXT NOT NULL,
    attachments JSONB DEFAULT '[]',
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    metadata JSONB DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS idx_chat_messages_container_id ON public.chat_messages(container_id);
CREATE INDEX IF NOT EXISTS idx_chat_messages_session_id ON public.chat_messages(session_id);
CREATE INDEX IF NOT EXISTS idx_chat_messages_created_at ON public.chat_messages(created_at);

CREATE TABLE IF NOT EXISTS public.file_storage (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    container_id UUID REFERENCES public.containers(id) ON DELETE CASCADE,
    file_path TEXT NOT NULL,
    file_name VARCHAR(255) NOT NULL,
    file_size BIGINT,
    mime_type VARCHAR(100),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    is_deleted BOOLEAN DEFAULT false
);
CREATE INDEX IF NOT EXISTS idx_file_storage_container_id ON public.file_storage(container_id);
CREATE INDEX IF NOT EXISTS idx_file_storage_file_path ON public.file_storage(file_path);

COMMENT ON TABLE public.users IS 'People who sign in, and the owners of containers and projects.';
COMMENT ON TABLE public.containers IS 'Containers as their workers describe them. Deleting a row deletes its projects, chat and files: the console sets status instead.';
COMMENT ON TABLE public.sessions IS 'Sign-ins. The console stores the lower-case hexadecimal SHA-256 of the secret in token.';
COMMENT ON TABLE public.projects IS 'What owners build, at most one container each.';
COMMENT ON TABLE public.chat_messages IS 'Conversations with the builder, by container.';
COMMENT ON TABLE public.file_storage IS 'Metadata of generated files, by container.';

CREATE OR REPLACE FUNCTION public.update_updated_at_column()
RETURNS TRIGGER AS $$
BEGIN
    NEW.updated_at = NOW();
    RETURN NEW;
END;
$$ language 'plpgsql';

DO $$
DECLARE
    touched text;
BEGIN
    FOREACH touched IN ARRAY ARRAY['containers', 'projects', 'file_storage'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t
                       WHERE t.tgrelid = format('public.%I', touched)::regclass
                         AND t.tgname = format('update_%s_updated_at', touched)) THEN
            EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE ON public.%I
                            FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column()',
                           format('update_%s_updated_at', touched), touched);
        END IF;
    END LOOP;

    -- "c.*" is expanded when a view is made: these come before the console's own columns.
    IF to_regclass('public.active_containers') IS NULL THEN
        CREATE VIEW public.active_containers AS
        SELECT
            c.*,
            p.name as project_name,
            p.description as project_description,
            u.email as user_email
        FROM public.containers c
        LEFT JOIN public.projects p ON c.id = p.container_id
        LEFT JOIN public.users u ON c.user_id = u.id
        WHERE c.status IN ('running', 'created')
        ORDER BY c.created_at DESC;
    END IF;
    IF to_regclass('public.user_projects') IS NULL THEN
        CREATE VIEW public.user_projects AS
        SELECT
            p.*,
            c.status as container_status,
            c.assigned_port,
            c.url,
            COUNT(cm.id) as message_count
        FROM public.projects p
        LEFT JOIN public.containers c ON p.container_id = c.id
        LEFT JOIN public.chat_messages cm ON c.id = cm.container_id
        GROUP BY p.id, c.status, c.assigned_port, c.url
        ORDER BY p.updated_at DESC;
    END IF;
END
$$;

-- A view runs with its owner's rights unless told otherwise, and would show every tenant's rows.
ALTER VIEW public.active_containers SET (security_invoker = true);
ALTER VIEW public.user_projects SET (security_invoker = true);
COMMENT ON VIEW public.active_containers IS 'For workers. Repeats a container that has two projects: pages do not read it.';
COMMENT ON VIEW public.user_projects IS 'For workers. Counts every message on each read: pages do not read it.';
