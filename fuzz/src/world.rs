use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    net::SocketAddr,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
    sync::Arc,
};

use sftpgo_core::{
    UserDraft, UserId,
    auth::{Authenticator, LoggedIn, StoredCredentials},
    credential::public_key::AuthorizedKey,
    event::{Events, Protocol},
    filesystem::local::LocalHomes,
    provider::{QuotaLedger, Users},
    quota::{Tracking, UsageManager},
    registry::Connections,
    session::{Session, UploadMode, UploadPolicy},
    storage_usage::Usage,
};
use sftpgo_store::MemoryProvider;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOnGqkYMKmoFXKHEYc4cX4Hl9WGJtKKGy2FUQbDGvYu9";

/// What lies beside the home and no client may read.
const SECRET: &[u8] = b"5d7f0c1e-beside-the-home";

/// Small, so that no input fills a disk, and inputs reach it.
const QUOTA_SIZE: u64 = 1 << 20;
const QUOTA_FILES: u32 = 12;

/// A user with a small home and a session in it.
pub(crate) struct World {
    directory: tempfile::TempDir,
    provider: Arc<MemoryProvider>,
    user: UserId,
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

impl World {
    /// The lowest bits of `shape` choose an upload mode, and whether the user may do everything or only read.
    pub(crate) fn new(shape: u8) -> Self {
        let directory = tempfile::tempdir().unwrap();
        furnish(directory.path());
        let home = directory.path().join("home");
        let reads_only = shape & 4 != 0;
        let provider = Arc::new(MemoryProvider::default());
        let draft = UserDraft {
            username: "bob".into(),
            public_keys: vec![KEY.into()],
            home_dir: home.to_string_lossy().into_owned(),
            permissions: match reads_only {
                true => vec!["list".into(), "download".into()],
                false => vec!["*".into()],
            },
            quota_size: i64::try_from(QUOTA_SIZE).unwrap(),
            quota_files: i64::from(QUOTA_FILES),
            ..UserDraft::default()
        };
        let user = provider.add_user(&draft.validate(None).unwrap()).unwrap();
        provider.set_usage(user.id, usage_of(&home)).unwrap();
        let logged_in = Authenticator::new(
            Arc::new(StoredCredentials::new(provider.clone(), false)),
            Arc::new(LocalHomes),
            Connections::new(Events::default()),
            UsageManager::new(provider.clone(), Tracking::All),
        )
        .with_public_key("bob", AuthorizedKey::parse(KEY).unwrap().blob())
        .unwrap();
        Self {
            unchangeable: reads_only.then(|| found(&home)),
            directory,
            provider,
            user: user.id,
            uploads: UploadPolicy {
                mode: match shape & 3 {
                    0 | 1 => UploadMode::Standard,
                    2 => UploadMode::Atomic,
                    _ => UploadMode::AtomicWithResume,
                },
                sync: false,
            },
            logged_in,
        }
    }

    /// One of the user's sessions.
    pub(crate) fn session(&self, protocol: Protocol) -> Session {
        let remote = SocketAddr::from(([127, 0, 0, 1], 1));
        let listed = self.logged_in.login.start("bob", protocol, remote, "fuzz");
        Session::new(&self.logged_in, listed, Events::default(), self.uploads)
    }

    /// What has to hold when all sessions have ended, however they did.
    pub(crate) fn check(self) {
        drop(self.logged_in);
        let outside = self.directory.path();
        assert_eq!(names(outside), ["beside", "home"]);
        assert_eq!(names(&outside.join("beside")), ["secret"]);
        assert_eq!(fs::read(outside.join("beside/secret")).unwrap(), SECRET);

        let home = outside.join("home");
        make_reachable(&home);
        let stored = self.provider.usage(self.user).unwrap();
        let counted = usage_of(&home);
        assert_eq!((stored.size, stored.files), (counted.size, counted.files));
        assert!(stored.size.unsigned_abs() <= QUOTA_SIZE);
        assert!(stored.files.unsigned_abs() <= QUOTA_FILES);
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

fn furnish(directory: &Path) {
    let home = directory.join("home");
    for name in ["beside", "home", "home/d", "home/d/e"] {
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

/// Bytes and files below `home`, counted by inode, in a way of its own.
fn usage_of(home: &Path) -> Usage {
    let mut sizes = BTreeMap::new();
    walk(home, &mut |path, metadata| {
        let name = path.file_name().unwrap_or_default();
        assert!(
            !name.as_bytes().starts_with(b".sftpgo-upload."),
            "left over: {name:?}"
        );
        if metadata.is_file() {
            sizes.insert(metadata.ino(), metadata.len());
        }
    });
    Usage {
        size: i64::try_from(sizes.values().sum::<u64>()).unwrap(),
        files: i32::try_from(sizes.len()).unwrap(),
        updated_at: 0,
    }
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
