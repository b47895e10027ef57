use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
};

use sftpgo_core::{
    auth::LoggedIn,
    event::Protocol,
    session::{Session, UploadMode, UploadPolicy},
    storage_usage::Usage,
};
use sftpgo_test_support::Service;

/// What lies beside the home and no client may read.
const SECRET: &[u8] = b"5d7f0c1e-beside-the-home";

/// Small, so that no input fills a disk, and inputs reach it.
const QUOTA_SIZE: u64 = 1 << 20;
const QUOTA_FILES: u32 = 12;

/// The small home of a user who is logged in.
pub(crate) struct Home {
    service: Service,
    uploads: UploadPolicy,
    logged_in: LoggedIn,
    /// The files of a user who may not change them.
    unchangeable: Option<BTreeMap<PathBuf, Found>>,
}

/// A file, directory or link; what reading it changes is not part of it.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    mode: u32,
    inode: u64,
    modified: (i64, i64),
    content: Vec<u8>,
}

impl Home {
    /// The lowest bits of `shape` choose an upload mode, and whether the user may do everything or only read.
    pub(crate) fn new(shape: u8) -> Self {
        let reads_only = shape & 4 != 0;
        let service = Service::with_bob(|draft| {
            if reads_only {
                draft.permissions = vec!["list".into(), "download".into()];
            }
            draft.quota_size = i64::try_from(QUOTA_SIZE).unwrap();
            draft.quota_files = i64::from(QUOTA_FILES);
        });
        furnish(&service);
        let (size, files) = service.usage_on_disk();
        let usage = Usage {
            size,
            files,
            updated_at: 0,
        };
        service.provider.set_usage(service.bob().id, usage).unwrap();
        let mode = match shape & 3 {
            0 | 1 => UploadMode::Standard,
            2 => UploadMode::Atomic,
            _ => UploadMode::AtomicWithResume,
        };
        Self {
            unchangeable: reads_only.then(|| found(&service.home())),
            uploads: UploadPolicy { mode, sync: false },
            logged_in: service.log_in(),
            service,
        }
    }

    /// One of the user's sessions.
    pub(crate) fn session(&self, protocol: Protocol) -> Session {
        let listed = self.service.list(&self.logged_in, protocol);
        let events = self.service.events.clone();
        Session::new(&self.logged_in, listed, events, self.uploads)
    }

    /// What has to hold when all sessions have ended, however they did.
    pub(crate) fn check(self) {
        drop(self.logged_in);
        let outside = self.service.directory();
        assert_eq!(names(outside), ["beside", "bob"]);
        assert_eq!(names(&outside.join("beside")), ["secret"]);
        assert_eq!(fs::read(outside.join("beside/secret")).unwrap(), SECRET);
        let home = self.service.home();
        make_reachable(&home);
        walk(&home, &mut |path, _| {
            let name = path.file_name().unwrap_or_default().as_bytes();
            assert!(!name.starts_with(b".sftpgo-upload."), "left over: {path:?}");
        });
        self.service.assert_exact();
        let stored = self.service.stored_usage();
        assert!(stored.0.unsigned_abs() <= QUOTA_SIZE);
        assert!(stored.1.unsigned_abs() <= QUOTA_FILES);
        if let Some(unchangeable) = self.unchangeable {
            assert_eq!(found(&home), unchangeable);
        }
    }
}

/// Nothing a client is sent comes from outside its home.
pub(crate) fn assert_no_secret(sent: &[u8]) {
    let is_secret = |window| window == SECRET;
    assert!(
        !sent.windows(SECRET.len()).any(is_secret),
        "read outside the home"
    );
}

fn furnish(service: &Service) {
    let (directory, home) = (service.directory(), service.home());
    for name in ["beside", "bob", "bob/d", "bob/d/e"] {
        fs::create_dir(directory.join(name)).unwrap();
    }
    fs::write(directory.join("beside/secret"), SECRET).unwrap();
    for (name, content) in [
        ("f", "hello\n"),
        ("a.txt", "a"),
        ("[b].txt", ""),
        (".hidden", "h"),
        ("d/g", "inner"),
    ] {
        fs::write(home.join(name), content).unwrap();
    }
    for (target, link) in [
        ("f", "link"),
        (".", "loop"),
        ("../beside", "out"),
        ("../beside/secret", "d/out"),
        ("/etc/passwd", "absolute"),
    ] {
        symlink(target, home.join(link)).unwrap();
    }
}

/// As a client may have left them, only root could read some directories.
fn make_reachable(directory: &Path) {
    fs::set_permissions(directory, Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            make_reachable(&entry.path());
        }
    }
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn found(home: &Path) -> BTreeMap<PathBuf, Found> {
    let mut all = BTreeMap::new();
    walk(home, &mut |path, metadata| {
        let content = if metadata.is_file() {
            fs::read(path).unwrap()
        } else if metadata.is_symlink() {
            fs::read_link(path).unwrap().as_os_str().as_bytes().to_vec()
        } else {
            Vec::new()
        };
        let found = Found {
            // That of directories is changed to look at them.
            mode: if metadata.is_dir() {
                0
            } else {
                metadata.mode()
            },
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            content,
        };
        all.insert(path.to_owned(), found);
    });
    all
}

fn walk(directory: &Path, see: &mut impl FnMut(&Path, &fs::Metadata)) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        see(&entry.path(), &metadata);
        if metadata.is_dir() {
            walk(&entry.path(), see);
        }
    }
}
