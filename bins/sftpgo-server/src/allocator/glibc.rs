//! The settings of glibc.

use std::{
    env, hint::black_box, iter, os::unix::process::CommandExt, path::Path, process::Command,
    sync::Mutex, thread,
};

use sftpgo_core::sync::lock;

/// Settings of glibc that it reads before the program starts; an operator's own are left alone.
const TUNABLES: &str = "GLIBC_TUNABLES";

/// What the library itself is told: no freed blocks are kept for each thread, and of stacks of threads that have ended as
/// much as a few connections use again, where it would keep 40 MB with some pages of each in use.
const SETTINGS: &str = "glibc.malloc.tcache_count=0:glibc.pthread.stack_cache_size=8388608";

/// Blocks from this size on are mapped alone and go back to the system when they are freed.
const MAP_FROM: libc::c_int = 1024 * 1024;

/// Free memory at the end of a thread's heap goes back to the system from this size on. The default, 128 KiB, is less than
/// a transfer's buffers: each would be given back and asked for again, page by page.
const TRIM_FROM: libc::c_int = 1024 * 1024;

/// A block that is smaller than those that are mapped alone. Two of them are more than [`TRIM_FROM`].
const LARGE_BLOCK: usize = 960 * 1024;

/// So many of them find no room between what is in use in a heap, so that the last ones are at its end.
const LARGE_BLOCKS: usize = 24;

/// Makes memory go back to the system that is not used any more, but not what is used again at once:
///
/// - Large blocks at once: the memory of argon2id, 19 MiB for each password verified, otherwise stays with the process in
///   pieces.
/// - Small blocks are joined with their neighbours when they are freed. By default the library keeps them apart ("fast
///   bins"), and what many connections took stays when they have ended.
/// - A heap that grows grows by what is asked for, and there are no more heaps than threads that run at once.
#[allow(
    unsafe_code,
    reason = "the allocator's settings are calls of the C library"
)]
pub(crate) fn return_memory() {
    let heaps = libc::c_int::try_from(most_heaps()).unwrap_or(libc::c_int::MAX);
    // SAFETY: mallopt only sets a parameter; it is called before any other thread runs.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAP_FROM);
        libc::mallopt(libc::M_TRIM_THRESHOLD, TRIM_FROM);
        libc::mallopt(libc::M_MXFAST, 0);
        libc::mallopt(libc::M_TOP_PAD, 0);
        libc::mallopt(libc::M_ARENA_MAX, heaps);
    }
}

/// Gives back what is free at the end of each heap, whatever its size, and between what is in use. All heaps are walked for
/// it, so it is nothing for a connection to do.
#[allow(unsafe_code, reason = "the C library knows what of its heaps is free")]
pub(crate) fn return_free_memory() {
    trim_all_heaps();
    // SAFETY: the call locks each heap and touches nothing but what is free.
    unsafe { libc::malloc_trim(0) };
}

/// The library shrinks a heap only when a thread that uses it frees something large. A new thread is given a heap that no
/// other uses, and when there is none the next in turn: of twice as many threads as there are heaps each gets one.
fn trim_all_heaps() {
    let gate = Mutex::new(());
    thread::scope(|scope| {
        // None ends before the last one has its heap.
        let closed = lock(&gate);
        for _ in 0..2 * most_heaps() {
            let visiting = thread::Builder::new().spawn_scoped(scope, || {
                trim_heap_of_this_thread();
                drop(lock(&gate));
            });
            if visiting.is_err() {
                break;
            }
        }
        drop(closed);
    });
}

fn trim_heap_of_this_thread() {
    let block = || {
        let mut block = Vec::<u8>::new();
        // Where there is not so much, there is nothing free.
        block.try_reserve_exact(LARGE_BLOCK).ok().map(|()| block)
    };
    let blocks: Vec<_> = iter::from_fn(block).take(LARGE_BLOCKS).collect();
    drop(black_box(blocks));
}

/// As many as threads can run at once; the library would make eight times as many, each with what is free at its end.
fn most_heaps() -> usize {
    thread::available_parallelism()
        .map_or(1, usize::from)
        .max(2)
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
        .env(TUNABLES, SETTINGS)
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
