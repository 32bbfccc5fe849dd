//! The tables of the three schemas, by hand: `tests/suite/drift.rs` holds them against a migrated database.
//! Quoted and reserved names have idiomatic ones here (`"ActivityEvent"` is [`activity_events`], `type` is `kind`).

#![cfg_attr(
    not(test),
    expect(clippy::wildcard_imports, reason = "a table's columns have the types of one module")
)]

/// Diesel's types, but for those of times, and the types of PostgreSQL that this database defines.
pub mod sql_types {
    pub use diesel::sql_types::*;

    pub use crate::db::time::{Date, Timestamp, Timestamptz};

    /// `"ActivityEventType"`. Other programs add labels: read it as text.
    #[derive(Debug, Clone, Copy, diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "ActivityEventType", schema = "public"))]
    pub struct ActivityEventType;

    #[derive(Debug, Clone, Copy, diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "ActivityEventStatus", schema = "public"))]
    pub struct ActivityEventStatus;

    /// The id of a transaction that is never used again.
    #[derive(Debug, Clone, Copy, diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "xid8", schema = "pg_catalog"))]
    pub struct Xid8;
}

diesel::table! {
    use super::sql_types::*;

    /// People who sign in, and the owners of containers and projects.
    users (id) {
        id -> Uuid,
        email -> Varchar,
        name -> Nullable<Varchar>,
        avatar_url -> Nullable<Text>,
        created_at -> Nullable<Timestamptz>,
        updated_at -> Nullable<Timestamptz>,
        last_login -> Nullable<Timestamptz>,
        is_active -> Nullable<Bool>,
        role -> Text,
        password_hash -> Nullable<Text>,
        time_zone -> Text,
        theme -> Text,
        id_text -> Nullable<Text>,
        keyboard_shortcuts -> Bool,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Containers as their workers describe them.
    containers (id) {
        id -> Uuid,
        container_id -> Varchar,
        name -> Varchar,
        status -> Varchar,
        image_name -> Nullable<Varchar>,
        assigned_port -> Nullable<Int4>,
        url -> Nullable<Text>,
        created_at -> Nullable<Timestamptz>,
        updated_at -> Nullable<Timestamptz>,
        started_at -> Nullable<Timestamptz>,
        stopped_at -> Nullable<Timestamptz>,
        user_id -> Nullable<Uuid>,
        labels -> Nullable<Jsonb>,
        metadata -> Nullable<Jsonb>,
        observed_at -> Nullable<Timestamptz>,
        observed_from -> Nullable<Text>,
        engine_status -> Nullable<Text>,
        locked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Sign-ins; `token` is the hexadecimal SHA-256 of the secret.
    sessions (id) {
        id -> Uuid,
        user_id -> Nullable<Uuid>,
        token -> Varchar,
        expires_at -> Timestamptz,
        created_at -> Nullable<Timestamptz>,
        last_activity -> Nullable<Timestamptz>,
        ip_address -> Nullable<Inet>,
        user_agent -> Nullable<Text>,
        is_active -> Nullable<Bool>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// What owners build.
    projects (id) {
        id -> Uuid,
        container_id -> Nullable<Uuid>,
        name -> Varchar,
        description -> Nullable<Text>,
        #[sql_name = "type"]
        kind -> Nullable<Varchar>,
        status -> Nullable<Varchar>,
        created_at -> Nullable<Timestamptz>,
        updated_at -> Nullable<Timestamptz>,
        user_id -> Nullable<Uuid>,
        metadata -> Nullable<Jsonb>,
        settings -> Nullable<Jsonb>,
        id_text -> Nullable<Text>,
        locked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Conversations with the builder, by container.
    chat_messages (id) {
        id -> Uuid,
        container_id -> Nullable<Uuid>,
        session_id -> Varchar,
        role -> Varchar,
        content -> Text,
        attachments -> Nullable<Jsonb>,
        created_at -> Nullable<Timestamptz>,
        metadata -> Nullable<Jsonb>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Metadata of generated files, by container.
    file_storage (id) {
        id -> Uuid,
        container_id -> Nullable<Uuid>,
        file_path -> Text,
        file_name -> Varchar,
        file_size -> Nullable<Int8>,
        mime_type -> Nullable<Varchar>,
        created_at -> Nullable<Timestamptz>,
        updated_at -> Nullable<Timestamptz>,
        is_deleted -> Nullable<Bool>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Operations with a start, progress and an end. Times are UTC, `duration` is milliseconds.
    #[sql_name = "ActivityEvent"]
    activity_events (id) {
        id -> Text,
        #[sql_name = "projectId"]
        project_id -> Text,
        #[sql_name = "userId"]
        user_id -> Nullable<Text>,
        #[sql_name = "eventType"]
        event_type -> ActivityEventType,
        #[sql_name = "entityType"]
        entity_type -> Text,
        #[sql_name = "entityId"]
        entity_id -> Nullable<Text>,
        title -> Text,
        description -> Nullable<Text>,
        metadata -> Nullable<Jsonb>,
        status -> ActivityEventStatus,
        duration -> Nullable<Int4>,
        #[sql_name = "createdAt"]
        created_at -> Timestamp,
        #[sql_name = "updatedAt"]
        updated_at -> Timestamp,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Who did what in the console, append-only. Owners may not select `ip`, `user_agent`, `before` and `after`.
    #[sql_name = "ActivityLog"]
    activity_logs (id) {
        id -> Text,
        #[sql_name = "projectId"]
        project_id -> Nullable<Text>,
        #[sql_name = "userId"]
        user_id -> Nullable<Text>,
        #[sql_name = "activityType"]
        activity_type -> Text,
        description -> Nullable<Text>,
        metadata -> Nullable<Text>,
        #[sql_name = "createdAt"]
        created_at -> Nullable<Timestamp>,
        #[sql_name = "actorName"]
        actor_name -> Nullable<Text>,
        #[sql_name = "actorEmail"]
        actor_email -> Nullable<Text>,
        #[sql_name = "actorRole"]
        actor_role -> Nullable<Text>,
        #[sql_name = "actingAdminId"]
        acting_admin_id -> Nullable<Text>,
        #[sql_name = "targetType"]
        target_type -> Nullable<Text>,
        #[sql_name = "targetId"]
        target_id -> Nullable<Text>,
        #[sql_name = "targetName"]
        target_name -> Nullable<Text>,
        ip -> Nullable<Inet>,
        #[sql_name = "userAgent"]
        user_agent -> Nullable<Text>,
        #[sql_name = "requestId"]
        request_id -> Nullable<Text>,
        before -> Nullable<Jsonb>,
        after -> Nullable<Jsonb>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// What visitors describe to the assistant.
    job_drafts (id) {
        id -> Int8,
        user_id -> Nullable<Uuid>,
        title -> Nullable<Text>,
        description -> Nullable<Text>,
        created_at -> Nullable<Timestamptz>,
        updated_at -> Nullable<Timestamptz>,
        developer_ref -> Nullable<Varchar>,
        source -> Nullable<Varchar>,
        session_id -> Nullable<Varchar>,
        public_status -> Nullable<Varchar>,
        generated_title -> Nullable<Text>,
        generated_skills -> Nullable<Array<Nullable<Text>>>,
        generated_milestones -> Nullable<Array<Nullable<Text>>>,
        estimated_budget_range -> Nullable<Jsonb>,
        estimated_timeline -> Nullable<Varchar>,
        completion_score -> Nullable<Int4>,
        ghl_opportunity_id -> Nullable<Varchar>,
        wireframe_url -> Nullable<Varchar>,
        github_pages_url -> Nullable<Varchar>,
        edited -> Array<Nullable<Text>>,
        attribution_chain -> Nullable<Varchar>,
        posted_at -> Nullable<Timestamptz>,
        consent -> Nullable<Jsonb>,
        project_id -> Nullable<Uuid>,
        page_note -> Nullable<Text>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// What happened on the way to a draft.
    analytics (id) {
        id -> Int8,
        event_type -> Varchar,
        event_data -> Nullable<Jsonb>,
        user_id -> Nullable<Uuid>,
        session_id -> Nullable<Varchar>,
        created_at -> Nullable<Timestamptz>,
        developer_ref -> Nullable<Varchar>,
        source -> Nullable<Varchar>,
        attribution_chain -> Nullable<Varchar>,
        job_draft_id -> Nullable<Int8>,
        slot_name -> Nullable<Varchar>,
        completion_score -> Nullable<Int4>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Drafts as the sales system knows them.
    ghl_opportunities (id) {
        id -> Int8,
        ghl_opportunity_id -> Nullable<Varchar>,
        name -> Nullable<Varchar>,
        status -> Nullable<Varchar>,
        monetary_value -> Nullable<Numeric>,
        created_at -> Nullable<Timestamptz>,
        updated_at -> Nullable<Timestamptz>,
        developer_ref -> Nullable<Varchar>,
        source -> Nullable<Varchar>,
        job_draft_id -> Nullable<Int8>,
        session_id -> Nullable<Varchar>,
        attribution_chain -> Nullable<Varchar>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Conversations with the assistant. Times are UTC.
    ai_assistant_sessions (id) {
        id -> Uuid,
        session_id -> Varchar,
        developer_ref -> Nullable<Varchar>,
        source -> Nullable<Varchar>,
        user_id -> Nullable<Uuid>,
        session_data -> Nullable<Jsonb>,
        current_slot_index -> Nullable<Int4>,
        completion_score -> Nullable<Int4>,
        is_active -> Nullable<Bool>,
        started_at -> Nullable<Timestamp>,
        last_activity_at -> Nullable<Timestamp>,
        ended_at -> Nullable<Timestamp>,
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        attribution_chain -> Nullable<Varchar>,
        answering_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// Something happened to a project. `created_at` is epoch milliseconds.
    turbobackend.project_actions (action_id) {
        action_id -> Varchar,
        project_id -> Nullable<Varchar>,
        user_id -> Nullable<Varchar>,
        request_id -> Nullable<Varchar>,
        action_type -> Nullable<Varchar>,
        action_details -> Nullable<Varchar>,
        status -> Nullable<Varchar>,
        environment -> Nullable<Varchar>,
        reference_ids -> Nullable<Jsonb>,
        created_at -> Nullable<Int8>,
    }
}

diesel::table! {
    /// Pushes, named by `github_push_id`.
    turbobackend.github_push_history (push_id) {
        push_id -> Varchar,
        project_id -> Nullable<Varchar>,
        user_id -> Nullable<Varchar>,
        request_id -> Nullable<Varchar>,
        repo_url -> Nullable<Varchar>,
        branch_name -> Nullable<Varchar>,
        commit_sha -> Nullable<Varchar>,
        commit_message -> Nullable<Varchar>,
        author_name -> Nullable<Varchar>,
        author_email -> Nullable<Varchar>,
        files_changed -> Nullable<Int4>,
        files -> Nullable<Jsonb>,
        created_at -> Nullable<Int8>,
    }
}

diesel::table! {
    /// Deployments, named by `deployment_id`.
    turbobackend.project_deployments (deployment_id) {
        deployment_id -> Varchar,
        project_id -> Nullable<Varchar>,
        user_id -> Nullable<Varchar>,
        request_id -> Nullable<Varchar>,
        app_name -> Nullable<Varchar>,
        app_url -> Nullable<Varchar>,
        commit_sha -> Nullable<Varchar>,
        status -> Nullable<Varchar>,
        environment -> Nullable<Varchar>,
        error -> Nullable<Varchar>,
        created_at -> Nullable<Int8>,
        finished_at -> Nullable<Int8>,
    }
}

diesel::table! {
    /// Runs of a container; `container_id` is the engine's.
    turbobackend.container_sessions (session_id) {
        session_id -> Varchar,
        project_id -> Nullable<Varchar>,
        user_id -> Nullable<Varchar>,
        container_id -> Nullable<Varchar>,
        status -> Nullable<Varchar>,
        exit_code -> Nullable<Int4>,
        created_at -> Nullable<Int8>,
        ended_at -> Nullable<Int8>,
    }
}

diesel::table! {
    /// Provisioned databases, named by `database_id`.
    turbobackend.project_databases (database_id) {
        database_id -> Varchar,
        project_id -> Nullable<Varchar>,
        user_id -> Nullable<Varchar>,
        request_id -> Nullable<Varchar>,
        database_name -> Nullable<Varchar>,
        schema_design -> Nullable<Jsonb>,
        status -> Nullable<Varchar>,
        created_at -> Nullable<Int8>,
    }
}

diesel::table! {
    /// What a model's answer cost, in US dollars.
    turbobackend.message_cost_tracker (cost_id) {
        cost_id -> Varchar,
        project_id -> Nullable<Varchar>,
        user_id -> Nullable<Varchar>,
        request_id -> Nullable<Varchar>,
        message_id -> Nullable<Varchar>,
        model -> Nullable<Varchar>,
        input_tokens -> Nullable<Int8>,
        output_tokens -> Nullable<Int8>,
        cost_usd -> Nullable<Numeric>,
        created_at -> Nullable<Int8>,
    }
}

diesel::table! {
    /// One row a key and scalar value of `project_actions.reference_ids`, kept by trigger; search with [`reference_text()`].
    turbobackend.action_references (key, value, created_at, action_id) {
        key -> Text,
        value -> Text,
        created_at -> Int8,
        action_id -> Varchar,
        project_id -> Nullable<Varchar>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Actions that could not be recorded yet. No constraints: nothing may refuse a row here.
    pilothouse.action_spool (action_id) {
        action_id -> Nullable<Text>,
        payload -> Nullable<Jsonb>,
        spooled_at -> Nullable<Timestamptz>,
        attempts -> Nullable<Int4>,
        last_error -> Nullable<Text>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Records that are lost for good, counted. Without a project it concerns all.
    pilothouse.recording_gaps (id) {
        id -> Int8,
        project_id -> Nullable<Text>,
        from_ms -> Int8,
        to_ms -> Int8,
        lost -> Int8,
        reason -> Text,
        created_at -> Timestamptz,
        source -> Nullable<Text>,
        entry_id -> Nullable<Text>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// What our triggers could not do without making a write fail.
    pilothouse.trigger_failures (trigger_name) {
        trigger_name -> Text,
        failures -> Int8,
        last_error -> Nullable<Text>,
        last_at -> Timestamptz,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// One-time links to set a password, by hexadecimal SHA-256.
    pilothouse.password_links (hash) {
        hash -> Text,
        user_id -> Uuid,
        created_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
        shown_at -> Nullable<Timestamptz>,
        cancelled_at -> Nullable<Timestamptz>,
        used_from -> Nullable<Inet>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// What workers sign in with, by hexadecimal SHA-256.
    pilothouse.api_tokens (id) {
        id -> Uuid,
        hash -> Text,
        name -> Text,
        created_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        scopes -> Array<Nullable<Text>>,
        all_projects -> Bool,
        last_used_ip -> Nullable<Inet>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// What was reported over the API, by which token, and when it was received.
    pilothouse.reports (source, id) {
        source -> Text,
        id -> Text,
        token_id -> Nullable<Uuid>,
        received_at -> Timestamptz,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Answers of the last 48 hours, for retries.
    pilothouse.idempotency_keys (principal, key) {
        principal -> Text,
        key -> Text,
        request_hash -> Text,
        status -> Nullable<Int2>,
        answer -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Where others report to by signed deliveries.
    pilothouse.webhooks (id) {
        id -> Uuid,
        project_id -> Uuid,
        name -> Text,
        secret -> Bytea,
        earlier_secret -> Nullable<Bytea>,
        earlier_until -> Nullable<Timestamptz>,
        created_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        removed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// What came to a webhook, and what came of it.
    pilothouse.deliveries (id) {
        id -> Uuid,
        webhook_id -> Uuid,
        project_id -> Uuid,
        guid -> Text,
        event -> Text,
        body -> Nullable<Bytea>,
        state -> Text,
        outcome -> Nullable<Text>,
        #[sql_name = "ref"]
        git_ref -> Nullable<Text>,
        before_sha -> Nullable<Text>,
        after_sha -> Nullable<Text>,
        gap_from -> Nullable<Text>,
        received_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// The projects that a token may report into.
    pilothouse.api_token_projects (token_id, project_id) {
        token_id -> Uuid,
        project_id -> Uuid,
    }
}

diesel::table! {
    /// Which first cause each entry goes back to that has a cause.
    pilothouse.thread_entries (source, id) {
        source -> Text,
        id -> Text,
        at -> Int8,
        cause -> Text,
        is_inferred -> Bool,
        root -> Text,
        thread -> Uuid,
    }
}

diesel::table! {
    /// When something last happened in each project.
    pilothouse.project_activity (project_id) {
        project_id -> Uuid,
        owner_id -> Nullable<Uuid>,
        at -> Int8,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// What anonymous visitors enter with, by hexadecimal SHA-256.
    pilothouse.guests (hash) {
        hash -> Text,
        session_id -> Text,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Sessions that visitors began within the last hour.
    pilothouse.guest_starts (id) {
        id -> Int8,
        address -> Inet,
        at -> Timestamptz,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Links that let a visitor claim a session on another device, by hexadecimal SHA-256.
    pilothouse.claim_links (hash) {
        hash -> Text,
        session_id -> Text,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Sessions by the day that they began, the step that they came to, and how long that took.
    pilothouse.funnel_days (day, developer_ref, source, step, bucket) {
        day -> Date,
        developer_ref -> Text,
        source -> Text,
        step -> Text,
        bucket -> Int4,
        sessions -> Int8,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Until when events are counted.
    pilothouse.funnel_progress (name) {
        name -> Text,
        as_of -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Files of drafts, by hexadecimal SHA-256 of the secret in their address.
    pilothouse.draft_files (id) {
        id -> Uuid,
        draft_id -> Int8,
        kind -> Text,
        hash -> Text,
        title -> Text,
        content -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// What the sales system is to be told.
    pilothouse.crm_outbox (id) {
        id -> Uuid,
        draft_id -> Int8,
        user_id -> Uuid,
        state -> Text,
        attempts -> Int4,
        last_error -> Nullable<Text>,
        created_at -> Timestamptz,
        changed_at -> Timestamptz,
        contact_id -> Nullable<Text>,
        opportunity_id -> Nullable<Text>,
        retry_at -> Timestamptz,
        asked_name -> Nullable<Text>,
        correction -> Nullable<Jsonb>,
        corrected_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Tokens that the assistant's model read and wrote on a day.
    pilothouse.assistant_usage (day) {
        day -> Date,
        calls -> Int8,
        input_tokens -> Int8,
        output_tokens -> Int8,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Whose code `?ref=` names.
    pilothouse.referral_codes (code) {
        code -> Text,
        user_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Users, projects and containers (`kind`) whose row somebody deleted.
    pilothouse.tombstones (kind, id) {
        kind -> Text,
        id -> Text,
        name -> Nullable<Text>,
        owner_id -> Nullable<Uuid>,
        project_id -> Nullable<Text>,
        deleted_at -> Timestamptz,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Failed sign-ins, shared by all instances.
    pilothouse.sign_in_failures (scope, subject) {
        scope -> Text,
        subject -> Text,
        failures -> Int4,
        first_at -> Timestamptz,
        last_at -> Timestamptz,
        blocked_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Entries of the timeline a project and UTC day, by quarter of an hour, rolled up by a job. An empty
    /// `project_id` stands for none.
    pilothouse.daily_activity (project_id, day) {
        project_id -> Text,
        day -> Date,
        quarters -> Array<Int2>,
        entries -> Array<Int4>,
        failed -> Array<Int4>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// The sums of [`daily_activity`] over all projects.
    pilothouse.daily_totals (day) {
        day -> Date,
        quarters -> Array<Int2>,
        entries -> Array<Int4>,
        failed -> Array<Int4>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// One row for each entry of the timeline, kept by triggers.
    pilothouse.timeline (source, id) {
        source -> Text,
        id -> Text,
        at -> Int8,
        told_at -> Nullable<Int8>,
        received_at -> Timestamptz,
        xid -> Xid8,
        project_id -> Nullable<Uuid>,
        project_text -> Nullable<Text>,
        owner_id -> Nullable<Uuid>,
        container_id -> Nullable<Uuid>,
        kind -> Nullable<Text>,
        status -> Nullable<Text>,
        status_word -> Nullable<Text>,
        outcome -> Nullable<Text>,
        environment -> Nullable<Text>,
        actor -> Nullable<Text>,
        actor_name -> Nullable<Text>,
        actor_role -> Nullable<Text>,
        request_id -> Nullable<Text>,
        cause -> Nullable<Text>,
        title -> Nullable<Text>,
        details -> Nullable<Text>,
        reference_ids -> Nullable<Text>,
        target_kind -> Nullable<Text>,
        target_id -> Nullable<Text>,
        target_name -> Nullable<Text>,
        duration -> Nullable<Int8>,
        progress -> Nullable<Text>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// How far the records that are older than the timeline have been taken in.
    pilothouse.timeline_fill (source) {
        source -> Text,
        before_at -> Text,
        before_id -> Text,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Days of projects that insights have to count again. There is no key; diesel insists on one.
    pilothouse.insight_marks (project_id, day) {
        project_id -> Text,
        day -> Date,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Entries a scope, UTC day, type and environment, and how long they took.
    pilothouse.daily_kinds (scope, day, kind, environment) {
        scope -> Text,
        day -> Date,
        kind -> Text,
        environment -> Text,
        quarters -> Array<Int2>,
        entries -> Array<Int4>,
        failed -> Array<Int4>,
        timed_quarters -> Array<Int2>,
        buckets -> Array<Int2>,
        runs -> Array<Int4>,
        slowest -> Array<Nullable<Text>>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Events a scope, UTC day, type and status.
    pilothouse.daily_events (scope, day, kind, status) {
        scope -> Text,
        day -> Date,
        kind -> Text,
        status -> Text,
        quarters -> Array<Int2>,
        entries -> Array<Int4>,
        timed_quarters -> Array<Int2>,
        buckets -> Array<Int2>,
        runs -> Array<Int4>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// What models cost a scope and UTC day.
    pilothouse.daily_costs (scope, day, model) {
        scope -> Text,
        day -> Date,
        model -> Text,
        quarters -> Array<Int2>,
        messages -> Array<Int4>,
        tokens -> Array<Int8>,
        micro_usd -> Array<Int8>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Days of containers whose runs have to be counted again. There is no key; diesel insists on one.
    pilothouse.run_marks (container_id, day) {
        container_id -> Text,
        day -> Date,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// How long containers ran, by the engine's id and UTC day.
    pilothouse.daily_runs (container_id, day) {
        container_id -> Text,
        day -> Date,
        is_whole -> Bool,
        quarters -> Array<Int2>,
        up_ms -> Array<Int4>,
        begun -> Array<Int4>,
        crashed -> Array<Int4>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Days of projects that the job has to count again. There is no key; diesel insists on one.
    pilothouse.recount_marks (project_id, day) {
        project_id -> Text,
        day -> Date,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Up to when a rollup is complete, and when all of it was last counted.
    pilothouse.rollups (name) {
        name -> Text,
        as_of -> Nullable<Timestamptz>,
        recounted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Work that waits, runs or is over.
    pilothouse.jobs (id) {
        id -> Uuid,
        kind -> Text,
        key -> Nullable<Text>,
        payload -> Jsonb,
        state -> Text,
        run_at -> Timestamptz,
        attempts -> Int4,
        claim -> Nullable<Uuid>,
        claimed_until -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        created_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// When a kind of job is due, and how its last runs went.
    pilothouse.schedules (kind) {
        kind -> Text,
        pattern -> Text,
        next_at -> Timestamptz,
        due_since -> Nullable<Timestamptz>,
        last_success_at -> Nullable<Timestamptz>,
        failing_since -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// What somebody had done to a container, and what came of it.
    pilothouse.operations (id) {
        id -> Text,
        parent_id -> Nullable<Text>,
        verb -> Text,
        status -> Text,
        container_id -> Nullable<Uuid>,
        container_name -> Text,
        engine_container_id -> Nullable<Text>,
        project_id -> Nullable<Uuid>,
        owner_id -> Nullable<Uuid>,
        asked_by -> Nullable<Uuid>,
        asked_by_name -> Text,
        request_id -> Nullable<Text>,
        asked_at -> Timestamptz,
        begun_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        answer -> Nullable<Text>,
        settings -> Jsonb,
        stage -> Nullable<Text>,
        sealed -> Nullable<Bytea>,
        cause -> Nullable<Text>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Ports that a container has, or is about to have.
    pilothouse.port_reservations (address, port) {
        address -> Text,
        port -> Int4,
        container_id -> Uuid,
        reserved_at -> Timestamptz,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// What one instance at a time does for all of them.
    pilothouse.leases (name) {
        name -> Text,
        holder -> Uuid,
        held_since -> Timestamptz,
        held_until -> Timestamptz,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Container engines that were seen.
    pilothouse.engines (id) {
        id -> Text,
        address -> Text,
        name -> Text,
        version -> Text,
        api_version -> Text,
        first_seen_at -> Timestamptz,
        connected_since -> Nullable<Timestamptz>,
        away_since -> Nullable<Timestamptz>,
        away_reason -> Nullable<Text>,
        last_sweep_at -> Nullable<Timestamptz>,
        last_sweep_containers -> Nullable<Int4>,
        last_sweep_ms -> Nullable<Int4>,
        last_event_nanos -> Nullable<Int8>,
        lag_ms -> Nullable<Int4>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Containers as an engine last showed them.
    pilothouse.engine_containers (engine_id, container_id) {
        engine_id -> Text,
        container_id -> Text,
        row_id -> Nullable<Uuid>,
        name -> Text,
        image -> Text,
        state -> Text,
        started_at -> Nullable<Timestamptz>,
        finished_at -> Nullable<Timestamptz>,
        restart_count -> Int8,
        first_seen_at -> Timestamptz,
        gone_at -> Nullable<Timestamptz>,
        adopted_at -> Nullable<Timestamptz>,
        adopted_by -> Nullable<Uuid>,
        adopted_by_name -> Nullable<Text>,
        ignored_at -> Nullable<Timestamptz>,
        ignored_by_name -> Nullable<Text>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// What an engine saw happen to its containers.
    pilothouse.engine_events (id) {
        id -> Text,
        engine_id -> Text,
        kind -> Text,
        engine_container_id -> Nullable<Text>,
        container_name -> Text,
        container_id -> Nullable<Uuid>,
        project_id -> Nullable<Uuid>,
        owner_id -> Nullable<Uuid>,
        at -> Timestamptz,
        at_nanos -> Int8,
        exit_code -> Nullable<Int4>,
        was_out_of_memory -> Bool,
        last_lines -> Nullable<Text>,
        operation_id -> Nullable<Text>,
        request_id -> Nullable<Text>,
        title -> Text,
        details -> Nullable<Text>,
        times -> Int4,
        last_at -> Nullable<Timestamptz>,
        closed_at -> Nullable<Timestamptz>,
        is_reconstructed -> Bool,
        cause -> Nullable<Text>,
    }
}

diesel::table! {
    use super::sql_types::*;

    pilothouse.log_views (user_id) {
        user_id -> Uuid,
        lines -> Int4,
        stream -> Text,
        has_times -> Bool,
        wraps -> Bool,
    }
}

diesel::table! {
    use super::sql_types::*;

    pilothouse.samples (container_id, at) {
        container_id -> Uuid,
        at -> Timestamptz,
        cpu -> Nullable<Float8>,
        memory -> Nullable<Int8>,
        memory_limit -> Nullable<Int8>,
        received -> Nullable<Float8>,
        sent -> Nullable<Float8>,
        read -> Nullable<Float8>,
        written -> Nullable<Float8>,
        processes -> Nullable<Int4>,
    }
}

diesel::joinable!(containers -> users (user_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(projects -> containers (container_id));
diesel::joinable!(projects -> users (user_id));
diesel::joinable!(chat_messages -> containers (container_id));
diesel::joinable!(file_storage -> containers (container_id));
diesel::joinable!(job_drafts -> users (user_id));
diesel::joinable!(analytics -> job_drafts (job_draft_id));
diesel::joinable!(ghl_opportunities -> job_drafts (job_draft_id));
diesel::joinable!(ai_assistant_sessions -> users (user_id));
diesel::joinable!(password_links -> users (user_id));
diesel::joinable!(api_token_projects -> api_tokens (token_id));
diesel::joinable!(api_token_projects -> projects (project_id));
diesel::joinable!(project_activity -> projects (project_id));
diesel::joinable!(deliveries -> webhooks (webhook_id));

diesel::table! {
    use super::sql_types::*;

    /// How long a class is kept.
    pilothouse.retention_rules (class) {
        class -> Text,
        keep_days -> Nullable<Int4>,
        changed_at -> Nullable<Timestamptz>,
        changed_by -> Nullable<Text>,
        reason -> Nullable<Text>,
        began_at -> Nullable<Timestamptz>,
        gone -> Jsonb,
        ended_at -> Nullable<Timestamptz>,
        last_gone -> Jsonb,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Projects and users of whom nothing is deleted.
    pilothouse.holds (kind, id) {
        kind -> Text,
        id -> Uuid,
        name -> Text,
        reason -> Text,
        placed_by -> Text,
        placed_at -> Timestamptz,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Since when a row says that it is deleted.
    pilothouse.deletions (kind, id) {
        kind -> Text,
        id -> Uuid,
        at -> Timestamptz,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Backups, and attempts at one.
    pilothouse.backups (name) {
        name -> Text,
        kind -> Text,
        state -> Text,
        began_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        point_at -> Nullable<Timestamptz>,
        bytes -> Int8,
        rows -> Int8,
        error -> Nullable<Text>,
        proven_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// How far the log of a cluster has been archived.
    pilothouse.archives (system_id) {
        system_id -> Text,
        archived_until -> Nullable<Timestamptz>,
        waiting -> Int4,
        error -> Nullable<Text>,
        as_of -> Timestamptz,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// Buckets that backups are copied to.
    pilothouse.buckets (name) {
        name -> Text,
        place -> Text,
        region -> Text,
        since -> Timestamptz,
        copied_at -> Nullable<Timestamptz>,
        log_until -> Nullable<Timestamptz>,
        failing_since -> Nullable<Timestamptz>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// What of backups lies in buckets.
    pilothouse.copies (bucket, backup) {
        bucket -> Text,
        backup -> Text,
        made_at -> Timestamptz,
        state -> Text,
        upload -> Nullable<Text>,
        verified_at -> Nullable<Timestamptz>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    use super::sql_types::*;

    /// How large tables were each day.
    pilothouse.table_sizes (name, day) {
        day -> Date,
        name -> Text,
        bytes -> Int8,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    users,
    containers,
    sessions,
    projects,
    chat_messages,
    file_storage,
    activity_events,
    activity_logs,
    job_drafts,
    analytics,
    ghl_opportunities,
    ai_assistant_sessions,
    project_actions,
    github_push_history,
    project_deployments,
    container_sessions,
    project_databases,
    message_cost_tracker,
    action_references,
    action_spool,
    recording_gaps,
    trigger_failures,
    password_links,
    api_tokens,
    api_token_projects,
    project_activity,
    thread_entries,
    reports,
    idempotency_keys,
    webhooks,
    deliveries,
    guests,
    guest_starts,
    draft_files,
    crm_outbox,
    funnel_days,
    funnel_progress,
    claim_links,
    referral_codes,
    tombstones,
    sign_in_failures,
    daily_activity,
    daily_totals,
    timeline,
    timeline_fill,
    recount_marks,
    insight_marks,
    daily_kinds,
    daily_events,
    daily_costs,
    run_marks,
    daily_runs,
    rollups,
    jobs,
    schedules,
    operations,
    port_reservations,
    leases,
    engines,
    engine_containers,
    engine_events,
    retention_rules,
    holds,
    deletions,
    backups,
    archives,
    buckets,
    copies,
    table_sizes,
);

diesel::define_sql_function! {
    /// A reference's key or value as [`action_references`] stores it: a text over 200 characters by its hash.
    #[sql_name = "pilothouse.reference_text"]
    fn reference_text(reference: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

diesel::define_sql_function! {
    /// Asks for a job; answers whether there was none of that kind and key.
    #[sql_name = "pilothouse.enqueue"]
    fn enqueue(
        kind: diesel::sql_types::Text,
        key: diesel::sql_types::Nullable<diesel::sql_types::Text>,
        payload: diesel::sql_types::Jsonb,
        delay: diesel::sql_types::Interval,
    ) -> diesel::sql_types::Bool;
}

diesel::define_sql_function! {
    /// The row of a container that an engine is to make.
    #[sql_name = "pilothouse.make_container"]
    fn make_container(
        called: diesel::sql_types::Text,
        image: diesel::sql_types::Text,
        owner: diesel::sql_types::Nullable<diesel::sql_types::Uuid>,
    ) -> diesel::sql_types::Uuid;
}

diesel::define_sql_function! {
    /// Brings back the row of a container whose making failed; answers whether that is what it is.
    #[sql_name = "pilothouse.make_container_again"]
    fn make_container_again(made: diesel::sql_types::Uuid) -> diesel::sql_types::Bool;
}
