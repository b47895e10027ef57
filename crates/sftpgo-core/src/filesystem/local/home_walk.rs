//! The way to a home for a server that runs as root, one directory at a time.
//!
//! Root reaches everything, so a link or a directory that an account of this system put in the place of a home, or above
//! it, would be served with all rights. The way is walked as sshd does for `ChrootDirectory` (sshd_config(5)): what is
//! on it is root's and nobody else may write there, so that nobody else can have changed where it leads.

use std::{
    ffi::OsStr,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{FileType, Mode, OFlags, RawMode, Stat},
    io::Errno,
};

use super::{NEW_DIRECTORY_MODE, error, metadata::Owner};
use crate::error::{Error, ErrorKind, Result};

/// Links that are followed in all, as the kernel does.
const MOST_LINKS: usize = 40;
/// Directories above a home that are made: nobody else may write there whatever the umask is.
const PARENT_MODE: RawMode = 0o755;
const ROOT: u32 = 0;
const WRITABLE_BY_OTHERS: RawMode = 0o022;
/// Names in such a directory are renamed and removed by their owners only.
const STICKY: RawMode = 0o1000;

/// How far a walk to a home has come.
struct Walk {
    owner: Owner,
    /// The names of `home` that are left to go, the next one last.
    names: Vec<Vec<u8>>,
    directory: OwnedFd,
    /// The path so far, for messages.
    path: PathBuf,
    links: usize,
}

/// Opens the home at `home` of the user that `owner` stands for, or none when it is missing; with `make` it is made then,
/// for the user, and what is missing above it for root.
///
/// # Errors
/// A directory or link on the way that somebody else could have changed, named with what to do; or what opening says.
pub(super) fn open(home: &Path, owner: Owner, make: bool) -> Result<Option<OwnedFd>> {
    let mut walk = Walk {
        owner,
        names: Vec::new(),
        directory: open_root()?,
        path: PathBuf::from("/"),
        links: 0,
    };
    walk.go_to(home)?;
    while let Some(name) = walk.names.pop() {
        if name == b".." {
            walk.go_up()?;
            continue;
        }
        match walk.look(&name) {
            Ok((fd, found)) if FileType::from_raw_mode(found.st_mode) == FileType::Symlink => {
                walk.follow(&name, &fd, &found)?;
            }
            Ok((fd, found)) => walk.enter(&name, fd, &found)?,
            Err(Errno::NOENT) if make => walk.make(name)?,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(walk.at(&name, error(errno).message())),
        }
    }
    Ok(Some(walk.directory))
}

fn open_root() -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(c"/", flags, Mode::empty()).map_err(error)
}

impl Walk {
    /// Puts the names of `path` before those that are left.
    fn go_to(&mut self, path: &Path) -> Result<()> {
        if path.has_root() {
            self.directory = open_root()?;
            self.path = PathBuf::from("/");
            let found = rustix::fs::fstat(&self.directory).map_err(error)?;
            let is_home = path.components().nth(1).is_none() && self.names.is_empty();
            self.check(b"", &found, is_home)?;
        }
        for component in path.components().rev() {
            match component {
                Component::Normal(name) => self.names.push(name.as_bytes().to_vec()),
                Component::ParentDir => self.names.push(b"..".to_vec()),
                Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            }
        }
        Ok(())
    }

