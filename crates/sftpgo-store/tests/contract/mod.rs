//! The contract, one promise a function.

pub(crate) mod admins;
pub(crate) mod defender_hosts;
pub(crate) mod ip_lists;
pub(crate) mod listing;
pub(crate) mod quota;
pub(crate) mod sharing;
pub(crate) mod users;

use std::path::PathBuf;

use sftpgo_core::{
    Permissions, StoredUser, UserId,
    credential::second_factor::{RecoveryCode, TotpSecret},
    storage_usage::Usage,
    user::{LoginMethods, TotpProtocols, UserFilters, UserTotp},
};

/// A user called `username`, with a value of its own in every field.
pub(crate) fn user(username: &str) -> StoredUser {
    StoredUser {
        id: UserId(0),
        enabled: true,
        username: username.to_owned(),
        expiration_date: 1_900_000_000_123,
        password: Some("$2a$04$hash".to_owned()),
        public_keys: vec![
            "ssh-ed25519 AAAA one".to_owned(),
            "ssh-rsa BBBB two".to_owned(),
        ],
        home_dir: PathBuf::from("/srv/home"),
        uid: 1001,
        gid: 1002,
        max_sessions: 3,
        quota_size: 4_000_000_000_000,
        quota_files: 5,
        permissions: Permissions::LIST | Permissions::UPLOAD,
        upload_bandwidth: 6,
        download_bandwidth: 7,
        filters: filters(),
        spent_steps: 0,
        usage: Usage::default(),
        last_login: 0,
    }
}

/// Filters with something in each part.
fn filters() -> UserFilters {
    UserFilters {
        denied_login_methods: LoginMethods::PUBLIC_KEY | LoginMethods::TLS_CERTIFICATE,
        totp: Some(UserTotp {
            secret: TotpSecret {
                config_name: "Default".to_owned(),
                secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned(),
            },
            protocols: TotpProtocols::SSH | TotpProtocols::FTP,
        }),
        recovery_codes: vec![
            RecoveryCode {
                code: "one".to_owned(),
                used: true,
            },
            RecoveryCode {
                code: "two".to_owned(),
                used: false,
            },
        ],
        others: r#"{"of_tomorrow":false}"#.to_owned(),
    }
}

