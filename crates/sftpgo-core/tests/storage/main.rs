//! What a session promises over any storage: each promise is kept over the local disk, and over a storage in memory that
//! has no writes at offsets, no links, no owners, no inodes and no rename over a name that is taken.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod directories;
mod files;
mod hanging;
mod in_order;
mod names;
mod quota;
mod refusals;
mod storages;

/// One module of tests for each storage.
macro_rules! over_every_storage {
    ($($promise:path as $name:ident),* $(,)?) => {
        mod local {
            $(#[test]
            fn $name() {
                $promise(crate::storages::Storage::Local);
            })*
        }
        mod in_memory {
            $(#[test]
            fn $name() {
                $promise(crate::storages::Storage::Memory);
            })*
        }
    };
}

over_every_storage! {
    crate::files::written_in_order as what_is_written_in_order_is_read_back,
    crate::files::appended as a_new_file_takes_what_is_appended_to_it,
    crate::files::written_anew as a_file_is_written_anew,
    crate::files::opened_in_vain as what_cannot_be_opened_says_why,
    crate::files::attributes as a_file_keeps_its_mode_and_times,
    crate::files::lost as a_lost_upload_is_counted_as_it_is_left,
    crate::names::renamed as a_renamed_file_is_the_same_file,
    crate::names::taken as a_taken_name_stays_what_it_was,
    crate::names::removed as a_removed_file_is_gone_and_whoever_reads_it_goes_on,
    crate::names::told_apart as files_are_told_apart,
    crate::directories::made as a_directory_is_made_once_and_below_one,
    crate::directories::listed as a_directory_lists_what_is_in_it,
    crate::directories::removed as a_directory_is_removed_when_it_is_empty,
    crate::directories::renamed as a_directory_takes_along_what_is_in_it,
    crate::refusals::writes_at_offsets as writes_at_offsets_are_made_or_refused,
    crate::refusals::copies as copies_to_offsets_are_made_or_refused,
    crate::refusals::sizes as changes_of_size_are_made_or_refused,
    crate::refusals::kept_content as writing_on_is_done_or_refused,
    crate::refusals::written_over as a_whole_new_content_replaces_the_old_one,
    crate::refusals::links as links_are_made_or_refused,
    crate::refusals::owners as changes_of_owner_are_taken_or_refused,
    crate::refusals::replaced as a_rename_over_a_taken_name_is_made_or_refused,
    crate::quota::bytes as a_limit_on_bytes_holds,
    crate::quota::files as a_limit_on_files_holds,
    crate::quota::freed as what_goes_is_free_again,
    crate::quota::rescanned as a_rescan_finds_what_sessions_counted,
}
