//! A file that a program and a test both have in memory.

use std::{fs::File, os::fd::AsFd, ptr};

use rustix::mm::{MapFlags, ProtFlags, mmap};

/// Maps the beginning of the file that the variable names, as long as a `T`, for as long as the program runs; none where there is
/// no such file.
pub(crate) fn mapped<T>(variable: &str) -> Option<*mut T> {
    let path = std::env::var_os(variable)?;
    let file = File::options().read(true).write(true).open(path).ok()?;
    // SAFETY: a new mapping at a place that the kernel chooses touches no memory of the program.
    let mapped = unsafe {
        mmap(
            ptr::null_mut(),
            size_of::<T>(),
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::SHARED,
            file.as_fd(),
            0,
        )
    };
    mapped.ok().map(<*mut _>::cast)
}
