ALTER TABLE public.job_drafts DROP COLUMN IF EXISTS page_note;
