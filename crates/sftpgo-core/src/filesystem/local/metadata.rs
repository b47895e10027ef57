//! Attributes: reading, changing, and who owns what is new.

use std::{
    os::fd::{AsFd, AsRawFd, OwnedFd},
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::fs::{AtFlags, Gid, Mode, Stat, Timespec, Timestamps, Uid};

use super::{CLIENT_MODE_BITS, error, mode_bits};
use crate::{
    error::Result,
    filesystem::{FileType, Metadata, OwnerIds, SetAttributes, SpaceInfo},
    user::User,
};

/// Who gets new files; nobody in particular unless running as root.
#[derive(Clone, Copy)]
pub(super) struct Owner {
    is_root: bool,
    uid: Option<Uid>,
    gid: Option<Gid>,
}

impl Owner {
    pub(super) fn of(user: &User) -> Self {
        let is_root = rustix::process::geteuid().is_root();
        let set = |id: u32| (is_root && id != 0).then_some(id);
        Self {
            is_root,
            uid: set(user.uid).map(Uid::from_raw),
            gid: set(user.gid).map(Gid::from_raw),
        }
    }

    /// Can files be given away?
    pub(super) fn is_root(&self) -> bool {
        self.is_root
    }

    /// The ids that new files get.
    pub(super) fn ids(&self) -> OwnerIds {
        OwnerIds {
            uid: self.uid.unwrap_or_else(rustix::process::geteuid).as_raw(),
            gid: self.gid.unwrap_or_else(rustix::process::getegid).as_raw(),
        }
    }

    /// The uid that new files get, where the server may give it.
    pub(super) fn uid(&self) -> Option<u32> {
        self.uid.map(Uid::as_raw)
    }

    pub(super) fn give(&self, fd: impl AsFd) -> Result<()> {
        if self.uid.is_none() && self.gid.is_none() {
            return Ok(());
        }
        rustix::fs::fchown(fd, self.uid, self.gid).map_err(error)
    }

    pub(super) fn give_name(&self, parent: &OwnedFd, name: &[u8]) -> Result<()> {
        if self.uid.is_none() && self.gid.is_none() {
            return Ok(());
        }
        rustix::fs::chownat(parent, name, self.uid, self.gid, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(error)
    }
}

pub(super) fn of_fd(fd: impl AsFd) -> Result<Metadata> {
    rustix::fs::fstat(fd)
        .map(|stat| from_stat(&stat))
        .map_err(error)
}

pub(super) fn of_name(parent: &OwnedFd, name: &[u8]) -> Result<Metadata> {
    rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        .map(|stat| from_stat(&stat))
        .map_err(error)
}

#[allow(clippy::unnecessary_cast)] // field widths differ between architectures
fn from_stat(stat: &Stat) -> Metadata {
    let file_type = match rustix::fs::FileType::from_raw_mode(stat.st_mode) {
        rustix::fs::FileType::RegularFile => FileType::File,
        rustix::fs::FileType::Directory => FileType::Directory,
        rustix::fs::FileType::Symlink => FileType::Symlink,
        _ => FileType::Other,
    };
    Metadata {
        file_type,
        mode: stat.st_mode,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        uid: stat.st_uid,
        gid: stat.st_gid,
        atime: stat.st_atime as i64,
        mtime: stat.st_mtime as i64,
        mtime_nanos: stat.st_mtime_nsec as u32,
        links: stat.st_nlink as u64,
        inode: (stat.st_dev as u64, stat.st_ino as u64),
    }
}

pub(super) fn set_by_open_fd(fd: &OwnedFd, change: &SetAttributes, owner: Owner) -> Result<()> {
    if let Some(ids) = owner_change(change, owner) {
        rustix::fs::fchown(fd, ids.0, ids.1).map_err(error)?;
    }
    if let Some(mode) = change.mode {
        let kept = of_fd(fd)?.mode & 0o7777 & !CLIENT_MODE_BITS;
        rustix::fs::fchmod(fd, mode_bits(mode) | Mode::from_raw_mode(kept)).map_err(error)?;
    }
    if let Some(times) = change.times {
        rustix::fs::futimens(fd, &timestamps(times)).map_err(error)?;
    }
    Ok(())
}

/// `fd` was opened with `O_PATH`, on which only the way through /proc changes mode and times.
pub(super) fn set_by_path_fd(fd: &OwnedFd, change: &SetAttributes, owner: Owner) -> Result<()> {
    if let Some(ids) = owner_change(change, owner) {
        rustix::fs::chownat(fd, c"", ids.0, ids.1, AtFlags::EMPTY_PATH).map_err(error)?;
    }
    let itself = format!("/proc/self/fd/{}", fd.as_raw_fd());
    if let Some(mode) = change.mode {
        let kept = of_fd(fd)?.mode & 0o7777 & !CLIENT_MODE_BITS;
        rustix::fs::chmod(&itself, mode_bits(mode) | Mode::from_raw_mode(kept)).map_err(error)?;
    }
    if let Some(times) = change.times {
        rustix::fs::utimensat(
            rustix::fs::CWD,
            &itself,
            &timestamps(times),
            AtFlags::empty(),
        )
        .map_err(error)?;
    }
    Ok(())
}

/// Links not followed; a link itself has no mode to change.
pub(super) fn set_by_name(
    parent: &OwnedFd,
    name: &[u8],
    change: &SetAttributes,
    owner: Owner,
) -> Result<()> {
    if let Some(ids) = owner_change(change, owner) {
        rustix::fs::chownat(parent, name, ids.0, ids.1, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(error)?;
    }
    if let Some(mode) = change.mode {
        let flags =
            rustix::fs::OFlags::PATH | rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::CLOEXEC;
        let fd = rustix::fs::openat(parent, name, flags, Mode::empty()).map_err(error)?;
        if of_fd(&fd)?.file_type == FileType::Symlink {
            return Err(error(rustix::io::Errno::NOTSUP));
        }
        set_by_path_fd(
            &fd,
            &SetAttributes {
                mode: Some(mode),
                ..SetAttributes::default()
            },
            owner,
        )?;
    }
    if let Some(times) = change.times {
        rustix::fs::utimensat(parent, name, &timestamps(times), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(error)?;
    }
    Ok(())
}

/// uid and gid changes are accepted and ignored unless running as root; -1 leaves one as it is, as in chown(2).
fn owner_change(change: &SetAttributes, owner: Owner) -> Option<(Option<Uid>, Option<Gid>)> {
    let (uid, gid) = change.owner.filter(|_| owner.is_root)?;
    let given = |id: u32| Some(id).filter(|id| *id != u32::MAX);
    Some((given(uid).map(Uid::from_raw), given(gid).map(Gid::from_raw)))
}

fn timestamps((accessed, modified): (SystemTime, SystemTime)) -> Timestamps {
    Timestamps {
        last_access: timespec(accessed),
        last_modification: timespec(modified),
    }
}

fn timespec(time: SystemTime) -> Timespec {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timespec {
        tv_sec: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: since.subsec_nanos().into(),
    }
}

pub(super) fn space(fd: &OwnedFd) -> Result<SpaceInfo> {
    let vfs = rustix::fs::fstatvfs(fd).map_err(error)?;
    Ok(SpaceInfo {
        block_size: vfs.f_bsize,
        fragment_size: vfs.f_frsize,
        blocks: vfs.f_blocks,
        blocks_free: vfs.f_bfree,
        blocks_available: vfs.f_bavail,
        files: vfs.f_files,
        files_free: vfs.f_ffree,
        files_available: vfs.f_favail,
        filesystem_id: vfs.f_fsid,
        flags: u64::from(vfs.f_flag.bits() as u32),
        name_max: vfs.f_namemax,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_changed_by_root_only_and_minus_one_changes_nothing() {
        let asked = |uid, gid, is_root| {
            let change = SetAttributes {
                owner: Some((uid, gid)),
                ..SetAttributes::default()
            };
            let owner = Owner {
                is_root,
                uid: None,
                gid: None,
            };
            owner_change(&change, owner)
        };
        let (uid, gid) = (Some(Uid::from_raw(1)), Some(Gid::from_raw(2)));
        assert_eq!(asked(1, 2, true), Some((uid, gid)));
        assert_eq!(asked(u32::MAX, 2, true), Some((None, gid)));
        assert_eq!(asked(1, u32::MAX, true), Some((uid, None)));
        assert_eq!(asked(1, 2, false), None);
    }
}
