//! The tables. Columns of `users` are always named: their order differs between installations.

diesel::table! {
    users (id) {
        id -> Integer,
        username -> Text,
        password -> Nullable<Text>,
        public_keys -> Nullable<Text>,
        home_dir -> Text,
        uid -> Integer,
        gid -> Integer,
        max_sessions -> Integer,
        quota_size -> BigInt,
        quota_files -> Integer,
        permissions -> Text,
        used_quota_size -> BigInt,
        used_quota_files -> Integer,
        last_quota_update -> BigInt,
        upload_bandwidth -> Integer,
        download_bandwidth -> Integer,
        expiration_date -> BigInt,
        last_login -> BigInt,
        status -> Integer,
        user_filters -> Nullable<Text>,
        spent_steps -> BigInt,
    }
}

diesel::table! {
    #[sql_name = "unsettled_users"]
    dirty_users (user_id) {
        user_id -> Integer,
    }
}

diesel::table! {
    admins (id) {
        id -> Integer,
        version -> BigInt,
        username -> Text,
        status -> Integer,
        password -> Text,
        permissions -> Text,
        email -> Text,
        description -> Text,
        additional_info -> Text,
        allow_list -> Text,
        allow_api_key_auth -> Bool,
        require_password_change -> Bool,
        require_two_factor -> Bool,
        totp_config_name -> Nullable<Text>,
        totp_secret -> Nullable<Text>,
        spent_steps -> BigInt,
        recovery_codes -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        sessions_since -> BigInt,
        last_login -> BigInt,
    }
}

diesel::table! {
    api_keys (id) {
        id -> Text,
        name -> Text,
        hash -> Text,
        description -> Text,
        admin -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        last_use_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    admin_changes (id) {
        id -> Integer,
        number -> BigInt,
    }
}

diesel::table! {
    ip_lists (list, network) {
        list -> Integer,
        network -> Text,
        mode -> Integer,
        protocols -> Integer,
        description -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    ip_list_changes (id) {
        id -> Integer,
        number -> BigInt,
    }
}

diesel::table! {
    defender_scores (id) {
        id -> BigInt,
        host -> Text,
        score -> Integer,
        counted_at -> BigInt,
    }
}

diesel::table! {
    defender_bans (host) {
        host -> Text,
        ends_at -> BigInt,
    }
}

// What servers that use one database at a time tell each other.

diesel::table! {
    servers (id) {
        id -> BigInt,
        seen_at -> BigInt,
    }
}

diesel::table! {
    quota_shares (server_id, user_id) {
        server_id -> BigInt,
        user_id -> Integer,
        contributed_size -> BigInt,
        contributed_files -> BigInt,
        reserved_size -> BigInt,
        reserved_files -> BigInt,
        to_count -> Bool,
        counts_alone -> Bool,
    }
}

diesel::table! {
    open_sessions (server_id, number) {
        server_id -> BigInt,
        number -> BigInt,
        user_id -> Integer,
    }
}

diesel::allow_tables_to_appear_in_same_query!(users, dirty_users);

diesel::allow_tables_to_appear_in_same_query!(servers, quota_shares);
diesel::allow_tables_to_appear_in_same_query!(servers, open_sessions);
