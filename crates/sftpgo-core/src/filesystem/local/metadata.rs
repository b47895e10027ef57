//! Attributes: reading, changing, and who owns what is new.

use std::{
    os::fd::{AsFd, AsRawFd, OwnedFd},
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::{
    fs::{AtFlags, Gid, Mode, OFlags, Stat, StatVfs, Timespec, Timestamps, Uid},
    io::Errno,
};

use super::{CLIENT_MODE_BITS, error, mode_bits};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{FileId, FileType, Metadata, OwnerIds, SetAttributes, SpaceInfo},
    user::EffectiveUser,
};

/// Who gets new files; nobody in particular unless running as root.
#[derive(Clone, Copy)]
pub(super) struct Owner {
    is_root: bool,
    uid: Option<Uid>,
    gid: Option<Gid>,
}

impl Owner {
    pub(super) fn of(user: &EffectiveUser) -> Self {
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
    stat_name(parent, name).map_err(error)
}

pub(super) fn stat_name(parent: &OwnedFd, name: &[u8]) -> Result<Metadata, Errno> {
    rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| from_stat(&stat))
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
        changed_at: (stat.st_ctime as i64, stat.st_ctime_nsec as u32),
        links: stat.st_nlink as u64,
        file_id: FileId::new(stat.st_dev as u64, stat.st_ino as u64),
    }
}

/// Refuses set-user-ID, set-group-ID and sticky bits, unless the file has them: clients send back what they were shown.
fn check_mode(fd: &OwnedFd, change: &SetAttributes) -> Result<()> {
    let special = change.mode.unwrap_or_default() & 0o7777 & !CLIENT_MODE_BITS;
    if special == 0 || special & !of_fd(fd)?.mode == 0 {
        return Ok(());
    }
    Err(Error::denied(
        "set-user-ID, set-group-ID and sticky bits cannot be set",
    ))
}

