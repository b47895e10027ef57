//! A server without a network: users, homes, sessions, and what the ledger says.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
};

use sftpgo_core::{
    ErrorKind, Result, StoredUser, UserDraft, VirtualPath,
    auth::{Authenticator, LoggedIn, StoredCredentials},
    event::{Event, Events, Observer, Protocol},
    filesystem::{FilesystemFactory, local::LocalHomes},
    provider::{QuotaLedger, Users},
    quota::{Tracking, UsageManager},
    quota_scan::QuotaScans,
    recovery,
    registry::Connections,
    session::{OpenRequest, Session, SetstatMode, UploadMode, UploadPolicy},
    transfer::Transfer,
    upload_cleanup::sweep_uploads,
};
use sftpgo_store::MemoryProvider;

pub(crate) struct World {
    directory: tempfile::TempDir,
    pub(crate) provider: Arc<MemoryProvider>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) authenticator: Authenticator,
    pub(crate) user: StoredUser,
    pub(crate) transfers: Transfers,
    pub(crate) quotas: Arc<UsageManager>,
    pub(crate) scans: Arc<QuotaScans>,
}

/// Remembers how transfers ended.
#[derive(Clone, Default)]
pub(crate) struct Transfers(pub(crate) Arc<Mutex<Vec<Option<String>>>>);

impl Observer for Transfers {
    fn notify(&self, event: &Event<'_>) {
        if let Event::Transfer { error, .. } = event {
            self.0.lock().unwrap().push(error.map(str::to_owned));
        }
    }
}

impl World {
    /// A world with one user, `bob`, who may do everything unless `change` says otherwise.
    pub(crate) fn new(change: impl FnOnce(&mut UserDraft)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut draft = UserDraft {
            username: "bob".into(),
            public_keys: vec![
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOnGqkYMKmoFXKHEYc4cX4Hl9WGJtKKGy2FUQbDGvYu9"
                    .into(),
            ],
            home_dir: directory.path().join("bob").to_string_lossy().into_owned(),
            permissions: vec!["*".into()],
            ..UserDraft::default()
        };
        change(&mut draft);
        let provider = Arc::new(MemoryProvider::default());
        let user = provider.add_user(&draft.validate(None).unwrap()).unwrap();
        Self::start(directory, provider, user)
    }

    fn start(
        directory: tempfile::TempDir,
        provider: Arc<MemoryProvider>,
        user: StoredUser,
    ) -> Self {
        let connections = Connections::new(Events::default());
        let quotas = UsageManager::new(provider.clone(), Tracking::All);
        let scans = QuotaScans::new(Arc::new(LocalHomes), quotas.clone());
        let authenticator = Authenticator::new(
            Arc::new(StoredCredentials::new(provider.clone(), false)),
            Arc::new(LocalHomes),
            connections.clone(),
            quotas.clone(),
        );
        Self {
            directory,
            provider,
            connections,
            authenticator,
            user,
            transfers: Transfers::default(),
            quotas,
            scans,
        }
    }

    /// What there would be if the server were killed now: its disk and its ledger, and nothing of its memory.
    pub(crate) fn killed(&self) -> Self {
        let directory = tempfile::tempdir().unwrap();
        if self.home().exists() {
            let copied = Command::new("cp")
                .arg("-a")
                .args([self.home(), directory.path().join("bob")])
                .status();
            assert!(copied.unwrap().success());
        }
        let provider = Arc::new(MemoryProvider::default());
        let mut user = self.user.clone();
        user.home_dir = directory.path().join("bob");
        let user = provider.add_user(&user).unwrap();
        provider
            .set_usage(user.id, self.provider.usage(self.user.id).unwrap())
            .unwrap();
        for dirty in self.provider.dirty_users().unwrap() {
            provider.set_dirty(dirty, true).unwrap();
        }
        Self::start(directory, provider, user)
    }

    /// What a server does when it starts; answers how many temporaries there were.
    pub(crate) fn tidy_up(&self) -> u64 {
        let dirty = self.quotas.left_dirty().unwrap();
        let counted = recovery::count_dirty(self.provider.as_ref(), &self.scans, &dirty);
        assert_eq!(counted, dirty.len());
        let homes: Arc<dyn FilesystemFactory> = Arc::new(LocalHomes);
        sweep_uploads(self.provider.as_ref(), &homes).unwrap()
    }

