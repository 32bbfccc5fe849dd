REVOKE ALL ON public.job_drafts, public.ai_assistant_sessions FROM pilothouse_retention;
REVOKE INSERT ON public."ActivityLog" FROM pilothouse_guest;
DROP POLICY IF EXISTS retention_select ON public.job_drafts;
DROP POLICY IF EXISTS retention_delete ON public.job_drafts;
DROP POLICY IF EXISTS retention_select ON public.ai_assistant_sessions;
DROP POLICY IF EXISTS retention_delete ON public.ai_assistant_sessions;
DROP POLICY IF EXISTS guest_insert ON public."ActivityLog";
ALTER POLICY guest_insert ON public.job_drafts
    WITH CHECK (user_id IS NULL AND session_id = (SELECT pilothouse.app_guest_session()));
ALTER POLICY guest_update ON public.job_drafts
    WITH CHECK (user_id IS NULL AND session_id = (SELECT pilothouse.app_guest_session()));
DROP FUNCTION pilothouse.begin_guest(text, text, inet);
DROP FUNCTION pilothouse.keep_guest();
DROP FUNCTION pilothouse.forget_guest(text);
DROP FUNCTION pilothouse.claim_guest(text);
DROP FUNCTION pilothouse.claim_offer(text);
DROP TABLE pilothouse.referral_codes;
DROP TABLE pilothouse.claim_links;
DROP TABLE pilothouse.guest_starts;
DROP INDEX public.idx_job_drafts_user_id_updated_at;
ALTER TABLE public.job_drafts DROP COLUMN project_id, DROP COLUMN consent, DROP COLUMN posted_at,
    DROP COLUMN attribution_chain, DROP COLUMN edited;
DROP INDEX public.idx_ai_assistant_sessions_last_activity_at;
ALTER TABLE public.ai_assistant_sessions DROP COLUMN answering_until, DROP COLUMN attribution_chain;
