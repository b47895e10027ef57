//! The stack of a thread that has nothing to do. A key exchange and a login touch a hundred kilobytes of it, which
//! otherwise stay in memory for as long as the connection is open.

/// Frames of the calls below the one that asks: of the C library's, and of the next wait.
#[cfg(target_os = "linux")]
const SLACK: usize = 1024;

/// Gives what this thread's stack has below the caller back to the system; it is there again, as zeros, when it is used.
#[cfg(target_os = "linux")]
#[allow(
    unsafe_code,
    reason = "memory goes back to the system by a call of the C library"
)]
#[inline(never)]
pub(crate) fn give_back() {
    let in_use = 0_u8;
    let here = (&raw const in_use).addr();
    let Some(stack) = Stack::of_this_thread().filter(|stack| stack.holds(here)) else {
        return;
    };
    let unused = (here - stack.lowest.addr()).saturating_sub(SLACK);
    // SAFETY: the range is below every frame of this thread, which is the only one to use its stack.
    unsafe {
        libc::madvise(
            stack.lowest,
            unused - unused % stack.page,
            libc::MADV_DONTNEED,
        )
    };
}

/// The place of a thread's stack.
#[cfg(target_os = "linux")]
struct Stack {
    lowest: *mut libc::c_void,
    size: usize,
    page: usize,
}

#[cfg(target_os = "linux")]
impl Stack {
    /// Local variables may lie elsewhere: a sanitizer keeps them on the heap.
    fn holds(&self, address: usize) -> bool {
        address
            .checked_sub(self.lowest.addr())
            .is_some_and(|above| above < self.size)
    }

    #[allow(unsafe_code, reason = "only the C library knows")]
    fn of_this_thread() -> Option<Self> {
        let mut attributes = std::mem::MaybeUninit::uninit();
        let (mut lowest, mut size) = (std::ptr::null_mut(), 0);
        // SAFETY: the attributes are read and destroyed after the call that makes them has succeeded, and not used again.
        let page = unsafe {
            if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
                return None;
            }
            let found =
                libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut lowest, &raw mut size);
            libc::pthread_attr_destroy(attributes.as_mut_ptr());
            if found != 0 {
                return None;
            }
            libc::sysconf(libc::_SC_PAGESIZE)
        };
        let page = usize::try_from(page).ok().filter(|page| *page > 0)?;
        (!lowest.is_null()).then_some(Self { lowest, size, page })
    }
}

/// Other systems are left to their own ways.
#[cfg(not(target_os = "linux"))]
pub(crate) fn give_back() {}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how many pages of this thread's stack below here are in memory.
    #[allow(unsafe_code, reason = "the kernel is asked which pages it holds")]
    #[inline(never)]
    fn pages_in_memory() -> usize {
        let here = 0_u8;
        let Stack { lowest, page, .. } = Stack::of_this_thread().unwrap();
        let pages = ((&raw const here).addr() - lowest.addr()) / page;
        let mut is_in_memory = vec![0_u8; pages];
        // SAFETY: the range is mapped, and the vector has a byte for each of its pages.
        let outcome = unsafe { libc::mincore(lowest, pages * page, is_in_memory.as_mut_ptr()) };
        assert_eq!(outcome, 0);
        is_in_memory.iter().filter(|byte| **byte & 1 == 1).count()
    }

    #[inline(never)]
    fn touch_much() -> u8 {
        let much = std::hint::black_box([1_u8; 512 * 1024]);
        much[0]
    }

    #[test]
    fn what_a_deep_call_has_touched_goes_back() {
        let kept = std::hint::black_box([7_u8; 4096]);
        assert_eq!(touch_much(), 1);
        let touched = pages_in_memory();
        give_back();
        let left = pages_in_memory();
        assert!(left + 100 < touched, "{left} of {touched} pages are left");
        assert!(kept.iter().all(|byte| *byte == 7));
    }
}
