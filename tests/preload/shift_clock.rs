//! Shifts the time of day that a program sees, preloaded into it with `LD_PRELOAD`: the program is the one that is shipped.
//!
//! By how much is in a file that is mapped into memory, so that a test makes the clock jump while the program runs.

#![allow(unsafe_code, reason = "a function of the C library is replaced")]

mod mapped;

use std::{
    ffi::c_int,
    sync::atomic::{AtomicI64, AtomicPtr, Ordering::Relaxed},
};

use self::mapped::mapped;
use libc::{CLOCK_REALTIME, CLOCK_REALTIME_COARSE, SYS_clock_gettime, clockid_t, timespec};

/// The variable that names the file: seconds as a number of eight bytes, in the machine's order.
const FILE: &str = "SHIFT_CLOCK_BY";

static BEFORE_THE_FILE: AtomicI64 = AtomicI64::new(0);

static SECONDS: AtomicPtr<AtomicI64> = AtomicPtr::new((&raw const BEFORE_THE_FILE).cast_mut());

#[used]
#[unsafe(link_section = ".init_array")]
static AT_THE_START: extern "C" fn() = start;

extern "C" fn start() {
    if let Some(mapped) = mapped(FILE) {
        SECONDS.store(mapped, Relaxed);
    }
}

/// clock_gettime(2).
///
/// # Safety
///
/// As the C function: `into` points to where the time goes.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: clockid_t, into: *mut timespec) -> c_int {
    // SAFETY: the same call of the system, with what the caller says.
    let answer = unsafe { libc::syscall(SYS_clock_gettime, clock, into) };
    if answer != 0 {
        return -1;
    }
    if clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE {
        // SAFETY: it points to the static, or to a mapping of this size that is never undone; and the call has succeeded,
        // so that there is a time.
        unsafe { (*into).tv_sec += (*SECONDS.load(Relaxed)).load(Relaxed) };
    }
    0
}