pub(super) fn set_by_open_fd(fd: &OwnedFd, change: &SetAttributes, owner: Owner) -> Result<()> {
    check_mode(fd, change)?;
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

/// The directory in which a handle has a path.
const HANDLES: &str = "/proc/self/fd";

/// Opens once more, for reading or writing, what a handle of `O_PATH` stands for.
pub(super) type Again<'a> = &'a dyn Fn(OFlags) -> Result<OwnedFd, Errno>;

/// `fd` was opened with `O_PATH`, which fchmod(2) and futimens(3) do not take.
pub(super) fn set_by_path_fd(
    fd: &OwnedFd,
    change: &SetAttributes,
    owner: Owner,
    again: Again<'_>,
) -> Result<()> {
    set_by_path_fd_in(HANDLES, fd, change, owner, again)
}

fn set_by_path_fd_in(
    handles: &str,
    fd: &OwnedFd,
    change: &SetAttributes,
    owner: Owner,
    again: Again<'_>,
) -> Result<()> {
    check_mode(fd, change)?;
    if let Some(ids) = owner_change(change, owner) {
        rustix::fs::chownat(fd, c"", ids.0, ids.1, AtFlags::EMPTY_PATH).map_err(error)?;
    }
    let itself = format!("{handles}/{}", fd.as_raw_fd());
    if let Some(mode) = change.mode {
        let kept = of_fd(fd)?.mode & 0o7777 & !CLIENT_MODE_BITS;
        let mode = mode_bits(mode) | Mode::from_raw_mode(kept);
        match rustix::fs::chmod(&itself, mode) {
            // A server without /proc; fchmodat2(2), which would do it, is of Linux 6.6.
            Err(Errno::NOENT | Errno::NOTDIR) => {
                rustix::fs::fchmod(opened_again(fd, again)?, mode).map_err(error)?;
            }
            changed => changed.map_err(error)?,
        }
    }
    if let Some(times) = change.times {
        let times = timestamps(times);
        match rustix::fs::utimensat(fd, c"", &times, AtFlags::EMPTY_PATH) {
            // Linux before 5.8.
            Err(Errno::INVAL | Errno::NOENT) => {}
            changed => return changed.map_err(error),
        }
        match rustix::fs::utimensat(rustix::fs::CWD, &itself, &times, AtFlags::empty()) {
            Err(Errno::NOENT | Errno::NOTDIR) => {
                rustix::fs::futimens(opened_again(fd, again)?, &times).map_err(error)?;
            }
            changed => changed.map_err(error)?,
        }
    }
    Ok(())
}

/// Opens what `fd` stands for in a way by which its attributes can be changed.
fn opened_again(fd: &OwnedFd, again: Again<'_>) -> Result<OwnedFd> {
    let found = of_fd(fd)?;
    // Opening anything else may have effects of its own.
    if !matches!(found.file_type, FileType::File | FileType::Directory) {
        return Err(error(Errno::NOTSUP));
    }
    let common = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = again(common | OFlags::RDONLY)
        .or_else(|_| again(common | OFlags::WRONLY))
        .map_err(|errno| match errno {
            Errno::ACCESS => Error::denied(
                "a file that the server can neither read nor write is not changed while /proc is not mounted",
            )
            .with_source(std::io::Error::from(errno)),
            other => error(other),
        })?;
    if of_fd(&opened)?.file_id != found.file_id {
        return Err(Error::new(
            ErrorKind::Conflict,
            "something else took the name meanwhile",
        ));
    }
    Ok(opened)
}

/// Links not followed; a link itself has no mode to change.
pub(super) fn set_by_name(
    parent: &OwnedFd,
    name: &[u8],
    change: &SetAttributes,
    owner: Owner,
) -> Result<()> {
    let open = |flags| rustix::fs::openat(parent, name, flags | OFlags::NOFOLLOW, Mode::empty());
    let fd = open(OFlags::PATH | OFlags::CLOEXEC).map_err(error)?;
    if of_fd(&fd)?.file_type != FileType::Symlink {
        return set_by_path_fd(&fd, change, owner, &open);
    }
    if change.mode.is_some() {
        return Err(error(Errno::NOTSUP));
    }
    if let Some(ids) = owner_change(change, owner) {
        rustix::fs::chownat(parent, name, ids.0, ids.1, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(error)?;
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
    Ok(space_info(&vfs))
}

pub(super) fn space_info(vfs: &StatVfs) -> SpaceInfo {
    SpaceInfo {
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
    }
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

    const NOBODY: Owner = Owner {
        is_root: false,
        uid: None,
        gid: None,
    };

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a test makes what it looks at")]
    fn attributes_are_changed_by_name_without_proc() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let at = UNIX_EPOCH + std::time::Duration::from_secs(5);
        let change = SetAttributes {
            mode: Some(0o640),
            times: Some((at, at)),
            owner: None,
        };
        for (name, handles) in [("f", HANDLES), ("f", "/nowhere"), ("d", "/nowhere")] {
            let path = directory.path().join(name);
            match name {
                "f" => std::fs::write(&path, b"x").unwrap(),
                _ => std::fs::create_dir(&path).unwrap(),
            }
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            let open = |flags| rustix::fs::open(&path, flags, Mode::empty());
            let fd = open(OFlags::PATH).unwrap();
            set_by_path_fd_in(handles, &fd, &change, NOBODY, &open).unwrap();
            let found = std::fs::metadata(&path).unwrap();
            assert_eq!(found.permissions().mode() & 0o7777, 0o640, "{handles}");
            assert_eq!(found.modified().unwrap(), at, "{handles}");
        }
        // What took the name meanwhile is left alone.
        let (one, other) = (directory.path().join("one"), directory.path().join("other"));
        std::fs::write(&one, b"1").unwrap();
        std::fs::write(&other, b"2").unwrap();
        std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o600)).unwrap();
        let fd = rustix::fs::open(&one, OFlags::PATH, Mode::empty()).unwrap();
        let swapped = |flags| rustix::fs::open(&other, flags, Mode::empty());
        let refused = set_by_path_fd_in("/nowhere", &fd, &change, NOBODY, &swapped);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);
        let mode = std::fs::metadata(&other).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
    }
}
