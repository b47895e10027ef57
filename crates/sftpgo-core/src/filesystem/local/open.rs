//! Opening regular files, whatever resolves their names.

use std::os::fd::OwnedFd;

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};

use super::{NEW_FILE_MODE, error, file::LocalFile, metadata::Owner, mode_bits, sweep};
use crate::{
    error::Result,
    filesystem::{File, OpenOptions},
};

/// Opens or creates a regular file; `open` opens its name with the flags and the mode that it is given.
pub(super) fn open(
    options: &OpenOptions,
    owner: Owner,
    open: impl Fn(OFlags, Mode) -> Result<OwnedFd, Errno>,
) -> Result<Box<dyn File>> {
    let access = match (options.read, options.write) {
        (_, false) => OFlags::RDONLY,
        (false, true) => OFlags::WRONLY,
        (true, true) => OFlags::RDWR,
    };
    let flag = |wanted: bool, flag: OFlags| if wanted { flag } else { OFlags::empty() };
    // NONBLOCK: opening a FIFO must not hang; it means nothing on regular files.
    let base = access | OFlags::NONBLOCK | OFlags::NOCTTY | flag(options.append, OFlags::APPEND);
    if options.create {
        let mode = mode_bits(options.mode.unwrap_or(NEW_FILE_MODE));
        match open(base | OFlags::CREATE | OFlags::EXCL, mode) {
            Ok(fd) => {
                if options.unfinished_upload {
                    sweep::keep_from_sweeps(&fd)?;
                }
                owner.give(&fd)?;
                return Ok(LocalFile::made(fd, owner));
            }
            Err(Errno::EXIST) if !options.exclusive => {}
            Err(errno) => return Err(error(errno)),
        }
    }
    // Created by somebody else meanwhile, or there before: the plain open, through links beneath the home.
    let mode = if options.create {
        mode_bits(options.mode.unwrap_or(NEW_FILE_MODE))
    } else {
        Mode::empty()
    };
    let more = flag(options.truncate, OFlags::TRUNC) | flag(options.create, OFlags::CREATE);
    let fd = open(base | more, mode).map_err(error)?;
    LocalFile::regular(fd, owner)
}