/// One module of tests for each provider; an expression gives the provider and what must outlive it.
macro_rules! for_every_provider {
    ($($(#[$attribute:meta])* $name:ident => $make:expr;)*) => {
        $(
            $(#[$attribute])*
            mod $name {
                crate::contract::promises! { $make, provider as sftpgo_core::Provider => provider.as_ref();
                    users::an_added_user_is_found_as_it_was_stored,
                    users::the_largest_values_survive,
                    users::adding_ignores_id_usage_and_last_login,
                    users::unknown_users_are_not_found_and_no_error,
                    users::names_differ_by_case_and_by_byte,
                    users::a_taken_name_is_refused_and_nothing_changes,
                    users::pages_come_in_order_of_bytes,
                    users::a_page_goes_on_after_any_name,
                    users::everybody_is_seen_once_whoever_comes_and_goes,
                    users::who_has_seen_enough_is_shown_no_more,
                    users::users_are_counted,
                    users::a_listing_can_be_narrowed_to_one_name,
                    users::no_text_is_taken_for_sql,
                    listing::pages_of_every_listing_have_each_user_once_and_in_order,
                    listing::who_is_over_nine_tenths_of_a_quota_is_nearly_full,
                    listing::who_has_expired_is_found_from_the_moment_after_it,
                    listing::never_is_before_the_first_login_and_behind_the_last_expiry,
                    listing::a_place_stays_where_it_is_when_its_user_changes_or_goes,
                    listing::a_text_is_found_in_names_whatever_its_case_and_signs,
                    users::an_update_replaces_settings_and_leaves_the_rest,
                    users::a_change_of_what_is_different_by_now_changes_nothing,
                    users::an_update_can_take_away_password_and_keys,
                    users::a_new_hash_changes_nothing_else,
                    users::of_two_who_use_codes_at_once_one_is_told,
                    users::what_does_not_fit_is_refused_and_named,
                    users::a_name_with_nul_is_nobodys,
                    users::an_update_that_changes_nothing_succeeds,
                    users::a_deleted_user_is_gone_and_the_id_is_not_given_again,
                    users::a_login_is_remembered,
                    users::of_many_who_add_one_name_one_wins,
                    users::a_provider_that_answers_is_healthy,
                    quota::usage_of_others_is_left_alone,
                    quota::who_is_dirty_is_remembered_until_clean_or_deleted,
                    quota::usage_can_be_replaced_by_large_figures,
                    quota::usage_of_an_unknown_user_is_not_found,
                }
            }
        )*
    };
}

/// The promises of stores that several servers use at a time.
macro_rules! for_every_shared_provider {
    ($($(#[$attribute:meta])* $name:ident => $make:expr;)*) => {
        $(
            $(#[$attribute])*
            mod $name {
                crate::contract::promises! { $make, provider as sftpgo_core::Provider => &provider;
                    sharing::what_servers_report_adds_up_and_counts_once,
                    sharing::what_one_server_reserves_no_other_gets,
                    sharing::no_report_is_lost_among_many_threads,
                    sharing::no_figure_stays_below_zero,
                    sharing::a_count_replaces_what_was_reported_so_far,
                    sharing::a_count_is_trusted_when_no_other_server_had_a_share,
                    sharing::a_count_that_is_due_is_not_forgotten,
                    sharing::shares_of_the_dead_are_taken_over,
                    sharing::any_number_of_shares_is_taken_over,
                    sharing::a_server_can_take_its_sessions_again,
                    sharing::who_leaves_leaves_nothing_but_what_is_dirty,
                    sharing::sessions_are_limited_over_all_servers,
                    sharing::a_session_may_be_taken_and_taken_again_at_once,
                    sharing::of_many_who_race_for_the_last_session_one_wins,
                    sharing::of_a_user_who_is_gone_nothing_is_left,
                }
            }
        )*
    };
}

/// The promises about admins, for each store of them.
macro_rules! for_every_admin_store {
    ($($(#[$attribute:meta])* $name:ident => $make:expr;)*) => {
        $(
            $(#[$attribute])*
            mod $name {
                crate::contract::promises! { $make, store as sftpgo_core::admin::AdminStore => store.as_ref();
                    admins::an_added_admin_is_found_as_it_was_stored,
                    admins::of_many_who_want_to_be_first_one_is,
                    admins::a_change_of_an_older_version_changes_nothing,
                    admins::the_last_who_can_do_everything_stays,
                    admins::of_two_who_delete_each_other_one_stays,
                    admins::a_key_is_kept_for_an_admin_who_is_there,
                }
            }
        )*
    };
}

/// The promises about lists of addresses, for each store of them.
macro_rules! for_every_ip_list_store {
    ($($(#[$attribute:meta])* $name:ident => $make:expr;)*) => {
        $(
            $(#[$attribute])*
            mod $name {
                crate::contract::promises! { $make, store as sftpgo_core::ip_list::IpListStore => store.as_ref();
                    ip_lists::a_new_store_spares_the_machine_itself_until_it_is_told_otherwise,
                    ip_lists::an_added_entry_is_found_as_it_was_stored,
                    ip_lists::lists_are_apart_and_in_the_order_of_their_texts,
                    ip_lists::a_replaced_entry_keeps_when_it_was_made,
                    ip_lists::each_change_has_another_number,
                    ip_lists::of_many_who_add_one_entry_one_wins,
                }
            }
        )*
    };
}

/// The promises about scores and bans that servers share, for each store of them.
macro_rules! for_every_defender_store {
    ($($(#[$attribute:meta])* $name:ident => $make:expr;)*) => {
        $(
            $(#[$attribute])*
            mod $name {
                crate::contract::promises! { $make, store as sftpgo_core::defender::DefenderStore => store.as_ref();
                    defender_hosts::what_servers_count_adds_up_until_it_is_old,
                    defender_hosts::a_ban_is_known_to_all_and_begins_at_nothing,
                    defender_hosts::a_ban_gets_longer_only_while_it_is_there,
                    defender_hosts::what_is_taken_back_is_gone,
                    defender_hosts::no_more_is_kept_than_the_limit_says,
                }
            }
        )*
    };
}

macro_rules! promises {
    ($make:expr, $provider:ident as $kind:path => $hand_over:expr; $($area:ident::$promise:ident,)*) => {
        $(
            #[test]
            fn $promise() {
                let (provider, _keep) = $make;
                let $provider: std::sync::Arc<dyn $kind> = std::sync::Arc::new(provider);
                crate::contract::$area::$promise($hand_over);
            }
        )*
    };
}

pub(crate) use {
    for_every_admin_store, for_every_defender_store, for_every_ip_list_store, for_every_provider,
    for_every_shared_provider, promises,
};
