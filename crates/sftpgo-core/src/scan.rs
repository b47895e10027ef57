//! Quota scans: count a user's files and replace the stored figures, one scan a user at a time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::Homes,
    quota::{QuotaBook, Tracking},
    user::{Usage, User, now_ms},
};

/// All scans of one server.
pub struct QuotaScans {
    homes: Arc<dyn Homes>,
    quotas: Arc<QuotaBook>,
    running: Mutex<HashMap<String, i64>>,
}

/// A scan that is listed as running until it is dropped.
pub struct QuotaScan {
    scans: Arc<QuotaScans>,
    user: User,
}

impl QuotaScans {
    /// No scan yet.
    pub fn new(homes: Arc<dyn Homes>, quotas: Arc<QuotaBook>) -> Arc<Self> {
        Arc::new(Self {
            homes,
            quotas,
            running: Mutex::default(),
        })
    }

    /// Usernames being scanned and since when (Unix milliseconds), by name.
    pub fn list(&self) -> Vec<(String, i64)> {
        let mut running: Vec<_> = self
            .lock()
            .iter()
            .map(|(name, since)| (name.clone(), *since))
            .collect();
        running.sort();
        running
    }

    /// Registers a scan; [`QuotaScan::run`] does it.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) when tracking is off, [`Conflict`](ErrorKind::Conflict) when
    /// the user is being scanned already.
    pub fn begin(self: &Arc<Self>, user: User) -> Result<QuotaScan> {
        if self.quotas.tracking() == Tracking::Off {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "quota tracking is switched off (data_provider.track_quota is 0)",
            ));
        }
        let mut running = self.lock();
        if running.contains_key(&user.username) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "Another scan is already in progress",
            ));
        }
        running.insert(user.username.clone(), now_ms());
        Ok(QuotaScan {
            scans: Arc::clone(self),
            user,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl QuotaScan {
    /// Counts and stores. Blocks for as long as walking the home takes.
    ///
    /// # Errors
    /// What the home or the ledger says; the stored figures are then as before.
    pub fn run(self) -> Result<()> {
        let home = self.scans.homes.existing_home(&self.user)?;
        let usage = home.map_or_else(|| Ok(Usage::default()), |home| home.usage())?;
        self.scans
            .quotas
            .replace(self.user.id, usage.size, usage.files)
    }
}

impl Drop for QuotaScan {
    fn drop(&mut self) {
        self.scans.lock().remove(&self.user.username);
    }
}
