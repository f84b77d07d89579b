use crate::sql::{
    changes::ChangesSql,
    sql_types::{IdSql, JsonSql, TimeSql},
};

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    tenants (id) {
        id -> IdSql,
        number -> BigInt,
        slug -> Text,
        name -> Text,
        country -> Text,
        currency -> Text,
        time_zone -> Text,
        created_at -> TimeSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{ChangesSql, IdSql, TimeSql};
    events (tenant_id, seq) {
        tenant_id -> IdSql,
        seq -> BigInt,
        id -> IdSql,
        #[sql_name = "type"]
        kind -> Text,
        at -> TimeSql,
        actor_kind -> Text,
        user_id -> Nullable<IdSql>,
        api_key_id -> Nullable<IdSql>,
        contact_id -> Nullable<IdSql>,
        object -> Text,
        record_id -> IdSql,
        version -> BigInt,
        changes -> ChangesSql,
        request_id -> Nullable<Text>,
        cause_kind -> Nullable<Text>,
        cause_id -> Nullable<IdSql>,
        cause_depth -> Nullable<BigInt>,
        client_tag -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::IdSql;
    event_subjects (tenant_id, subject_id, seq) {
        tenant_id -> IdSql,
        subject_id -> IdSql,
        seq -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, JsonSql, TimeSql};
    jobs (tenant_id, id) {
        tenant_id -> IdSql,
        id -> IdSql,
        kind -> Text,
        payload -> JsonSql,
        state -> Text,
        run_at -> TimeSql,
        attempts -> BigInt,
        max_attempts -> BigInt,
        leased_until -> Nullable<TimeSql>,
        lease -> Nullable<IdSql>,
        last_error -> Nullable<Text>,
        created_at -> TimeSql,
        finished_at -> Nullable<TimeSql>,
        unique_key -> Nullable<Text>,
        recurring -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, JsonSql, TimeSql};
    idempotency_keys (tenant_id, credential_id, key) {
        tenant_id -> IdSql,
        credential_id -> IdSql,
        key -> Text,
        request_hash -> Binary,
        status -> BigInt,
        headers -> JsonSql,
        body -> Text,
        created_at -> TimeSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    passwords (tenant_id, user_id) {
        tenant_id -> IdSql,
        user_id -> IdSql,
        hash -> Text,
        changed_at -> TimeSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    password_tokens (hash) {
        hash -> Binary,
        tenant_id -> IdSql,
        user_id -> IdSql,
        expires_at -> TimeSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::IdSql;
    api_key_hashes (hash) {
        hash -> Binary,
        tenant_id -> IdSql,
        api_key_id -> IdSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    sessions (tenant_id, id) {
        tenant_id -> IdSql,
        id -> IdSql,
        user_id -> IdSql,
        refresh_hash -> Binary,
        user_agent -> Nullable<Text>,
        address -> Nullable<Text>,
        created_at -> TimeSql,
        last_used_at -> TimeSql,
        expires_at -> TimeSql,
        revoked_at -> Nullable<TimeSql>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    session_rotations (tenant_id, session_id, hash) {
        tenant_id -> IdSql,
        session_id -> IdSql,
        hash -> Binary,
        salt -> Binary,
        rotated_at -> TimeSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::TimeSql;
    login_failures (subject) {
        subject -> Text,
        failures -> BigInt,
        since -> TimeSql,
        blocked_until -> Nullable<TimeSql>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, JsonSql, TimeSql};
    settings (tenant_id, id) {
        tenant_id -> IdSql,
        id -> IdSql,
        user_id -> Nullable<IdSql>,
        key -> Text,
        value -> JsonSql,
        version -> BigInt,
        created_at -> TimeSql,
        updated_at -> TimeSql,
        updated_by -> Nullable<IdSql>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, JsonSql, TimeSql};
    kept (tenant_id, name) {
        tenant_id -> IdSql,
        name -> Text,
        value -> JsonSql,
        updated_at -> TimeSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    signing_keys (id) {
        id -> IdSql,
        private_key -> Binary,
        public_key -> Binary,
        created_at -> TimeSql,
        retires_at -> TimeSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    file_contents (tenant_id, id) {
        tenant_id -> IdSql,
        id -> IdSql,
        file_id -> Nullable<IdSql>,
        abandoned -> Bool,
        created_at -> TimeSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    file_link_keys (tenant_id) {
        tenant_id -> IdSql,
        secret -> Binary,
        created_at -> TimeSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::IdSql;
    import_files (tenant_id, import_id) {
        tenant_id -> IdSql,
        import_id -> IdSql,
        content -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::IdSql;
    import_faults (tenant_id, import_id, row_number, position) {
        tenant_id -> IdSql,
        import_id -> IdSql,
        row_number -> BigInt,
        position -> BigInt,
        column_name -> Nullable<Text>,
        pointer -> Text,
        code -> Text,
        typed -> Nullable<Text>,
        message_en -> Text,
        message_zh -> Text,
        level -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    calendar_feeds (tenant_id, user_id) {
        tenant_id -> IdSql,
        user_id -> IdSql,
        token_hash -> Binary,
        created_at -> TimeSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    stream_tickets (token_hash) {
        tenant_id -> IdSql,
        token_hash -> Binary,
        session_id -> Nullable<IdSql>,
        key_hash -> Nullable<Binary>,
        holds_until -> Nullable<TimeSql>,
        expires_at -> TimeSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    record_locks (tenant_id, record_id) {
        tenant_id -> IdSql,
        object -> Text,
        record_id -> IdSql,
        user_id -> IdSql,
        since -> TimeSql,
        expires_at -> TimeSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::IdSql;
    external_ids (tenant_id, object, system, key) {
        tenant_id -> IdSql,
        object -> Text,
        system -> Text,
        key -> Text,
        record_id -> IdSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::IdSql;
    lookup_values (tenant_id, object, field, value, record_id) {
        tenant_id -> IdSql,
        object -> Text,
        field -> Text,
        value -> Text,
        record_id -> IdSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::IdSql;
    sequences (tenant_id, name) {
        tenant_id -> IdSql,
        name -> Text,
        next -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    pool_holdings (tenant_id, id) {
        tenant_id -> IdSql,
        id -> IdSql,
        object -> Text,
        record_id -> IdSql,
        pool_id -> IdSql,
        user_id -> IdSql,
        since -> TimeSql,
        until -> Nullable<TimeSql>,
        began -> Text,
        ended -> Nullable<Text>,
        reason -> Nullable<Text>,
        warned_at -> Nullable<TimeSql>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::IdSql;
    known_objects (tenant_id, object) {
        tenant_id -> IdSql,
        object -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, JsonSql};
    sla_promises (tenant_id, id) {
        tenant_id -> IdSql,
        id -> IdSql,
        policy_id -> IdSql,
        policy_version -> BigInt,
        calendar_id -> Nullable<IdSql>,
        calendar_version -> BigInt,
        promise -> JsonSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    ticket_clocks (tenant_id, ticket_id, clock, cycle) {
        tenant_id -> IdSql,
        ticket_id -> IdSql,
        clock -> Text,
        cycle -> BigInt,
        promise_id -> IdSql,
        priority -> Text,
        started_at -> TimeSql,
        length -> BigInt,
        elapsed -> BigInt,
        phase -> Text,
        phase_at -> TimeSql,
        due_at -> Nullable<TimeSql>,
        breached_at -> Nullable<TimeSql>,
        told -> BigInt,
        fires_at -> Nullable<TimeSql>,
        is_open -> Bool,
        is_belated -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::IdSql;
    lead_score_counts (tenant_id, field, value) {
        tenant_id -> IdSql,
        field -> Text,
        value -> Text,
        won -> BigInt,
        lost -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, JsonSql};
    notification_preferences (tenant_id, user_id) {
        tenant_id -> IdSql,
        user_id -> IdSql,
        preferences -> JsonSql,
    }
}

// What PostgreSQL keeps of a document's terms in a column of its own, SQLite keeps in the table of its full-text index.
diesel::table! {
    use diesel::sql_types::*;
    use super::IdSql;
    search_documents (document) {
        document -> BigInt,
        tenant_id -> IdSql,
        object -> Text,
        record_id -> IdSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    search_terms (rowid) {
        rowid -> BigInt,
        title -> Text,
        body -> Text,
    }
}

// The sequence of PostgreSQL that gives events their positions.
diesel::table! {
    use diesel::sql_types::*;
    events_seq_seq (last_value) {
        last_value -> BigInt,
        is_called -> Bool,
    }
}

// Of the tables of declared objects, the columns that Farley itself reads or sets without a new version of the record.

diesel::table! {
    use diesel::sql_types::*;
    use super::IdSql;
    api_keys (tenant_id, id) {
        tenant_id -> IdSql,
        id -> IdSql,
        prefix -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::IdSql;
    leads (tenant_id, id) {
        tenant_id -> IdSql,
        id -> IdSql,
        version -> BigInt,
        score -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::IdSql;
    lead_forms (tenant_id, id) {
        tenant_id -> IdSql,
        id -> IdSql,
        token -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    notifications (tenant_id, id) {
        tenant_id -> IdSql,
        id -> IdSql,
        version -> BigInt,
        user_id -> IdSql,
        read_at -> Nullable<TimeSql>,
        updated_at -> TimeSql,
        updated_by -> Nullable<IdSql>,
        archived_at -> Nullable<TimeSql>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::IdSql;
    opportunities (tenant_id, id) {
        tenant_id -> IdSql,
        id -> IdSql,
        stage_id -> IdSql,
        position -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::IdSql;
    automation_cursors (tenant_id) {
        tenant_id -> IdSql,
        position -> BigInt,
        attempts -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    integration_webhook_cursors (tenant_id, webhook_id) {
        tenant_id -> IdSql,
        webhook_id -> IdSql,
        position -> BigInt,
        is_followed -> Bool,
        failing_since -> Nullable<TimeSql>,
        rests_until -> Nullable<TimeSql>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::IdSql;
    segment_cursors (tenant_id, segment_id) {
        tenant_id -> IdSql,
        segment_id -> IdSql,
        position -> BigInt,
        is_filled -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::IdSql;
    segment_members (tenant_id, segment_id, record_id) {
        tenant_id -> IdSql,
        segment_id -> IdSql,
        object -> Text,
        record_id -> IdSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    automation_clocks (tenant_id, rule_id) {
        tenant_id -> IdSql,
        rule_id -> IdSql,
        next_at -> TimeSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    automation_timers (tenant_id, rule_id, record_id) {
        tenant_id -> IdSql,
        rule_id -> IdSql,
        record_id -> IdSql,
        since -> TimeSql,
        count -> BigInt,
        next_at -> Nullable<TimeSql>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    automation_runs (tenant_id, id) {
        tenant_id -> IdSql,
        id -> IdSql,
        created_at -> TimeSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    article_votes (tenant_id, article_id, voter) {
        tenant_id -> IdSql,
        article_id -> IdSql,
        voter -> Binary,
        is_helpful -> Bool,
        voted_at -> TimeSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, JsonSql, TimeSql};
    mail_sources (tenant_id, name) {
        tenant_id -> IdSql,
        name -> Text,
        uid_validity -> Nullable<BigInt>,
        last_uid -> BigInt,
        checked_at -> TimeSql,
        report -> JsonSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::IdSql;
    help_centers (tenant_id, id) {
        tenant_id -> IdSql,
        id -> IdSql,
        token -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::IdSql;
    portals (tenant_id, id) {
        tenant_id -> IdSql,
        id -> IdSql,
        token -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    portal_codes (tenant_id, portal_id, email) {
        tenant_id -> IdSql,
        portal_id -> IdSql,
        email -> Text,
        code_hash -> Binary,
        attempts -> BigInt,
        expires_at -> TimeSql,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    portal_sessions (tenant_id, id) {
        tenant_id -> IdSql,
        id -> IdSql,
        portal_id -> IdSql,
        contact_id -> IdSql,
        email -> Text,
        refresh_hash -> Binary,
        former_hash -> Nullable<Binary>,
        salt -> Nullable<Binary>,
        rotated_at -> Nullable<TimeSql>,
        created_at -> TimeSql,
        expires_at -> TimeSql,
        revoked_at -> Nullable<TimeSql>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{IdSql, TimeSql};
    integration_webhook_deliveries (tenant_id, id) {
        tenant_id -> IdSql,
        id -> IdSql,
        webhook_id -> IdSql,
        record_id -> IdSql,
        seq -> BigInt,
        state -> Text,
        failures -> BigInt,
        next_attempt_at -> Nullable<TimeSql>,
        created_at -> TimeSql,
    }
}

diesel::allow_tables_to_appear_in_same_query!(automation_clocks, tenants);
diesel::allow_tables_to_appear_in_same_query!(automation_cursors, events, tenants);
diesel::allow_tables_to_appear_in_same_query!(integration_webhook_cursors, events);
diesel::allow_tables_to_appear_in_same_query!(segment_cursors, events);
diesel::allow_tables_to_appear_in_same_query!(events, event_subjects);
diesel::allow_tables_to_appear_in_same_query!(jobs, tenants);
diesel::allow_tables_to_appear_in_same_query!(ticket_clocks, tenants);
diesel::allow_tables_to_appear_in_same_query!(ticket_clocks, sla_promises);
diesel::allow_tables_to_appear_in_same_query!(known_objects, tenants);
