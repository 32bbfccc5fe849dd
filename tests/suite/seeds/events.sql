-- The event model as its client's generator writes it, then the five indexes as documented.
CREATE TYPE "ActivityEventType" AS ENUM (
    'INDEXING_STARTED', 'INDEXING_PROGRESS', 'INDEXING_COMPLETED', 'INDEXING_FAILED',
    'APR_SESSION_CREATED', 'APR_ANALYZING', 'APR_CODE_GENERATION', 'APR_VALIDATION', 'APR_REVIEW',
    'APR_PR_CREATED', 'APR_COMPLETED', 'APR_FAILED', 'CHAT_MESSAGE_SENT', 'CHAT_MESSAGE_RECEIVED',
    'AUTO_FIX_STARTED', 'AUTO_FIX_COMPLETED', 'AUTO_FIX_FAILED', 'CODE_SCAFFOLDING', 'TEST_GENERATION');
CREATE TYPE "ActivityEventStatus" AS ENUM ('IN_PROGRESS', 'COMPLETED', 'FAILED');
CREATE TABLE "ActivityEvent" (
    "id" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "userId" TEXT,
    "eventType" "ActivityEventType" NOT NULL,
    "entityType" TEXT NOT NULL,
    "entityId" TEXT,
    "title" TEXT NOT NULL,
    "description" TEXT,
    "metadata" JSONB,
    "status" "ActivityEventStatus" NOT NULL DEFAULT 'IN_PROGRESS',
    "duration" INTEGER,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,
    CONSTRAINT "ActivityEvent_pkey" PRIMARY KEY ("id")
);
CREATE TABLE "ActivityLog" (
    "id" TEXT NOT NULL,
    "projectId" TEXT,
    "userId" TEXT,
    "activityType" TEXT NOT NULL,
    "description" TEXT,
    "metadata" TEXT,
    "createdAt" TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "ActivityLog_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "ActivityEvent_projectId_createdAt_idx" 
  ON "ActivityEvent"("projectId", "createdAt" DESC);

CREATE INDEX "ActivityEvent_userId_createdAt_idx" 
  ON "ActivityEvent"("userId", "createdAt" DESC);

CREATE INDEX "ActivityEvent_eventType_createdAt_idx" 
  ON "ActivityEvent"("eventType", "createdAt" DESC);

CREATE INDEX "ActivityEvent_status_createdAt_idx" 
  ON "ActivityEvent"("status", "createdAt" DESC);

CREATE INDEX "ActivityEvent_projectId_eventType_createdAt_idx" 
  ON "ActivityEvent"("projectId", "eventType", "createdAt" DESC);
