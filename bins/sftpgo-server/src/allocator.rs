//! Settings of the C library's allocator, which keeps by default what a busy minute took.

/// Blocks from this size on are mapped alone and go back to the system when they are freed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAP_FROM: libc::c_int = 1024 * 1024;

/// Free memory at the end of a thread's heap goes back to the system from this size on. The default, 128 KiB, is less than
/// a transfer's buffers: each would be given back and asked for again, page by page.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const TRIM_FROM: libc::c_int = 1024 * 1024;

/// Makes memory go back to the system that is not used any more, but not what is used again at once:
///
/// - Large blocks at once: the memory of argon2id, 19 MiB for each password verified, otherwise stays with the process in
///   pieces.
/// - Small blocks are joined with their neighbours when they are freed. By default the library keeps them apart ("fast
///   bins"), and what many connections took stays when they have ended.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(
    unsafe_code,
    reason = "the allocator's settings are calls of the C library"
)]
pub(crate) fn return_memory() {
    // SAFETY: mallopt only sets a parameter; it is called before any other thread runs.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAP_FROM);
        libc::mallopt(libc::M_TRIM_THRESHOLD, TRIM_FROM);
        libc::mallopt(libc::M_MXFAST, 0);
    }
}

/// Other allocators need no telling.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn return_memory() {}
