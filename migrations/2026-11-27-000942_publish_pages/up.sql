-- Why a posted draft has no page at the Git host yet.
ALTER TABLE public.job_drafts ADD COLUMN IF NOT EXISTS page_note TEXT;
COMMENT ON COLUMN public.job_drafts.page_note IS 'Why its public page is not there yet; nothing once github_pages_url leads to it.';
