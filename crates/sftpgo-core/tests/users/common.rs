//! What the tests of login, accounts and quota share.

use std::sync::{Arc, Mutex};

use base64::{Engine, engine::general_purpose::STANDARD};
use sftpgo_core::{
    EffectiveUser, Provider, Result, StoredUser, UserDraft,
    event::{Event, Events, Observer},
    filesystem::{Filesystem, FilesystemFactory, local::LocalHomes},
};
use sftpgo_store::MemoryProvider;

/// An authorized_keys line.
pub(crate) const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMFsrbbCYkKkrwB/cVk5Nclcz/oo3KS7aBKJAfjMsXUH";
/// Another one.
pub(crate) const OTHER_KEY: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBLW0feGJCM8Dhnu/HswL2wENz36t0aO3P//evU1C9JCE0jjNRhIyxawDL4JS938ySi+pc4R51BFoMeQPrGbyFhI=";
/// Hashes of `secret` that are cheap to check: argon2id, and bcrypt.
pub(crate) const ARGON2ID: &str =
    "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$+c6q23sQwLpOH1shdbgrn6Ho39DyRbsdY34ab5ZO+fs";
pub(crate) const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

/// The key of such a line, as on the wire.
pub(crate) fn blob(line: &str) -> Vec<u8> {
    STANDARD.decode(line.split(' ').nth(1).unwrap()).unwrap()
}

/// Who may list, with the password `secret` and the key [`KEY`].
pub(crate) fn draft(username: &str) -> UserDraft {
    UserDraft {
        username: username.to_owned(),
        password: Some(ARGON2ID.to_owned()),
        public_keys: vec![KEY.to_owned()],
        home_dir: "/nonexistent/home".to_owned(),
        permissions: vec!["list".to_owned()],
        ..UserDraft::default()
    }
}

/// Stores what `change` makes of [`draft`].
pub(crate) fn add(
    provider: &dyn Provider,
    username: &str,
    change: impl FnOnce(&mut UserDraft),
) -> StoredUser {
    let mut draft = draft(username);
    change(&mut draft);
    provider.add_user(&draft.validate(None).unwrap()).unwrap()
}

/// Homes that run something when one is opened, and are one directory for everybody.
pub(crate) struct Hooked {
    directory: tempfile::TempDir,
    hook: Mutex<Box<dyn FnMut() -> Result<()> + Send>>,
}

impl Hooked {
    pub(crate) fn new(hook: impl FnMut() -> Result<()> + Send + 'static) -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            hook: Mutex::new(Box::new(hook)),
        }
    }
}

impl FilesystemFactory for Hooked {
    fn open_home(&self, user: &EffectiveUser) -> Result<Box<dyn Filesystem>> {
        (self.hook.lock().unwrap())()?;
        LocalHomes.open_home(&EffectiveUser {
            home_dir: self.directory.path().to_owned(),
            ..user.clone()
        })
    }

    fn existing_home(&self, user: &EffectiveUser) -> Result<Option<Box<dyn Filesystem>>> {
        LocalHomes.existing_home(user)
    }
}

/// Remembers changes of users as `Add bob`.
#[derive(Clone, Default)]
pub(crate) struct Changes(Arc<Mutex<Vec<String>>>);

impl Changes {
    pub(crate) fn events(&self) -> Events {
        Events::new(vec![Box::new(self.clone())])
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observer for Changes {
    fn notify(&self, event: &Event<'_>) {
        if let Event::User { change, user } = event {
            let line = format!("{change:?} {}", user.username);
            self.0.lock().unwrap().push(line);
        }
    }
}

/// A provider without users.
pub(crate) fn empty() -> Arc<MemoryProvider> {
    Arc::new(MemoryProvider::new())
}
