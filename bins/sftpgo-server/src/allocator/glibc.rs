//! The settings of glibc.

use std::{env, os::unix::process::CommandExt, path::Path, process::Command};

/// Settings of glibc that it reads before the program starts; an operator's own are left alone.
const TUNABLES: &str = "GLIBC_TUNABLES";

/// Blocks from this size on are mapped alone and go back to the system when they are freed.
const MAP_FROM: libc::c_int = 1024 * 1024;

/// Free memory at the end of a thread's heap goes back to the system from this size on. The default, 128 KiB, is less than
/// a transfer's buffers: each would be given back and asked for again, page by page.
const TRIM_FROM: libc::c_int = 1024 * 1024;

/// Makes memory go back to the system that is not used any more, but not what is used again at once:
///
/// - Large blocks at once: the memory of argon2id, 19 MiB for each password verified, otherwise stays with the process in
///   pieces.
/// - Small blocks are joined with their neighbours when they are freed. By default the library keeps them apart ("fast
///   bins"), and what many connections took stays when they have ended.
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

/// Has threads keep no freed blocks for themselves, for which the process begins again once.
///
/// glibc keeps up to seven blocks of each size up to 1 KiB for each thread (its "tcache"). A connection has a thread, and
/// what its login freed would stay with it, 9 KiB and more of the 40 that an idle connection takes. Packets allocate
/// nothing, so that it saves no time.
pub(crate) fn keep_nothing_for_threads() {
    // Of a program with more rights than its caller the library takes no settings: beginning again would never end.
    if env::var_os(TUNABLES).is_some() || has_more_rights() {
        return;
    }
    let Ok(program) = env::current_exe() else {
        return;
    };
    if is_loader(&program) {
        return;
    }
    let mut arguments = env::args_os();
    let name = arguments.next().unwrap_or_default();
    // It returns only when it failed: then threads keep their blocks.
    let _failed = Command::new(program)
        .arg0(name)
        .args(arguments)
        .env(TUNABLES, "glibc.malloc.tcache_count=0")
        .exec();
    keep_broken_pipes_harmless();
}

#[allow(unsafe_code, reason = "the C library knows what the system said")]
fn has_more_rights() -> bool {
    // SAFETY: the call only reads what the system said at the start.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Was the program given to the dynamic loader as its argument? That is then what runs.
fn is_loader(program: &Path) -> bool {
    let name = program.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b"ld-")
}

/// Trying to begin again sets the signal as programs expect it that are started anew.
#[allow(unsafe_code, reason = "only the C library can ignore a signal")]
fn keep_broken_pipes_harmless() {
    // SAFETY: no handler is installed, and no other thread runs yet.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}