    /// Goes to the directory above, which was checked on the way down.
    fn go_up(&mut self) -> Result<()> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        self.directory =
            rustix::fs::openat(&self.directory, c"..", flags, Mode::empty()).map_err(error)?;
        self.path.pop();
        Ok(())
    }

    fn look(&self, name: &[u8]) -> Result<(OwnedFd, Stat), Errno> {
        let open = |flags| {
            let flags = flags | OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            rustix::fs::openat(&self.directory, name, flags, Mode::empty())
        };
        // Only as a directory it is mounted where that is done at the first use.
        let fd = match open(OFlags::DIRECTORY) {
            Err(Errno::NOTDIR | Errno::LOOP) => open(OFlags::empty())?,
            opened => opened?,
        };
        let found = rustix::fs::fstat(&fd)?;
        Ok((fd, found))
    }

    fn follow(&mut self, name: &[u8], link: &OwnedFd, found: &Stat) -> Result<()> {
        if found.st_uid != ROOT {
            let reason = format!(
                "is a symbolic link of uid {}, and on the way to a home only links of root are followed",
                found.st_uid
            );
            return Err(self.at(name, &reason));
        }
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(self.at(name, "has too many symbolic links"));
        }
        let target = rustix::fs::readlinkat(link, c"", Vec::new()).map_err(error)?;
        self.go_to(Path::new(OsStr::from_bytes(target.as_bytes())))
    }

    fn enter(&mut self, name: &[u8], directory: OwnedFd, found: &Stat) -> Result<()> {
        if FileType::from_raw_mode(found.st_mode) != FileType::Directory {
            return Err(self.at(name, "is not a directory"));
        }
        self.check(name, found, self.names.is_empty())?;
        self.directory = directory;
        self.path.push(OsStr::from_bytes(name));
        Ok(())
    }

    /// Can nobody but root, and the user for the home itself, have put something else here?
    fn check(&self, name: &[u8], found: &Stat, is_home: bool) -> Result<()> {
        let user = self.owner.uid().filter(|_| is_home);
        match why_refused(found.st_uid, found.st_mode, user, is_home) {
            None => Ok(()),
            Some(reason) => Err(self.at(name, &reason)),
        }
    }

    /// Makes what is missing; the walk looks at it next as at anything else.
    fn make(&mut self, name: Vec<u8>) -> Result<()> {
        let is_home = self.names.is_empty();
        let mode = if is_home {
            NEW_DIRECTORY_MODE
        } else {
            PARENT_MODE
        };
        match rustix::fs::mkdirat(&self.directory, name.as_slice(), Mode::from_raw_mode(mode)) {
            Ok(()) if is_home => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let made =
                    rustix::fs::openat(&self.directory, name.as_slice(), flags, Mode::empty())
                        .map_err(error)?;
                self.owner.give(&made)?;
            }
            // Or another login of the same user was faster.
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(self.at(&name, error(errno).message())),
        }
        self.names.push(name);
        Ok(())
    }

    fn at(&self, name: &[u8], reason: &str) -> Error {
        let path = self.path.join(OsStr::from_bytes(name));
        Error::new(
            ErrorKind::PermissionDenied,
            format!("{} {reason}", path.display()),
        )
    }
}

