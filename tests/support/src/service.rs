//! The parts of core that a server is composed of, without a network.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use sftpgo_core::{
    Provider, StoredUser, UserDraft,
    accounts::Accounts,
    auth::{Authenticator, CredentialBackend, LoggedIn, Logins, PasswordLimits, StoredCredentials},
    event::{Events, Observer, Protocol},
    explain::Explainer,
    filesystem::{FilesystemFactory, local::LocalHomes},
    quota::{Tracking, UsageManager},
    quota_scan::QuotaScans,
    registry::{ConnectionGuard, Connections},
    session::{Session, UploadMode, UploadPolicy},
};
use sftpgo_store::MemoryProvider;
use tempfile::TempDir;

use crate::{
    recorder::Recorder,
    users::{self, KEY, key_blob},
};

/// What a test may choose of a [`Service`].
pub struct Settings {
    /// Where users and usage are stored.
    pub provider: Arc<dyn Provider>,
    /// Where files are.
    pub homes: Arc<dyn FilesystemFactory>,
    /// Whose usage is tracked.
    pub tracking: Tracking,
    /// Who is told of events besides the recorder.
    pub observers: Vec<Box<dyn Observer>>,
    /// May users be changed?
    pub manage_users: bool,
    /// Where homes are that are not named.
    pub users_base_dir: Option<PathBuf>,
    /// Who is asked whether a credential is good; the provider, where this is none.
    pub credentials: Option<Arc<dyn CredentialBackend>>,
}

impl Default for Settings {
    /// Users in memory, whose homes are on the disk, and who are all tracked.
    fn default() -> Self {
        Self {
            provider: Arc::new(MemoryProvider::new()),
            homes: Arc::new(LocalHomes::default()),
            tracking: Tracking::All,
            observers: Vec::new(),
            manage_users: true,
            users_base_dir: None,
            credentials: None,
        }
    }
}

/// A server without a network. What names no user is about `bob`.
pub struct Service {
    directory: TempDir,
    /// Where users and usage are stored.
    pub provider: Arc<dyn Provider>,
    /// Where files are.
    pub homes: Arc<dyn FilesystemFactory>,
    /// Who is logged in.
    pub connections: Arc<Connections>,
    /// The usage of users with sessions.
    pub usage: Arc<UsageManager>,
    /// Rescans.
    pub scans: Arc<QuotaScans>,
    /// Logins.
    pub authenticator: Arc<Authenticator>,
    /// Management of users.
    pub accounts: Arc<Accounts>,
    /// Tells the recorder, and the observers of the settings.
    pub events: Events,
    /// What was told.
    pub recorder: Recorder,
}

impl Service {
    /// A server without users.
    pub fn new(settings: Settings) -> Self {
        let recorder = Recorder::default();
        let mut observers = settings.observers;
        observers.push(Box::new(recorder.clone()));
        let events = Events::new(observers);
        let Settings {
            provider, homes, ..
        } = settings;
        let connections = Connections::new(events.clone());
        let usage = UsageManager::new(Arc::clone(&provider), settings.tracking);
        let credentials = settings
            .credentials
            .unwrap_or_else(|| Arc::new(StoredCredentials::new(Arc::clone(&provider), false)));
        Self {
            directory: tempfile::tempdir().unwrap(),
            scans: QuotaScans::new(Arc::clone(&homes), Arc::clone(&usage)),
            authenticator: Arc::new(Authenticator::new(
                credentials,
                Arc::clone(&homes),
                Arc::clone(&connections),
                Arc::clone(&usage),
            )),
            accounts: Arc::new(Accounts::new(
                Arc::clone(&provider),
                Arc::clone(&connections),
                Arc::clone(&usage),
                events.clone(),
                settings.manage_users,
                settings.users_base_dir,
            )),
            provider,
            homes,
            connections,
            usage,
            events,
            recorder,
        }
    }

