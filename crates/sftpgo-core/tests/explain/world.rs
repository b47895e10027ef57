//! A user with a home full of things.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, File},
    io::Write,
    net::SocketAddr,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::fs::{CWD, FileType};
use sftpgo_core::{
    Permissions, Rule, StoredUser, UserDraft,
    auth::{Authenticator, StoredCredentials},
    credential::public_key::AuthorizedKey,
    event::{Events, Protocol},
    explain::{Explainer, Question, Verdict},
    filesystem::local::LocalHomes,
    provider::{QuotaLedger, Users},
    quota::{Tracking, UsageManager},
    quota_scan::QuotaScans,
    registry::Connections,
    session::{Session, UploadMode, UploadPolicy},
    user::now_ms,
};
use sftpgo_store::MemoryProvider;

use crate::real;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOnGqkYMKmoFXKHEYc4cX4Hl9WGJtKKGy2FUQbDGvYu9";

/// Where things can be, parents first.
pub(crate) const PLACES: [&[u8]; 14] = [
    b"a",
    b"b",
    b"c",
    b"a/x",
    b"a/y",
    b"a/d",
    b"a/d/z",
    b"b/x",
    b"b/d",
    b"b/d/e",
    b"c/x",
    b"\xff\xfe",
    b".sftpgo-upload.1",
    b"a/.sftpgo-upload.2",
];

#[derive(Debug, Clone)]
pub(crate) enum Thing {
    Nothing,
    File(usize),
    Directory,
    Link(&'static [u8]),
    Pipe,
    SecondName(&'static str),
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) permissions: Permissions,
    pub(crate) enabled: bool,
    pub(crate) expiration_date: i64,
    pub(crate) quota_files: i64,
    pub(crate) quota_size: i64,
    pub(crate) mode: UploadMode,
    pub(crate) has_home: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            permissions: Permissions::all(),
            enabled: true,
            expiration_date: 0,
            quota_files: 0,
            quota_size: 0,
            mode: UploadMode::Standard,
            has_home: true,
        }
    }
}

pub(crate) struct World {
    directory: tempfile::TempDir,
    provider: Arc<MemoryProvider>,
    authenticator: Authenticator,
    explainer: Explainer,
    user: StoredUser,
    uploads: UploadPolicy,
}

impl World {
    /// Things at [`PLACES`], where their parents let them; the stored usage is what a scan counts.
    pub(crate) fn new(settings: &Settings, things: &[Thing]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("outside")).unwrap();
        let home = directory.path().join("bob");
        if settings.has_home {
            fs::create_dir(&home).unwrap();
            for (place, thing) in PLACES.into_iter().zip(things) {
                put(&home, place, thing);
            }
        }
        let draft = UserDraft {
            username: "bob".into(),
            public_keys: vec![KEY.into()],
            home_dir: home.to_string_lossy().into_owned(),
            status: i64::from(settings.enabled),
            expiration_date: settings.expiration_date,
            quota_files: settings.quota_files,
            quota_size: settings.quota_size,
            permissions: settings
                .permissions
                .names_on_wire()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            ..UserDraft::default()
        };
        let provider = Arc::new(MemoryProvider::default());
        let user = provider.add_user(&draft.validate(None).unwrap()).unwrap();
        let homes = Arc::new(LocalHomes);
        let quotas = UsageManager::new(provider.clone(), Tracking::All);
        let scans = QuotaScans::new(homes.clone(), quotas.clone());
        scans.begin(user.clone()).unwrap().run().unwrap();
        let uploads = UploadPolicy {
            mode: settings.mode,
            sync: false,
        };
        Self {
            explainer: Explainer::new(homes.clone(), quotas.clone(), uploads),
            authenticator: Authenticator::new(
                Arc::new(StoredCredentials::new(provider.clone(), false)),
                homes,
                Connections::new(Events::default()),
                quotas,
            ),
            directory,
            provider,
            user,
            uploads,
        }
    }

    pub(crate) fn explain(&self, question: &Question) -> Verdict {
        let stored = self.provider.user_by_id(self.user.id).unwrap().unwrap();
        self.explainer.explain(&stored, question).unwrap()
    }

    /// Does it, and says which rule refused it; none where that was the disk's.
    pub(crate) fn attempt(&self, question: &Question) -> Result<(), Option<Rule>> {
        let key = AuthorizedKey::parse(KEY).unwrap();
        let logged_in = self
            .authenticator
            .with_public_key("bob", key.blob())
            .map_err(|_| {
                let refused = self.user.check_may_log_in(now_ms()).err();
                refused.map_or(Some(Rule::HomeUnusable), |error| error.rule())
            })?;
        let remote = SocketAddr::from(([127, 0, 0, 1], 1));
        let connection = logged_in.login.start("bob", Protocol::Sftp, remote, "test");
        let session = Session::new(&logged_in, connection, Events::default(), self.uploads);
        real::attempt(&session, question).map_err(|error| error.rule())
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.directory.path().join("bob")
    }

    /// All that an explanation must leave as it is.
    pub(crate) fn snapshot(&self) -> (BTreeMap<PathBuf, String>, (i64, i32)) {
        let mut found = BTreeMap::new();
        walk(self.directory.path(), &mut found);
        let usage = self.provider.usage(self.user.id).unwrap();
        (found, (usage.size, usage.files))
    }
}

fn put(home: &Path, place: &[u8], thing: &Thing) {
    let path = home.join(OsStr::from_bytes(place));
    // What cannot be there, because of what its parent came to be, is not.
    let _ = match thing {
        Thing::Nothing => Ok(()),
        // Never what is there already, which may be a pipe behind a link.
        Thing::File(size) => {
            File::create_new(path).and_then(|mut file| file.write_all(&vec![b'f'; *size]))
        }
        Thing::Directory => fs::create_dir(path),
        Thing::Link(target) => std::os::unix::fs::symlink(OsStr::from_bytes(target), path),
        Thing::Pipe => {
            let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
            rustix::fs::mknodat(CWD, path, FileType::Fifo, mode, 0).map_err(Into::into)
        }
        Thing::SecondName(first) => fs::hard_link(home.join(&first[1..]), path),
    };
}

fn walk(directory: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let seen = format!(
            "{} {:o} {} {}.{} {}.{} {:?}",
            metadata.ino(),
            metadata.mode(),
            metadata.size(),
            metadata.mtime(),
            metadata.mtime_nsec(),
            metadata.ctime(),
            metadata.ctime_nsec(),
            fs::read_link(&path).ok(),
        );
        if metadata.is_dir() {
            walk(&path, found);
        }
        found.insert(path, seen);
    }
}
