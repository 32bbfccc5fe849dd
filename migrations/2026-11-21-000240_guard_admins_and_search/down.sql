DROP INDEX IF EXISTS public.users_email_prefix_idx, public.users_name_prefix_idx, public.containers_engine_id_prefix_idx,
    public.containers_name_prefix_idx, public.projects_name_prefix_idx;
DROP FUNCTION IF EXISTS pilothouse.another_admin_can_sign_in(uuid);
ALTER TABLE public.users DROP COLUMN IF EXISTS keyboard_shortcuts;
