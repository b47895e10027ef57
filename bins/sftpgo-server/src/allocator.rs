//! Settings of the C library's allocator, which keeps by default what a busy minute took.

#[cfg_attr(
    all(target_os = "linux", target_env = "gnu"),
    path = "allocator/glibc.rs"
)]
mod library;

pub(crate) use self::library::{keep_nothing_for_threads, return_free_memory, return_memory};
