-- Both tables may have been here before the console was: they and their rows stay, and what was said about acts too.
ALTER TABLE public."ActivityEvent"
    DROP CONSTRAINT IF EXISTS "ActivityEvent_projectId_fkey",
    DROP CONSTRAINT IF EXISTS "ActivityEvent_userId_fkey";