    /// A server with `bob`, as `change` makes him of who may do everything.
    pub fn with_bob(change: impl FnOnce(&mut UserDraft)) -> Self {
        Self::with_settings_and_bob(Settings::default(), change)
    }

    /// The same with other settings.
    pub fn with_settings_and_bob(settings: Settings, change: impl FnOnce(&mut UserDraft)) -> Self {
        let service = Self::new(settings);
        users::add(service.provider.as_ref(), "bob", |draft| {
            draft.home_dir = service.home().to_str().unwrap().to_owned();
            draft.permissions = vec!["*".to_owned()];
            change(draft);
        });
        service
    }

    /// A directory that goes with the server, and has all homes in it.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The home of `bob`. It is there after the first login.
    pub fn home(&self) -> PathBuf {
        self.directory().join("bob")
    }

    /// A path in the home, on the disk.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home().join(name)
    }

    /// `bob`, as he is stored.
    pub fn bob(&self) -> StoredUser {
        self.provider.user_by_name("bob").unwrap().unwrap()
    }

    /// A login of `bob` with a key.
    pub fn log_in(&self) -> LoggedIn {
        self.authenticator
            .with_public_key("bob", &key_blob(KEY))
            .unwrap()
    }

    /// Logins by any protocol, with threads that verify passwords.
    pub fn logins(&self) -> Logins {
        let authenticator = Arc::clone(&self.authenticator);
        Logins::new(
            authenticator,
            self.events.clone(),
            PasswordLimits::default(),
        )
        .unwrap()
    }

    /// What lists a session of `bob` until it is dropped.
    pub fn list(&self, logged_in: &LoggedIn, protocol: Protocol) -> ConnectionGuard {
        logged_in
            .login
            .start("bob", protocol, client_address(), "test")
    }

    /// A session of `bob` by SFTP.
    pub fn session(&self, logged_in: &LoggedIn, mode: UploadMode) -> Session {
        self.session_with(logged_in, UploadPolicy { mode, sync: false })
    }

    /// The same with another policy of uploads.
    pub fn session_with(&self, logged_in: &LoggedIn, uploads: UploadPolicy) -> Session {
        let listed = self.list(logged_in, Protocol::Sftp);
        Session::new(logged_in, listed, self.events.clone(), uploads)
    }

    /// Explains what this server would do with uploads of this policy.
    pub fn explainer(&self, uploads: UploadPolicy) -> Explainer {
        Explainer::new(Arc::clone(&self.homes), Arc::clone(&self.usage), uploads)
    }

    /// Rescans the home.
    pub fn rescan(&self) {
        self.scans.begin(self.bob()).unwrap().run().unwrap();
    }

    /// The names in the home, hidden ones too.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.home())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Bytes and files as stored.
    pub fn stored_usage(&self) -> (i64, i32) {
        let usage = self.provider.usage(self.bob().id).unwrap();
        (usage.size, usage.files)
    }

    /// Bytes and files as they are in the home, without what is being uploaded under a hidden name: counted in a way of
    /// its own, not the one that is tested.
    pub fn usage_on_disk(&self) -> (i64, i32) {
        let mut sizes = BTreeMap::new();
        count_files(&self.home(), &mut sizes);
        let size: u64 = sizes.values().sum();
        (size.try_into().unwrap(), sizes.len().try_into().unwrap())
    }

    /// What is stored is what is there.
    #[track_caller]
    pub fn assert_exact(&self) {
        assert_eq!(
            self.stored_usage(),
            self.usage_on_disk(),
            "stored usage and files"
        );
    }
}

/// Where clients without a network come from.
pub fn client_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 1))
}

/// Sizes by inode.
fn count_files(directory: &Path, sizes: &mut BTreeMap<u64, u64>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let found = entry.metadata().unwrap();
        let is_upload = entry.file_name().as_bytes().starts_with(b".sftpgo-upload.");
        if found.is_dir() {
            count_files(&entry.path(), sizes);
        } else if found.is_file() && !is_upload {
            sizes.insert(found.ino(), found.len());
        }
    }
}