/// Returns why a directory on the way is not gone through; `user` is who may own it besides root.
fn why_refused(uid: u32, mode: RawMode, user: Option<u32>, is_home: bool) -> Option<String> {
    if uid != ROOT && Some(uid) != user {
        let who = match (is_home, user) {
            (true, Some(user)) => format!("root's or uid {user}'s, as which the user is stored"),
            (true, None) => "root's, or that of a uid that is set for the user".to_owned(),
            (false, _) => "root's, as everything above a home".to_owned(),
        };
        return Some(format!(
            "belongs to uid {uid}, and where the server runs as root it has to be {who}"
        ));
    }
    // What may be written inside a home is content, which is resolved beneath it.
    if !is_home && mode & WRITABLE_BY_OTHERS != 0 && mode & STICKY == 0 {
        return Some(format!(
            "has mode {:04o}, and where the server runs as root nobody else may write above a home: chmod go-w",
            mode & 0o7777
        ));
    }
    None
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "makes what the walk meets")]
mod tests {
    use std::{
        fs,
        os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink},
    };

    use super::*;
    use crate::{UserDraft, user::StoredUser};

    const ALICE: u32 = 12_345;
    const MALLORY: u32 = 23_456;

    #[test]
    fn what_is_on_the_way_is_roots_and_the_home_roots_or_the_users() {
        let refused = |uid, mode, user, is_home| why_refused(uid, mode, user, is_home).is_some();
        assert!(!refused(0, 0o755, None, false));
        assert!(refused(ALICE, 0o755, None, false));
        assert!(refused(0, 0o775, None, false) && refused(0, 0o757, None, false));
        assert!(!refused(0, 0o1777, None, false));
        assert!(!refused(ALICE, 0o777, Some(ALICE), true));
        assert!(!refused(0, 0o775, Some(ALICE), true));
        assert!(refused(MALLORY, 0o700, Some(ALICE), true));
        assert!(refused(ALICE, 0o700, None, true));
    }

    fn owner(uid: u32) -> Owner {
        let draft = UserDraft {
            username: "alice".into(),
            password: Some("$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW".into()),
            home_dir: "/nonexistent".into(),
            permissions: vec!["*".into()],
            uid: uid.into(),
            gid: uid.into(),
            ..UserDraft::default()
        };
        let user: StoredUser = draft.validate(None).unwrap();
        Owner::of(&user.effective())
    }

    /// A directory of root's that nobody else writes to, where the tests run as root.
    fn base() -> Option<tempfile::TempDir> {
        let is_root = rustix::process::geteuid().is_root();
        is_root.then(|| tempfile::tempdir_in("/tmp").unwrap())
    }

    fn refusal(home: &Path, uid: u32) -> String {
        let refused = open(home, owner(uid), true).map(drop).unwrap_err();
        refused.message().to_owned()
    }

    #[test]
    fn what_is_missing_above_a_home_is_made_for_root_and_the_home_for_the_user() {
        let Some(base) = base() else { return };
        let home = base.path().join("users/of/alice");
        assert!(open(&home, owner(ALICE), false).unwrap().is_none());
        for _ in 0..2 {
            assert!(open(&home, owner(ALICE), true).unwrap().is_some());
        }
        let found = fs::metadata(&home).unwrap();
        assert_eq!((found.uid(), found.gid()), (ALICE, ALICE));
        for above in home.ancestors().skip(1).take(2) {
            let found = fs::metadata(above).unwrap();
            assert_eq!((found.uid(), found.mode() & 0o022), (0, 0), "{above:?}");
        }
        // Where another user's home was made before, the next one is.
        let next = base.path().join("users/of/bob");
        assert!(open(&next, owner(MALLORY), true).unwrap().is_some());
    }

    #[test]
    fn nobody_elses_directories_and_links_are_gone_through() {
        let Some(base) = base() else { return };
        let base = base.path();
        let make = |name: &str, uid: u32, mode: u32| {
            let path = base.join(name);
            fs::create_dir(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            chown(&path, Some(uid), None).unwrap();
            path
        };
        let mallorys = make("mallorys", MALLORY, 0o755);
        let shared = make("shared", 0, 0o775);
        let sticky = make("sticky", 0, 0o1777);
        assert!(refusal(&mallorys.join("alice"), ALICE).contains("mallorys belongs to uid 23456"));
        assert!(refusal(&shared.join("alice"), ALICE).contains("shared has mode 0775"));
        assert!(!mallorys.join("alice").exists() && !shared.join("alice").exists());
        assert!(
            open(&sticky.join("alice"), owner(ALICE), true)
                .unwrap()
                .is_some()
        );

        // In a directory like /tmp anybody may have been first.
        let squatted = make("sticky/bob", MALLORY, 0o777);
        assert!(refusal(&squatted, ALICE).contains("belongs to uid 23456"));
        let link = |name: &str, target: &str, uid: u32| {
            let path = base.join(name);
            symlink(target, &path).unwrap();
            lchown(&path, Some(uid), None).unwrap();
            path
        };
        for uid in [MALLORY, ALICE] {
            let planted = link(&format!("sticky/planted{uid}"), "/", uid);
            assert!(refusal(&planted, ALICE).contains("is a symbolic link of uid"));
            assert!(refusal(&planted.join("etc"), ALICE).contains("is a symbolic link of uid"));
        }
    }

    #[test]
    fn links_of_root_are_followed_wherever_they_lead_and_what_they_lead_through_is_looked_at() {
        let Some(base) = base() else { return };
        let base = base.path();
        fs::create_dir_all(base.join("disk/homes/alice")).unwrap();
        symlink("disk/../disk/homes", base.join("relative")).unwrap();
        symlink(base.join("relative"), base.join("absolute")).unwrap();
        symlink(base.join("absolute/alice"), base.join("home")).unwrap();
        let inode = fs::metadata(base.join("disk/homes/alice")).unwrap().ino();
        for way in ["relative/alice", "absolute/./alice", "home"] {
            let fd = open(&base.join(way), owner(ALICE), false).unwrap().unwrap();
            assert_eq!(rustix::fs::fstat(&fd).unwrap().st_ino, inode, "{way}");
        }
        symlink("loop", base.join("loop")).unwrap();
        assert!(refusal(&base.join("loop/x"), ALICE).contains("too many symbolic links"));
        chown(base.join("disk"), Some(ALICE), None).unwrap();
        assert!(refusal(&base.join("home"), ALICE).contains("disk belongs to uid 12345"));
        fs::write(base.join("file"), "").unwrap();
        assert!(refusal(&base.join("file"), ALICE).contains("is not a directory"));
        assert!(refusal(&base.join("file/x"), ALICE).contains("is not a directory"));
    }
}
