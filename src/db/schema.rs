//! The tables as diesel sees them; a test compares this file with both databases.

diesel::table! {
    policy (id) {
        id -> Integer,
        platform_name -> Text,
        dispute_window_days -> Integer,
        disputable_statuses -> Text,
        reasons -> Text,
        reply_reopens -> Bool,
        decision_deadline_days -> Integer,
        is_live -> Bool,
        version -> Integer,
    }
}

diesel::table! {
    buyers (id) {
        id -> BigInt,
        name -> Text,
        name_key -> Text,
        dispute_window_days -> Nullable<Integer>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    buyer_aliases (source, name_key) {
        source -> Text,
        name_key -> Text,
        name -> Text,
        buyer_id -> BigInt,
    }
}

diesel::table! {
    publishers (id) {
        id -> BigInt,
        name -> Text,
        name_key -> Text,
    }
}

diesel::table! {
    campaigns (id) {
        id -> BigInt,
        name -> Text,
        name_key -> Text,
    }
}

diesel::table! {
    users (id) {
        id -> BigInt,
        email -> Text,
        email_key -> Text,
        name -> Text,
        password_hash -> Nullable<Text>,
        role -> Text,
        buyer_id -> Nullable<BigInt>,
        dispute_calls -> Bool,
        disputes_view -> Bool,
        disputes_edit -> Bool,
        calls_import -> Bool,
        settings -> Bool,
        is_disabled -> Bool,
        epoch -> Integer,
        time_zone -> Text,
        theme -> Text,
        keyboard_shortcuts -> Bool,
        mail_notifications -> Bool,
        opens_next -> Bool,
        created_at -> Timestamp,
        last_signed_in_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    webhook_attempts (delivery_id, number) {
        delivery_id -> BigInt,
        number -> Integer,
        at -> Timestamp,
        milliseconds -> Integer,
        signature -> Text,
        status -> Nullable<Integer>,
        answer -> Text,
    }
}

diesel::table! {
    webhook_deliveries (id) {
        id -> BigInt,
        endpoint_id -> BigInt,
        event_id -> BigInt,
        dispute_id -> Nullable<BigInt>,
        next_at -> Nullable<Timestamp>,
        give_up_at -> Timestamp,
        is_delivered -> Bool,
        tries -> Integer,
        created_at -> Timestamp,
    }
}

diesel::table! {
    webhook_endpoints (id) {
        id -> BigInt,
        url -> Text,
        buyer_id -> Nullable<BigInt>,
        topics -> Text,
        secret -> Text,
        old_secret -> Nullable<Text>,
        old_secret_until -> Nullable<Timestamp>,
        is_active -> Bool,
        off_reason -> Text,
        failures -> Integer,
        failing_since -> Nullable<Timestamp>,
        rests_until -> Timestamp,
        created_at -> Timestamp,
    }
}

diesel::table! {
    table_settings (user_id, table_name) {
        user_id -> BigInt,
        table_name -> Text,
        column_list -> Text,
        per_page -> Integer,
        sort -> Text,
    }
}

diesel::table! {
    sessions (token_hash) {
        token_hash -> Text,
        id -> BigInt,
        user_id -> Nullable<BigInt>,
        epoch -> Integer,
        state -> Text,
        address -> Text,
        user_agent -> Text,
        created_at -> Timestamp,
        last_seen_at -> Timestamp,
    }
}

diesel::table! {
    one_time_links (token_hash) {
        token_hash -> Text,
        purpose -> Text,
        user_id -> Nullable<BigInt>,
        created_at -> Timestamp,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    tokens (id) {
        id -> BigInt,
        user_id -> BigInt,
        name -> Text,
        prefix -> Text,
        token_hash -> Text,
        scopes -> Text,
        created_at -> Timestamp,
        expires_at -> Nullable<Timestamp>,
        last_used_at -> Nullable<Timestamp>,
        revoked_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    throttles (throttle_key) {
        throttle_key -> Text,
        failures -> Integer,
        window_started_at -> Timestamp,
    }
}

diesel::table! {
    answers (user_id, answer_key) {
        user_id -> BigInt,
        answer_key -> Text,
        fingerprint -> Text,
        status -> Integer,
        location -> Text,
        body -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    calls (id) {
        id -> BigInt,
        source -> Text,
        external_id -> Text,
        buyer_id -> BigInt,
        publisher_id -> Nullable<BigInt>,
        campaign_id -> Nullable<BigInt>,
        started_at -> Timestamp,
        caller_id -> Text,
        caller_last7 -> Text,
        dialed -> Text,
        destination_number -> Text,
        destination -> Text,
        currency -> Text,
        payout -> Nullable<BigInt>,
        payout_sort -> BigInt,
        publisher_payout -> Nullable<BigInt>,
        duration_s -> Nullable<Integer>,
        connected_s -> Nullable<Integer>,
        status -> Text,
        hangup_by -> Text,
        hangup_cause -> Text,
        is_duplicate -> Bool,
        recording_url -> Text,
        has_recording -> Bool,
        dispute_state -> Text,
        net_credit -> BigInt,
        net_clawback -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    call_raws (call_id) {
        call_id -> BigInt,
        raw -> Text,
        buyer_name -> Text,
    }
}

diesel::table! {
    buyer_destinations (buyer_id, destination) {
        buyer_id -> BigInt,
        destination -> Text,
    }
}

diesel::table! {
    buyer_campaigns (buyer_id, campaign_id) {
        buyer_id -> BigInt,
        campaign_id -> BigInt,
    }
}

diesel::table! {
    recordings (call_id) {
        call_id -> BigInt,
        file_id -> Text,
        media_type -> Text,
        size -> BigInt,
        sha256 -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    disputes (id) {
        id -> BigInt,
        call_id -> BigInt,
        buyer_id -> BigInt,
        status -> Text,
        status_rank -> Integer,
        reason -> Text,
        additional_information -> Text,
        source -> Text,
        external_id -> Text,
        call_started_at -> Timestamp,
        caller_id -> Text,
        destination -> Text,
        campaign_id -> Nullable<BigInt>,
        publisher_id -> Nullable<BigInt>,
        currency -> Text,
        payout -> Nullable<BigInt>,
        payout_sort -> BigInt,
        publisher_payout -> Nullable<BigInt>,
        publisher_payout_sort -> BigInt,
        duration_s -> Nullable<Integer>,
        duration_sort -> Integer,
        call_status -> Text,
        hangup_by -> Text,
        hangup_cause -> Text,
        has_recording -> Bool,
        has_evidence -> Bool,
        created_by -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        listed_at -> Timestamp,
        submitted_by -> Nullable<BigInt>,
        submitted_at -> Nullable<Timestamp>,
        due_at -> Timestamp,
        filed_by_manager -> Nullable<BigInt>,
        credit -> Nullable<BigInt>,
        clawback -> Nullable<BigInt>,
        decision_note -> Text,
        decided_by -> Nullable<BigInt>,
        decided_at -> Nullable<Timestamp>,
        last_speaker -> Text,
        assignee_id -> Nullable<BigInt>,
        metadata -> Text,
        version -> Integer,
        seconds_to_decision -> Nullable<BigInt>,
    }
}

diesel::table! {
    dispute_suffixes (suffix, dispute_id) {
        suffix -> Text,
        dispute_id -> BigInt,
        buyer_id -> BigInt,
    }
}

diesel::table! {
    facts (dispute_id, name, is_staged) {
        dispute_id -> BigInt,
        name -> Text,
        is_staged -> Bool,
        value -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    evidence (id) {
        id -> Text,
        dispute_id -> BigInt,
        name -> Text,
        media_type -> Text,
        size -> BigInt,
        sha256 -> Text,
        uploaded_by -> BigInt,
        created_at -> Timestamp,
    }
}

diesel::table! {
    staged_uploads (id) {
        id -> Text,
        user_id -> BigInt,
        call_id -> BigInt,
        name -> Text,
        media_type -> Text,
        size -> BigInt,
        sha256 -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    messages (id) {
        id -> BigInt,
        dispute_id -> BigInt,
        author_id -> BigInt,
        author_side -> Text,
        is_internal -> Bool,
        body -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    adjustments (id) {
        id -> BigInt,
        call_id -> BigInt,
        dispute_id -> BigInt,
        kind -> Text,
        reverses_id -> Nullable<BigInt>,
        currency -> Text,
        credit -> BigInt,
        clawback -> BigInt,
        created_by -> BigInt,
        created_at -> Timestamp,
    }
}

diesel::table! {
    default_views (user_id) {
        user_id -> BigInt,
        view_id -> BigInt,
    }
}

diesel::table! {
    saved_views (id) {
        id -> BigInt,
        user_id -> BigInt,
        name -> Text,
        list_query -> Text,
        is_shared -> Bool,
        created_at -> Timestamp,
    }
}

diesel::table! {
    presences (dispute_id, user_id) {
        dispute_id -> BigInt,
        user_id -> BigInt,
        is_writing -> Bool,
        ends_at -> Timestamp,
    }
}

diesel::table! {
    canned_notes (id) {
        id -> BigInt,
        title -> Text,
        body -> Text,
        created_by -> BigInt,
        created_at -> Timestamp,
    }
}

diesel::table! {
    bulk_jobs (id) {
        id -> BigInt,
        user_id -> BigInt,
        state -> Text,
        list_query -> Text,
        total -> BigInt,
        next_position -> BigInt,
        decided -> BigInt,
        verdict -> Nullable<Text>,
        credit_percent -> Nullable<BigInt>,
        note -> Text,
        address -> Text,
        request_id -> Text,
        trouble -> Text,
        created_at -> Timestamp,
        finished_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    bulk_items (job_id, position) {
        job_id -> BigInt,
        position -> BigInt,
        dispute_id -> BigInt,
        version -> Integer,
        outcome -> Text,
    }
}

diesel::table! {
    imports (id) {
        id -> BigInt,
        user_id -> Nullable<BigInt>,
        state -> Text,
        file_id -> Nullable<Text>,
        file_name -> Text,
        file_size -> BigInt,
        file_sha256 -> Text,
        settings -> Text,
        version -> Integer,
        format -> Text,
        source -> Text,
        layout -> Text,
        next_row -> BigInt,
        bytes_read -> BigInt,
        new_calls -> BigInt,
        updated_calls -> BigInt,
        unchanged_calls -> BigInt,
        failed_rows -> BigInt,
        ambiguous_times -> BigInt,
        created_names -> Text,
        created_count -> BigInt,
        trouble -> Text,
        trouble_field -> Text,
        address -> Text,
        request_id -> Text,
        created_at -> Timestamp,
        changed_at -> Timestamp,
        finished_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    import_failures (import_id, position) {
        import_id -> BigInt,
        position -> BigInt,
        line -> BigInt,
        raw -> Text,
        errors -> Text,
    }
}

diesel::table! {
    notifications (id) {
        id -> BigInt,
        user_id -> BigInt,
        dispute_id -> Nullable<BigInt>,
        kind -> Text,
        detail -> Text,
        created_at -> Timestamp,
        read_at -> Nullable<Timestamp>,
        mail_due_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    outbox (id) {
        id -> BigInt,
        topic -> Text,
        dispute_id -> Nullable<BigInt>,
        buyer_id -> Nullable<BigInt>,
        payload -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    counters (buyer_key) {
        buyer_key -> BigInt,
        pending -> BigInt,
        sent -> BigInt,
        calls -> BigInt,
        accepted -> BigInt,
        accepted_partial -> BigInt,
        rejected -> BigInt,
        withdrawn -> BigInt,
    }
}

diesel::table! {
    audit_log (seq) {
        seq -> BigInt,
        at -> Timestamp,
        actor_id -> Nullable<BigInt>,
        actor_name -> Text,
        via -> Text,
        address -> Text,
        request_id -> Text,
        action -> Text,
        entity -> Text,
        entity_id -> Text,
        dispute_id -> Nullable<BigInt>,
        old_values -> Text,
        new_values -> Text,
        previous_hash -> Text,
        hash -> Text,
    }
}

diesel::table! {
    audit_head (id) {
        id -> Integer,
        seq -> BigInt,
        hash -> Text,
    }
}

diesel::joinable!(calls -> buyers (buyer_id));
diesel::joinable!(calls -> publishers (publisher_id));
diesel::joinable!(calls -> campaigns (campaign_id));
diesel::joinable!(disputes -> calls (call_id));
diesel::joinable!(disputes -> buyers (buyer_id));
diesel::joinable!(disputes -> publishers (publisher_id));
diesel::joinable!(disputes -> campaigns (campaign_id));
diesel::joinable!(evidence -> disputes (dispute_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(default_views -> saved_views (view_id));
diesel::joinable!(tokens -> users (user_id));
diesel::joinable!(users -> buyers (buyer_id));
diesel::joinable!(messages -> users (author_id));
diesel::joinable!(presences -> users (user_id));
diesel::joinable!(buyer_aliases -> buyers (buyer_id));
diesel::joinable!(buyer_campaigns -> campaigns (campaign_id));
diesel::joinable!(recordings -> calls (call_id));
diesel::joinable!(bulk_items -> disputes (dispute_id));
diesel::joinable!(imports -> users (user_id));
diesel::joinable!(notifications -> disputes (dispute_id));
diesel::joinable!(webhook_deliveries -> outbox (event_id));
diesel::joinable!(webhook_endpoints -> buyers (buyer_id));
diesel::joinable!(webhook_deliveries -> webhook_endpoints (endpoint_id));

diesel::allow_tables_to_appear_in_same_query!(
    adjustments,
    answers,
    audit_head,
    audit_log,
    bulk_items,
    bulk_jobs,
    buyer_aliases,
    buyer_campaigns,
    buyer_destinations,
    buyers,
    call_raws,
    calls,
    campaigns,
    canned_notes,
    dispute_suffixes,
    disputes,
    evidence,
    facts,
    import_failures,
    imports,
    messages,
    notifications,
    one_time_links,
    outbox,
    counters,
    policy,
    presences,
    publishers,
    recordings,
    default_views,
    saved_views,
    sessions,
    staged_uploads,
    table_settings,
    throttles,
    tokens,
    users,
    webhook_attempts,
    webhook_deliveries,
    webhook_endpoints,
);
