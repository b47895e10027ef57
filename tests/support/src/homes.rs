//! Homes that fail or hang when a test says so.

use sftpgo_core::{
    EffectiveUser, Result,
    filesystem::{Filesystem, FilesystemFactory, local::LocalHomes},
};
use tempfile::TempDir;

type Hook = dyn Fn(&EffectiveUser) -> Result<()> + Send + Sync;

/// Homes on the disk; a hook runs before one is opened, and its error is the home's.
pub struct HookedHomes {
    hook: Box<Hook>,
    directory: Option<TempDir>,
}

impl HookedHomes {
    /// Homes where the users have them.
    pub fn new(hook: impl Fn(&EffectiveUser) -> Result<()> + Send + Sync + 'static) -> Self {
        Self {
            hook: Box::new(hook),
            directory: None,
        }
    }

    /// One directory, which is the home of everybody.
    pub fn in_one_directory(
        hook: impl Fn(&EffectiveUser) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self {
            directory: Some(tempfile::tempdir().unwrap()),
            ..Self::new(hook)
        }
    }

    fn user(&self, user: &EffectiveUser) -> Result<EffectiveUser> {
        (self.hook)(user)?;
        let mut user = user.clone();
        if let Some(directory) = &self.directory {
            user.home_dir = directory.path().to_owned();
        }
        Ok(user)
    }
}

impl FilesystemFactory for HookedHomes {
    fn open_home(&self, user: &EffectiveUser) -> Result<Box<dyn Filesystem>> {
        LocalHomes::default().open_home(&self.user(user)?)
    }

    fn existing_home(&self, user: &EffectiveUser) -> Result<Option<Box<dyn Filesystem>>> {
        LocalHomes::default().existing_home(&self.user(user)?)
    }
}
