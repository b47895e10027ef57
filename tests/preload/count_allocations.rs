//! Counts what a program allocates, preloaded into it with `LD_PRELOAD`: the program is the one that is shipped.
//!
//! The counts are in a file that is mapped into memory, so that a test reads them while the program runs, and the
//! program does not notice. glibc has its allocator under a second set of names, so no symbol has to be looked up.

#![allow(
    unsafe_code,
    reason = "an allocator is called, and calls, over C's interface"
)]

mod mapped;

use std::{
    ffi::{c_int, c_void},
    sync::atomic::{AtomicPtr, AtomicU64, Ordering::Relaxed},
};

use self::mapped::mapped;
use rustix::process::{PTracer, set_ptracer};

/// The variable that names the file: two numbers of eight bytes, allocations and bytes, in the machine's order.
const FILE: &str = "COUNT_ALLOCATIONS_INTO";

#[repr(C)]
struct Counts {
    allocations: AtomicU64,
    bytes: AtomicU64,
}

static BEFORE_THE_FILE: Counts = Counts {
    allocations: AtomicU64::new(0),
    bytes: AtomicU64::new(0),
};

static COUNTS: AtomicPtr<Counts> = AtomicPtr::new((&raw const BEFORE_THE_FILE).cast_mut());

#[used]
#[unsafe(link_section = ".init_array")]
static AT_THE_START: extern "C" fn() = start;

extern "C" fn start() {
    // Where the kernel lets only parents trace (Yama), strace may trace all the same. Elsewhere this fails.
    let _ = set_ptracer(PTracer::Any);
    if let Some(mapped) = mapped(FILE) {
        COUNTS.store(mapped, Relaxed);
    }
}

fn count(bytes: usize) {
    // SAFETY: it points to the static, or to a mapping of this size that is never undone; atomics are shared.
    let counts = unsafe { &*COUNTS.load(Relaxed) };
    counts.allocations.fetch_add(1, Relaxed);
    counts.bytes.fetch_add(bytes as u64, Relaxed);
}

unsafe extern "C" {
    fn __libc_malloc(size: usize) -> *mut c_void;
    fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
    fn __libc_realloc(old: *mut c_void, size: usize) -> *mut c_void;
    fn __libc_memalign(alignment: usize, size: usize) -> *mut c_void;
}

/// malloc(3).
#[unsafe(no_mangle)]
extern "C" fn malloc(size: usize) -> *mut c_void {
    count(size);
    // SAFETY: the same function under its other name.
    unsafe { __libc_malloc(size) }
}

/// calloc(3).
#[unsafe(no_mangle)]
extern "C" fn calloc(items: usize, size: usize) -> *mut c_void {
    count(items.saturating_mul(size));
    // SAFETY: the same function under its other name.
    unsafe { __libc_calloc(items, size) }
}

/// realloc(3).
///
/// # Safety
///
/// As the C function: `old` is null or was allocated and not freed.
#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(old: *mut c_void, size: usize) -> *mut c_void {
    count(size);
    // SAFETY: the same function under its other name.
    unsafe { __libc_realloc(old, size) }
}

/// posix_memalign(3), which Rust's allocator calls for what is aligned to more than 16 bytes.
///
/// # Safety
///
/// As the C function: `into` points to where the address goes.
#[unsafe(no_mangle)]
unsafe extern "C" fn posix_memalign(
    into: *mut *mut c_void,
    alignment: usize,
    size: usize,
) -> c_int {
    const OUT_OF_MEMORY: c_int = 12;
    count(size);
    // SAFETY: allocates, or answers null.
    let memory = unsafe { __libc_memalign(alignment, size) };
    if memory.is_null() {
        return OUT_OF_MEMORY;
    }
    // SAFETY: the caller says where.
    unsafe { *into = memory };
    0
}
