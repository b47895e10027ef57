//! One user, whose files are where a test says.

use std::{net::SocketAddr, sync::Arc};

use sftpgo_core::{
    ErrorKind, Result, StoredUser, UserDraft, VirtualPath,
    auth::{Authenticator, LoggedIn, StoredCredentials},
    event::{Events, Protocol},
    filesystem::{Capabilities, FilesystemFactory, local::LocalHomes},
    provider::{QuotaLedger, Users},
    quota::{Tracking, UsageManager},
    quota_scan::QuotaScans,
    registry::Connections,
    session::{OpenRequest, Session, UploadMode, UploadPolicy},
};
use sftpgo_store::MemoryProvider;

use crate::memory::MemoryHomes;

/// Where the files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    Local,
    Memory,
}

/// How uploads may be stored: promises are kept in each of these.
pub(crate) const POLICIES: [UploadPolicy; 3] = [
    UploadPolicy {
        mode: UploadMode::Standard,
        sync: false,
    },
    UploadPolicy {
        mode: UploadMode::Standard,
        sync: true,
    },
    UploadPolicy {
        mode: UploadMode::Atomic,
        sync: true,
    },
];

pub(crate) struct World {
    _home: tempfile::TempDir,
    provider: Arc<MemoryProvider>,
    authenticator: Authenticator,
    user: StoredUser,
    scans: Arc<QuotaScans>,
}

impl World {
    /// A world with one user, `bob`, who may do everything.
    pub(crate) fn new(storage: Storage) -> Self {
        Self::limited(storage, |_| {})
    }

    /// The same, with the limits that `change` sets.
    pub(crate) fn limited(storage: Storage, change: impl FnOnce(&mut UserDraft)) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut draft = UserDraft {
            username: "bob".into(),
            public_keys: vec![
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOnGqkYMKmoFXKHEYc4cX4Hl9WGJtKKGy2FUQbDGvYu9"
                    .into(),
            ],
            home_dir: home.path().join("bob").to_string_lossy().into_owned(),
            permissions: vec!["*".into()],
            ..UserDraft::default()
        };
        change(&mut draft);
        let provider = Arc::new(MemoryProvider::default());
        let user = provider.add_user(&draft.validate(None).unwrap()).unwrap();
        let homes: Arc<dyn FilesystemFactory> = match storage {
            Storage::Local => Arc::new(LocalHomes),
            Storage::Memory => Arc::new(MemoryHomes::default()),
        };
        let quotas = UsageManager::new(provider.clone(), Tracking::All);
        let scans = QuotaScans::new(homes.clone(), quotas.clone());
        let connections = Connections::new(Events::default());
        let authenticator = Authenticator::new(
            Arc::new(StoredCredentials::new(provider.clone(), false)),
            homes,
            connections,
            quotas,
        );
        Self {
            _home: home,
            provider,
            authenticator,
            user,
            scans,
        }
    }

    pub(crate) fn log_in(&self) -> LoggedIn {
        let key =
            sftpgo_core::credential::public_key::AuthorizedKey::parse(&self.user.public_keys[0])
                .unwrap();
        self.authenticator
            .with_public_key("bob", key.blob())
            .unwrap()
    }

    /// Bytes and files as the ledger has them.
    pub(crate) fn usage(&self) -> (i64, i32) {
        let stored = self.provider.usage(self.user.id).unwrap();
        (stored.size, stored.files)
    }

    pub(crate) fn rescan(&self) {
        self.scans.begin(self.user.clone()).unwrap().run().unwrap();
    }
}

pub(crate) fn session(logged_in: &LoggedIn, uploads: UploadPolicy) -> Session {
    let remote = SocketAddr::from(([127, 0, 0, 1], 1));
    let connection = logged_in.login.start("bob", Protocol::Sftp, remote, "test");
    Session::new(logged_in, connection, Events::default(), uploads)
}

/// A session that stores uploads under their names at once, and what its storage can do.
pub(crate) fn plain_session(world: &World) -> (Session, Capabilities) {
    let logged_in = world.log_in();
    let can = logged_in.filesystem.capabilities();
    (session(&logged_in, UploadPolicy::default()), can)
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
    create: false,
    truncate: false,
    ..NEW
};

/// A file that is there, to be written to.
pub(crate) const PART: OpenRequest = OpenRequest {
    create: false,
    truncate: false,
    ..NEW
};

pub(crate) fn put(session: &Session, name: &str, data: &[u8]) -> Result<()> {
    let mut upload = session.open(&path(name), &NEW)?;
    upload.write_at(data, 0)?;
    upload.finish()
}

pub(crate) fn get(session: &Session, name: &str) -> Result<Vec<u8>> {
    let mut download = session.open(&path(name), &READ)?;
    let mut content = Vec::new();
    let mut piece = [0; 7];
    loop {
        match download.read_at(&mut piece, content.len() as u64)? {
            0 => break,
            read => content.extend_from_slice(&piece[..read]),
        }
    }
    download.finish()?;
    Ok(content)
}

/// The names in a directory, in order.
pub(crate) fn names(session: &Session, directory: &str) -> Result<Vec<String>> {
    let mut listing = session.open_dir(&path(directory))?;
    let mut names = Vec::new();
    while let Some(entry) = listing.next_entry()? {
        names.push(String::from_utf8(entry.name).unwrap());
    }
    names.retain(|name| name != "." && name != "..");
    names.sort();
    Ok(names)
}

pub(crate) fn kind<T>(result: Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}