    pub(crate) fn log_in(&self) -> LoggedIn {
        let key =
            sftpgo_core::credential::public_key::AuthorizedKey::parse(&self.user.public_keys[0])
                .unwrap();
        self.authenticator
            .with_public_key("bob", key.blob())
            .unwrap()
    }

    pub(crate) fn session(&self, logged_in: &LoggedIn, mode: UploadMode) -> Session {
        self.session_with(logged_in, UploadPolicy { mode, sync: false })
    }

    pub(crate) fn session_with(&self, logged_in: &LoggedIn, uploads: UploadPolicy) -> Session {
        let remote = SocketAddr::from(([127, 0, 0, 1], 1));
        let connection = logged_in.login.start("bob", Protocol::Sftp, remote, "test");
        let events = Events::new(vec![Box::new(self.transfers.clone())]);
        Session::new(logged_in, connection, events, uploads)
    }

    pub(crate) fn session_that_sets(&self, logged_in: &LoggedIn, setstat: SetstatMode) -> Session {
        let remote = SocketAddr::from(([127, 0, 0, 1], 1));
        let connection = logged_in.login.start("bob", Protocol::Sftp, remote, "test");
        let uploads = UploadPolicy::default();
        Session::with_setstat_mode(logged_in, connection, Events::default(), uploads, setstat)
    }

    pub(crate) fn scan(&self) {
        self.scans.begin(self.user.clone()).unwrap().run().unwrap();
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.directory.path().join("bob")
    }

    /// Names in the home, hidden ones too.
    pub(crate) fn names(&self) -> usize {
        std::fs::read_dir(self.home()).unwrap().count()
    }

    /// Bytes and files as stored, and as counting the home by hand says.
    pub(crate) fn usage_and_rescan(&self) -> [(i64, i32); 2] {
        let stored = self.provider.usage(self.user.id).unwrap();
        let mut files = BTreeMap::new();
        count_files(&self.home(), &mut files);
        let bytes: u64 = files.values().sum();
        [
            (stored.size, stored.files),
            (bytes.try_into().unwrap(), files.len().try_into().unwrap()),
        ]
    }

    #[track_caller]
    pub(crate) fn assert_exact(&self) {
        let [stored, counted] = self.usage_and_rescan();
        assert_eq!(stored, counted, "stored usage and rescan");
    }
}

/// Sizes by inode; a way of its own, not the one that is tested.
fn count_files(directory: &Path, files: &mut BTreeMap<u64, u64>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let found = entry.metadata().unwrap();
        if found.is_dir() {
            count_files(&entry.path(), files);
        } else if found.is_file() && !entry.file_name().as_bytes().starts_with(b".sftpgo-upload.") {
            files.insert(found.ino(), found.len());
        }
    }
}

pub(crate) fn path(raw: &str) -> VirtualPath {
    VirtualPath::parse(raw.as_bytes()).unwrap()
}

/// A new file, or an old one written anew.
pub(crate) const NEW: OpenRequest = OpenRequest {
    read: false,
    write: true,
    append: false,
    create: true,
    truncate: true,
    exclusive: false,
    mode: None,
};

/// A file to read.
pub(crate) const READ: OpenRequest = OpenRequest {
    read: true,
    write: false,
    append: false,
    create: false,
    truncate: false,
    exclusive: false,
    mode: None,
};

pub(crate) fn put(session: &Session, name: &str, data: &[u8]) -> Result<()> {
    let mut upload = session.open(&path(name), &NEW)?;
    upload.write_at(data, 0)?;
    upload.finish()
}

/// A file that is there, or that is being uploaded.
pub(crate) const PART: OpenRequest = OpenRequest {
    create: false,
    truncate: false,
    ..NEW
};

/// A file that must not be there.
pub(crate) const LOCK: OpenRequest = OpenRequest {
    exclusive: true,
    truncate: false,
    ..NEW
};

/// Whatever is there, and more.
pub(crate) const APPEND: OpenRequest = OpenRequest {
    append: true,
    truncate: false,
    ..NEW
};

/// An upload of which `data` is there.
pub(crate) fn begin(session: &Session, name: &str, request: &OpenRequest, data: &[u8]) -> Transfer {
    let mut upload = session.open(&path(name), request).unwrap();
    upload.write_at(data, 0).unwrap();
    upload
}

pub(crate) fn kind<T>(result: Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}
