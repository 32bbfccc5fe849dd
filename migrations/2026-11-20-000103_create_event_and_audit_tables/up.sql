-- Events and audit log under the quoted names that their other writers' client generates.

DO $$
DECLARE
    wanted record;
    label text;
BEGIN
    FOR wanted IN SELECT * FROM (VALUES
        ('ActivityEventType', ARRAY[
            'INDEXING_STARTED', 'INDEXING_PROGRESS', 'INDEXING_COMPLETED', 'INDEXING_FAILED',
            'APR_SESSION_CREATED', 'APR_ANALYZING', 'APR_CODE_GENERATION', 'APR_VALIDATION', 'APR_REVIEW',
            'APR_PR_CREATED', 'APR_COMPLETED', 'APR_FAILED',
            'CHAT_MESSAGE_SENT', 'CHAT_MESSAGE_RECEIVED',
            'AUTO_FIX_STARTED', 'AUTO_FIX_COMPLETED', 'AUTO_FIX_FAILED',
            'CODE_SCAFFOLDING', 'TEST_GENERATION']),
        ('ActivityEventStatus', ARRAY['IN_PROGRESS', 'COMPLETED', 'FAILED'])) AS t(name, labels)
    LOOP
        IF to_regtype(format('public.%I', wanted.name)) IS NULL THEN
            EXECUTE format('CREATE TYPE public.%I AS ENUM (%s)', wanted.name,
                           (SELECT string_agg(quote_literal(l), ', ' ORDER BY n)
                            FROM unnest(wanted.labels) WITH ORDINALITY AS u(l, n)));
        ELSIF EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.typtype = 'e'
                      AND t.oid = to_regtype(format('public.%I', wanted.name))) THEN
            FOREACH label IN ARRAY wanted.labels LOOP
                IF NOT EXISTS (SELECT FROM pg_catalog.pg_enum e WHERE e.enumlabel = label
                               AND e.enumtypid = to_regtype(format('public.%I', wanted.name))) THEN
                    EXECUTE format('ALTER TYPE public.%I ADD VALUE IF NOT EXISTS %L', wanted.name, label);
                END IF;
            END LOOP;
        END IF;
    END LOOP;
END
$$;

-- Times have no zone and are UTC: now() would shift them by the zone of whoever connects.
CREATE TABLE IF NOT EXISTS public."ActivityEvent" (
    id TEXT NOT NULL DEFAULT gen_random_uuid()::text,
    "projectId" TEXT NOT NULL,
    "userId" TEXT,
    "eventType" public."ActivityEventType" NOT NULL,
    "entityType" TEXT NOT NULL,
    "entityId" TEXT,
    title TEXT NOT NULL,
    description TEXT,
    metadata JSONB,
    status public."ActivityEventStatus" NOT NULL DEFAULT 'IN_PROGRESS',
    duration INTEGER,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT timezone('UTC', now()),
    "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT timezone('UTC', now()),
    CONSTRAINT "ActivityEvent_pkey" PRIMARY KEY (id)
);
ALTER TABLE public."ActivityEvent"
    ALTER COLUMN id SET DEFAULT gen_random_uuid()::text,
    ALTER COLUMN "createdAt" SET DEFAULT timezone('UTC', now()),
    ALTER COLUMN "updatedAt" SET DEFAULT timezone('UTC', now());
CREATE INDEX IF NOT EXISTS "ActivityEvent_projectId_createdAt_idx"
    ON public."ActivityEvent"("projectId", "createdAt" DESC);
CREATE INDEX IF NOT EXISTS "ActivityEvent_userId_createdAt_idx"
    ON public."ActivityEvent"("userId", "createdAt" DESC);
CREATE INDEX IF NOT EXISTS "ActivityEvent_eventType_createdAt_idx"
    ON public."ActivityEvent"("eventType", "createdAt" DESC);
CREATE INDEX IF NOT EXISTS "ActivityEvent_status_createdAt_idx"
    ON public."ActivityEvent"("status", "createdAt" DESC);
CREATE INDEX IF NOT EXISTS "ActivityEvent_projectId_eventType_createdAt_idx"
    ON public."ActivityEvent"("projectId", "eventType", "createdAt" DESC);
CALL pilothouse.adopt_constraint('public."ActivityEvent"', 'ActivityEvent_projectId_fkey',
    'FOREIGN KEY ("projectId") REFERENCES public.projects(id_text) ON DELETE CASCADE ON UPDATE CASCADE');
CALL pilothouse.adopt_constraint('public."ActivityEvent"', 'ActivityEvent_userId_fkey',
    'FOREIGN KEY ("userId") REFERENCES public.users(id_text) ON DELETE SET NULL ON UPDATE CASCADE');

CREATE TABLE IF NOT EXISTS public."ActivityLog" (
    id TEXT NOT NULL DEFAULT gen_random_uuid()::text,
    "projectId" TEXT,
    "userId" TEXT,
    "activityType" TEXT NOT NULL,
    description TEXT,
    metadata TEXT,
    "createdAt" TIMESTAMP(3) DEFAULT timezone('UTC', now()),
    CONSTRAINT "ActivityLog_pkey" PRIMARY KEY (id)
);
ALTER TABLE public."ActivityLog"
    ALTER COLUMN id SET DEFAULT gen_random_uuid()::text,
    ALTER COLUMN "createdAt" SET DEFAULT timezone('UTC', now()),
    ADD COLUMN IF NOT EXISTS "actorName" TEXT,
    ADD COLUMN IF NOT EXISTS "actorEmail" TEXT,
    ADD COLUMN IF NOT EXISTS "actorRole" TEXT,
    ADD COLUMN IF NOT EXISTS "actingAdminId" TEXT,
    ADD COLUMN IF NOT EXISTS "targetType" TEXT,
    ADD COLUMN IF NOT EXISTS "targetId" TEXT,
    ADD COLUMN IF NOT EXISTS "targetName" TEXT,
    ADD COLUMN IF NOT EXISTS ip INET,
    ADD COLUMN IF NOT EXISTS "userAgent" TEXT,
    ADD COLUMN IF NOT EXISTS "requestId" TEXT,
    ADD COLUMN IF NOT EXISTS before JSONB,
    ADD COLUMN IF NOT EXISTS after JSONB;

COMMENT ON TABLE public."ActivityEvent" IS 'Operations with a start, progress and an end. Times are UTC; duration is milliseconds.';
COMMENT ON TABLE public."ActivityLog" IS 'Who did what in the console, append-only. No foreign keys: an entry outlives what it names.';
COMMENT ON COLUMN public."ActivityLog"."actorName" IS 'Snapshot at the time of the act, like actorEmail and actorRole.';
COMMENT ON COLUMN public."ActivityLog"."actingAdminId" IS 'The admin who acted in the user''s place, if any.';
COMMENT ON COLUMN public."ActivityLog"."targetName" IS 'Snapshot: the target may be gone.';
